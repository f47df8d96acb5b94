"""Reads the Python statement behind a node, for the name that it assigns.

It must not know torch: a stack trace is text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from pycandle.graph import CALLED_AT
from pycandle.record.calls import relative

_FRAME = re.compile(r'File "([^"]+)", line (\d+), in (.*)')


def place(stack_trace: str) -> tuple[str, tuple[str, ...]]:
    """`package/file.py:line` of the innermost frame, and the names that its statement assigns.

    What a function returns belongs to the statement that called it, which is told then, too.
    """
    # Code that PyTorch makes up while it traces stands in no file.
    frames = [frame for frame in _FRAME.findall(stack_trace) if not frame[0].startswith("<")]
    if not frames:
        return "", ()
    innermost, calling = frames[-1], len(frames) - 1
    while calling > 0 and frames[calling][2] != "forward" and _returns(*frames[calling][:2]):
        calling -= 1
    inside, targets = place_of_line(innermost[0], int(innermost[1]))
    if frames[calling] is innermost:
        return inside, targets
    outside, targets = place_of_line(frames[calling][0], int(frames[calling][1]))
    return f"{inside}{CALLED_AT}{outside}", targets


def place_of_line(file: str, line: int) -> tuple[str, tuple[str, ...]]:
    """`package/file.py:line` where the statement on that line begins, and the names it assigns."""
    first, targets, _ = _statements(file).get(line, (line, (), False))
    return f"{relative(file)}:{first}", targets


def _returns(file: str, line: str) -> bool:
    return _statements(file).get(int(line), (0, (), False))[2]


@lru_cache
def _statements(file: str) -> dict[int, tuple[int, tuple[str, ...], bool]]:
    """For each line of a file its innermost simple statement.

    That is its first line, the names that it assigns, and whether it makes what a function returns.
    """
    try:
        tree = ast.parse(Path(file).read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return {}
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
                found[line] = (node.lineno, _targets(node), node in last)
    return found


def _returned(function: ast.FunctionDef) -> Iterator[ast.stmt]:
    """Its returns, and the last statement that assigns the one name that they all return."""
    own = list(_own(function.body))
    returns = [node for node in own if isinstance(node, ast.Return)]
    yield from returns
    names = {node.value.id if isinstance(node.value, ast.Name) else "" for node in returns}
    assigned = [node for node in own if {*_targets(node)} == names and len(names) == 1]
    if assigned:
        yield max(assigned, key=lambda node: node.lineno)


def _own(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a function, without those of functions and classes in it."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        yield node
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.stmt):
                yield from _own([part])
            elif isinstance(part, (ast.ExceptHandler, ast.match_case)):
                yield from _own(part.body)


def _targets(node: ast.stmt) -> tuple[str, ...]:
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
