// The keyboard: single keys, where nobody is typing and no control wants them.

import { button, el } from "./dom.js";

const HELP = [
  ["/", "search"], ["j  k", "next, previous in the list"], ["←  →", "previous, next moment or page"],
  ["Space", "play or pause"], ["Shift ←  →", "5 seconds back, on"], ["s", "similar moments"], ["c", "copy the citation"],
  ["g", "library, and back"], ["v", "check an answer"], ["Esc", "back to the list"], ["?", "this help"],
];

/** `actions`: key -> function; with Shift the name has "Shift+" before it. */
export function listen(actions) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target, key } = event;
    if (document.querySelector("dialog[open]")) return;
    if (target.matches("input, textarea, select, [contenteditable]")) {
      if (key === "Escape") target.blur();
      return;
    }
    if (target.matches("video, audio") && (key.startsWith("Arrow") || key === " ")) return; // its own keys
    if (target.matches("button, summary, a") && (key === " " || key === "Enter") && !target.matches(".row")) return;
    const name = event.shiftKey && key.startsWith("Arrow") ? `Shift+${key}` : key;
    const action = actions[name];
    if (!action) return;
    event.preventDefault();
    action();
  });
}

export function help() {
  const dialog = el(
    "dialog", { class: "dialog", "aria-label": "Keyboard", onclose: () => dialog.remove() },
    el("h2", {}, "Keyboard"),
    el("dl", { class: "keys" }, HELP.map(([keys, what]) => [
      el("dt", {}, keys.split("  ").map((each) => el("kbd", {}, each))), el("dd", {}, what),
    ]).flat()),
    el("div", { class: "actions" }, button("Close", () => dialog.close())),
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  document.body.append(dialog);
  dialog.showModal();
}
