// What was found of one module: statistics by mode, case and output, heatmaps, and the sources.

const SHOWN = [
  "place", "shape", "used", "error", "limit", "needs", "over", "max_abs", "max_rel", "rmse", "cosine",
  "sqnr", "ulp0", "ulp2", "ulp3", "nan", "infinite", "top", "top5",
];

function drawModule() {
  const module = state.model.modules[state.selected];
  const panel = find("module");
  if (!module) return panel.replaceChildren(element("p", { class: "none" }, "No module was told of."));
  panel.replaceChildren(
    moduleHead(module), statistics(module),
    element("section", { id: "pictures-box", "aria-label": "Heatmaps" }), sourcesOf(module));
  drawPictures();
  panel.scrollTop = 0;
  reveal(panel);
}

function moduleHead(module) {
  const failed = module.outputs.find((output) => output === state.output && output.reason)
    ?? module.outputs.find((output) => output.reason);
  const words = module.origin ? "Fails on its own, and no part of it does: the mistake is here."
    : module.own.outcome === "failed" ? "Fails on its own, as one of its parts does."
    : module.inherits ? "Correct on its own; it only inherits what went wrong before it." : "";
  return element("div", { class: "module-head" },
    element("h2", {}, markOf(module), element("span", { class: "path" }, module.name),
      element("span", { class: "class" }, module.class), moduleParts(module)),
    words || failed ? element("p", {}, words ? element("span", {}, `${words} `) : null,
      failed ? element("span", { class: "dim" }, failed.reason) : null) : null);
}

/** The module that it is in, and those that it is made of. */
function moduleParts({ parent, children }) {
  const { modules } = state.model;
  const link = (index) => element("button", { type: "button", class: "link", click: () => select(index) },
    markOf(modules[index]), modules[index].label);
  if (parent < 0 && !children.length) return null;
  const most = 8;
  return element("span", { class: "parts" },
    parent >= 0 ? element("span", { class: "dim" }, "in ") : null,
    parent >= 0 ? link(parent) : null,
    children.length ? element("span", { class: "dim" }, "made of ") : null,
    ...children.slice(0, most).map(link),
    children.length > most ? element("span", { class: "dim" }, `and ${children.length - most} more`) : null);
}

function statistics(module) {
  const columns = SHOWN.map((key) => COLUMNS.find((column) => column.key === key));
  const told = (column) => module.outputs.some((output) => !["–", "0"].includes(column.text(output)));
  const always = new Set(["shape", "used", "error", "limit"]);
  const shown = columns.filter((column) => always.has(column.key) || told(column));
  const rows = module.outputs.map((output) => {
    const chosen = output === state.output;
    const label = `${output.mode}, case ${output.case}, output ${outputName(output)}`;
    return element("tr", { class: chosen ? "chosen" : null },
      element("td", {}, mark(output.outcome)),
      element("th", { scope: "row", class: "word" },
        element("button", {
          type: "button", "aria-pressed": String(chosen), "aria-label": `Show ${label}`,
          click: () => select(module.index, output),
        }, `${output.mode} · ${output.case}`)),
      ...shown.map(({ key, text }) => element("td", { class: WORDS.has(key) ? "word" : null },
        key === "used" ? element("span", { class: "used" }, text(output), bar(output)) : text(output))));
  });
  return element("section", { class: "statistics", "aria-label": "Statistics" },
    element("table", {},
      element("thead", {}, element("tr", {}, element("td", {}),
        element("th", { scope: "col", class: "word" }, "mode · case"),
        ...shown.map(({ key, title, hint }) =>
          element("th", { scope: "col", title: hint, class: WORDS.has(key) ? "word" : null }, title)))),
      element("tbody", {}, ...rows)));
}

function drawPictures() {
  const { output } = state;
  const box = find("pictures-box");
  if (!box) return;
  const title = output ? `${output.mode} · ${output.case} · output ${outputName(output)} ${output.dtype ?? ""}` : "";
  box.replaceChildren(output ? heatmaps(output, title) : element("h3", {}, "Nothing was compared"));
}
