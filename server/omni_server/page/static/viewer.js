// One opened reference: what it is, its picture or film, its words, what comes before and after.

import { api } from "./api.js";
import { button, clock, el, icon, plural, say, split } from "./dom.js";
import { Stage } from "./stage.js";
import { thumb } from "./thumbs.js";
import { Words } from "./words.js";
import { host, hostRequest, inHost } from "./host_link.js";

export class Viewer {
  constructor({ onopen = () => {} } = {}) {
    this.onopen = onopen;
    this.node = el("article", { class: "viewer", "aria-label": "Moment", tabindex: -1 });
    this.words = new Words((second) => this.stage.seek(second), (speaker, name) => this.rename(speaker, name));
    this.stage = new Stage((second) => this.words.at(second), (view) => this.words.show(view, this.highlight));
    this.view = null;
    this.highlight = {};
  }

  /** Shows nothing, or this message instead of a moment. */
  clear(message = null) {
    this.abort?.abort();
    this.settled();
    this.stage.clear();
    this.view = null;
    this.node.replaceChildren(message ?? this.hint());
  }

  /** What stands in the room of a moment before one is opened. */
  hint() {
    return el("div", { class: "hint" }, icon("video"),
      el("p", {}, "Open something from the list to see it, hear it and read it here."),
      el("p", { class: "quiet" }, el("kbd", {}, "j"), " ", el("kbd", {}, "k"), " walk the list, ", el("kbd", {}, "?"), " lists all keys."));
  }

  settled() {
    this.node.classList.remove("loading");
    this.node.removeAttribute("aria-busy");
  }

  /** Opens a reference. `highlight`: the quotation, else the question, whose words are marked. */
  async open(ref, highlight = {}, more = {}) {
    this.abort?.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.node.classList.add("loading");
    this.node.setAttribute("aria-busy", "true");
    try {
      const view = await api.view(ref, { ...more, ...(highlight.quote ? { quote: highlight.quote } : {}) }, { signal });
      if (signal.aborted) return null;
      this.settled();
      this.show(view, highlight);
      this.onopen(view);
      return view;
    } catch (error) {
      if (error.name === "AbortError") return null;
      this.clear(problem(error));
      return null;
    }
  }

  show(view, highlight) {
    this.view = view;
    this.highlight = highlight;
    this.words.show(view, highlight);
    this.stage.show(view, highlight);
    this.similar = el("section", { class: "similar", "aria-label": "Similar moments" });
    const checked = verdict(view.check);
    this.node.replaceChildren(
      this.header(view),
      ...(view.warnings ?? []).map((line) => el("p", { class: "warning" }, icon("warning"), line)),
      ...(checked ? [checked] : []),
      el("div", { class: "pair" }, el("div", { class: "left" }, this.stage.node, this.steps(view)), this.words.node),
      this.similar,
      el("details", { class: "provenance" }, el("summary", {}, "Provenance"), el("p", {}, view.provenance ?? "")),
    );
    const { title, place } = split(view.cite);
    say(`Opened ${title} ${place}`);
  }

  header(view) {
    const { source } = view;
    const { title, place } = split(view.cite);
    const date = source.recorded_at ? `${day(source.recorded_at)} (${source.recorded_at_from})` : "";
    const facts = [source.kind, view.window, date].filter(Boolean).join(" · ");
    const actions = [button("Copy citation", (event) => this.copy(event), { name: "copy", key: "c" })];
    if (inHost && host.capabilities.message) {
      actions.push(button("Use in chat", () => this.mention(view.cite), { name: "add" }));
    }
    return el(
      "header", {},
      el("div", { class: "title" }, icon(source.kind), el("h2", {}, title || source.title, place ? el("span", { class: "place" }, place) : null)),
      el("p", { class: "facts" }, facts),
      el("div", { class: "actions" }, actions),
    );
  }

  steps(view) {
    const what = view.axis === "page" ? "page" : "moment";
    const step = (word, name, by, key, ref) => {
      const node = button(word, () => this.step(by), { name, key, kind: "quiet", disabled: !ref, "aria-label": `${word} ${what}` });
      const { kind } = view.source;
      if (ref && kind !== "audio") node.firstChild.after(thumb(ref, kind));
      if (by > 0) node.append(...[...node.childNodes].reverse()); // the arrow points outwards
      return node;
    };
    return el(
      "nav", { class: "steps", "aria-label": "Neighbours" },
      step("Previous", "previous", -1, "←", view.previous),
      button("Similar", () => this.showSimilar(), { name: "similar", key: "s", kind: "quiet" }),
      step("Next", "next", 1, "→", view.next),
    );
  }

  async step(by) {
    if (!this.view || !(by > 0 ? this.view.next : this.view.previous)) return;
    await this.open(by > 0 ? this.view.next : this.view.previous, this.highlight);
  }

  async showSimilar() {
    if (!this.view) return;
    const { ref } = this.view;
    this.similar.replaceChildren(el("p", { class: "quiet" }, "Looking for similar moments …"));
    try {
      const found = await api.similar(ref);
      const hits = found.hits.map((hit) => {
        const { title, place } = split(hit.cite);
        return el("li", {}, el(
          "button", { type: "button", class: "card", onclick: () => this.open(hit.id) },
          el("span", { class: "name" }, icon(hit.kind), title), el("span", { class: "place" }, place),
          el("span", { class: "text" }, hit.text ?? ""),
        ));
      });
      this.similar.replaceChildren(
        el("h3", {}, "Similar"),
        hits.length ? el("ul", { class: "cards" }, hits) : el("p", { class: "quiet" }, found.note ?? "Nothing is similar enough."),
      );
      this.similar.querySelector("button")?.focus();
    } catch (error) {
      this.similar.replaceChildren(problem(error));
    }
  }

  /** Gives a speaker a name, or takes it back, and shows the words again. */
  async rename(speaker, name) {
    const { ref, source } = this.view;
    try {
      const { note } = await api.name(source.id, speaker, name);
      await this.open(ref, this.highlight);
      say([name ? `${speaker} is now ${name}` : `${speaker} has no name now`, note].filter(Boolean).join("; "));
    } catch (error) {
      this.node.prepend(problem(error));
    }
  }

  async copy() {
    if (!this.view) return;
    const label = this.node.querySelector(".actions button span");
    try {
      await navigator.clipboard.writeText(this.view.cite);
      label.textContent = "Copied";
      say("Citation copied");
    } catch {
      label.textContent = this.view.cite; // no permission: it can be selected by hand
    }
  }

  async mention(cite) {
    const text = `Look at ${cite}.`;
    try {
      await hostRequest("ui/message", { role: "user", content: { type: "text", text } });
    } catch (error) {
      this.node.prepend(problem(error));
    }
  }
}

const VERDICTS = {
  found: ["found", "The quote is here."],
  partly: ["partly", "Only part of the quote is here."],
  not_found: ["missing", "The quote is not here."],
};

function verdict(check) {
  if (!check) return null;
  const [name, text] = VERDICTS[check.verdict];
  return el(
    "div", { class: `verdict ${name}` }, icon(name),
    el("div", {}, el("p", {}, el("strong", {}, text), ` ${Math.round(check.ratio * 100)} % of its words match.`),
      check.verdict !== "found" && check.best ? el("p", {}, "Nearest: ", el("q", {}, check.best)) : null,
      (check.elsewhere ?? []).map((other) => el("p", {}, `It is at ${other.place}: `, el("q", {}, other.text)))),
  );
}

export function problem(error) {
  return el("div", { class: "problem", role: "alert" }, icon("warning"),
    el("div", {}, el("p", {}, error.message), error.code ? el("p", { class: "code" }, error.code) : null));
}

export function day(iso) {
  return new Date(iso).toLocaleDateString(undefined, { year: "numeric", month: "short", day: "numeric" });
}

export function extent(source) {
  if (source.duration_s) return clock(source.duration_s);
  return source.pages ? plural(source.pages, "page") : "";
}
