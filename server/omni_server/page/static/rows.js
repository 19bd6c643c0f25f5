// A list that is walked with j and k; Enter or a click opens a row.

import { el } from "./dom.js";

export class Rows {
  constructor(open, label) {
    this.open = open;
    this.items = [];
    this.at = -1;
    this.node = el("ol", { class: "rows", "aria-label": label });
  }

  get length() {
    return this.items.length;
  }

  clear() {
    this.items = [];
    this.at = -1;
    this.node.replaceChildren();
  }

  /** `rows`: {item, node, aside?}; `aside` stands beside the button, with controls of its own. */
  show(rows, { more = false, keep = false } = {}) {
    const chosen = keep && this.items[this.at] ? this.items[this.at].key : null;
    if (!more) this.clear();
    for (const { item, node, aside = null, key = null } of rows) {
      const index = this.items.length;
      const button = el("button", { type: "button", class: "row", onclick: () => this.choose(index) }, node);
      this.items.push({ item, button, key });
      this.node.append(el("li", {}, button, aside));
    }
    if (chosen !== null) this.mark(this.items.findIndex(({ key }) => key === chosen));
  }

  mark(index) {
    this.items[this.at]?.button.removeAttribute("aria-current");
    this.at = index;
    this.items[index]?.button.setAttribute("aria-current", "true");
  }

  choose(index) {
    if (!this.items[index]) return;
    this.mark(index);
    this.items[index].button.scrollIntoView({ block: "nearest" });
    this.open(this.items[index].item);
  }

  /** One on, or one back. */
  step(by) {
    if (!this.items.length) return;
    const index = Math.min(this.items.length - 1, Math.max(0, this.at + by));
    if (index === this.at) return;
    this.choose(index);
    this.items[index].button.focus({ preventScroll: true });
  }
}
