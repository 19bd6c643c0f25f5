// One upload, by tus 1.0. The only module that knows how files reach the server.

import { authorised, Refused } from "./http_link.js";

const TUS = { "Tus-Resumable": "1.0.0" };
/** Milliseconds to wait after a line that broke; each progress begins them anew. */
const PAUSES_MS = [1000, 2000, 5000, 10000, 20000, 30000];

/** Sends a file; `tell` hears the share that is sent, 0 to 1. Resolves to what ingest takes. */
export async function upload(file, tell, signal) {
  const address = await begin(file, signal);
  await resumed(address, file, tell, signal);
  return address.split("/").at(-1);
}

/** The address of a new upload. */
async function begin(file, signal) {
  const name = btoa(String.fromCharCode(...new TextEncoder().encode(file.name)));
  const headers = authorised({ ...TUS, "Upload-Length": file.size, "Upload-Metadata": `filename ${name}` });
  const answer = await fetch("/uploads", { method: "POST", headers, signal });
  if (!answer.ok) throw refusal(answer.status, await answer.text());
  return new URL(answer.headers.get("Location"), location.origin).pathname;
}

async function resumed(address, file, tell, signal) {
  let offset = 0;
  let failures = 0;
  while (offset < file.size) {
    try {
      const headers = { ...TUS, "Content-Type": "application/offset+octet-stream", "Upload-Offset": offset };
      const from = offset;
      const share = (part) => tell((from + part * (file.size - from)) / file.size);
      const answer = await transmit("PATCH", address, headers, file.slice(offset), share, signal);
      offset = Number(answer.getResponseHeader("Upload-Offset"));
      failures = 0;
    } catch (error) {
      if (error.name === "AbortError" || error.final || failures === PAUSES_MS.length) throw error;
      await new Promise((resume) => setTimeout(resume, PAUSES_MS[failures++]));
      const known = await held(address, signal);
      if (known > offset) failures = 0;
      offset = known ?? offset;
    }
  }
}

/** How many bytes the server has; null while it cannot be asked. */
async function held(address, signal) {
  try {
    const answer = await fetch(address, { method: "HEAD", headers: authorised({ ...TUS }), signal });
    return answer.ok ? Number(answer.headers.get("Upload-Offset")) : null;
  } catch (error) {
    if (error.name === "AbortError") throw error;
    return null;
  }
}

/** One request with a body, by XMLHttpRequest: fetch reports no progress of what is sent. */
function transmit(method, address, headers, body, tell, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, address);
    for (const [name, value] of Object.entries(authorised(headers))) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => tell(event.total ? event.loaded / event.total : 0));
    request.addEventListener("load", () => {
      if (request.status < 300) resolve(request);
      else reject(refusal(request.status, request.responseText));
    });
    request.addEventListener("error", () => reject(new Error("The connection broke off.")));
    request.addEventListener("abort", () => reject(new DOMException("stopped", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

/** An error of an answer; `final` where asking again would not help. */
function refusal(status, text) {
  if (status === 401) return Object.assign(new Refused(text.trim()), { final: true });
  const line = text.trim().replace(/^[A-Z_]+: /, "") || `The server answered ${status}.`;
  return Object.assign(new Error(line), { final: status < 500 && ![409, 423, 429].includes(status) });
}
