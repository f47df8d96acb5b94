// What the page knows: the report's data, in the form that the views read.

const report = JSON.parse(document.getElementById("data").textContent);
const MARKS = { passed: "✓", failed: "✗", uninformative: "?", elided: "–", missing: "∅" };
const WORST_FIRST = ["failed", "missing", "uninformative", "passed", "elided"];
const LEAST_USED = 1e-3;

// What the views share. A view reads it when `changed` tells of a change, and never writes it.
const state = {
  model: null, // as `readModel` gives it
  selected: 0, // the index of a module
  output: null, // an entry of the module's `outputs`, which the heatmap shows
  tab: "module",
  filter: "",
  outcome: "",
  collapsed: new Set(), // indices of modules
};

/** A model of the report, with every module's outputs in one list, and the tree of modules. */
function readModel(plain) {
  const modules = plain.modules.map((module, index) => readModule(plain, module, index));
  linkTree(modules);
  for (const module of modules) {
    // It fails alone and none of its parts does: the mistake is in its own lines.
    module.origin = module.own.outcome === "failed" && !failsBelow(module, modules);
    module.inherits = module.own.outcome === "passed" && module.outcome === "failed";
  }
  const shares = modules.flatMap((m) => [m.own.used, m.all.used]).filter(Number.isFinite);
  return { ...plain, modules, mostUsed: Math.max(10, ...shares) };
}

function readModule(plain, module, index) {
  const outputs = [];
  for (const [run, caseName, outcome, reason, rows] of module.found) {
    const { mode } = plain.runs[run];
    const shared = { mode, case: caseName, outcome, reason };
    rows.forEach((row, place) => {
      const output = Object.fromEntries(report.fields.map((field, at) => [field, row[at]]));
      // What is no number is no error that can be allowed.
      if (output.used === null) output.used = output.status === "failed" ? Infinity : 0;
      outputs.push({ ...shared, ...output, place, of: rows.length, module: index });
    });
    if (!rows.length) outputs.push({ ...shared, place: -1, of: 0, module: index });
  }
  return {
    ...module, index, outputs, parent: -1, children: [], depth: 0,
    own: worst(outputs, "isolated"), all: worst(outputs, "cumulative"),
  };
}

/** What a mode came to at worst: its outcome, and the largest part of a limit that was used. */
function worst(outputs, mode) {
  const own = outputs.filter((output) => output.mode === mode);
  if (!own.length) return { outcome: "", used: null };
  const rank = (output) => WORST_FIRST.indexOf(output.outcome);
  const outcome = own.reduce((a, b) => (rank(b) < rank(a) ? b : a)).outcome;
  const used = own.filter((output) => output.place >= 0).map((output) => output.used);
  return { outcome, used: used.length ? Math.max(...used) : null };
}

/** Gives every module its parent: the nearest call of the nearest module that its path is in. */
function linkTree(modules) {
  const calls = new Map();
  for (const module of modules) {
    if (!calls.has(module.path)) calls.set(module.path, []);
    calls.get(module.path).push(module.index);
  }
  for (const module of modules) {
    let path = module.path;
    while (path && module.parent < 0) {
      path = path.slice(0, Math.max(0, path.lastIndexOf(".")));
      const before = (calls.get(path) ?? []).filter((index) => index < module.index);
      module.parent = before.at(-1) ?? calls.get(path)?.[0] ?? -1;
    }
    if (module.parent === module.index) module.parent = -1;
    const above = modules[module.parent]?.path ?? "";
    const within = module.path.slice(above ? above.length + 1 : 0) || "(root)";
    module.label = module.call ? `${within} (call ${module.call})` : within;
  }
  for (const module of modules) modules[module.parent]?.children.push(module.index);
  const place = (module, depth) => {
    module.depth = depth;
    for (const child of module.children) place(modules[child], depth + 1);
  };
  for (const module of modules) if (module.parent < 0) place(module, 0);
}

function failsBelow(module, modules) {
  return module.children.some(
    (child) => modules[child].own.outcome === "failed" || failsBelow(modules[child], modules),
  );
}

/** Where a share of a limit stands on the log scale that all views draw on, from 0 to 1. */
function onScale(used) {
  if (used === null || used <= LEAST_USED) return 0;
  if (!Number.isFinite(used)) return 1;
  const decades = (value) => Math.log10(value / LEAST_USED);
  return Math.min(1, decades(used) / decades(state.model.mostUsed));
}

/** Whether a module is asked for: by the words of the filter, all of them, and by its outcome. */
function isAsked(module) {
  const { outcome, filter } = state;
  if (["origin", "inherits"].includes(outcome) ? !module[outcome] : outcome && module.outcome !== outcome)
    return false;
  const files = [module.source, module.site, module.rust].map((at) => report.places[at]?.place);
  const text = [module.name, module.class, ...files].join(" ").toLowerCase();
  return filter.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** A number in a few letters: 1.6e-4, 12.3, 0.45. */
function short(value) {
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(value)) return "∞";
  const size = Math.abs(value);
  if (value === 0) return "0";
  if (size < 0.01 || size >= 1e5) return value.toExponential(1).replace("e+", "e");
  return size >= 100 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** The share of a limit: 45 % of it, or how many times it. */
function share(used) {
  if (used === null || used === undefined) return "–";
  if (!Number.isFinite(used)) return "no number";
  if (used > 1) return `${short(used)}×`;
  return used < 0.001 ? "< 0.1%" : `${(used * 100).toFixed(used < 0.1 ? 1 : 0)}%`;
}

/** A cosine, as its distance from one where it is near to it. */
function cosine(value) {
  if (value === null || value === undefined) return "–";
  if (value === 1) return "1";
  return value > 0.99 ? `1−${short(1 - value)}` : value.toFixed(4);
}

function duration(seconds) {
  const units = [[86400, "day"], [3600, "hour"], [60, "minute"], [1, "second"]];
  const [size, unit] = units.find(([size]) => seconds >= size) ?? [1, "second"];
  const count = Math.round(seconds / size);
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}

const place = (at) => report.places[at]?.place ?? "";
