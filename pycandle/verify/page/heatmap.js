// Heatmaps of an output: PyTorch's, Rust's and their difference, cell by cell.

// As heatmaps.py has them: bytes that stand for no number, and where zero is.
const [ABSENT, NAN_BYTE, MINUS_INFINITY, INFINITY] = [0, 1, 2, 3];
const ZERO = 129;
const LEVELS = 125;
const SPECIAL = { [NAN_BYTE]: NaN, [MINUS_INFINITY]: -Infinity, [INFINITY]: Infinity };
const PANELS = [["PyTorch", 1, "scale"], ["Rust", 2, "scale"], ["difference", 3, "difference_scale"]];

let pictures = null;

/** The pictures, which are many letters, are read when the first is asked for. */
function pictureOf(output) {
  pictures ??= JSON.parse(find("pictures").textContent);
  return pictures[output.heatmap];
}

function decode(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** What a byte stands for: a byte is the square root of the value's part of the scale. */
function valueOf(byte, scale) {
  if (byte in SPECIAL) return SPECIAL[byte];
  const part = (byte - ZERO) / LEVELS;
  return Math.sign(part) * part * part * scale;
}

/** The heatmaps of an output, or why there are none. */
function heatmaps(output, title) {
  if (output.place < 0) return element("p", { class: "none" }, "It gave no tensor that was compared.");
  const picture = output.heatmap >= 0 ? pictureOf(output) : null;
  if (!picture) return noPicture(output);
  const box = element("div", { class: "heatmaps" });
  const readout = element("div", { class: "readout", role: "status" });
  const draw = (slice) => {
    const cells = PANELS.map(([, at]) => decode(picture.slices[slice][at]));
    const [row, column, ...worst] = picture.worst[slice];
    const cursor = { row: 0, column: 0 };
    const panels = PANELS.map(([title, , scale], at) => panel(title, cells[at], picture, picture[scale]));
    const move = (row, column, seen = true) => {
      cursor.row = Math.max(0, Math.min(picture.rows - 1, row));
      cursor.column = Math.max(0, Math.min(picture.columns - 1, column));
      for (const { marker } of panels) {
        marker.hidden = !seen;
        marker.style.left = `${(cursor.column / picture.columns) * 100}%`;
        marker.style.top = `${(cursor.row / picture.rows) * 100}%`;
        marker.style.width = `${100 / picture.columns}%`;
        marker.style.height = `${100 / picture.rows}%`;
      }
      readout.textContent = seen ? readCell(picture, cells, cursor) : `largest difference at ${cellPlace(picture, cursor)}:  ${cellNumbers(worst)}`;
    };
    for (const { canvas } of panels) follow(canvas, picture, cursor, move);
    box.replaceChildren(...panels.map(({ figure }) => figure));
    move(Number(row), Number(column), false);
  };
  draw(worstSlice(picture));
  return element("div", {}, chooser(title, picture, draw), box, readout);
}

function noPicture(output) {
  const full = output.status === "failed"
    ? "No picture: what Rust gave has another shape, was not kept, or the page's room for pictures is used up."
    : "No picture: what Rust gave is kept for module calls that failed.";
  return element("p", { class: "none" }, `${full} To keep all: `,
    element("code", {}, "PYCANDLE_TENSORS=all pycandle verify && pycandle report"));
}

function worstCell(bytes) {
  const badness = (byte) => (byte === ABSENT ? -1 : byte <= INFINITY ? 1000 : Math.abs(byte - ZERO));
  return bytes.reduce((best, byte, at) => (badness(byte) > badness(bytes[best]) ? at : best), 0);
}

function worstSlice(picture) {
  const badness = ([, , , difference]) => {
    const bytes = decode(difference);
    const byte = bytes[worstCell(bytes)];
    return byte <= INFINITY ? 1000 : Math.abs(byte - ZERO);
  };
  return picture.slices.reduce((best, slice, at, all) => (badness(slice) > badness(all[best]) ? at : best), 0);
}

/** Chooses a slice of a tensor of more than two axes. */
function chooser(title, picture, draw) {
  const { slices, block: [down, across], size: [rows, columns], left_out: leftOut } = picture;
  const cells = down * across === 1 ? "a cell is an element"
    : `a cell is the worst of ${down} × ${across} elements`;
  const folded = picture.vector && rows > 1 ? ", a vector in rows" : "";
  const words = element("span", { class: "dim" }, `${rows} × ${columns}${folded}, ${cells}`);
  if (slices.length < 2) return element("div", { class: "chooser" }, element("h3", {}, `${title} ${slices[0][0]}`), words);
  const choose = element("select", { "aria-label": "Slice", change: () => draw(Number(choose.value)) },
    ...slices.map(([label], at) => element("option", { value: at }, label)));
  choose.value = worstSlice(picture);
  const rest = leftOut ? element("span", { class: "dim" }, `${leftOut} slices that differ less are left out`) : null;
  return element("div", { class: "chooser" }, element("h3", {}, title), choose, words, rest);
}

function panel(title, bytes, picture, scale) {
  const canvas = element("canvas", {
    width: picture.columns, height: picture.rows, tabindex: 0, role: "img", class: "heat",
    "aria-label": `${title}, ${picture.rows} by ${picture.columns} cells, largest magnitude ${short(scale)}; arrow keys read cells`,
  });
  // Values have outliers, so that small ones are drawn stronger; a difference is drawn as it is.
  canvas.repaint = () => paint(canvas, bytes, title === "difference");
  canvas.repaint();
  const wanted = Math.max(3, Math.min(22, Math.round(140 / picture.rows)));
  const marker = element("i", { class: "marker", hidden: true });
  const frame = element("div", { class: "frame" }, canvas, marker);
  canvas.style.height = `${picture.rows * wanted}px`;
  const figure = element("figure", {},
    element("figcaption", {}, element("b", {}, title),
      element("span", { class: "scale" }, `−${short(scale)} `, element("i", { class: "ramp signed" }), ` ${short(scale)}`)),
    frame);
  return { figure, canvas, marker };
}

function paint(canvas, bytes, linear) {
  const theme = colours();
  const context = canvas.getContext("2d");
  const image = context.createImageData(canvas.width, canvas.height);
  const palette = Array.from({ length: 256 }, (_, byte) => cellColour(byte, theme, linear));
  bytes.forEach((byte, at) => image.data.set(palette[byte], at * 4));
  context.putImageData(image, 0, 0);
}

function cellColour(byte, theme, linear) {
  if (byte === ABSENT) return [0, 0, 0, 0];
  const part = (byte - ZERO) / LEVELS;
  const colour = byte <= INFINITY ? between(theme["not-a-number"], theme["not-a-number"], 0)
    : between(theme["heat-zero"], theme[part < 0 ? "heat-minus" : "heat-plus"], linear ? part * part : Math.abs(part));
  return [...colour.match(/\d+/g).map(Number), 255];
}

function readCell(picture, cells, { row, column }) {
  const at = row * picture.columns + column;
  if (cells[0][at] === ABSENT) return "no element";
  // A byte says little more than two digits.
  const read = PANELS.map(([, , scale], which) => signed(valueOf(cells[which][at], picture[scale])));
  return `${cellPlace(picture, { row, column })}, about:  ${cellNumbers(read)}`;
}

function cellNumbers(read) {
  return PANELS.map(([title], which) => `${title} ${read[which].replace("-", "−")}`).join("   ");
}

/** Which elements of the slice a cell stands for. */
function cellPlace(picture, { row, column }) {
  const [down, across] = picture.block;
  const range = (from, size, most) =>
    size === 1 ? `${from}` : `${from * size}–${Math.min(most, (from + 1) * size) - 1}`;
  const [rows, columns] = picture.size;
  return picture.vector ? `element ${range(row * columns + column * across, 1, 0)}`
    : `row ${range(row, down, rows)}, column ${range(column, across, columns)}`;
}

function signed(value) {
  if (Number.isNaN(value)) return "NaN";
  return value < 0 ? `−${short(-value)}` : short(value);
}

/** Moves the cursor with the pointer and the arrow keys. */
function follow(canvas, picture, cursor, move) {
  const { rows, columns } = picture;
  canvas.addEventListener("pointermove", (event) => {
    const { width, height } = canvas.getBoundingClientRect();
    move(Math.floor((event.offsetY / height) * rows), Math.floor((event.offsetX / width) * columns));
  });
  canvas.addEventListener("focus", () => move(cursor.row, cursor.column));
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!by) return;
    event.preventDefault();
    event.stopPropagation();
    move(cursor.row + by[0], cursor.column + by[1]);
  });
}
