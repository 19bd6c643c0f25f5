// The token, asked for once.

import { button, el, icon, logo } from "./dom.js";
import { remember, token } from "./token.js";

/** Shows the form; `enter()` is tried with each token, and rejects for a wrong one. */
export function gate(enter) {
  const field = el("input", { type: "password", id: "token", autocomplete: "off", required: true, spellcheck: false });
  const wrong = el("p", { class: "problem", role: "alert", hidden: true });
  const form = el("form", { class: "gate", onsubmit: async (event) => {
    event.preventDefault();
    remember(field.value.trim());
    try {
      await enter();
    } catch (error) {
      remember("");
      wrong.hidden = false;
      wrong.replaceChildren(icon("warning"), error.message.includes("token") ? "This is not the server's token." : error.message);
      field.select();
    }
  } },
    logo(),
    el("h1", {}, "omni"),
    el("p", {}, token() ? "The token of this tab is no longer the server's." : "This library is behind a token."),
    el("label", { for: "token" }, "Token"), field, wrong,
    button("Open the library", () => form.requestSubmit(), { kind: "primary" }),
    el("p", { class: "quiet" }, el("code", {}, "omni-mcp open"), " prints an address that holds it; the server has it as ", el("code", {}, "OMNI_TOKEN"), "."));
  document.body.replaceChildren(el("main", { class: "gatehouse" }, form));
  field.focus();
}
