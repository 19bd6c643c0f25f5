// Elements without HTML strings: whatever comes from media is a text node.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  video: "M4 5h16v14H4zM10 9l5 3-5 3z",
  audio: "M4 10v4M8 7v10M12 4v16M16 8v8M20 10.5v3",
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M15.5 9.5h.01",
  document: "M6 3h8l4 4v14H6zM14 3v4h4M9 12h6M9 16h6",
  previous: "M15 5l-7 7 7 7",
  next: "M9 5l7 7-7 7",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  similar: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  add: "M12 5v14M5 12h14",
  trash: "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13",
  found: "M5 13l4 4L19 7",
  partly: "M5 12h14",
  missing: "M7 7l10 10M17 7L7 17",
  search: "M11 4a7 7 0 1 0 0 14a7 7 0 1 0 0-14M16 16l5 5",
  expand: "M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5",
  warning: "M12 4L2.5 20h19zM12 10v5M12 17.5v.01",
};

export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "class") node.className = value;
    else if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export function icon(name, label = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name] ?? ICONS.document);
  svg.append(path);
  return svg;
}

export function logo() {
  return el("img", { class: "logo", alt: "", src: document.querySelector("link[rel=icon]").href });
}

export function button(label, onclick, { name = "", kind = "", key = "", ...props } = {}) {
  const shown = name ? [icon(name), kind.includes("bare") ? null : el("span", {}, label)] : [label];
  return el(
    "button",
    {
      type: "button", class: `button ${kind}`, onclick, "aria-label": label,
      title: key ? `${props["aria-label"] ?? label} (${key})` : label, ...props,
    },
    shown,
  );
}

export function clock(seconds) {
  const tenths = Math.round(seconds * 10);
  const whole = Math.floor(tenths / 10);
  const parts = [Math.floor(whole / 60) % 60, whole % 60];
  const hours = Math.floor(whole / 3600);
  const text = `${parts[0]}:${String(parts[1]).padStart(2, "0")}`;
  return hours ? `${hours}:${text.padStart(5, "0")}` : text;
}

export function plural(count, word) {
  return `${count.toLocaleString()} ${word}${count === 1 ? "" : "s"}`;
}

/** A citation as its title and its place. */
export function split(cite) {
  const inner = cite.replace(/^\[|\]$/g, "");
  const match = /^(.*?)\s*(?:@ ([\d:.,-]+)|(p\.[\d-]+)|(chars [\d-]+))$/.exec(inner);
  const title = (match ? match[1] : inner).replace(/^"(.*)"$/, "$1");
  return { title, place: match ? match[2] ?? match[3] ?? match[4] : "" };
}

const polite = el("div", { class: "hidden", role: "status", "aria-live": "polite" });

/** Says something to people who hear the page. */
export function say(text) {
  if (!polite.isConnected) document.body.append(polite);
  polite.textContent = text;
}
