"""Collects cases of PyTorch operators and writes them for tests/ops.rs to compare with."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import Tensor

tensors: dict[str, Tensor] = {}
given_as: dict[str, Tensor] = {}
cases: list[tuple[str, list[Any]]] = []


@dataclass(frozen=True)
class View:
    """A view of a stored tensor, made by the same steps in Rust: narrow first, then permute."""

    base: Tensor
    permute: tuple[int, ...]
    narrow: tuple[int, int, int] | None = None

    def tensor(self) -> Tensor:
        """The view itself."""
        base = self.base if self.narrow is None else self.base.narrow(*self.narrow)
        return base.permute(self.permute)


def check(
    name: str, op: Callable[..., Tensor], *inputs: Tensor | View, exact: bool = False
) -> None:
    """Stores one case: its inputs, PyTorch's output and, unless exact, what float64 adds to it."""
    assert all(case[0] != name for case in cases), name
    given = [x.tensor() if isinstance(x, View) else x for x in inputs]
    output = op(*given)
    any_float = any(x.is_floating_point() for x in given)
    if output.is_floating_point() and not exact:
        wide = [x.double() if x.is_floating_point() or not any_float else x for x in given]
        error = op(*wide).double() - output.double()
        store(f"e{len(cases)}", error.nan_to_num(0, 0, 0).float())
    store(f"o{len(cases)}", output)
    cases.append((name, [reference(x) for x in inputs]))


def reference(x: Tensor | View) -> Any:
    """An input's key, alone or with the steps of a view."""
    base = x.base if isinstance(x, View) else x
    key = next((key for key, given in given_as.items() if given is base), None)
    if key is None:
        key = f"i{len(given_as)}"
        given_as[key] = base
        store(key, base)
    return [key, x.narrow or (0, 0, base.shape[0]), x.permute] if isinstance(x, View) else key


def store(key: str, value: Tensor) -> None:
    """Keeps a tensor for the file."""
    tensors[key] = value.contiguous().clone()


def write(path: Path) -> None:
    """Writes all cases and their tensors."""
    save_file(tensors, path, metadata={"cases": json.dumps(cases, separators=(",", ":"))})
