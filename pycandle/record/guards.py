"""Reads what an exported program takes for granted of its input sizes.

A model that branches on a size exports one branch; torch states the condition as a guard. Bounds of
a single axis are in its range already; every other relation becomes a check of the generated code.
It must not know any op.
"""

# PyTorch keeps the guards private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping

from pycandle.errors import Finding, RecordError
from pycandle.graph import Guard, TensorType
from pycandle.graph.dim import Size, from_ast, substitute, symbols
from pycandle.record.export import Exported

_SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}


def read_guards(exported: Exported, inputs: Mapping[str, TensorType]) -> tuple[Guard, ...]:
    """Every relation that no range says. Raises `RecordError` for one that cannot be checked."""
    found: dict[Guard, None] = {}
    for code in getattr(exported.program, "_guards_code", None) or ():
        try:
            guards = _guards(code, inputs)
        except (ValueError, SyntaxError, KeyError, IndexError) as error:
            raise RecordError(
                Finding(
                    f"the exported graph holds only where {code}, which cannot be checked: {error}",
                    "torch.export",
                    "leave the axes it names out of dynamic_shapes",
                )
            ) from error
        found.update(dict.fromkeys(guard for guard in guards if not is_bound(guard)))
    return tuple(found)


def _guards(code: str, inputs: Mapping[str, TensorType]) -> list[Guard]:
    axes: dict[str, Size] = {}

    class Axes(ast.NodeTransformer):
        """Replaces `L['x'].size()[0]` by a name."""

        def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
            match = re.fullmatch(r"(.+)\.size\(\)\[(\d+)\]", ast.unparse(node))
            if match is None:
                raise ValueError(f"{ast.unparse(node)} is no size")
            parts = re.findall(r"\w+", match[1].removeprefix("L"))
            name = f"axis_{len(axes)}"
            axes[name] = inputs["_".join(parts)].shape[int(match[2])]
            return ast.Name(name)

    return _all(Axes().visit(ast.parse(code, mode="eval")).body, axes)


def _all(tree: ast.expr, axes: Mapping[str, Size]) -> list[Guard]:
    """The relations that hold together; of alternatives, those that sizes do not rule out."""
    match tree:
        case ast.BoolOp(op=ast.And(), values=parts):
            return [guard for part in parts for guard in _all(part, axes)]
        case ast.BoolOp(op=ast.Or(), values=parts):
            open_parts: list[list[Guard]] = []
            for part in parts:
                if isinstance(part, ast.Compare) and len(part.ops) == 1:
                    (guard,) = _chain(part, axes)
                    known = _known(guard)
                    if known:
                        return []
                    if known is False:
                        continue
                open_parts.append(_all(part, axes))
            if len(open_parts) != 1:
                raise ValueError("it has alternatives")
            return open_parts[0]
        case _:
            return list(_chain(tree, axes))


def _known(guard: Guard) -> bool | None:
    """Whether the relation holds, where no symbol decides that."""
    if guard.left == guard.right and guard.sign in ("==", "<=", ">="):
        return True
    return None if symbols(guard.left) | symbols(guard.right) else guard.holds({})


def _chain(tree: ast.expr, axes: Mapping[str, Size]) -> Iterator[Guard]:
    """The relations in one comparison, which may have several signs."""
    if not isinstance(tree, ast.Compare):
        raise ValueError("it is no comparison")
    sides = [substitute(from_ast(side), axes) for side in (tree.left, *tree.comparators)]
    for left, sign, right in zip(sides, tree.ops, sides[1:], strict=False):
        yield Guard(left, _SIGNS[type(sign)], right)


def is_bound(guard: Guard) -> bool:
    """Whether the relation is of one symbol and a number, or holds by itself."""
    if guard.left == guard.right and guard.sign in ("==", "<=", ">="):
        return True
    sides = [guard.left, guard.right]
    plain = [isinstance(s, int) or {str(s)} == symbols(s) for s in sides]
    return all(plain) and any(isinstance(side, int) for side in sides) and guard.sign != "=="
