// @modelcontextprotocol/client 2.x
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { http, main, settings, stdio } from "./flow.mjs";

const from = createRequire(process.argv[3] + "/package.json"); // the client's own folder
const load = (path) => import(pathToFileURL(from.resolve(path)).href);
const { Client, StreamableHTTPClientTransport } = await load("@modelcontextprotocol/client");
const { StdioClientTransport } = await load("@modelcontextprotocol/client/stdio");

const transport = settings.transport === "stdio"
  ? new StdioClientTransport(stdio())
  : new StreamableHTTPClientTransport(...http());
await main(new Client({ name: "matrix", version: "1" }), transport);
