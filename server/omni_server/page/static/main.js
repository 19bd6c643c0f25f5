// The start: inside a chat, or as a page of its own behind the server's token.

import { api } from "./api.js";
import { startInChat } from "./chat.js";
import { el } from "./dom.js";
import { acceptDrops } from "./drop.js";
import { gate } from "./gate.js";
import { inHost } from "./host_link.js";
import { REFUSED, Refused } from "./http_link.js";
import { Shell } from "./shell.js";
import { takeFromAddress } from "./token.js";
import { problem } from "./viewer.js";

async function enter() {
  const status = await api.status();
  const shell = new Shell();
  shell.library.arrivals.allow(status.may);
  document.addEventListener(REFUSED, () => location.reload()); // to the form for the token
  const veil = el("div", { class: "veil", hidden: true }, el("p", {}, "Drop to add to the library"));
  acceptDrops(
    (files) => {
      shell.go({ library: "" });
      shell.library.arrivals.add(files);
    },
    (over) => {
      veil.hidden = !over || !status.may.upload;
    },
  );
  if (!status.sources && !location.hash) history.replaceState(null, "", "#library");
  await shell.start();
  shell.node.append(veil);
}

async function start() {
  if (inHost) return startInChat();
  takeFromAddress();
  try {
    await enter();
  } catch (error) {
    if (error instanceof Refused) gate(enter);
    else document.body.replaceChildren(el("main", { class: "gatehouse" }, problem(error),
      el("button", { type: "button", class: "button", onclick: () => location.reload() }, "Try again")));
  }
}

start();
