"""The table of imports in the design: which part of the compiler may know which."""

import ast
import subprocess
import sys
from pathlib import Path

import pycandle

PACKAGE = Path(pycandle.__file__).parent

# What each part may import of PyCandle, besides itself.
ALLOWED = {
    "errors": set(),
    "output": set(),
    "plain": set(),
    "progress": set(),
    "graph": {"errors"},
    "ops": {"graph", "errors"},
    "record": {"graph", "ops", "errors", "output", "progress"},
    "passes": {"graph", "ops", "errors"},
    "emit": {"graph", "ops", "errors", "passes"},
    "bridge": {"graph", "passes", "emit", "errors", "output", ""},
    "metadata": {"emit", "errors", "graph"},
    "crate": {"bridge", "errors", "metadata", "output"},
    "console": {"errors", "project"},
    "benching": {"crate", "emit", "errors", "graph", "metadata", "output"},
    "checking": {"emit", "graph", "errors", "record"},
    "explaining": {"emit", "graph"},
    "drilling": {
        "emit",
        "errors",
        "metadata",
        "graph",
        "plain",
        "record",
        "verify",
        "crate",
    },
    "profiling": {"emit", "errors", "graph", "metadata", "plain"},
    "project": {"emit", "errors", "output", ""},
    "verify": {"errors", "graph", "metadata", "output", "plain", ""},
    "precision": {"errors", "graph", "metadata", "plain", "progress", "record"},
    # It brings together what was recorded, generated and compared of one module call.
    "repro": {"bridge", "crate", "emit", "errors", "graph", "metadata", "verify"},
    # It shows what `verify` reads; of a crate it asks where the checked-in files are.
    "dashboard": {"verify", "errors", "graph", "metadata", "plain"},
    "cli": {
        "errors",
        "benching",
        "bridge",
        "console",
        "crate",
        "checking",
        "dashboard",
        "drilling",
        "explaining",
        "metadata",
        "output",
        "precision",
        "profiling",
        "project",
        "record",
        "repro",
        "verify",
        "",
    },
    "__main__": {"cli"},
    "": {"record"},
}
# Who may import what not every user has installed; `verify` and `dashboard` do without torch.
MAY_IMPORT = {
    # `repro` holds text of a script that its reader runs, and imports none of it.
    "torch": {"record", "repro"},
    "transformers": {"record"},
    "numpy": {"record", "verify", "dashboard", "repro"},
    "textual": {"dashboard"},
}


def imports(file: Path):
    """(module, whether it is at the top level) of every import in a file."""
    tree = ast.parse(file.read_text())
    top = {id(node) for node in tree.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", id(node) in top


def part_of(file: Path) -> str:
    """The part of the compiler that a file belongs to; the facade is the empty name."""
    relative = file.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem.replace("__init__", "")


def part_named(module: str) -> str:
    return module.removeprefix("pycandle").removeprefix(".").partition(".")[0]


def test_imports_follow_the_table():
    wrong = [
        f"{file.relative_to(PACKAGE)} imports {module}"
        for file in sorted(PACKAGE.rglob("*.py"))
        for module, _ in imports(file)
        if module.split(".")[0] == "pycandle"
        and part_named(module) not in ALLOWED[part_of(file)] | {part_of(file)}
    ]

    assert wrong == []


def test_torch_is_imported_where_models_are_and_nowhere_else():
    wrong = [
        f"{file.relative_to(PACKAGE)} imports {module}"
        for file in sorted(PACKAGE.rglob("*.py"))
        for module, _ in imports(file)
        if part_of(file) not in MAY_IMPORT.get(module.split(".")[0], {part_of(file)})
    ]

    # The facade names the recorder's types for type checkers only.
    assert wrong == []


def test_the_dashboard_starts_without_what_takes_long_to_load():
    code = (
        "import sys, pycandle.dashboard.app; "
        "print({'torch', 'numpy', 'pygments', 'pycandle.emit'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def test_code_generation_and_help_never_load_torch():
    code = "import sys, pycandle, pycandle.bridge, pycandle.cli; print('torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


def test_the_bridge_needs_the_standard_library_only():
    code = (
        "import sys, pycandle.bridge; "
        "print({m.split('.')[0] for m in sys.modules} & {'numpy', 'safetensors', 'typer', 'torch'})"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "set()\n"


def test_the_facade_exports_what_it_says():
    public = {name for name in pycandle.__all__ if not name.startswith("_")}

    assert sorted(pycandle.__all__) == pycandle.__all__
    assert public == {"GoldenRecorder"}
