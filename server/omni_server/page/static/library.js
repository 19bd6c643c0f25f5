// The library: what is in it, what is being read, and how files get in.

import { api } from "./api.js";
import { button, el, icon, plural, say } from "./dom.js";
import { Arrivals } from "./arrivals.js";
import { bar } from "./progress.js";
import { Rows } from "./rows.js";
import { thumb } from "./thumbs.js";
import { day, extent, problem } from "./viewer.js";

const BUSY_MS = 1500;
const IDLE_MS = 15000;

export class Library {
  /** `open(source)` shows one. */
  constructor(open) {
    this.rows = new Rows(open, "Sources");
    this.may = {};
    this.arrivals = new Arrivals(() => this.refresh());
    this.field = el("input", { type: "search", placeholder: "Part of a title", "aria-label": "Filter sources", oninput: () => this.filtered() });
    this.status = el("p", { class: "status" });
    this.jobs = el("ul", { class: "jobs", "aria-label": "Being read" });
    this.foot = el("div", { class: "foot" });
    this.node = el(
      "section", { class: "list", "aria-label": "Library" },
      this.arrivals.node, this.jobs,
      el("div", { class: "search small" }, icon("search"), this.field),
      this.status, this.rows.node, this.foot,
    );
    document.addEventListener("visibilitychange", () => document.hidden || !this.shown || this.refresh());
  }

  enter() {
    this.shown = true;
    return this.refresh();
  }

  leave() {
    this.shown = false;
    clearTimeout(this.timer);
  }

  filtered() {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.refresh(), 200);
  }

  /** Asks for state and sources, and again while something is being read. */
  async refresh() {
    clearTimeout(this.timer);
    let busy = false;
    try {
      const match = this.field.value.trim();
      const [status, page] = await Promise.all([api.status(), api.sources(match ? { match } : {})]);
      busy = status.jobs.length > 0;
      this.may = status.may;
      this.arrivals.allow(status.may);
      this.showJobs(status.jobs.filter(({ file }) => !this.arrivals.holds(file)));
      this.show(page, status, match);
    } catch (error) {
      this.foot.replaceChildren(problem(error));
    }
    if (this.shown && !document.hidden) {
      this.timer = setTimeout(() => this.refresh(), busy || this.arrivals.busy ? BUSY_MS : IDLE_MS);
    }
  }

  showJobs(jobs) {
    this.jobs.replaceChildren(...jobs.map(({ file, stage, progress, segments }) => bar(file, `${stage}, ${plural(segments, "segment")}`, progress)));
  }

  show(page, status, match) {
    const signature = JSON.stringify(page);
    if (signature !== this.signature) {
      this.rows.show(page.sources.map((source) => ({ item: source, node: sourceRow(source), aside: this.remover(source), key: source.id })), { keep: true });
    }
    this.signature = signature;
    this.node.classList.toggle("bare", !page.total && !match);
    this.status.textContent = page.total
      ? `${plural(page.total, "source")}${match ? ` with “${match}”` : `, ${plural(status.segments, "segment")}`}`
      : match ? `No source with “${match}”.` : "";
    const foot = [];
    if (page.next_cursor) foot.push(button("More", () => this.further(page.next_cursor, match), { kind: "quiet" }));
    if (!page.total && !match) foot.push(empty(this.may));
    this.foot.replaceChildren(...foot);
  }

  async further(cursor, match) {
    const page = await api.sources({ cursor, ...(match ? { match } : {}) });
    this.rows.show(page.sources.map((source) => ({ item: source, node: sourceRow(source), aside: this.remover(source), key: source.id })), { more: true });
    this.foot.replaceChildren(page.next_cursor ? button("More", () => this.further(page.next_cursor, match), { kind: "quiet" }) : "");
  }

  remover(source) {
    if (!this.may.delete) return null;
    return button(`Remove ${source.title} from the library`, () => this.confirm(source), { name: "trash", kind: "bare" });
  }

  confirm(source) {
    const dialog = el(
      "dialog", { class: "dialog", "aria-label": "Remove a source", onclose: () => dialog.remove() },
      el("h2", {}, "Remove from the library?"),
      el("p", {}, el("strong", {}, source.title), ` and its ${plural(source.segments, "segment")} can then no longer be found. The file itself stays.`),
      el("div", { class: "actions" },
        button("Keep", () => dialog.close()),
        button("Remove", async () => {
          dialog.close();
          try {
            await api.remove(source.id);
            say(`${source.title} was removed`);
          } catch (error) {
            this.foot.replaceChildren(problem(error));
          }
          await this.refresh();
        }, { kind: "danger" })),
    );
    document.body.append(dialog);
    dialog.showModal();
  }
}

function sourceRow(source) {
  const date = source.recorded_at && source.recorded_at_from !== "file time" ? day(source.recorded_at) : "";
  const state = source.state === "ready" && !source.empty ? null
    : el("span", { class: `state ${source.state}`, title: source.empty }, source.empty ? "title only" : source.state);
  return el(
    "span", { class: "hit" },
    thumb(first(source), source.kind),
    el("span", { class: "body" },
      el("span", { class: "name" }, source.title),
      el("span", { class: "facts" }, state, [source.kind, extent(source), date]
        .filter(Boolean).map((fact) => el("span", {}, fact)))),
  );
}

/** Where a source begins, as a reference. */
export function first(source) {
  if (source.duration_s) return `${source.id}@0-60`;
  return source.pages ? `${source.id}#p1` : source.id;
}

function empty(may) {
  return el(
    "div", { class: "welcome" },
    el("h2", {}, "Nothing is in the library yet"),
    el("p", {}, may.upload ? "Drop videos, recordings, pictures and documents anywhere on this page, or choose them."
      : "Ask your agent to ingest a file or a folder."),
    el("p", { class: "quiet" }, "From a terminal: ", el("code", {}, "omni-mcp ingest ~/Media")),
  );
}
