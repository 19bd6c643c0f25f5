// The server's own tools, by JSON-RPC to /mcp: the stateless requests of MCP 2026-07-28.

import { token } from "./token.js";

const VERSION = "2026-07-28";
const META = {
  "io.modelcontextprotocol/protocolVersion": VERSION,
  "io.modelcontextprotocol/clientInfo": { name: "omni-page", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {
    extensions: { "io.modelcontextprotocol/ui": { mimeTypes: ["text/html;profile=mcp-app"] } },
  },
};

let last = 0;

/** Sent to the document when the token is no longer the server's. */
export const REFUSED = "omni-refused";

export class Refused extends Error {}
export class Unreachable extends Error {}

export function authorised(headers = {}) {
  const known = token();
  return known ? { ...headers, Authorization: `Bearer ${known}` } : headers;
}

export async function httpRequest(method, params, { signal } = {}) {
  const headers = authorised({
    "Content-Type": "application/json",
    Accept: "application/json, text/event-stream",
    "MCP-Protocol-Version": VERSION,
    "Mcp-Method": method,
    "Mcp-Name": params.name ?? params.uri,
  });
  const body = JSON.stringify({ jsonrpc: "2.0", id: ++last, method, params: { _meta: META, ...params } });
  let answer;
  try {
    answer = await fetch("/mcp", { method: "POST", headers, body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Unreachable("The server does not answer. Is it still running?");
  }
  const text = await answer.text();
  if (answer.status === 401) {
    document.dispatchEvent(new CustomEvent(REFUSED));
    throw new Refused(text.trim());
  }
  const reply = parsed(text);
  if (reply?.error) throw new Error(reply.error.message);
  if (!reply) throw new Unreachable(`The server answered ${answer.status}: ${text.trim().slice(0, 200)}`);
  return reply.result;
}

/** The JSON-RPC answer of a body that is JSON, or events of which the last is the answer. */
function parsed(text) {
  const bodies = text.startsWith("{")
    ? [text]
    : text.split(/\r?\n/).filter((line) => line.startsWith("data:")).map((line) => line.slice(5));
  for (const body of bodies.reverse()) {
    try {
      const message = JSON.parse(body);
      if ("result" in message || "error" in message) return message;
    } catch {
      continue; // not an answer: a keep-alive, or a body that is no JSON-RPC at all
    }
  }
  return null;
}
