"""Writes `debug_layer.py`: a call's replay, and what compares and draws it, in one file.

It must not know the tensors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pycandle.emit.alone import Alone
from pycandle.emit.pytorch import comment_line, python_literal, replay

NAME = "debug_layer.py"
_LOOKING = Path(__file__).with_name("looking.py")
_TIES = Path(__file__).parents[1] / "record/ties.py"
_HEAD = '''\
"""Replays a module call in PyTorch, and shows where Rust differs from it: python debug_layer.py

It needs torch and safetensors, and reads snippet.safetensors beside it. With matplotlib it draws
heatmap.png, without it a heatmap of letters.
"""
'''


def debug_script(alone: Alone, title: str, notes: list[str], sizes: Mapping[str, int]) -> str:
    """The script's text. Where the call cannot be replayed it says why, and compares what is there.

    `title` and `notes` may hold names from a model.
    """
    saved = {entry.value: (f"input.{entry.name}", entry.name) for entry in alone.inputs}
    saved |= {w.value: (f"weights.{w.asked[0]}", w.called) for w in alone.weights}
    made = replay(alone.graph, alone.region, sizes, saved)
    if made.missing:
        notes = [
            *notes,
            f"This call cannot be replayed: {made.missing}; what was saved is compared.",
        ]
    imports, looking = _taken_apart(_LOOKING.read_text(encoding="utf-8"))
    parts = [_HEAD, "\n".join(map(comment_line, (title, *notes))) + "\n"]
    if made.names_equals:
        more, ties = _taken_apart(_TIES.read_text(encoding="utf-8"))
        imports |= more
        looking = f"{ties}\n\n{looking}"
    parts.append("\n".join(_in_order(imports)) + "\n\n")
    run = "None" if made.missing else "replay"
    if made.names_equals:
        run = "replay_first_of_equals"
        wrapped = ["", "", "def replay_first_of_equals(tensor):", "    with FirstOfEquals():",
                   "        return replay(tensor)"]  # fmt: skip
    else:
        wrapped = []
    if not made.missing:
        parts.append("\n" + "\n".join((*made.lines, *wrapped)) + "\n\n")
    parts.append(f"{_RULE}\n\n{looking}\n")
    main = f"main({python_literal(title)}, {run})"
    parts.append(f'\nif __name__ == "__main__":\n    sys.exit({main})\n')
    return "\n".join(part.strip("\n") + "\n" for part in parts).replace("\n\n\n\n", "\n\n\n")


_RULE = "# What follows is the same in every such script: it compares, tells and draws."


def _taken_apart(text: str) -> tuple[set[str], str]:
    """The imports of a module, and what is after them."""
    pattern = r"(?:from [\w.]+ import .+|import [\w. ]+)"
    top = re.compile(rf"^{pattern}$", re.MULTILINE)
    places = [*top.finditer(text)]
    last = max(match.end() for match in places)
    return {match[0] for match in places}, text[last:].strip("\n")


def _in_order(imports: set[str]) -> list[str]:
    future = [line for line in imports if "__future__" in line]
    others = sorted(imports - {*future}, key=lambda line: (line.startswith("from"), line))
    return [*future, "", *others]
