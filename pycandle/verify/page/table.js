// The table: every output of every module, in every mode and case, sortable by each number.

const TABLE_ROW = 24;
const COLUMNS = [
  ["outcome", "", "what it came to", (o) => WORST_FIRST.indexOf(o.outcome), (o) => mark(o.outcome)],
  ["module", "module", "in the order of calls", (o) => o.module, (o) => nameOf(o)],
  ["mode", "mode", "isolated: fed what PyTorch gave; cumulative: with what it inherits", (o) => o.mode],
  ["case", "case", "the input sizes", (o) => o.case],
  ["used", "of limit", "the error as a part of what is allowed; over 1× fails", null, (o) => share(o.used)],
  ["error", "error", "root mean square, against float64"],
  ["limit", "limit", "the largest error that is allowed"],
  ["torch_error", "torch", "PyTorch's own error against float64"],
  ["needs", "needs", "the smallest factor that would pass in place of the rule's 4"],
  ["over", "over", "the part of the elements that is wrong", null, (o) => percent(o.over)],
  ["max_abs", "max abs", "the largest difference from PyTorch"],
  ["max_rel", "max rel", "the largest relative difference from PyTorch"],
  ["rmse", "rmse", "root mean square of the difference from PyTorch"],
  ["cosine", "cosine", "of both tensors as vectors", null, (o) => cosine(o.cosine)],
  ["sqnr", "SQNR dB", "signal to noise", null, (o) => (o.sqnr == null ? "–" : o.sqnr.toFixed(1))],
  ...["50 %", "90 %", "99 %", "max"].map((name, at) => [
    `ulp${at}`, `ulp ${name}`, "distance in units in the last place", (o) => o.ulp?.[at], (o) => short(o.ulp?.[at]),
  ]),
  ["nan", "NaN", "NaNs of Rust / of PyTorch", (o) => o.nan?.[0], (o) => pair(o.nan)],
  ["infinite", "inf", "infinities of Rust / of PyTorch", (o) => o.infinite?.[0], (o) => pair(o.infinite)],
  ["top", "top 1", "rows that agree on the best class", (o) => o.top?.[0], (o) => percent(o.top?.[0])],
  ["top5", "top 5", "what the five best classes share", (o) => o.top?.[1], (o) => percent(o.top?.[1])],
  ["max_error", "max error", "the largest error of an element, against float64"],
  ["place", "out", "which output, and its name", (o) => o.place, (o) => outputName(o)],
  ["dtype", "dtype", "", (o) => o.dtype ?? ""],
  ["shape", "shape", "", (o) => (o.shape ?? []).reduce((a, b) => a * b, 1), (o) => (o.shape ?? []).join("×")],
  ["class", "class", "", (o) => moduleOf(o).class, (o) => moduleOf(o).class.split(".").at(-1)],
].map(([key, title, hint, by, text]) => ({
  key, title, hint, by: by ?? ((o) => o[key]), text: text ?? ((o) => (by ? by(o) : short(o[key]))),
}));
const WORDS = new Set(["module", "class", "mode", "case", "place", "dtype", "shape"]);

const table = { rows: [], sort: "", descending: false };
const moduleOf = (output) => state.model.modules[output.module];
const nameOf = (output) => moduleOf(output).name;
const percent = (part) => (part == null ? "–" : part === 0 ? "0" : `${short(part * 100)}%`);
const pair = (counts) => (counts ? (counts[0] || counts[1] ? `${counts[0]} / ${counts[1]}` : "0") : "–");

function outputName({ place: at, name, of }) {
  if (at < 0) return "–";
  return name || of > 1 ? `${at}${name ? ` ${name}` : ""}` : "0";
}

function startTable() {
  const header = COLUMNS.map(({ key, title, hint }) =>
    element("th", { scope: "col", "data-key": key, class: WORDS.has(key) ? "word" : null },
      element("button", { type: "button", title: hint, click: () => sortTable(key),
        "aria-label": `${title || "outcome"}${hint ? `, ${hint}` : ""}` }, title || "✓")));
  const box = element("div", { id: "table-box", tabindex: 0, role: "region", "aria-label": "All outputs" },
    element("table", { "aria-label": "Outputs of modules, with their statistics" },
      element("thead", {}, element("tr", {}, ...header)), element("tbody", {})));
  find("table").append(box);
  box.addEventListener("scroll", onceAFrame(drawTable), { passive: true });
  new ResizeObserver(onceAFrame(drawTable)).observe(box);
  box.addEventListener("click", (event) => chooseRow(rowUnder(event)));
  box.addEventListener("dblclick", (event) => rowUnder(event) >= 0 && showTab("module"));
  box.addEventListener("keydown", tableKey);
}

function rowUnder(event) {
  const row = event.target.closest("tr[data-at]");
  return row ? Number(row.dataset.at) : -1;
}

function sortTable(key) {
  table.descending = table.sort === key ? !table.descending : !WORDS.has(key) && key !== "outcome";
  table.sort = key;
  listTable();
  find("table-box").scrollTop = 0;
}

function listTable() {
  table.rows = state.model.modules.filter(isAsked).flatMap((module) => module.outputs);
  const column = COLUMNS.find(({ key }) => key === table.sort);
  if (column) {
    const sign = table.descending ? -1 : 1;
    const keyed = table.rows.map((row, at) => [column.by(row), at, row]);
    // What has no number comes last in both directions.
    keyed.sort(([a, i], [b, j]) => {
      if (a == null || b == null) return (a == null) - (b == null) || i - j;
      if (a === b) return i - j;
      return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
    });
    table.rows = keyed.map(([, , row]) => row);
  }
  for (const cell of find("table").querySelectorAll("th")) {
    if (cell.dataset.key !== table.sort) cell.removeAttribute("aria-sort");
    else cell.setAttribute("aria-sort", table.descending ? "descending" : "ascending");
  }
  drawTable();
}

function drawTable() {
  if (!state.model || state.tab !== "table") return;
  const box = find("table-box");
  const first = Math.max(0, Math.floor(box.scrollTop / TABLE_ROW) - 4);
  const last = Math.min(table.rows.length, first + Math.ceil(box.clientHeight / TABLE_ROW) + 8);
  const spacer = (rows) => {
    const cell = element("td", { colspan: COLUMNS.length });
    cell.style.height = `${rows * TABLE_ROW}px`;
    return element("tr", { class: "spacer", "aria-hidden": "true" }, cell);
  };
  const rows = [];
  for (let at = first; at < last; at += 1) rows.push(tableRow(at));
  const rest = table.rows.length - last;
  box.querySelector("table").setAttribute("aria-rowcount", table.rows.length + 1);
  box.querySelector("tbody").replaceChildren(
    ...(first ? [spacer(first)] : []), ...rows, ...(rest ? [spacer(rest)] : []));
}

function tableRow(at) {
  const output = table.rows[at];
  const chosen = output === state.output;
  return element("tr", {
    "data-at": at, "aria-rowindex": at + 2, "aria-current": chosen ? "true" : null,
    class: `${chosen ? "chosen " : ""}${output.outcome}`,
  }, ...COLUMNS.map(({ key, text }) => element("td", {
    class: WORDS.has(key) ? "word" : null, title: key === "module" ? nameOf(output) : null,
  }, text(output))));
}

function chooseRow(at) {
  const output = table.rows[at];
  if (!output) return;
  select(output.module, output);
}

function tableKey(event) {
  const page = Math.floor(find("table-box").clientHeight / TABLE_ROW) - 2;
  const last = table.rows.length - 1;
  const at = table.rows.indexOf(state.output);
  const to = {
    ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: last,
  }[event.key];
  if (event.target.closest("button")) return;
  if (event.key === "Enter") return showTab("module", true);
  if (to === undefined) return;
  event.preventDefault();
  const next = Math.max(0, Math.min(last, to));
  chooseRow(next);
  scrollTableTo(next);
}

function scrollTableTo(at) {
  const box = find("table-box");
  const top = at * TABLE_ROW;
  const height = box.clientHeight - 2 * TABLE_ROW;
  if (top < box.scrollTop || top > box.scrollTop + height - TABLE_ROW)
    box.scrollTop = top - height / 2;
  drawTable();
}
