"""Reads the Python statement behind a node, for the name that it assigns.

It must not know torch: a stack trace is text.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pycandle.graph import CALLED_AT

_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (.*)')


@dataclass(frozen=True, slots=True)
class Frame:
    """A line that was being run."""

    file: str
    line: int
    function: str


def frames_of(stack_trace: str) -> list[Frame]:
    """The frames of a trace, outermost first; code that PyTorch makes up stands in no file."""
    found = (Frame(file, int(line), name) for file, line, name in _FRAME.findall(stack_trace))
    return [frame for frame in found if not frame.file.startswith("<")]


def place(stack_trace: str) -> tuple[str, tuple[str, ...]]:
    """`package/file.py:line` of the innermost frame, and the names that its statement assigns.

    What a function returns belongs to the statement that called it, which is told then, too.
    """
    frames = frames_of(stack_trace)
    if not frames:
        return "", ()
    innermost, calling = frames[-1], len(frames) - 1
    while calling > 0 and frames[calling].function != "forward" and _returns(frames[calling]):
        calling -= 1
    inside, names = place_of_line(innermost.file, innermost.line)
    if frames[calling] is innermost:
        return inside, names
    outside, names = place_of_line(frames[calling].file, frames[calling].line)
    return f"{inside}{CALLED_AT}{outside}", names


def functions_of(stack_trace: str) -> tuple[str, ...]:
    """The functions that the innermost `forward` calls on the way to an op, outermost first."""
    names = [frame.function for frame in frames_of(stack_trace)]
    starts = [place for place, name in enumerate(names) if name == "forward"]
    own = names[starts[-1] + 1 :] if starts else []
    return tuple(own) if all(name.isascii() and name.isidentifier() for name in own) else ()


def place_of_line(file: str, line: int) -> tuple[str, tuple[str, ...]]:
    """`package/file.py:line` where the statement on that line begins, and the names it assigns."""
    first, names, _ = _statements(file).get(line, (line, (), False))
    return f"{relative(file)}:{first}", names


def _returns(frame: Frame) -> bool:
    return _statements(frame.file).get(frame.line, (0, (), False))[2]


@lru_cache
def parsed(file: str) -> ast.Module:
    """The file's code; none if it cannot be read."""
    try:
        return ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


@lru_cache
def _statements(file: str) -> dict[int, tuple[int, tuple[str, ...], bool]]:
    """For each line of a file its innermost simple statement.

    That is its first line, the names that it assigns, and whether it makes what a function returns.
    """
    tree = parsed(file)
    last = {
        statement
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for statement in _returned(function)
    }
    found: dict[int, tuple[int, tuple[str, ...], bool]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and not hasattr(node, "body"):
            for line in range(node.lineno, (node.end_lineno or node.lineno) + 1):
                found[line] = (node.lineno, targets(node), node in last)
    return found


def _returned(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    """Its returns, and the last statement that assigns the one name that they all return."""
    own = list(own_statements(function.body))
    returns = [node for node in own if isinstance(node, ast.Return)]
    yield from returns
    names = {node.value.id if isinstance(node.value, ast.Name) else "" for node in returns}
    assigned = [node for node in own if {*targets(node)} == names and len(names) == 1]
    if assigned:
        yield max(assigned, key=lambda node: node.lineno)


def own_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a function, without those of functions and classes in it."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        yield node
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.stmt):
                yield from own_statements([part])
            elif isinstance(part, (ast.ExceptHandler, ast.match_case)):
                yield from own_statements(part.body)


def targets(node: ast.stmt) -> tuple[str, ...]:
    """The names that a statement assigns, or whose values it changes."""
    match node:
        case (
            ast.Assign(targets=[target])
            | ast.AugAssign(target=target)
            | ast.AnnAssign(target=target)
        ):
            names = target.elts if isinstance(target, ast.Tuple) else [target]
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=changed, attr=name))):
            # PyTorch's methods that change a tensor in place end so.
            names = [changed] if name.endswith("_") else []
        case _:
            return ()
    # Part of a tensor that is assigned changes the tensor.
    names = [name.value if isinstance(name, ast.Subscript) else name for name in names]
    if all(isinstance(name, ast.Name) for name in names):
        return tuple(name.id for name in names if isinstance(name, ast.Name))
    return ()


def relative(file: str) -> str:
    """The file's path from the import root it was found under, else its bare name."""
    path = Path(file)
    inside = [root for root in _roots(tuple(sys.path)) if path.is_relative_to(root)]
    if not inside:
        return path.name
    return path.relative_to(max(inside, key=lambda root: len(root.parts))).as_posix()


@lru_cache
def _roots(entries: tuple[str, ...]) -> list[Path]:
    return [Path(entry).resolve() for entry in entries if entry]
