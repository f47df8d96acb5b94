// The tree of modules: of thousands of rows only those in sight are elements.

const ROW = 23;
const tree = { rows: [], body: element("div", { class: "rows", role: "presentation" }) };

function startTree() {
  const box = find("tree");
  box.append(tree.body);
  box.addEventListener("scroll", onceAFrame(drawTree), { passive: true });
  new ResizeObserver(onceAFrame(drawTree)).observe(box);
  box.addEventListener("click", (event) => {
    const row = event.target.closest("[data-index]");
    if (!row) return;
    const index = Number(row.dataset.index);
    if (event.target.closest(".twisty")) toggle(index);
    select(index);
  });
  box.addEventListener("dblclick", (event) => {
    const row = event.target.closest("[data-index]");
    if (row) toggle(Number(row.dataset.index));
  });
  box.addEventListener("keydown", treeKey);
}

/** Which modules have a row, in the order of the tree; with a filter, those asked and above them. */
function listTree() {
  const { modules } = state.model;
  const kept = new Set();
  const filtered = state.filter !== "" || state.outcome !== "";
  let asked = 0;
  for (const module of modules) {
    if (!isAsked(module)) continue;
    asked += 1;
    for (let at = module.index; at >= 0 && !kept.has(at); at = modules[at].parent) kept.add(at);
  }
  tree.rows = [];
  const walk = (index) => {
    if (!kept.has(index)) return;
    tree.rows.push(index);
    if (filtered || !state.collapsed.has(index)) modules[index].children.forEach(walk);
  };
  modules.filter((module) => module.parent < 0).forEach((module) => walk(module.index));
  tree.body.style.height = `${tree.rows.length * ROW}px`;
  const words = filtered ? `${asked} of ${modules.length}` : `${modules.length} modules`;
  find("shown").textContent = words;
  drawTree();
}

function drawTree() {
  if (!state.model) return;
  const box = find("tree");
  const first = Math.max(0, Math.floor(box.scrollTop / ROW) - 6);
  const last = Math.min(tree.rows.length, Math.ceil((box.scrollTop + box.clientHeight) / ROW) + 6);
  const rows = [];
  for (let at = first; at < last; at += 1) rows.push(treeRow(at));
  const selected = tree.rows.indexOf(state.selected);
  // The row that is selected is always there, since it is what a screen reader reads.
  if (selected >= 0 && (selected < first || selected >= last)) rows.push(treeRow(selected));
  tree.body.replaceChildren(...rows);
  if (selected >= 0) box.setAttribute("aria-activedescendant", `row-${state.selected}`);
  else box.removeAttribute("aria-activedescendant");
}

function treeRow(at) {
  const module = state.model.modules[tree.rows[at]];
  const { index, children, depth } = module;
  const siblings = module.parent < 0 ? [index] : state.model.modules[module.parent].children;
  const open = children.length ? String(!state.collapsed.has(index)) : null;
  const chosen = index === state.selected;
  const words = [
    module.label, module.class, outcomeWords(module),
    `own error ${share(module.own.used)} of the limit`, `inherited ${share(module.all.used)}`,
  ];
  const row = element("div", {
    id: `row-${index}`, role: "treeitem", class: `row${chosen ? " chosen" : ""}`,
    "data-index": index, "aria-level": depth + 1, "aria-setsize": siblings.length,
    "aria-posinset": siblings.indexOf(index) + 1, "aria-expanded": open,
    "aria-selected": String(chosen), "aria-label": words.join(", "), title: module.name,
  },
    element("span", { class: "twisty" }, children.length ? (open === "true" ? "▾" : "▸") : ""),
    markOf(module),
    element("span", { class: "label" }, module.label),
    element("span", { class: "class" }, module.class.split(".").at(-1)),
    bar(module.own), bar(module.all, module.inherits),
  );
  row.style.top = `${at * ROW}px`;
  row.style.paddingLeft = `${6 + Math.min(depth, 12) * 13}px`;
  return row;
}

function toggle(index, collapse = !state.collapsed.has(index)) {
  if (!state.model.modules[index].children.length) return;
  if (collapse) state.collapsed.add(index);
  else state.collapsed.delete(index);
  listTree();
}

function showInTree() {
  for (let at = state.model.modules[state.selected].parent; at >= 0;) {
    state.collapsed.delete(at);
    at = state.model.modules[at].parent;
  }
  listTree();
  const box = find("tree");
  const at = tree.rows.indexOf(state.selected);
  if (at < 0) return;
  const top = at * ROW;
  const outside = top < box.scrollTop + ROW || top > box.scrollTop + box.clientHeight - 2 * ROW;
  if (outside) box.scrollTop = top - box.clientHeight * 0.35;
  drawTree();
}

/** The module so many rows of the tree away. */
function step(by) {
  const at = tree.rows.indexOf(state.selected);
  const next = at < 0 ? 0 : Math.max(0, Math.min(tree.rows.length - 1, at + by));
  if (tree.rows.length) select(tree.rows[next]);
}

/** The next module that failed in the order of calls; by itself, if any did; round the end. */
function stepFailure(by) {
  const { modules } = state.model;
  const own = modules.some((module) => module.own.outcome === "failed");
  for (let count = 1; count <= modules.length; count += 1) {
    const at = (state.selected + by * count + count * modules.length) % modules.length;
    const { outcome, inherits } = modules[at];
    if (outcome === "missing" || (outcome === "failed" && !(own && inherits))) return select(at);
  }
}

function treeKey(event) {
  const module = state.model.modules[state.selected];
  if (!module) return;
  const page = Math.max(1, Math.floor(find("tree").clientHeight / ROW) - 1);
  const keys = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    PageDown: () => step(page),
    PageUp: () => step(-page),
    Home: () => step(-tree.rows.length),
    End: () => step(tree.rows.length),
    ArrowLeft: () => {
      const open = module.children.length && !state.collapsed.has(module.index);
      if (open) toggle(module.index, true);
      else if (module.parent >= 0) select(module.parent);
    },
    ArrowRight: () => {
      if (state.collapsed.has(module.index)) toggle(module.index, false);
      else if (module.children.length) select(module.children[0]);
    },
    Enter: () => showTab("module", true),
  };
  if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  keys[event.key]();
}
