// What the page asks of the server, by whichever link there is. Errors are one line for people.

import { httpRequest } from "./http_link.js";
import { host, hostRequest, inHost } from "./host_link.js";

const request = inHost ? hostRequest : httpRequest;

export class ToolError extends Error {
  constructor(line) {
    const match = /^([A-Z_]+): (.*)$/s.exec(line);
    super(match ? match[2] : line);
    this.code = match ? match[1] : "";
  }
}

async function call(name, args, options) {
  const result = await request("tools/call", { name, arguments: args }, options);
  if (result.isError) throw new ToolError(result.content?.[0]?.text ?? "the call failed");
  return result;
}

async function data(name, args, options) {
  return (await call(name, args, options)).structuredContent;
}

export const api = {
  search: (query, more = {}, options) => data("search", { query, limit: 12, ...more }, options),
  similar: (ref, options) => data("similar_to", { ref, limit: 6 }, options),
  view: (ref, more = {}, options) => data("view_moment", { ref, ...more }, options),
  status: (options) => data("library_status", {}, options),
  sources: (more = {}, options) => data("list_sources", { limit: 50, ...more }, options),
  ingest: (source, more = {}, options) => data("ingest_media", { source, ...more }, options),
  name: (source, speaker, name) => data("name_speaker", { source, speaker, name }),
  remove: (id) => data("delete_source", { source: id }),

  async thumbnail(ref) {
    const { image } = await data("view_moment", { ref, part: "thumbnail" });
    return image ? jpeg(image) : "";
  },

  /** The clip of a reference with `pad` seconds around it, and an address that plays. */
  async clip(ref, pad, options) {
    const view = await data("view_moment", { ref, part: "clip", pad_s: pad }, options);
    if (!view.clip) return view;
    const [start, end] = view.clip.asked;
    const at = `${view.source.id}@${start.toFixed(3)}-${end.toFixed(3)}`;
    view.clip.address = view.clip.url && !inHost ? view.clip.url : await inMessage(at, view.clip, options);
    return view;
  },

  /** The sound alone: plays where the clip's own format does not. */
  async sound(ref) {
    const result = await call("get_segment", { ref, show: ["audio"] });
    const block = result.content.find((each) => each.type === "audio");
    return block ? `data:${block.mimeType};base64,${block.data}` : "";
  },
};

/** Clips where no address can be loaded: the bytes, inside a message. */
async function inMessage(at, clip, options) {
  if (inHost && !host.capabilities.serverResources) return "";
  const uri = `omni://segment/${at}/clip.${clip.mime.startsWith("audio/") ? "audio" : "mp4"}`;
  const { contents } = await request("resources/read", { uri }, options);
  return `data:${clip.mime};base64,${contents[0].blob}`;
}

export function jpeg(image) {
  return `data:image/jpeg;base64,${image.jpeg}`;
}
