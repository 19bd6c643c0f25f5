// What flow.py asks of the Python clients, for those of TypeScript.
import { readFileSync } from "node:fs";

const STEPS = ["list", "ingest speech", "ingest pdf", "search", "open", "similar"];
const WANTED = ["ingest_media", "search", "get_segment", "similar_to", "list_sources", "read_source"];

export const settings = JSON.parse(readFileSync(process.argv[2], "utf8"));
export const stdio = () => ({
  command: settings.command[0], args: settings.command.slice(1), env: settings.env, stderr: "inherit",
});
export const http = () => [
  new URL(settings.url), { requestInit: { headers: { Authorization: `Bearer ${settings.token}` } } },
];

const text = (result) => result.content.filter((b) => b.type === "text").map((b) => b.text).join("\n");

async function all(client, steps, notes) {
  const names = (await client.listTools()).tools.map((t) => t.name);
  const missing = WANTED.filter((w) => !names.includes(w));
  steps.list = missing.length ? `missing: ${missing}` : "ok";
  if (missing.length) return;
  const call = (name, args) => client.callTool({ name, arguments: args });
  for (const [step, source] of [["ingest speech", settings.speech], ["ingest pdf", settings.pdf]]) {
    const started = Date.now();
    let said = "", calls = 0;
    while (Date.now() - started < settings.patience_s * 1000) {
      calls += 1;
      said = text(await call("ingest_media", { source }));
      if (/\bready\b/.test(said) || !/processing|queued/.test(said)) break;
      await new Promise((go) => setTimeout(go, 1000));
    }
    steps[step] = /\bready\b/.test(said) ? "ok" : said.slice(0, 300);
    if (steps[step] !== "ok") return;
    notes[step] = `${calls} calls, ${Math.round((Date.now() - started) / 1000)} s`;
  }
  const refs = [];
  for (const [query, kind] of [[settings.speech_query, "audio"], [settings.pdf_query, "document"]]) {
    const found = text(await call("search", { query, modality: [kind] }));
    const ref = /\bseg_[a-z2-7]{26}\b/.exec(found);
    if (!ref) return void (steps.search = `no hit for ${query}: ${found.slice(0, 200)}`);
    refs.push(ref[0]);
  }
  steps.search = "ok";
  const opened = await call("get_segment", { ref: refs[1] });
  const pictures = opened.content.filter((b) => b.type === "image").length;
  steps.open = pictures ? "ok" : `no picture: ${text(opened).slice(0, 200)}`;
  notes.open = `${pictures} picture`;
  if (!pictures) return;
  const similar = await call("similar_to", { ref: refs[1], same_source: true });
  steps.similar = !similar.isError && /moment/.test(text(similar)) ? "ok" : text(similar).slice(0, 200);
}

export async function main(client, transport) {
  const steps = {}, notes = {};
  try {
    await client.connect(transport);
    await all(client, steps, notes);
    await client.close();
  } catch (e) {
    const step = STEPS.find((s) => !(s in steps));
    if (step) steps[step] = String(e).slice(0, 400);
    else notes.end = String(e).slice(0, 300);
  }
  for (const step of STEPS) steps[step] ??= "not reached";
  console.log("\n" + JSON.stringify({ steps, notes }));
  process.exit(0);
}
