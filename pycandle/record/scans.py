"""Rewrites a function's loops over a length as scans, where the statement shows that they are ones.

It must not know torch, nor run anything: a function is its source. What the rewritten function
calls is in `loops`.
"""

from __future__ import annotations
import __future__

import ast
import copy
import inspect
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import CodeType, FunctionType

_FUTURES = sum(getattr(__future__, name).compiler_flag for name in __future__.all_feature_names)
_HERE = "pycandle_loops"  # what the module `loops` is called in a rewritten function


def with_scans(function: FunctionType) -> CodeType | None:
    """The function's code with scans in place of loops; None if no loop is one."""
    code = function.__code__
    if code.co_freevars or "range" not in code.co_names or "range" in function.__globals__:
        return None
    try:
        lines, first = inspect.getsourcelines(function)
        tree = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, SyntaxError):
        return None
    (definition,) = tree.body
    if not isinstance(definition, ast.FunctionDef):
        return None
    definition.decorator_list = []
    loops = [node for node in ast.walk(definition) if isinstance(node, ast.For)]
    scans = [made for loop in loops if (made := _read(loop, definition))]
    if not scans:
        return None
    for made in scans:
        _replace(made, definition)
    start = ast.parse(f"from pycandle.record import loops as {_HERE}").body
    definition.body[:0] = start
    ast.increment_lineno(ast.fix_missing_locations(tree), first - 1)
    flags = code.co_flags & _FUTURES
    made = compile(tree, code.co_filename, "exec", flags=flags, dont_inherit=True)
    return next(c for c in made.co_consts if isinstance(c, CodeType) and c.co_name == code.co_name)


@dataclass
class _Scan:
    """A loop that is a scan."""

    loop: ast.For
    index: str
    length: ast.expr
    body: list[ast.stmt] = field(default_factory=lambda: list[ast.stmt]())
    assigned: list[str] = field(default_factory=lambda: list[str]())
    early: set[str] = field(default_factory=lambda: set[str]())  # read before they are assigned
    rows: dict[tuple[str, int], str] = field(default_factory=lambda: dict[tuple[str, int], str]())
    lists: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    written: dict[tuple[str, int], str] = field(
        default_factory=lambda: dict[tuple[str, int], str]()
    )

    @property
    def carried(self) -> list[str]:
        """What a step takes from the one before."""
        return [name for name in dict.fromkeys(self.assigned) if name in self.early]


def _read(loop: ast.For, function: ast.FunctionDef) -> _Scan | None:
    """The loop as a scan; None if it does anything that a scan does not."""
    match loop:
        case ast.For(
            target=ast.Name(id=index),
            iter=ast.Call(func=ast.Name(id="range"), args=[length], keywords=[]),
            orelse=[],
        ):
            scan = _Scan(loop, index, length)
        case _:
            return None
    if not all(_take(scan, statement) for statement in loop.body) or not scan.carried:
        return None
    inside = set(map(id, ast.walk(loop)))
    outside = [node for node in ast.walk(function) if id(node) not in inside]
    own = {*scan.lists, *(name for name, _ in scan.written)}
    left = {name for name in scan.assigned if name not in scan.early} | {index}
    if (
        index in {*scan.early, *scan.assigned}
        or own & {*scan.early, *scan.assigned}
        or {name for name, _ in scan.rows} & {*scan.assigned, *own}
        or not all(_only_stacked(name, outside) for name in scan.lists)
        or any(_read_after(name, loop, outside) for name in left)
        or any(isinstance(node, ast.For | ast.While) and loop in ast.walk(node) for node in outside)
    ):
        return None
    return scan


def _take(scan: _Scan, statement: ast.stmt) -> bool:
    """Read one statement of the body; False if it is not one of a scan."""
    # What is collected has a name of its own: a later statement may assign to what it was.
    target = f"{_HERE}_given_{len(scan.lists) + len(scan.written)}"
    match statement:
        case ast.Assign(targets=[ast.Name(id=target)], value=value):
            scan_value = value
        case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name)) as place], value=value):
            axis, rest = _place(place, scan.index)
            if axis is None or rest is None or rest or (name, axis) in scan.written:
                return False
            scan.written[name, axis] = target
            scan_value = value
        case ast.Expr(value=ast.Call(
            func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value], keywords=[]
        )) if name not in scan.lists:  # fmt: skip
            scan.lists[name] = target
            scan_value = value
        case _:
            return False
    if not all(map(_is_plain, ast.walk(scan_value))):
        return False
    # The loop stays as it is, for a length that is fixed.
    scan_value = _Places(scan).visit(copy.deepcopy(scan_value))
    names = {node.id for node in ast.walk(scan_value) if isinstance(node, ast.Name)}
    scan.early |= names - set(scan.assigned)
    scan.assigned.append(target)
    made = ast.Assign([ast.Name(target, ast.Store())], scan_value)
    scan.body.append(ast.copy_location(made, statement))
    return True


def _is_plain(node: ast.AST) -> bool:
    """Whether it is part of arithmetic on tensors; a call of a module would be one of many."""
    match node:
        case ast.Call(func=ast.Attribute(value=held, attr=method)):
            # A method in place, as PyTorch names them, may change what lies outside.
            if method.endswith("_"):
                return False
            while isinstance(held, ast.Attribute):
                held = held.value
            return not (isinstance(held, ast.Name) and held.id == "self")
        case ast.Call():
            return False
        case _:
            return isinstance(node, _PLAIN)


_PLAIN = (
    ast.Name, ast.Constant, ast.Attribute, ast.BinOp, ast.UnaryOp, ast.Compare, ast.Subscript,
    ast.Slice, ast.Tuple, ast.keyword, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context,
)  # fmt: skip


def _place(place: ast.Subscript, index: str) -> tuple[int | None, list[ast.expr] | None]:
    """The axis that a subscript reads at the step's place, and what it says of later axes.

    None for the axis if it reads no such place, or cuts an axis before it.
    """
    items = place.slice.elts if isinstance(place.slice, ast.Tuple) else [place.slice]
    axis = next((k for k, i in enumerate(items) if isinstance(i, ast.Name) and i.id == index), None)
    if axis is None or not all(map(_is_whole, items[:axis])):
        return None, None
    rest = items[axis + 1 :]
    return axis, [] if all(map(_is_whole, rest)) else [*items[:axis], *rest]


def _is_whole(item: ast.expr) -> bool:
    return isinstance(item, ast.Slice) and not (item.lower or item.upper or item.step)


class _Places(ast.NodeTransformer):
    """Puts a step's row in place of a tensor at the step's place."""

    def __init__(self, scan: _Scan) -> None:
        self.scan = scan

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        axis, rest = _place(node, self.scan.index)
        if axis is None or rest is None or not isinstance(node.value, ast.Name):
            return self.generic_visit(node)
        rows = self.scan.rows
        row = rows.setdefault((node.value.id, axis), f"{_HERE}_row_{len(rows)}")
        name = ast.Name(row, ast.Load())
        return ast.Subscript(name, ast.Tuple(rest, ast.Load()), ast.Load()) if rest else name


def _only_stacked(name: str, outside: Iterable[ast.AST]) -> bool:
    """Whether a list is made empty once, and only ever read as what `torch.stack` stacks."""
    outside = list(outside)
    empty = [node for node in outside if isinstance(node, ast.Assign)
             and [ast.unparse(target) for target in node.targets] == [name]
             and isinstance(node.value, ast.List) and not node.value.elts]  # fmt: skip
    uses = [node for node in outside if isinstance(node, ast.Name) and node.id == name]
    return len(empty) == 1 and len(uses) == 1 + len(list(_stacks(name, outside)))


def _stacks(name: str, nodes: Iterable[ast.AST]) -> Iterable[ast.Call]:
    for node in nodes:
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.stack":
            match node.args:
                case [ast.Name(id=stacked), *_] if stacked == name:
                    yield node
                case _:
                    pass


def _read_after(name: str, loop: ast.For, outside: Iterable[ast.AST]) -> bool:
    """Whether what the loop leaves in a name may be read, before it is assigned anew."""
    end = loop.end_lineno or 0
    uses = [n for n in outside if isinstance(n, ast.Name) and n.id == name and n.lineno > end]
    fresh = [made for n in outside if (made := _made(n, name)) and made.lineno > end]
    known = [made.end_lineno or 0 for made in fresh if not set(uses) & set(ast.walk(made))]
    first = min(known, default=None)
    return any(isinstance(n.ctx, ast.Load) and (first is None or n.lineno <= first) for n in uses)


def _made(node: ast.AST, name: str) -> ast.expr | None:
    """What a statement makes a name's value from, if it assigns to the name."""
    match node:
        case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
            return value
        case ast.For(target=ast.Name(id=target), iter=value) if target == name:
            return value
        case _:
            return None


def _replace(scan: _Scan, function: ast.FunctionDef) -> None:
    """Put the scan beside the loop, for a length that may vary."""
    for name in scan.lists:
        for call in _stacks(name, ast.walk(function)):
            call.func = ast.Attribute(ast.Name(_HERE, ast.Load()), "stack", ast.Load())
    carried, rows = scan.carried, list(scan.rows.values())
    given = [*scan.lists.values(), *scan.written.values()]
    over = ", ".join(f"({name}, {axis})" for name, axis in scan.rows)
    length = ast.unparse(scan.length)
    text = f"""
if {_HERE}.is_open({length}):
    def {_HERE}_step({_HERE}_state, {_HERE}_rows):
        {_tuple(carried)} = {_HERE}_state
        {_tuple(rows)} = {_HERE}_rows
        return {_tuple(f"{n}.clone()" for n in carried)}, {_tuple(f"{n}.clone()" for n in given)}
    {_tuple(carried)}, {_tuple(given)} = {_HERE}.scan(
        {_HERE}_step, {_tuple(carried)}, [{over}], {length})
"""
    (branch,) = ast.parse(text).body
    assert isinstance(branch, ast.If)
    step = branch.body[0]
    assert isinstance(step, ast.FunctionDef)
    step.body[-1:-1] = scan.body
    for name, own in scan.lists.items():
        branch.body += ast.parse(f"{name} = {_HERE}.Rows({own})").body
    for (name, axis), own in scan.written.items():
        branch.body += ast.parse(f"{_HERE}.write({name}, {axis}, {length}, {own})").body
    for node in ast.walk(branch):
        if node not in scan.body:
            ast.copy_location(node, scan.loop)
    branch.orelse = [scan.loop]
    _Put(scan.loop, branch).visit(function)


def _tuple(names: Iterable[str]) -> str:
    return "(" + "".join(f"{name}, " for name in names) + ")"


class _Put(ast.NodeTransformer):
    """Puts a branch in the place of a loop."""

    def __init__(self, loop: ast.For, branch: ast.If) -> None:
        self.loop, self.branch = loop, branch

    def visit_For(self, node: ast.For) -> ast.AST:
        return self.branch if node is self.loop else self.generic_visit(node)
