// The map: modules as nested boxes in the order in which they run, each in the colour of its error.

const map = { boxes: [], which: "own" };

function startMap() {
  const canvas = element("canvas", { id: "map-canvas", role: "img", tabindex: 0, "aria-label": "Map of the modules" });
  const words = element("div", { class: "bar" },
    ...[["own", "own error"], ["all", "with what it inherits"]].map(([which, text]) =>
      element("button", {
        type: "button", "data-which": which, "aria-pressed": String(which === map.which),
        click: () => {
          map.which = which;
          drawMap();
        },
      }, text)),
    element("span", { class: "legend", "aria-hidden": "true" },
      element("span", {}, "far below the limit"), element("i", { class: "ramp pass" }),
      element("span", {}, "limit"), element("i", { class: "ramp fail" }), element("span", {}, "far over")),
    element("span", { id: "map-words", role: "status" }));
  find("map").append(words, canvas);
  canvas.addEventListener("click", (event) => {
    const index = mapAt(event.offsetX, event.offsetY);
    if (index >= 0) select(index);
  });
  canvas.addEventListener("dblclick", () => showTab("module"));
  canvas.addEventListener("pointermove", (event) => mapWords(mapAt(event.offsetX, event.offsetY)));
  canvas.addEventListener("keydown", treeKey);
  new ResizeObserver(onceAFrame(drawMap)).observe(find("map"));
}

function drawMap() {
  if (!state.model || state.tab !== "map") return;
  for (const button of find("map").querySelectorAll("[data-which]"))
    button.setAttribute("aria-pressed", String(button.dataset.which === map.which));
  const canvas = find("map-canvas");
  const width = find("map").clientWidth - 24;
  const above = canvas.getBoundingClientRect().top - find("map").getBoundingClientRect().top;
  const height = Math.max(240, find("map").clientHeight - above - 14);
  const context = sharp(canvas, width, height);
  const theme = colours();
  const { modules } = state.model;
  const weights = sizesOf(modules);
  map.boxes = [];
  const roots = modules.filter((module) => module.parent < 0).map((module) => module.index);
  place(roots, { x: 0, y: 0, w: width, h: height });
  for (const box of map.boxes) drawBox(context, theme, box);
  const chosen = map.boxes.findLast((box) => box.index === state.selected);
  if (chosen) {
    for (const [colour, width] of [[theme.page, 6], [theme.accent, 3]]) {
      context.strokeStyle = colour;
      context.lineWidth = width;
      context.strokeRect(chosen.x + 1, chosen.y + 1, Math.max(2, chosen.w - 2), Math.max(2, chosen.h - 2));
    }
  }
  const module = modules[state.selected];
  canvas.setAttribute("aria-label",
    `Map of ${modules.length} modules as nested boxes; selected: ${module?.name}, ${module?.outcome}`);
  mapWords(state.selected);

  function place(indices, area) {
    for (const [index, box] of strips(indices, weights, area)) {
      const { children } = modules[index];
      const title = box.h > 34 && box.w > 44 ? 15 : box.h > 8 && box.w > 8 ? 2 : 0;
      map.boxes.push({ index, ...box, named: box.w > 26 && (children.length ? title === 15 : box.h > 14) });
      const edge = box.w > 30 && box.h > 30 ? 3 : 1;
      const inside = { x: box.x + edge, y: box.y + title, w: box.w - 2 * edge, h: box.h - title - edge };
      if (children.length && inside.w > 2 && inside.h > 2) place(children, inside);
    }
  }
}

/** How large each module is drawn: by its parts, but large ones do not crowd the small ones out. */
function sizesOf(modules) {
  const counts = modules.map(() => 0);
  const count = (index) => {
    const { children } = modules[index];
    counts[index] = children.length ? children.reduce((sum, child) => sum + count(child), 0) : 1;
    return counts[index];
  };
  modules.forEach((module) => module.parent < 0 && count(module.index));
  return counts.map((leaves) => leaves ** 0.7);
}

/** Lays boxes out in lines from left to right, in order, with lines of such length as makes them squarest. */
function* strips(indices, weights, { x, y, w, h }) {
  const total = indices.reduce((sum, index) => sum + weights[index], 0);
  const scale = (w * h) / total;
  let line = [];
  const ratio = (items) => {
    const sum = items.reduce((all, index) => all + weights[index], 0);
    const tall = (sum * scale) / w;
    // Names are wide, so boxes may be.
    return Math.max(...items.map((index) => {
      const wide = (weights[index] * scale) / tall;
      return Math.max(wide / 2.5 / tall, (2.5 * tall) / wide);
    }));
  };
  const lines = [];
  for (const index of indices) {
    if (line.length && ratio([...line, index]) > ratio(line)) {
      lines.push(line);
      line = [];
    }
    line.push(index);
  }
  if (line.length) lines.push(line);
  for (const items of lines) {
    const sum = items.reduce((all, index) => all + weights[index], 0);
    const tall = (sum / total) * h;
    let left = x;
    for (const index of items) {
      const wide = (weights[index] / sum) * w;
      yield [index, { x: left, y, w: wide, h: tall }];
      left += wide;
    }
    y += tall;
  }
}

function drawBox(context, theme, { index, x, y, w, h, named }) {
  const module = state.model.modules[index];
  const found = module[map.which];
  const leaf = !module.children.length;
  const inset = w > 6 && h > 6 ? 1 : 0;
  context.fillStyle = leaf ? heat(found, theme) : theme.surface;
  context.fillRect(x + inset, y + inset, Math.max(1, w - 2 * inset), Math.max(1, h - 2 * inset));
  const failed = found.outcome === "failed";
  if (!leaf || (failed && w > 6 && h > 6)) {
    context.strokeStyle = failed ? theme.failed : theme.border;
    context.lineWidth = module.origin && map.which === "own" ? 3 : 1;
    context.strokeRect(x + inset + 0.5, y + inset + 0.5, Math.max(1, w - 2 * inset - 1), Math.max(1, h - 2 * inset - 1));
  }
  if (!named) return;
  context.save();
  context.beginPath();
  context.rect(x + 3, y + 1, w - 6, h - 2);
  context.clip();
  const deep = leaf && failed && onScale(found.used) > 0.75;
  context.fillStyle = deep ? theme["on-fail"] : theme.text;
  context.font = `11px ${theme.sans}`;
  context.textBaseline = "top";
  context.textAlign = "left";
  const known = found.outcome && found.outcome !== "passed" ? `${MARKS[found.outcome]} ` : "";
  context.fillText(`${known}${module.label}`, x + 5, y + 3.5);
  if (leaf && h > 32) {
    context.globalAlpha = 0.85;
    context.fillText(share(found.used), x + 5, y + 18);
  }
  context.restore();
}

/** The innermost module under a place of the map. */
function mapAt(x, y) {
  const hit = map.boxes.findLast((b) => x >= b.x && x < b.x + b.w && y >= b.y && y < b.y + b.h);
  return hit ? hit.index : -1;
}

function mapWords(index) {
  const module = state.model.modules[index];
  if (!module) return;
  const words = `${module.name} · ${share(module[map.which].used)} of the limit`;
  find("map-words").textContent = words;
}
