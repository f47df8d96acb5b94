"""Reads the tensors behind a call's verdict: what Rust gave, what PyTorch did, and float64.

It needs NumPy and no torch. It must not know what is made of them.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pycandle.errors import Finding, ResultsError
from pycandle.graph import files
from pycandle.verify.results import Call, Run

_DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4",
    "I16": "<i2", "I8": "<i1", "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "<u1", "BOOL": "<u1",
}  # fmt: skip
_WIDTHS = {name: np.dtype(kind).itemsize for name, kind in _DTYPES.items()}
_REFERENCES = {"isolated": "isolated", "cumulative": "float64"}


@dataclass(frozen=True, slots=True)
class Raw:
    """A tensor as a safetensors file has it: the format's own name of its dtype, and its bytes."""

    dtype: str
    shape: tuple[int, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Compared:
    """One output of a module call: arrays of the same shape, in float64."""

    golden: NDArray[np.float64]
    rust: NDArray[np.float64] | None  # None where it was not kept, or has another shape
    reference: NDArray[np.float64] | None  # what float64 gives; None for integers

    @property
    def difference(self) -> NDArray[np.float64] | None:
        """Rust's minus PyTorch's; NaN where one of them is not finite and the other differs."""
        if self.rust is None:
            return None
        with np.errstate(invalid="ignore"):
            return np.where(self.rust == self.golden, 0.0, self.rust - self.golden)


def compared(run: Run, call: Call, output: int = 0) -> Compared | None:
    """The tensors of an output; none if PyTorch gave none there.

    Raises `ResultsError` if the trace, or the file that was kept, is gone or broken.
    """
    key = call.outputs[output].golden if output < len(call.outputs) else ""
    if not key:
        return None
    trace = trace_path(run)
    golden = read_tensor(trace, key)
    exact = reference(run, key)
    rust = read_tensor(call.tensors, str(output), missing=True) if call.tensors else None
    if rust is not None and rust.shape != golden.shape:
        rust = None
    return Compared(golden, rust, exact)


def reference(run: Run, key: str) -> NDArray[np.float64] | None:
    """What float64 gives where PyTorch gave the tensor of this key; none for integers.

    Raises `ResultsError` if the trace is gone or broken.
    """
    trace = trace_path(run)
    distance = read_tensor(trace, f"{key}:{_REFERENCES[run.mode]}", missing=True)
    return None if distance is None else read_tensor(trace, key) + distance


def raw_of(array: NDArray[np.float64]) -> Raw:
    """An array as a file stores it."""
    return Raw("F64", array.shape, np.ascontiguousarray(array, "<f8").tobytes())


def trace_path(run: Run) -> Path:
    """Where the golden tensors of a run lie: beside its manifest."""
    return files.trace_path(Path(run.manifest))


def read_tensor(path: Path, key: str, missing: bool = False) -> Any:
    """A tensor of a safetensors file in float64; None if it has none, where that may be.

    The library's own reader for NumPy refuses bfloat16, which NumPy does not know.
    """
    with _readable(path, key):
        raw = _raw(path, key, missing)
        if raw is None:
            return None
        data = np.frombuffer(raw.data, _DTYPES[raw.dtype])
        if raw.dtype == "BF16":
            data = (data.astype("<u4") << 16).view("<f4")
        return data.astype(np.float64).reshape(raw.shape)


def read_raw(path: Path, key: str, missing: bool = False) -> Raw | None:
    """A tensor of a safetensors file as it is stored there, in whatever dtype."""
    with _readable(path, key):
        return _raw(path, key, missing)


def metadata(path: Path) -> Mapping[str, str]:
    """The free metadata of a safetensors file."""
    with _readable(path, "__metadata__"):
        return _header(path, path.stat().st_mtime_ns)[1].get("__metadata__", {})


def keys(path: Path) -> frozenset[str]:
    """The names of a file's tensors."""
    with _readable(path, "__metadata__"):
        return frozenset(_header(path, path.stat().st_mtime_ns)[1]) - {"__metadata__"}


def write_raw(path: Path, tensors: Mapping[str, Raw]) -> None:
    """Write a safetensors file of tensors as they are stored elsewhere."""
    header: dict[str, object] = {}
    place = 0
    # The format wants the tensors without gaps, and each aligned to its elements.
    order = sorted(tensors, key=lambda key: (-_WIDTHS.get(tensors[key].dtype, 8), key))
    for key in order:
        raw = tensors[key]
        end = place + len(raw.data)
        header[key] = {"dtype": raw.dtype, "shape": raw.shape, "data_offsets": [place, end]}
        place = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text = text.ljust(-(-len(text) // 8) * 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for key in order:
            file.write(tensors[key].data)


def _raw(path: Path, key: str, missing: bool) -> Raw | None:
    begin, header = _header(path, path.stat().st_mtime_ns)
    if key not in header and missing:
        return None
    entry = header[key]
    first, end = entry["data_offsets"]
    with path.open("rb") as file:
        file.seek(begin + first)
        data = file.read(end - first)
    if len(data) != end - first:
        raise ValueError("the file is cut short")
    return Raw(entry["dtype"], tuple(entry["shape"]), data)


@contextmanager
def _readable(path: Path, key: str) -> Generator[None]:
    """Within it, a file that is gone or broken is a `ResultsError`."""
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, MemoryError, OverflowError) as error:
        what = f"the tensor {key!r} cannot be read: {type(error).__name__}: {error}"
        raise ResultsError(Finding(what, str(path), "run `pycandle verify` again")) from error


@lru_cache(maxsize=64)
def _header(path: Path, _written: int) -> tuple[int, Mapping[str, Any]]:
    """Where a file's data begins, and its header, as it was when the file was `_written`."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        return 8 + size, json.loads(file.read(size))
