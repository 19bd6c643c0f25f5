// Inside a chat: MCP Apps. Requests go to the host by postMessage; it passes tools and resources on.

const PROTOCOL = "2026-01-26";
const waiting = new Map();
const heard = new Map();
let lastId = 0;

/** Whether the page stands in a frame of a host. */
export const inHost = window.parent !== window;

export const host = { capabilities: {}, context: {} };

function send(message) {
  window.parent.postMessage({ jsonrpc: "2.0", ...message }, "*"); // a host's origin is not known
}

export function hostRequest(method, params, { signal } = {}) {
  const id = ++lastId;
  return new Promise((resolve, reject) => {
    waiting.set(id, { resolve, reject });
    signal?.addEventListener("abort", () => {
      waiting.delete(id);
      reject(new DOMException("no longer wanted", "AbortError"));
    });
    send({ id, method, params });
  });
}

export function notify(method, params = {}) {
  send({ method, params });
}

export function onNotification(method, handler) {
  heard.set(method, handler);
}

/** The handshake; afterwards the host sends what the tool was asked and what it answered. */
export async function connect() {
  window.addEventListener("message", receive);
  const result = await hostRequest("ui/initialize", {
    protocolVersion: PROTOCOL,
    appInfo: { name: "omni-page", version: "1" },
    appCapabilities: { availableDisplayModes: ["inline", "fullscreen"] },
  });
  host.capabilities = result.hostCapabilities ?? {};
  adopt(result.hostContext ?? {});
  onNotification("ui/notifications/host-context-changed", adopt);
  notify("ui/notifications/initialized");
  watchSize();
}

function receive(event) {
  const message = event.data;
  if (event.source !== window.parent || message?.jsonrpc !== "2.0") return;
  if (message.method !== undefined) {
    if (message.id !== undefined) answer(message);
    else heard.get(message.method)?.(message.params ?? {});
    return;
  }
  const call = waiting.get(message.id);
  waiting.delete(message.id);
  if (message.error) call?.reject(new Error(message.error.message));
  else call?.resolve(message.result);
}

function answer({ id, method }) {
  if (method === "ping" || method === "ui/resource-teardown") {
    if (method !== "ping") for (const media of document.querySelectorAll("video, audio")) media.pause();
    send({ id, result: {} });
  } else send({ id, error: { code: -32601, message: `no method ${method}` } });
}

function adopt(context) {
  Object.assign(host.context, context);
  const root = document.documentElement;
  if (context.theme) root.dataset.theme = context.theme;
  for (const [name, value] of Object.entries(context.styles?.variables ?? {})) {
    if (name.startsWith("--") && typeof value === "string") root.style.setProperty(name, value);
  }
}

function watchSize() {
  let sent = "";
  new ResizeObserver(() => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    const width = Math.ceil(document.body.getBoundingClientRect().width);
    if (sent === `${width}x${height}`) return;
    sent = `${width}x${height}`;
    notify("ui/notifications/size-changed", { width, height });
  }).observe(document.body);
}
