// The two sources side by side: excerpts with their line numbers, and the line that is meant.

const LANGUAGES = {
  python: {
    words: new Set("and as assert async await break class continue def del elif else except False finally for from global if import in is lambda None nonlocal not or pass raise return self True try while with yield".split(" ")),
    pattern: /(#.*)|("""|'''|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|\b(\d[\w.]*(?:[eE]-?\d+)?)|\b([A-Za-z_]\w*)\b/g,
  },
  rust: {
    words: new Set("as async await break const continue crate dyn else enum false fn for if impl in let loop match mod move mut pub ref return self Self static struct super trait true type unsafe use where while".split(" ")),
    pattern: /(\/\/.*)|("(?:\\.|[^"\\])*")|\b(\d[\w.]*(?:[eE]-?\d+)?)|\b([A-Za-z_]\w*)\b/g,
  },
};
const KINDS = ["comment", "string", "number", "word"];
const sourceChoice = { python: "source" };

/** Both sources of a module. */
function sourcesOf(module) {
  const python = element("section", { class: "source", "aria-label": "Python" });
  const drawPython = () => {
    const which = sourceChoice.python === "site" && module.site >= 0 ? "site" : "source";
    const choices = [["source", "forward"], ["site", "call site"]].map(([key, text]) =>
      element("button", {
        type: "button", "aria-pressed": String(key === which), disabled: module[key] < 0,
        click: () => {
          sourceChoice.python = key;
          drawPython();
        },
      }, text));
    python.replaceChildren(sourceHead("Python", module[which], choices), code(module[which], "python"));
    reveal(python);
  };
  const rust = element("section", { class: "source", "aria-label": "Rust" },
    sourceHead("Rust", module.rust, []), code(module.rust, "rust"));
  drawPython();
  return element("div", { class: "sources" }, python, rust);
}

function sourceHead(language, at, choices) {
  return element("div", { class: "source-head" },
    element("h3", {}, language), element("span", { class: "file" }, place(at) || "no place is known"), ...choices);
}

/** The lines around a place. */
function code(at, language) {
  const { file, first, last, meant } = report.places[at] ?? {};
  if (file === undefined) {
    const why = at < 0 ? "The results name no line." : "The file was not found where this page was written.";
    return element("p", { class: "none" }, why);
  }
  const lines = report.files[file];
  const box = element("div", { class: "code", tabindex: 0, role: "group", "aria-label": `${file} from line ${first}` });
  let documented = false; // inside a docstring of several lines
  for (let number = first; number <= last; number += 1) {
    const text = lines[number] ?? "";
    const quotes = language === "python" ? text.split('"""').length - 1 : 0;
    const words = documented || quotes ? [element("span", { class: "code-string" }, text)]
      : coloured(text, LANGUAGES[language]);
    if (quotes % 2) documented = !documented;
    box.append(element("div", {
      class: `line${number === meant ? " meant" : ""}`, "aria-current": number === meant ? "location" : null,
    },
      element("span", { class: "number", "aria-hidden": "true" }, `${number === meant ? "▶ " : ""}${number}`),
      element("code", {}, ...words)));
  }
  return box;
}

/** A line of code as text and coloured parts. */
function coloured(text, { words, pattern }) {
  const parts = [];
  let done = 0;
  for (const match of text.matchAll(pattern)) {
    const at = [1, 2, 3, 4].findIndex((group) => match[group] !== undefined);
    if (KINDS[at] === "word" && !words.has(match[0])) continue;
    parts.push(text.slice(done, match.index), element("span", { class: `code-${KINDS[at]}` }, match[0]));
    done = match.index + match[0].length;
  }
  return [...parts, text.slice(done)].filter((part) => part !== "");
}

/** Scrolls code to the line that is meant. */
function reveal(within) {
  for (const line of within.querySelectorAll(".line.meant")) {
    const box = line.parentElement;
    box.scrollTop = line.offsetTop - box.clientHeight / 3;
  }
}
