// @modelcontextprotocol/sdk 1.x
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { http, main, settings, stdio } from "./flow.mjs";

const from = createRequire(process.argv[3] + "/package.json"); // the client's own folder
const load = (path) => import(pathToFileURL(from.resolve(path)).href);
const { Client } = await load("@modelcontextprotocol/sdk/client/index.js");
const { StdioClientTransport } = await load("@modelcontextprotocol/sdk/client/stdio.js");
const { StreamableHTTPClientTransport } = await load(
  "@modelcontextprotocol/sdk/client/streamableHttp.js",
);

const transport = settings.transport === "stdio"
  ? new StdioClientTransport(stdio())
  : new StreamableHTTPClientTransport(...http());
await main(new Client({ name: "matrix", version: "1" }), transport);
