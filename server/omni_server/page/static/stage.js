// What is looked at: a film, a sound, a picture, or a page with its marked words.

import { api, jpeg } from "./api.js";
import { clock, el } from "./dom.js";
import { marked } from "./words.js";

const PAD_S = 8;
/** Length of what is played after the end of a clip. */
const ON_S = 60;

export class Stage {
  /** `onsecond(second)` while something plays; `onclip(view)` when a clip with its words is in. */
  constructor(onsecond, onclip) {
    this.onsecond = onsecond;
    this.onclip = onclip;
    this.node = el("div", { class: "stage" });
    this.media = null;
    this.clip = null;
  }

  clear() {
    this.abort?.abort();
    this.media?.pause();
    this.media = this.clip = null;
    this.node.replaceChildren();
    cancelAnimationFrame(this.frame);
  }

  show(view, highlight) {
    this.clear();
    const { kind } = view.source;
    if (kind === "video" || kind === "audio") this.play(view);
    else if (view.image) this.node.append(placed(view, highlight));
  }

  play(view) {
    this.view = view;
    this.media = el(view.source.kind === "video" ? "video" : "audio", {
      controls: true, preload: "auto", playsinline: true, "aria-label": `${view.source.title}, ${view.window}`,
      poster: view.image ? jpeg(view.image) : undefined,
    });
    this.note = el("p", { class: "note", role: "status" });
    this.more = el("div", { class: "more" });
    this.strip = new Strip(view, (second) => this.seek(second));
    this.node.append(
      el("div", { class: `screen ${view.source.kind}` }, this.media), this.strip.node, this.note, this.more,
    );
    for (const name of ["timeupdate", "seeked", "seeking"]) this.media.addEventListener(name, () => this.tell());
    this.media.addEventListener("play", () => this.follow());
    this.media.addEventListener("ended", () => this.offerMore());
    this.media.addEventListener("error", () => this.soundOnly());
    this.load(view.span ? view.ref : `${view.source.id}@0-${ON_S}`, view.span ? PAD_S : 0, view.span?.[0] ?? 0);
  }

  /** Loads a clip and stands at `second` of the source. */
  async load(ref, pad, second, { playing = false } = {}) {
    this.abort?.abort();
    this.abort = new AbortController();
    const { signal } = this.abort;
    this.note.textContent = "";
    this.more.replaceChildren();
    try {
      const view = await api.clip(ref, pad, { signal });
      if (signal.aborted) return;
      if (!view.clip) {
        this.note.textContent = view.warnings?.[0] ?? "There is no clip of this moment.";
        return;
      }
      this.clip = view.clip;
      this.onclip(view);
      this.strip.clip(view.clip);
      if (!view.clip.address) {
        await this.soundOnly();
        return;
      }
      this.media.src = view.clip.address;
      this.media.addEventListener("loadedmetadata", () => this.stand(second), { once: true });
      if (playing) await this.media.play();
    } catch (error) {
      if (error.name === "AbortError") return;
      this.note.textContent = error.message;
    }
  }

  stand(second) {
    if (!this.clip) return; // another moment was opened meanwhile
    this.media.currentTime = Math.max(0, second - this.clip.start_s);
    this.onsecond(second);
  }

  async seek(second) {
    if (!this.clip || second < this.clip.start_s || second >= this.clip.end_s) {
      const end = Math.min(second + ON_S, this.view.source.duration_s ?? second + ON_S);
      await this.load(`${this.view.source.id}@${second.toFixed(2)}-${end.toFixed(2)}`, 0, second, { playing: true });
      return;
    }
    this.media.currentTime = second - this.clip.start_s;
    await this.toggle(true);
  }

  /** Plays or pauses; true and false choose. */
  async toggle(play = this.media?.paused) {
    if (!this.media) return false;
    try {
      if (play) await this.media.play();
      else this.media.pause();
    } catch (error) {
      if (error.name !== "AbortError" && !this.media.error) this.note.textContent = error.message;
    }
    return true;
  }

  skip(seconds) {
    if (this.media?.duration) this.media.currentTime += seconds;
  }

  tell() {
    if (!this.clip) return;
    const second = this.clip.start_s + this.media.currentTime;
    this.onsecond(second);
    this.strip.at(second);
  }

  follow() {
    cancelAnimationFrame(this.frame);
    const step = () => {
      if (!this.media || this.media.paused) return;
      this.tell();
      this.frame = requestAnimationFrame(step);
    };
    step();
  }

  offerMore() {
    const end = this.clip.end_s;
    const length = this.view.source.duration_s ?? 0;
    if (end >= length - 0.5) return;
    this.more.replaceChildren(
      el("button", { type: "button", class: "button", onclick: () => this.seek(end) }, `Play on from ${clock(end)}`),
    );
  }

  /** For formats that this browser does not play: the sound, with the picture as it is. */
  async soundOnly() {
    const clip = this.clip;
    if (!clip || this.fallen === clip) return;
    this.fallen = clip;
    const [start, end] = clip.asked;
    try {
      const sound = await api.sound(`${this.view.source.id}@${start.toFixed(3)}-${end.toFixed(3)}`);
      if (this.clip !== clip) return; // another moment was opened meanwhile
      if (!sound) throw new Error("no sound");
      clip.start_s = start;
      this.media.src = sound;
      this.note.textContent = `The clip (${clip.mime}) does not play here; this is its sound alone.`;
    } catch {
      if (this.clip === clip) this.note.textContent = `The clip (${clip.mime}) does not play here.`;
    }
  }
}

/** Where in its source the moment is, and what of it is loaded. */
class Strip {
  constructor(view, seek) {
    this.length = view.source.duration_s || 1;
    this.loaded = el("div", { class: "loaded" });
    this.head = el("div", { class: "head" });
    const moment = view.span ? place(el("div", { class: "moment" }), view.span[0], view.span[1], this.length) : null;
    this.bar = el("div", { class: "bar", "aria-hidden": true, onclick: (event) => seek(this.second(event)) },
      this.loaded, moment, this.head);
    this.node = el("div", { class: "strip" }, el("span", {}, "0:00"), this.bar, el("span", {}, clock(this.length)));
  }

  second(event) {
    const box = this.bar.getBoundingClientRect();
    return Math.max(0, Math.min(this.length - 0.1, ((event.clientX - box.left) / box.width) * this.length));
  }

  clip({ start_s, end_s }) {
    place(this.loaded, start_s, end_s, this.length);
  }

  at(second) {
    this.head.style.left = `${(100 * second) / this.length}%`;
  }
}

function place(node, start, end, length) {
  node.style.left = `${(100 * start) / length}%`;
  node.style.width = `${Math.max(0.4, (100 * (end - start)) / length)}%`;
  return node;
}

/** A picture or page, with a mark over each word of the quotation or of the question. */
function placed(view, { quote = "", question = "" }) {
  const { image } = view;
  const words = image.words ?? [];
  const marks = marked(quote, question, words.map(([text]) => text));
  const layer = el("div", { class: "marks", "aria-hidden": true });
  for (const [left, top, right, bottom] of joined([...marks].map((index) => words[index].slice(1)))) {
    const mark = el("div", { class: "placed" });
    Object.assign(mark.style, {
      left: `${100 * left}%`, top: `${100 * top}%`, width: `${100 * (right - left)}%`, height: `${100 * (bottom - top)}%`,
    });
    layer.append(mark);
  }
  const picture = el("img", {
    src: jpeg(image), width: image.width, height: image.height,
    alt: `${image.caption ?? ""} of ${view.source.title}${marks.size ? `, ${marks.size} words marked` : ""}`,
  });
  const node = el("figure", { class: `sheet ${view.source.kind}` }, picture, layer);
  const first = layer.firstChild;
  if (first) picture.addEventListener("load", () => first.scrollIntoView?.({ block: "nearest" }), { once: true });
  return node;
}

/** Neighbouring words of one line as one box. */
function joined(boxes) {
  const lines = [];
  for (const [left, top, right, bottom] of boxes) {
    const last = lines.at(-1);
    const height = bottom - top;
    if (last && Math.abs(last[1] - top) < height / 2 && left >= last[2] - height && left - last[2] < height) {
      last[2] = right;
      last[1] = Math.min(last[1], top);
      last[3] = Math.max(last[3], bottom);
    } else lines.push([left, top, right, bottom]);
  }
  return lines;
}
