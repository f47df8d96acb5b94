// The depth strip: a column for each module call in order, its own error above what it inherits.

const STRIP = { height: 72, left: 92, right: 12, gap: 8 };

function startStrip() {
  const canvas = find("strip-canvas");
  new ResizeObserver(onceAFrame(drawStrip)).observe(canvas.parentElement);
  canvas.addEventListener("click", (event) => select(stripAt(event.offsetX)));
  canvas.addEventListener("pointermove", (event) => stripWords(stripAt(event.offsetX)));
  canvas.addEventListener("pointerleave", () => stripWords(state.selected));
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 20, PageDown: -20 };
    const last = state.model.modules.length - 1;
    const ends = { Home: 0, End: last };
    const to = ends[event.key] ?? state.selected + (by[event.key] ?? NaN);
    if (Number.isNaN(to)) return;
    event.preventDefault();
    select(Math.max(0, Math.min(last, to)));
  });
}

const stripWidth = () => find("strip").clientWidth;
const stripColumn = () =>
  (stripWidth() - STRIP.left - STRIP.right) / Math.max(1, state.model.modules.length);

/** The module under a place of the strip; where columns are narrow, the worst of those nearby. */
function stripAt(x) {
  const { modules } = state.model;
  const clamp = (index) => Math.max(0, Math.min(modules.length - 1, Math.floor(index)));
  const column = stripColumn();
  const near = column < 3 ? 2 : 0;
  const [from, to] = [x - near, x + near].map((at) => clamp((at - STRIP.left) / column));
  let best = clamp((x - STRIP.left) / column);
  if (!near) return best;
  const badness = ({ own, all }) => Math.max(own.used ?? 0, all.used ?? 0);
  for (let at = from; at <= to; at += 1) if (badness(modules[at]) > badness(modules[best])) best = at;
  return best;
}

function drawStrip() {
  if (!state.model) return;
  const width = stripWidth();
  const theme = colours();
  const context = sharp(find("strip-canvas"), width, STRIP.height);
  const lane = (STRIP.height - STRIP.gap) / 2;
  drawLane(context, theme, "own", "own error", 0, lane, width);
  drawLane(context, theme, "all", "inherited", lane + STRIP.gap, lane, width);
  const x = STRIP.left + (state.selected + 0.5) * stripColumn();
  context.fillStyle = theme.accent;
  context.fillRect(Math.round(x) - 1, 0, 2, STRIP.height);
  context.beginPath();
  context.moveTo(x - 5, 0);
  context.lineTo(x + 5, 0);
  context.lineTo(x, 6);
  context.fill();
  stripWords(state.selected);
  const { modules } = state.model;
  const canvas = find("strip-canvas");
  canvas.setAttribute("aria-valuemax", modules.length);
  canvas.setAttribute("aria-valuenow", state.selected + 1);
  const module = modules[state.selected];
  if (module) canvas.setAttribute("aria-valuetext", `${module.name}, ${module.outcome}`);
}

function drawLane(context, theme, which, words, top, height, width) {
  const { modules } = state.model;
  const column = stripColumn();
  const right = width - STRIP.right;
  context.fillStyle = theme.lane;
  context.fillRect(STRIP.left, top, right - STRIP.left, height);
  // The worst come last, so that what is good never hides them where columns share a pixel.
  const order = [...modules].sort((a, b) => (a[which].used ?? -1) - (b[which].used ?? -1));
  for (const { index, inherits, [which]: found } of order) {
    if (found.used === null) continue;
    const tall = Math.max(1.5, onScale(found.used) * height);
    const shade = which === "all" && inherits ? "inherits" : found.outcome;
    context.fillStyle = theme[`bar-${shade}`] || theme.dim;
    const gap = column > 4 ? 1 : 0;
    context.fillRect(STRIP.left + index * column, top + height - tall, Math.max(1, column - gap), tall);
  }
  const limit = top + height - onScale(1) * height;
  context.strokeStyle = theme.text;
  context.setLineDash([3, 3]);
  context.beginPath();
  context.moveTo(STRIP.left, Math.round(limit) + 0.5);
  context.lineTo(right, Math.round(limit) + 0.5);
  context.stroke();
  context.setLineDash([]);
  context.font = `11px ${theme.sans}`;
  context.textAlign = "right";
  context.fillStyle = theme.text;
  context.textBaseline = "bottom";
  context.fillText(words, STRIP.left - 8, top + height + 1);
  context.fillStyle = theme.dim;
  context.textBaseline = "middle";
  context.fillText("limit", STRIP.left - 8, limit);
}

function stripWords(index) {
  const module = state.model.modules[index];
  if (!module) return;
  find("strip-words").replaceChildren(
    element("span", {}, `${index + 1} of ${state.model.modules.length}`),
    element("b", {}, module.name), element("span", {}, module.class.split(".").at(-1)),
    element("span", {}, `own ${share(module.own.used)}`),
    element("span", {}, `inherited ${share(module.all.used)}`),
  );
}
