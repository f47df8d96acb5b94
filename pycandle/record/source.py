"""Reads the Python statement behind a node, for the name that it assigns.

It must not know torch: a stack trace is text.
"""

from __future__ import annotations

import ast
import re
from functools import lru_cache
from pathlib import Path

from pycandle.record.calls import relative

_FRAME = re.compile(r'File "([^"]+)", line (\d+), in ')


def place(stack_trace: str) -> tuple[str, tuple[str, ...]]:
    """`package/file.py:line` of the innermost frame, and the names that its statement assigns."""
    # Code that PyTorch makes up while it traces stands in no file.
    frames = [frame for frame in _FRAME.findall(stack_trace) if not frame[0].startswith("<")]
    if not frames:
        return "", ()
    file, line = frames[-1]
    return place_of_line(file, int(line))


def place_of_line(file: str, line: int) -> tuple[str, tuple[str, ...]]:
    """`package/file.py:line` where the statement on that line begins, and the names it assigns."""
    first, targets = _statements(file).get(line, (line, ()))
    return f"{relative(file)}:{first}", targets


@lru_cache
def _statements(file: str) -> dict[int, tuple[int, tuple[str, ...]]]:
    """For each line of a file its innermost simple statement: first line, assigned names."""
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return {}
    found: dict[int, tuple[int, tuple[str, ...]]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                found[line] = (node.lineno, _targets(node))
    return found


def _targets(node: ast.stmt) -> tuple[str, ...]:
    match node:
        case (
            ast.Assign(targets=[target])
            | ast.AugAssign(target=target)
            | ast.AnnAssign(target=target)
        ):
            names = target.elts if isinstance(target, ast.Tuple) else [target]
        case _:
            return ()
    if all(isinstance(name, ast.Name) for name in names):
        return tuple(name.id for name in names if isinstance(name, ast.Name))
    return ()
