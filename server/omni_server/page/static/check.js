// An answer with citations: each is resolved, its quoted words are looked for, and it can be opened.

import { api } from "./api.js";
import { button, el, icon, plural, say, split } from "./dom.js";
import { citations } from "./quotes.js";
import { Rows } from "./rows.js";

const STATES = {
  waiting: ["", "Checking …"],
  found: ["found", "Quote found"],
  partly: ["partly", "Only part of the quote is there"],
  not_found: ["missing", "Quote not found"],
  opens: ["document", "Opens; there is no quote to check"],
  broken: ["missing", "Cannot be opened"],
};
const EXAMPLE = 'Lava ran "at 28 km/h" in the channel [Mount Sarn field report p.2].';

export class Check {
  /** `open(citation)` shows one with its words marked. */
  constructor(open) {
    this.rows = new Rows(open, "Citations");
    this.field = el("textarea", { rows: 7, id: "answer", placeholder: EXAMPLE, spellcheck: false });
    this.status = el("p", { class: "status", role: "status" });
    this.node = el(
      "section", { class: "list", "aria-label": "Check citations" },
      el("form", { class: "check", onsubmit: (event) => {
        event.preventDefault();
        this.run();
      } },
        el("label", { for: "answer" }, "An answer with citations"),
        this.field,
        el("p", { class: "quiet" }, "Each [Title p.2] or [Title @ 1:23] is opened here, and the words quoted before it are looked up."),
        button("Check", () => this.run(), { name: "found", kind: "primary" })),
      this.status, this.rows.node,
    );
  }

  async run() {
    this.abort?.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    const found = citations(this.field.value);
    const items = found.flatMap(({ ref, quotes, claim }) =>
      (quotes.length ? quotes : [""]).map((quote) => ({ ref, quote, claim, state: "waiting" })));
    if (!items.length) {
      this.rows.clear();
      this.status.textContent = this.field.value.trim() ? "There is no citation in this text." : "";
      return;
    }
    this.show(items);
    for (const item of items) {
      await settle(item, signal);
      if (signal.aborted) return;
      this.show(items);
    }
    const count = (...states) => items.filter(({ state }) => states.includes(state)).length;
    this.status.textContent = [
      [items.length, plural(items.length, "citation")],
      [count("found"), `${count("found")} found`],
      [count("partly"), `${count("partly")} in part`],
      [count("opens"), `${count("opens")} without a quote`],
      [count("not_found", "broken"), `${count("not_found", "broken")} not found`],
    ].filter(([number]) => number).map(([, text]) => text).join(" · ");
    say(this.status.textContent);
  }

  show(items) {
    this.rows.show(items.map((item, index) => ({ item, node: citationRow(item), key: index })), { keep: true });
  }
}

/** Finds the state of one citation out. */
async function settle(item, signal) {
  try {
    const view = await api.view(item.ref, item.quote ? { quote: item.quote } : {}, { signal });
    item.state = view.check?.verdict ?? "opens";
    item.cite = view.cite;
    item.kind = view.source.kind;
  } catch (error) {
    if (error.name === "AbortError") return;
    item.state = "broken";
    item.error = error.message;
  }
}

function citationRow({ ref, cite, quote, claim, state, error }) {
  const [name, label] = STATES[state];
  const { title, place } = split(cite ?? ref);
  return el(
    "span", { class: `hit citation ${state}` },
    el("span", { class: "thumb state" }, name ? icon(name) : el("span", { class: "spin", "aria-hidden": true })),
    el("span", { class: "body" },
      el("span", { class: "name" }, title, place ? el("span", { class: "place" }, place) : null),
      el("span", { class: "facts" }, el("strong", {}, label)),
      error ? el("span", { class: "text" }, error)
        : quote ? el("span", { class: "text" }, "“", quote, "”")
          : claim ? el("span", { class: "text" }, claim) : null),
  );
}
