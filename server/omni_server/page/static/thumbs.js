// Small images of hits and sources, a few at a time, kept while the page is open.

import { api } from "./api.js";
import { el, icon } from "./dom.js";

const AT_ONCE = 3;
const known = new Map();
const queue = [];
let running = 0;

/** A box that shows the kind, and the small image of `ref` once it is in. */
export function thumb(ref, kind) {
  const box = el("span", { class: `thumb ${kind}`, "aria-hidden": true }, icon(kind));
  if (kind !== "audio" && ref) {
    if (!known.has(ref)) {
      known.set(ref, new Promise((resolve) => queue.push({ ref, resolve })));
      work();
    }
    known.get(ref).then((address) => {
      if (address) box.replaceChildren(el("img", { src: address, alt: "" }));
    });
  }
  return box;
}

async function work() {
  if (running >= AT_ONCE) return;
  running++;
  while (queue.length) {
    const { ref, resolve } = queue.shift();
    try {
      resolve(await api.thumbnail(ref));
    } catch {
      known.delete(ref); // the icon stays; asked for again when it is shown again
      resolve("");
    }
  }
  running--;
}
