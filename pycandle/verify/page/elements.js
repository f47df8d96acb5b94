// Making elements. Text goes in as text: nothing here, or in any other part, parses markup.

/** An element; attributes that are null or false are left out, functions listen to events. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(key, value);
    else if (value !== null && value !== false) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== ""));
  return made;
}

const find = (id) => document.getElementById(id);

/** The mark of an outcome; its word is there for those who do not see it. */
function mark(outcome, kind = "", words = outcome || "not run") {
  return element("span", { class: `mark ${outcome} ${kind}`, role: "img", "aria-label": words, title: words },
    kind === "inherits" ? "↓" : MARKS[outcome] ?? "·");
}

/** The mark of a module, which tells whether a failure is its own. */
function markOf(module) {
  const kind = module.origin ? "origin" : module.inherits ? "inherits" : "";
  return mark(module.outcome, kind, outcomeWords(module));
}

function outcomeWords({ origin, inherits, outcome }) {
  return origin ? "failed on its own" : inherits ? "only inherits a failure" : outcome;
}

/** A bar on the log scale of shares, with the limit as a line. */
function bar({ used, outcome }, inherits = false) {
  const limit = element("i", { class: "limit" });
  limit.style.left = `${onScale(1) * 100}%`;
  const fill = element("b", { class: `${outcome}${inherits ? " inherits" : ""}` });
  fill.style.width = `${used === null ? 0 : Math.max(1.5, onScale(used) * 100)}%`;
  return element("span", { class: "meter", title: `${share(used)} of the limit` }, fill, limit);
}

/** A canvas for sharp lines: as many pixels as the screen has, in units of CSS. */
function sharp(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}

/** The theme's colours by name, as the style sheet has them now. */
function colours() {
  const style = getComputedStyle(document.documentElement);
  return new Proxy({}, { get: (_, name) => style.getPropertyValue(`--${name}`).trim() });
}

/** A colour between two of the form #rrggbb. */
function between(from, to, part) {
  const channel = (colour, at) => parseInt(colour.slice(1 + 2 * at, 3 + 2 * at), 16);
  const mixed = [0, 1, 2].map((at) =>
    Math.round(channel(from, at) + (channel(to, at) - channel(from, at)) * part));
  return `rgb(${mixed.join(" ")})`;
}

/** The colour of a share of a limit: pale to full below it, and another above it. */
function heat({ used, outcome }, theme) {
  if (used === null) return theme.nothing;
  const limit = onScale(1);
  const at = onScale(used);
  if (outcome === "failed") return between(theme["fail-0"], theme["fail-1"], (at - limit) / (1 - limit));
  if (outcome === "uninformative") return theme["unsure-0"];
  return between(theme["pass-0"], theme["pass-1"], at / limit);
}

/** Calls back at most once a frame, however often it is asked. */
function onceAFrame(draw) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      draw();
    });
  };
}
