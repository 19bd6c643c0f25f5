// The frame around the views: what is shown, in the address, and on a narrow screen.

import { button, el, logo } from "./dom.js";
import { Check } from "./check.js";
import { first, Library } from "./library.js";
import { help, listen } from "./keys.js";
import { Search } from "./search.js";
import { Viewer } from "./viewer.js";

const TABS = { search: "Search", library: "Library", check: "Check" };

export class Shell {
  constructor() {
    this.viewer = new Viewer();
    this.search = new Search((hit, question) => this.open(hit.id, { question }), (question) => this.go({ q: question }));
    this.library = new Library((source) => this.open(first(source)));
    this.check = new Check((item) => item.state !== "broken" && this.open(item.ref, { quote: item.quote }));
    this.tabs = Object.fromEntries(Object.entries(TABS).map(([name, label]) => [
      name, el("a", { href: `#${name}` }, label),
    ]));
    this.header = el(
      "header", { class: "top" },
      el("a", { class: "brand", href: "#search", "aria-label": "omni, start" }, logo(), "omni"),
      this.search.form,
      el("nav", { class: "tabs", "aria-label": "Views" }, Object.values(this.tabs)),
      button("Keyboard help", help, { kind: "bare help", name: "", key: "?" }),
    );
    this.header.querySelector(".help").replaceChildren("?");
    this.back = button("Back to the list", () => this.close(), { name: "previous", kind: "quiet back" });
    this.viewer.clear();
    this.list = el("div", { class: "lists" });
    this.main = el("main", { class: "panes" }, this.list, el("div", { class: "detail" }, this.back, this.viewer.node));
    this.heading = el("h1", { class: "hidden" });
    this.node = el("div", { class: "shell" }, this.heading, this.header, this.main);
    this.at = {};
  }

  start() {
    document.body.replaceChildren(this.node);
    window.addEventListener("hashchange", () => this.follow());
    listen({
      "/": () => {
        this.search.field.focus();
        this.search.field.select();
      },
      "?": help,
      j: () => this.rows?.step(1),
      k: () => this.rows?.step(-1),
      ArrowLeft: () => this.viewer.step(-1),
      ArrowRight: () => this.viewer.step(1),
      " ": () => this.viewer.stage.toggle(),
      "Shift+ArrowLeft": () => this.viewer.stage.skip(-5),
      "Shift+ArrowRight": () => this.viewer.stage.skip(5),
      s: () => this.viewer.showSimilar(),
      c: () => this.viewer.copy(),
      g: () => this.go(this.view === "library" ? { q: this.search.question } : { library: "" }),
      v: () => this.go({ check: "" }),
      Escape: () => this.close(),
    });
    return this.follow();
  }

  get rows() {
    return this[this.view]?.rows;
  }

  go(where) {
    const hash = new URLSearchParams(where).toString().replace(/=$/, "");
    if (location.hash === `#${hash}`) this.follow();
    else location.hash = hash;
  }

  /** Shows what the address names: #q=…, #open=…, #library, #check. */
  async follow() {
    const at = new URLSearchParams(location.hash.slice(1));
    const view = at.has("library") ? "library" : at.has("check") ? "check" : "search";
    this.show(view);
    if (view === "search" && !this.search.question) this.search.idle();
    if (at.has("open")) await this.open(at.get("open"), { quote: at.get("quote") ?? "" });
    else if (view === "search") await this.ask(at.get("q") ?? "");
    else if (this.changedView) this.close();
  }

  show(view) {
    this.changedView = view !== this.view;
    if (this.changedView) {
      if (this.view === "library") this.library.leave();
      this.view = view;
      for (const [name, tab] of Object.entries(this.tabs)) {
        if (name === view) tab.setAttribute("aria-current", "page");
        else tab.removeAttribute("aria-current");
      }
      this.heading.textContent = TABS[view];
      this.list.replaceChildren(this[view].node);
      document.title = `${TABS[view]} · omni`;
      if (view === "check") this.check.field.focus({ preventScroll: true });
    }
    if (view === "library") this.library.enter();
  }

  async ask(question) {
    if (!question) {
      this.close();
      this.search.ask("");
      this.intro();
      return;
    }
    this.close();
    await this.search.ask(question, { openFirst: this.wide });
  }

  /** The start: what there is to ask. */
  intro() {
    this.search.idle();
    if (this.wide) this.search.field.focus({ preventScroll: true });
  }

  async open(ref, highlight = {}) {
    this.node.classList.add("opened");
    if (!this.wide) window.scrollTo(0, 0);
    await this.viewer.open(ref, highlight);
    if (!this.wide) this.viewer.node.focus({ preventScroll: true });
  }

  close() {
    const was = this.node.classList.contains("opened");
    this.node.classList.remove("opened");
    this.viewer.clear();
    if (was) this.rows?.items[this.rows.at]?.button.focus();
  }

  get wide() {
    return matchMedia("(min-width: 900px)").matches;
  }
}
