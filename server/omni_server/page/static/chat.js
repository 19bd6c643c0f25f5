// Inside a chat: the hits or the moment that a tool answered with, without the library around them.

import { button, el } from "./dom.js";
import { connect, host, hostRequest, onNotification } from "./host_link.js";
import { listen, help } from "./keys.js";
import { Search } from "./search.js";
import { problem, Viewer } from "./viewer.js";

export async function startInChat() {
  const viewer = new Viewer();
  const search = new Search((hit, question) => viewer.open(hit.id, { question }), (question) => search.ask(question));
  const lists = el("div", { class: "lists", hidden: true }, search.node);
  const expand = button("Full screen", () => mode("fullscreen"), { name: "expand", kind: "bare" });
  const shell = el("div", { class: "shell chat" },
    el("header", { class: "top" }, search.form, expand),
    el("main", { class: "panes" }, lists, el("div", { class: "detail" }, viewer.node)));
  document.body.replaceChildren(shell);
  let input = {};

  onNotification("ui/notifications/tool-input", (params) => {
    input = params.arguments ?? {};
    if (input.query) search.question = search.field.value = input.query;
    viewer.node.classList.add("loading");
  });
  onNotification("ui/notifications/tool-result", async (result) => {
    viewer.node.classList.remove("loading");
    if (result.isError) {
      viewer.clear(problem(new Error(result.content?.[0]?.text ?? "The call failed.")));
      return;
    }
    const found = result.structuredContent;
    if (found?.hits) {
      lists.hidden = false;
      search.show(found);
      if (found.hits.length) search.rows.choose(0);
    } else if (input.ref ?? input.id) {
      await viewer.open(input.ref ?? input.id, {}, input.step ? { step: Number(input.step) } : {});
    }
  });
  onNotification("ui/notifications/tool-cancelled", () => viewer.clear(el("p", { class: "quiet" }, "The call was stopped.")));

  async function mode(wanted) {
    try {
      const { mode: now } = await hostRequest("ui/request-display-mode", { mode: wanted });
      shell.dataset.mode = now;
    } catch (error) {
      viewer.node.prepend(problem(error));
    }
  }

  listen({
    "/": () => search.field.focus(), "?": help,
    j: () => search.rows.step(1), k: () => search.rows.step(-1),
    ArrowLeft: () => viewer.step(-1), ArrowRight: () => viewer.step(1),
    " ": () => viewer.stage.toggle(), "Shift+ArrowLeft": () => viewer.stage.skip(-5), "Shift+ArrowRight": () => viewer.stage.skip(5),
    s: () => viewer.showSimilar(), c: () => viewer.copy(),
  });
  await connect();
  expand.hidden = !host.context.availableDisplayModes?.includes("fullscreen");
}
