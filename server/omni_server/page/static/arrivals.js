// Files that are dropped, chosen or named: sent, then read, each with its state.

import { api } from "./api.js";
import { button, el, plural, say } from "./dom.js";
import { bar } from "./progress.js";
import { upload } from "./upload.js";

const FOLLOW_MS = 800;

export class Arrivals {
  /** `changed()` is called whenever something was begun or has ended. */
  constructor(changed) {
    this.changed = changed;
    this.items = [];
    this.may = {};
    this.chooser = el("input", { type: "file", multiple: true, class: "hidden", tabindex: -1, "aria-hidden": "true",
      onchange: () => {
        this.add([...this.chooser.files]);
        this.chooser.value = "";
      } });
    this.path = el("input", { type: "text", placeholder: "/path/to/file, folder or *.mp4", "aria-label": "Path on the server", autocomplete: "off", spellcheck: false });
    this.drop = el("div", { class: "drop" },
      button("Choose files", () => this.chooser.click(), { name: "add", kind: "primary" }),
      el("span", { class: "quiet" }, "or drop them anywhere on this page"), this.chooser);
    this.named = el("form", { class: "named", onsubmit: (event) => {
      event.preventDefault();
      this.name(this.path.value.trim());
      this.path.value = "";
    } }, this.path, button("Read it", () => this.named.requestSubmit()));
    this.list = el("ul", { class: "jobs", "aria-label": "Arriving" });
    this.node = el("section", { class: "arrivals", "aria-label": "Add files" }, this.drop, this.named, this.list);
    this.allow({});
  }

  allow(may) {
    this.may = may;
    this.drop.hidden = !may.upload;
    this.named.hidden = !may.ingest_paths && !may.ingest_links;
    if (!may.ingest_paths && may.ingest_links) this.path.placeholder = "https://…";
  }

  get busy() {
    return this.items.some(({ done }) => !done);
  }

  holds(file) {
    return this.items.some((item) => !item.done && item.name === file);
  }

  /** Sends files, one after another, and has each read. */
  async add(files) {
    if (!this.may.upload || !files.length) return;
    const added = files.map((file) => this.item(file.name, "waiting", file));
    say(`${plural(files.length, "file")} added`);
    for (const item of added) {
      if (!item.done) await this.send(item);
    }
  }

  async send(item) {
    item.stop = new AbortController();
    this.tell(item, "sending", 0);
    try {
      const source = await upload(item.file, (share) => this.tell(item, "sending", share), item.stop.signal);
      this.follow(item, source); // the next file is sent while this one is read
    } catch (error) {
      this.end(item, error.name === "AbortError" ? "stopped" : error.message, true);
    }
  }

  /** A path, folder, glob or link that the server reads by itself. */
  name(source) {
    if (source) this.follow(this.item(source, "asking"), source);
  }

  /** Asks again until the source is in. */
  async follow(item, source) {
    item.file = null;
    this.tell(item, "waiting to be read", 0);
    this.changed();
    try {
      for (;;) {
        const status = await api.ingest(source, { wait_s: 2 });
        if (!["queued", "processing"].includes(status.state)) {
          this.end(item, outcome(status), status.state === "failed");
          return;
        }
        const files = status.files_total ? `, ${status.files_done} of ${status.files_total} files` : "";
        this.tell(item, `${status.stage ?? "reading"}${files}`, status.progress);
        await new Promise((resume) => setTimeout(resume, FOLLOW_MS));
      }
    } catch (error) {
      this.end(item, error.message, true);
    }
  }

  item(name, detail, file = null) {
    const item = { name, detail, file, progress: 0, done: false, failed: false };
    this.items.unshift(item);
    this.draw();
    return item;
  }

  tell(item, detail, progress) {
    Object.assign(item, { detail, progress });
    this.draw();
  }

  end(item, detail, failed) {
    Object.assign(item, { detail, failed, done: true, progress: 1, file: null });
    say(`${item.name}: ${detail}`);
    this.draw();
    this.changed();
  }

  draw() {
    this.list.replaceChildren(...this.items.map((item) => {
      if (!item.done) {
        const stop = item.file
          ? button(`Stop sending ${item.name}`, () => (item.stop ? item.stop.abort() : this.end(item, "stopped", true)), { name: "close", kind: "bare" }) : null;
        return bar(item.name, item.detail, item.progress, stop);
      }
      return el("li", { class: `job done ${item.failed ? "failed" : ""}` },
        el("span", { class: "name" }, item.name), el("span", { class: "facts" }, item.detail),
        button(`Forget this line about ${item.name}`, () => {
          this.items = this.items.filter((each) => each !== item);
          this.draw();
        }, { name: "close", kind: "bare" }));
    }));
  }
}

function outcome(status) {
  if (status.files_total !== undefined) {
    const failed = status.failed?.length ? `, ${status.failed.length} failed: ${status.failed[0].error}` : "";
    return `${plural(status.files_done, "file")}, ${plural(status.segments, "segment")}${failed}`;
  }
  return [`in, ${plural(status.segments, "segment")}`, ...(status.warnings ?? [])].join("; ");
}
