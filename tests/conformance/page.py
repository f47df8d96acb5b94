"""What a full run found, as two files: `docs/ops.md` for users, `declined.txt` for the test.

Everything in them comes from the op table and from the rows of the run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import torch

from pycandle.ops import entries
from tests.conformance.suite import Row, core_ops, model_ops, wanted_ops
from tests.parity.crate import ROOT, locked_version

ORDER = ("f32", "f64", "f16", "bf16", "i64", "i32", "i16", "u8", "bool", "c64", "c128")
# What becomes of overloads that reach no lowering, by what they are.
_RECORDED = {
    "aten.rand.default": "becomes an input",
    "aten.randn.default": "becomes an input",
    "aten.randn_like.default": "becomes an input",
    "aten.rand_like.default": "becomes an input",
    "aten.randint.low": "becomes an input",
    "aten.randperm.default": "becomes an input",
    "aten.item.default": "becomes a number that is read at run time",
    "aten._local_scalar_dense.default": "becomes a number that is read at run time",
    "aten.sym_size.int": "becomes a size",
    "aten.sym_numel.default": "becomes a size",
    "aten.sym_stride.int": "becomes a size",
    "aten.sym_storage_offset.default": "becomes a size",
    "aten._to_copy.default": "recorded as aten.to.dtype",
    "aten.type_as.default": "recorded as aten.to.dtype",
    "aten.to.device": "recorded as aten.to.dtype",
    "aten.to.dtype_layout": "recorded as aten.to.dtype",
    "aten._assert_tensor_metadata.default": "dropped: what it checks is in the types",
    "aten._assert_scalar.default": "becomes a check of sizes",
}


def page(rows: Sequence[Row]) -> str:
    """`docs/ops.md`."""
    by_op: dict[str, list[Row]] = {}
    for row in rows:
        by_op.setdefault(row.case.op, []).append(row)
    passed = sum(_passed(row) for row in rows)
    declined = sum(bool(row.declined) for row in rows)
    accepted = sum(bool(row.exception) for row in rows)
    lines = [
        "# Ops",
        "Every op that PyCandle lowers, and how much of it was run against PyTorch.",
        "`nox -s conformance -- --bless` writes this page from a full run; do not edit it.",
        "",
        f"PyTorch {torch.__version__.partition('+')[0]}, Candle {locked_version('candle-core')}: "
        f"{passed} cases pass, {declined} decline, {accepted} differ and are accepted "
        f"([why](../tests/conformance/exceptions.toml)).",
        "A case is one call of one ATen overload, compiled through the emitter that compiles"
        " models, and compared with what PyTorch gave in the same run.",
        "What PyTorch itself leaves open is no case: NaN and infinities that depend on the layout"
        " or on a library's choice, and matrices that are singular but for rounding.",
        "What declines says why: [every message](../tests/conformance/declined.txt).",
    ]
    families: dict[str, dict[int, list[str]]] = {}
    for name, entry in entries().items():
        if not name.startswith("rt."):
            functions = families.setdefault(entry.family, {})
            functions.setdefault(id(entry), []).append(name)
    for family, functions in sorted(families.items()):
        lines += ["", f"## {family}", *_HEAD]
        for names in sorted(functions.values()):
            entry = entries()[names[0]]
            found = [row for name in names for row in by_op.get(name, [])]
            lines.append(_line(entry.function.__name__.strip("_"), names, found))
    rest = [name for name in wanted_ops() if name not in entries()]
    lines += ["", "## Without a lowering", "| Overload | PyTorch's core | Models | Then |"]
    lines += ["|---|---|---|---|"]
    for name in rest:
        core = "yes" if name in core_ops() else ""
        then = _RECORDED.get(name, "declines: it has no lowering")
        lines.append(f"| `{name}` | {core} | {model_ops().get(name, '')} | {then} |")
    return "\n".join(lines) + "\n"


_HEAD = (
    "| Op | Overloads | dtypes | Cases that pass | Decline | Status |",
    "|---|---|---|---|---|---|",
)


def _line(title: str, names: Iterable[str], rows: Sequence[Row]) -> str:
    overloads = ", ".join(f"`{name.removeprefix('aten.')}`" for name in sorted(names))
    dtypes = {dtype for row in rows if _passed(row) for dtype in row.case.dtypes.split("+")}
    shown = " ".join(dtype for dtype in ORDER if dtype in dtypes)
    passed = sum(_passed(row) for row in rows)
    declined = sum(bool(row.declined) for row in rows)
    accepted = sum(bool(row.exception) for row in rows)
    status = "exact" if passed else ("declines" if declined else "no case")
    status += f"; {accepted} accepted differences" if accepted else ""
    return f"| {title} | {overloads} | {shown} | {passed} | {declined} | {status} |"


def _passed(row: Row) -> bool:
    return row.outcome is not None and row.outcome.passed


def declines(rows: Sequence[Row]) -> list[str]:
    """Every message of a decline with its overload, once whatever its numbers."""
    return sorted({f"{row.case.op}: {_shape(said)}" for row in rows for said in row.declined})


def _shape(message: str) -> str:
    """The message without the numbers and the lists of one case."""
    message = re.sub(r"-?\b\d+(\.\d+)?(e-?\d+)?\b|\binf\b|\bnan\b|-inf\b", "N", message)
    return re.sub(r"[\[(](N|None)?(, (N|None))*,?[\])]", "[N]", message)


PAGE = ROOT / "docs" / "ops.md"
