// The page as a whole: what is chosen, what the keys do, the header and the first culprit.

const KEYS = [
  ["j k ↓ ↑", "next and previous module"], ["← →", "close and open a module, or go up and in"],
  ["n N", "next and previous failure that is not only inherited"], ["c", "the first culprit"], ["/", "filter"], ["Enter", "read the module"],
  ["1 2 3", "module, table, map"], ["t", "theme: as the system, light, dark"], ["?", "these keys"], ["Esc", "close, or clear the filter"],
];
const THEMES = ["system", "light", "dark"];

/** Chooses a module, and which of its outputs; every view follows. */
function select(index, output = null) {
  const module = state.model.modules[index];
  if (!module) return;
  const same = state.selected === index && state.output && !output;
  state.selected = index;
  if (!same) state.output = output ?? worstOutput(module);
  showInTree();
  drawStrip();
  if (state.tab === "module") drawModule();
  if (state.tab === "table") drawTable();
  if (state.tab === "map") drawMap();
}

/** Of the outputs that failed that of the culprit's case, else the worst; those with pictures first. */
function worstOutput({ outputs }) {
  const worth = (o) => [o.heatmap >= 0, -WORST_FIRST.indexOf(o.outcome), o.mode === "isolated", o.used ?? 0];
  const better = (a, b) => {
    const [x, y] = [worth(a), worth(b)];
    const at = x.findIndex((value, place) => value !== y[place]);
    return at >= 0 && x[at] > y[at];
  };
  return outputs.reduce((best, output) => (best && !better(output, best) ? best : output), null);
}

function showTab(name, focus = false) {
  state.tab = name;
  for (const tab of find("tabs").children) {
    const chosen = tab.id === `tab-${name}`;
    tab.setAttribute("aria-selected", String(chosen));
    tab.tabIndex = chosen ? 0 : -1;
    find(tab.id.slice(4)).hidden = !chosen;
  }
  if (name === "module") drawModule();
  if (name === "table") {
    listTable();
    const at = table.rows.indexOf(state.output);
    if (at >= 0) scrollTableTo(at);
  }
  if (name === "map") drawMap();
  if (focus) ({ module: find("module"), table: find("table-box"), map: find("map-canvas") })[name].focus();
}

function showModel(index) {
  state.model = readModel(report.models[index]);
  Object.assign(state, { selected: 0, output: null, filter: "", outcome: "", collapsed: new Set() });
  find("filter").value = "";
  find("outcome").value = "";
  drawVerdicts();
  drawCulprit();
  listTree();
  showFirst();
  showTab(state.tab);
}

/** Opens what to look at first, or what came nearest to its limit. */
function showFirst() {
  const [first] = culprits();
  const module = first ? state.model.modules[first.index] : nearest();
  if (module) select(module.index, first ? outputOf(module, first.run, first.case) : null);
}

/** What to look at first: of the isolated run, whose blame is exact, then of the other. */
function culprits() {
  const found = state.model.runs.filter((run) => run.culprit)
    .map((run) => ({ run, index: run.culprit[0], case: run.culprit[1] }));
  return found.sort((a, b) => (a.run.mode !== "isolated") - (b.run.mode !== "isolated"));
}

/** The module that came nearest to its limit. */
function nearest() {
  const { modules } = state.model;
  const used = (module) => Math.max(module.own.used ?? -1, module.all.used ?? -1);
  return modules.reduce((best, module) => (best && used(best) >= used(module) ? best : module), null);
}

function drawVerdicts() {
  find("verdicts").replaceChildren(...state.model.runs.map((run) => {
    const { counts } = run;
    const outcome = run.passed ? "passed" : run.compared ? "failed" : "missing";
    const words = !run.told ? "no results"
      : run.passed ? `all ${run.compared} calls agree` : `${counts.failed + counts.missing} of ${run.compared + counts.missing} calls fail`;
    const more = ["uninformative", "elided"].filter((kind) => counts[kind]).map((kind) => `${counts[kind]} ${kind}`);
    const about = run.told ? [...more, `${run.cases.length} case${run.cases.length === 1 ? "" : "s"}`, run.device, ageOf(run)] : [];
    return element("div", { class: `verdict ${outcome}`, title: `${run.cases.join(", ")}; took ${run.seconds} s; version ${report.version}` },
      mark(outcome), element("b", {}, run.mode), element("span", {}, words), element("span", { class: "dim" }, about.join(" · ")));
  }));
}

function ageOf({ age }) {
  return age < 60 ? "written just now" : `${duration(age)} old`;
}

function drawCulprit() {
  const box = find("culprit");
  const { modules, runs } = state.model;
  const all = culprits();
  const notes = runs.flatMap(notesOf);
  const told = all.filter(({ index }, at) => all.findIndex((other) => other.index === index) === at);
  const cards = told.map(({ run, index, case: name }) => culpritCard(modules[index], run, name));
  if (!cards.length && modules.length) cards.push(nearestCard());
  box.replaceChildren(...cards, ...notes.map((note) => element("p", { class: "note" }, mark("uninformative"), note)));
  box.className = all.length ? "bad" : "good";
}

function notesOf(run) {
  const name = `${state.model.name} ${run.mode}`;
  const notes = [];
  if (!run.told) notes.push(`${name}: there are no results; run \`pycandle verify\`.`);
  else if (!run.ended) notes.push(`${name}: the run did not come to its end: ${run.told} of ${run.expected} module calls were told of.`);
  else if (run.told !== run.expected) notes.push(`${name}: it told of ${run.told} module calls, and ${run.expected} were recorded.`);
  if (run.newer) notes.push(`${name}: ${run.newer} was changed after these results; run \`pycandle verify\` again.`);
  return notes;
}

function culpritCard(module, run, name) {
  const output = outputOf(module, run, name);
  const numbers = output && output.place >= 0 ? [
    ["of the limit", share(output.used)], ["error", short(output.error)], ["limit", short(output.limit)],
    ["PyTorch's own", short(output.torch_error)], ["elements wrong", percent(output.over)],
  ] : [];
  return element("div", { class: "card" },
    element("div", { class: "what" },
      element("p", { class: "kicker" }, element("b", {}, culprits()[0].run === run ? "First culprit" : "Shows first"), ` · ${run.mode} · case ${name}: ${output?.reason ?? ""}`),
      element("p", { class: "name" }, markOf(module),
        element("button", { type: "button", class: "link", click: () => { select(module.index, output); showTab("module"); } }, module.name),
        element("span", { class: "class" }, module.class)),
      element("p", { class: "where" }, ...where(module)),
      ...run.weights.map((line) => element("p", { class: "weights" }, `Another checkpoint? ${line}`))),
    element("dl", { class: "numbers" }, ...numbers.map(([term, value]) =>
      element("div", {}, element("dt", {}, term), element("dd", {}, value)))));
}

/** The worst output of a module in a run and a case. */
function outputOf(module, run, name) {
  const own = module.outputs.filter((output) => output.mode === run.mode && output.case === name);
  return own.reduce((best, each) => (best && best.used >= each.used ? best : each), null);
}

function where(module) {
  const lines = [["Python", module.source], ["called at", module.site], ["Rust", module.rust]];
  return lines.filter(([, at]) => at >= 0).map(([word, at]) =>
    element("span", {}, element("span", { class: "dim" }, `${word} `), element("code", {}, place(at))));
}

function nearestCard() {
  const module = nearest();
  const failed = state.model.modules.some(({ outcome }) => outcome === "failed");
  const own = module.own.used ?? -1, all = module.all.used ?? -1;
  return element("div", { class: "card" }, element("div", { class: "what" },
    element("p", { class: "kicker" }, failed ? "Worst so far" : "Nothing differs. Nearest to its limit:"),
    element("p", { class: "name" }, mark(module.outcome),
      element("button", { type: "button", class: "link", click: () => select(module.index) }, module.name),
      element("span", { class: "class" }, `${module.class}, ${share(Math.max(own, all))} of what is allowed`)),
    element("p", { class: "where" }, ...where(module))));
}

function drawTheme(choice) {
  if (choice === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  find("theme").replaceChildren(`Theme: ${choice} `, element("kbd", {}, "t"));
  redraw();
}

/** Draws anew what has the theme's colours in its pixels. */
function redraw() {
  if (!state.model) return;
  drawStrip();
  drawMap();
  for (const canvas of document.querySelectorAll("canvas.heat")) canvas.repaint();
}

function nextTheme() {
  const now = document.documentElement.dataset.theme ?? "system";
  const next = THEMES[(THEMES.indexOf(now) + 1) % THEMES.length];
  drawTheme(next);
  // A page that is a file may have no storage.
  try { localStorage.setItem("pycandle-theme", next); } catch { /* It is asked again. */ }
}

function startTheme() {
  let kept = null;
  try { kept = localStorage.getItem("pycandle-theme"); } catch { /* As the system has it. */ }
  drawTheme(THEMES.includes(kept) ? kept : "system");
  find("theme").addEventListener("click", nextTheme);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

function startHelp() {
  const dialog = find("help");
  dialog.append(element("h2", { id: "help-title" }, "Keys"),
    element("dl", {}, ...KEYS.flatMap(([keys, words]) =>
      [element("dt", {}, ...keys.split(" ").map((key) => element("kbd", {}, key))), element("dd", {}, words)])),
    element("h2", {}, "Reading it"),
    element("p", {}, "Own error: the module is fed what PyTorch's gave. Inherited: it runs in the model, with the errors of all before it. Bars are on a log scale; the line is the limit, four times PyTorch's own distance from float64."),
    element("p", {}, `Marks: ${Object.entries(MARKS).map(([word, sign]) => `${sign} ${word}`).join(", ")}. A disc means that it failed on its own and none of its parts did, ↓ that it only inherits a failure.`),
    element("button", { type: "button", click: () => dialog.close() }, "Close"));
  find("help-button").addEventListener("click", () => dialog.showModal());
}

function startFilters() {
  const filter = find("filter");
  const apply = () => {
    state.filter = filter.value.trim();
    state.outcome = find("outcome").value;
    listTree();
    if (state.tab === "table") listTable();
  };
  filter.addEventListener("input", onceAFrame(apply));
  find("outcome").addEventListener("change", apply);
  filter.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "ArrowDown" && event.key !== "Escape") return;
    event.preventDefault();
    if (event.key === "Escape") filter.value = "";
    // At once: who types fast presses Enter before the frame that shows the last letters.
    apply();
    if (event.key === "Escape") return find("tree").focus();
    const match = tree.rows.find((index) => isAsked(state.model.modules[index]));
    if (match !== undefined && !isAsked(state.model.modules[state.selected])) select(match);
    find("tree").focus();
  });
}

function startKeys() {
  const actions = {
    j: () => step(1), k: () => step(-1), n: () => stepFailure(1), N: () => stepFailure(-1), t: nextTheme,
    c: showFirst,
    "/": () => find("filter").select(), "?": () => find("help").showModal(),
    1: () => showTab("module"), 2: () => showTab("table"), 3: () => showTab("map"),
  };
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select, textarea") || find("help").open;
    if (typing || event.ctrlKey || event.metaKey || event.altKey || !actions[event.key]) return;
    event.preventDefault();
    actions[event.key]();
  });
  find("tabs").addEventListener("click", (event) => {
    const tab = event.target.closest("[role=tab]");
    if (tab) showTab(tab.id.slice(4));
  });
  find("tabs").addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    const names = ["module", "table", "map"];
    const next = names[(names.indexOf(state.tab) + by + names.length) % names.length];
    showTab(next);
    find(`tab-${next}`).focus();
  });
}

function startModels() {
  const names = report.models.map(({ name }) => name);
  const choose = element("select", { "aria-label": "Model", change: () => showModel(Number(choose.value)) },
    ...names.map((name, at) => element("option", { value: at }, name)));
  find("model").append(names.length > 1 ? choose : names[0]);
}

function start() {
  find("app").hidden = false;
  startModels();
  startTree();
  startStrip();
  startTable();
  startMap();
  startFilters();
  startHelp();
  startKeys();
  const bad = report.models.findIndex(({ runs }) => runs.some((run) => run.culprit));
  showModel(Math.max(0, bad));
  if (report.models.length > 1) find("model").firstChild.value = Math.max(0, bad);
  startTheme();
  find("tree").focus({ preventScroll: true });
  requestAnimationFrame(() => requestAnimationFrame(() => performance.mark("shown")));
}

start();
