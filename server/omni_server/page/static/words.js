// The words of a moment: as they are said while it plays, or as they stand on a page.

import { clock, el } from "./dom.js";
import { asked, locate } from "./quotes.js";

const HEADINGS = {
  speech: "Said",
  screen_text: "On screen",
  text: "Written",
  visual: "In the picture",
  sound: "In the sound",
};

/** The list of words. `seek(second)` is called where a person chooses a line, `rename(speaker, name)`
    where one names a speaker; the name is empty to take it back. */
export class Words {
  constructor(seek, rename = () => {}) {
    this.seek = seek;
    this.rename = rename;
    this.lines = [];
    this.asking = false;
    this.waiting = null;
    this.node = el("section", { class: "words", "aria-label": "Words" });
  }

  show(view, highlight = {}) {
    if (this.asking) { // the words of a clip came while somebody types a name
      this.waiting = [view, highlight];
      return;
    }
    const { quote = "", question = "" } = highlight;
    this.lines = [];
    this.mayName = view.may_name ?? false;
    this.node.replaceChildren();
    const groups = Map.groupBy(view.lines ?? [], (line) => line.channel);
    for (const channel of Object.keys(HEADINGS).filter((each) => groups.has(each))) {
      const lines = groups.get(channel);
      const origins = [...new Set(lines.map((line) => line.origin).filter(Boolean))].join(", ");
      this.node.append(
        el("h3", {}, HEADINGS[channel], origins ? el("span", { class: "origin" }, origins) : null),
        el("ol", { class: "lines" }, lines.map((line) => this.line(line, view.span, quote, question))),
      );
    }
    if (!this.lines.length) this.node.append(el("p", { class: "quiet" }, "No words here."));
  }

  line(line, span, quote, question) {
    const timed = line.axis === "second" && line.end > line.start;
    const parts = line.text.split(/(\s+)/);
    const texts = parts.filter((_, index) => index % 2 === 0);
    const marks = marked(quote, question, texts);
    const words = [];
    const content = [];
    let mark = null; // consecutive marked words are one mark
    parts.forEach((part, index) => {
      const at = Math.floor(index / 2);
      if (index % 2) {
        const space = part.includes("\n") ? el("br") : " ";
        if (mark && marks.has(at + 1)) mark.append(space);
        else content.push(space);
        return;
      }
      const word = el("span", { class: "word" }, part);
      words.push(word);
      if (!marks.has(at)) {
        mark = null;
        content.push(word);
      } else if (mark) mark.append(word);
      else content.push((mark = el("mark", {}, word)));
    });
    const inside = timed && span && line.start < span[1] && line.end > span[0];
    const node = el("li", { class: `line ${inside ? "inside" : ""}` });
    if (timed) {
      node.append(
        el(
          "button",
          { type: "button", class: "time", "aria-label": `Play from ${clock(line.start)}`, onclick: () => this.seek(line.start) },
          clock(line.start),
        ),
      );
    }
    const who = line.speaker ? this.speaker(line.speaker) : null;
    node.append(el("p", { lang: line.lang, dir: "auto" }, who, who ? ": " : null, content));
    if (timed) this.lines.push({ node, words, from: line.start, to: line.end, starts: starts(line, words), spoken: line.channel === "speech" });
    else this.lines.push({ node, words, from: Infinity, to: -Infinity, starts: [], spoken: false });
    return node;
  }

  /** Who says a line; a button that turns into a field, where this person may give names. */
  speaker(label) {
    if (!this.mayName) return el("span", { class: "speaker" }, label);
    const node = el(
      "button", { type: "button", class: "speaker", title: "Name this speaker", onclick: () => this.ask(node, label) }, label,
    );
    return node;
  }

  ask(node, label) {
    const known = /^speaker [A-Z]+$/.test(label) ? "" : label;
    const field = el("input", { class: "speaker", type: "text", maxlength: 80, "aria-label": `Name of ${label}`, placeholder: label });
    field.value = known;
    this.asking = true;
    const end = (name) => {
      if (!this.asking) return;
      this.asking = false;
      field.replaceWith(node);
      const { waiting } = this;
      this.waiting = null;
      if (waiting) this.show(...waiting);
      if (name !== null && name !== known) this.rename(label, name);
      else node.focus();
    };
    field.addEventListener("keydown", (event) => {
      event.stopPropagation(); // the page's own keys
      if (event.key === "Enter") end(field.value.trim());
      if (event.key === "Escape") end(null);
    });
    field.addEventListener("blur", () => end(null));
    node.replaceWith(field);
    field.focus();
    field.select();
  }

  /** Highlights what is said and shown at this second. */
  at(second) {
    for (const line of this.lines) {
      const now = line.from <= second && second < line.to;
      if (now !== line.node.classList.contains("now")) {
        line.node.classList.toggle("now", now);
        if (now && line.spoken) reveal(this.node, line.node);
      }
      if (!line.spoken) continue;
      const current = now ? line.starts.findLastIndex((start) => start <= second) : -1;
      if (line.current === current) continue;
      line.words[line.current]?.classList.remove("now");
      line.words[current]?.classList.add("now");
      line.current = current;
    }
  }
}

export function marked(quote, question, words) {
  const quoted = quote ? locate(quote, words) : new Set();
  return quoted.size || !question ? quoted : asked(question, words);
}

/** Seconds at which the words begin: known where phrases are timed, between them by length. */
function starts(line, words) {
  const lengths = words.map((word) => word.textContent.length + 1);
  const beats = line.beats ?? [];
  const anchors = [[0, line.start], ...beats, [lengths.reduce((sum, each) => sum + each, 0), line.end]];
  const found = [];
  let offset = 0;
  let anchor = 0;
  for (const length of lengths) {
    while (anchor + 2 < anchors.length && anchors[anchor + 1][0] <= offset) anchor++;
    const [from, start] = anchors[anchor];
    const [to, end] = anchors[anchor + 1];
    found.push(start + (end - start) * Math.min(1, Math.max(0, (offset - from) / Math.max(1, to - from))));
    offset += length;
  }
  return found;
}

/** Scrolls the list of words, not the page. */
function reveal(list, node) {
  const top = node.offsetTop - list.offsetTop;
  if (top < list.scrollTop || top + node.offsetHeight > list.scrollTop + list.clientHeight) {
    const behavior = matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth";
    list.scrollTo({ top: top - list.clientHeight / 4, behavior });
  }
}
