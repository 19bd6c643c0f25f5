// A question and its hits; a hit opens beside them.

import { api } from "./api.js";
import { button, el, icon, plural, say, split } from "./dom.js";
import { Rows } from "./rows.js";
import { thumb } from "./thumbs.js";
import { problem } from "./viewer.js";

const KINDS = ["video", "audio", "image", "document"];

export class Search {
  /** `open(hit, question)` shows a hit; `changed(question)` hears what was asked. */
  constructor(open, changed = () => {}) {
    this.open = open;
    this.changed = changed;
    this.rows = new Rows((hit) => this.open(hit, this.question), "Hits");
    this.kinds = new Set();
    this.question = "";
    this.field = el("input", {
      type: "search", name: "q", placeholder: "What was seen, heard, said or written?", autocomplete: "off",
      "aria-label": "Search", maxlength: 400, enterkeyhint: "search",
    });
    this.form = el("form", { class: "search", role: "search", onsubmit: (event) => {
      event.preventDefault();
      this.field.blur();
      this.changed(this.field.value.trim());
    } }, icon("search"), this.field, el("kbd", { "aria-hidden": true }, "/"));
    this.filters = el("div", { class: "filters", role: "group", "aria-label": "Kinds" }, KINDS.map((kind) => this.filter(kind)));
    this.status = el("p", { class: "status" });
    this.foot = el("div", { class: "foot" });
    this.node = el("section", { class: "list", "aria-label": "Search results" },
      this.filters, this.status, this.rows.node, this.foot);
  }

  filter(kind) {
    return el("button", { type: "button", class: "chip", "aria-pressed": "false", onclick: (event) => {
      const on = !this.kinds.delete(kind);
      if (on) this.kinds.add(kind);
      event.currentTarget.setAttribute("aria-pressed", String(on));
      if (this.question) this.ask(this.question);
    } }, icon(kind), kind);
  }

  /** What the list says before anything was asked. */
  idle() {
    this.status.textContent = "Ask in plain words. Hits are exact to the second or the page.";
  }

  /** Asks, and opens the best hit where there is room beside the list. */
  async ask(question, { openFirst = false } = {}) {
    this.question = this.field.value = question;
    this.abort?.abort();
    this.abort = new AbortController();
    this.foot.replaceChildren();
    if (!question) {
      this.rows.clear();
      this.status.textContent = "";
      return;
    }
    this.status.textContent = "Searching …";
    this.node.setAttribute("aria-busy", "true");
    const { signal } = this.abort;
    try {
      const found = await api.search(question, this.kinds.size ? { modality: [...this.kinds] } : {}, { signal });
      if (signal.aborted) return;
      this.show(found);
      if (openFirst && found.hits.length) this.rows.choose(0);
    } catch (error) {
      if (error.name === "AbortError") return;
      this.rows.clear();
      this.status.textContent = "";
      this.foot.replaceChildren(problem(error));
    } finally {
      if (!signal.aborted) this.node.removeAttribute("aria-busy");
    }
  }

  /** The answer of `search` or `similar_to`; `more` appends a further page. */
  show(found, { more = false } = {}) {
    this.rows.show(found.hits.map((hit) => ({ item: hit, node: hitRow(hit) })), { more });
    const { sources, segments } = found.searched;
    const count = this.rows.length;
    this.status.textContent = count
      ? `${plural(count, "moment")} in ${plural(segments, "segment")} of ${plural(sources, "source")}`
      : `Nothing good enough in ${plural(segments, "segment")} of ${plural(sources, "source")}.`;
    say(this.status.textContent);
    const foot = [];
    if (found.note) foot.push(el("p", { class: "quiet" }, found.note));
    if (!count && found.nearest) {
      const { nearest } = found;
      foot.push(el("p", { class: "quiet" }, "The nearest, below the threshold:"),
        el("button", { type: "button", class: "card", onclick: () => this.open(nearest, this.question) }, hitRow(nearest)));
    }
    if (found.next_cursor) foot.push(button("More", () => this.further(found.next_cursor), { kind: "quiet" }));
    this.foot.replaceChildren(...foot);
  }

  async further(cursor) {
    try {
      const kinds = this.kinds.size ? { modality: [...this.kinds] } : {};
      this.show(await api.search(this.question, { ...kinds, cursor }), { more: true });
    } catch (error) {
      this.foot.replaceChildren(problem(error));
    }
  }
}

function hitRow(hit) {
  const { title, place } = split(hit.cite);
  const why = hit.why.map((each) => each.replace("_", " ")).join(", ");
  return el(
    "span", { class: "hit" },
    thumb(hit.id, hit.kind),
    el("span", { class: "body" },
      el("span", { class: "name" }, title),
      el("span", { class: "facts" },
        place ? el("span", { class: "place" }, place) : null,
        el("span", { class: `match ${hit.match}` }, hit.match),
        el("span", {}, why),
        hit.partial ? el("span", { class: "partial" }, hit.partial) : null),
      hit.text ? el("span", { class: "text" }, hit.speaker ? `${hit.speaker}: ${hit.text}` : hit.text) : null),
  );
}
