// One line of work with its progress.

import { el } from "./dom.js";

export function bar(name, detail, progress, extra = null) {
  const percent = Math.round(100 * progress);
  return el(
    "li", { class: "job" },
    el("span", { class: "name" }, name), el("span", { class: "facts" }, `${detail} · ${percent} %`), extra,
    el("progress", { max: 100, value: percent, "aria-label": `${name}: ${detail}` }),
  );
}
