"""The tensors behind a verdict: read in every dtype, and refused in one message where broken."""

import json
from pathlib import Path

import numpy as np
import pytest

from pycandle.errors import ResultsError
from pycandle.verify import Call, Output, Run
from pycandle.verify.tensors import compared, read_tensor

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2",
    "U32": "<u4", "U8": "<u1", "BOOL": "?",
}  # fmt: skip


def write(path: Path, **tensors: tuple[str, list[int], bytes]) -> Path:
    header: dict[str, object] = {}
    data = b""
    for name, (dtype, shape, raw) in tensors.items():
        offsets = [len(data), len(data) + len(raw)]
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + data)
    return path


def f32(*numbers: float) -> tuple[str, list[int], bytes]:
    return "F32", [len(numbers)], np.array(numbers, "<f4").tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_tensor_of_any_dtype(tmp_path: Path, dtype: str):
    raw = np.array([[0, 1, 1]], DTYPES[dtype])
    path = write(tmp_path / "a.safetensors", x=(dtype, [1, 3], raw.tobytes()))
    assert read_tensor(path, "x").tolist() == [[0.0, 1.0, 1.0]]


def test_bfloat16(tmp_path: Path):
    raw = np.array([1.5, -2.0], "<f4").view("<u4") >> 16
    path = write(tmp_path / "a.safetensors", x=("BF16", [2], raw.astype("<u2").tobytes()))
    assert read_tensor(path, "x").tolist() == [1.5, -2.0]


def a_run(folder: Path, kept: Path | None) -> tuple[Run, Call]:
    output = Output(
        "", "recorded:fc#0.0", "f32", (3,), "failed", 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, {}
    )
    call = Call("recorded", "fc", 0, "Linear", "", "", "", "failed", "", (output,), kept)
    manifest = str(folder / "toy_manifest.json")
    return Run("toy", "isolated", "cpu", (), 1, (call,), True, call, 0.0, (), manifest), call


def test_what_a_call_gave_beside_pytorch(tmp_path: Path):
    write(
        tmp_path / "toy_trace.safetensors",
        **{
            "recorded:fc#0.0": f32(1, float("nan"), float("inf")),
            "recorded:fc#0.0:isolated": f32(0.5, 0, 0),
        },
    )
    kept = write(tmp_path / "0.safetensors", **{"0": f32(3, 2, float("inf"))})
    found = compared(*a_run(tmp_path, kept))
    assert found is not None and found.reference is not None and found.difference is not None
    assert found.reference[0] == 1.5
    assert found.difference.tolist()[::2] == [2.0, 0.0]
    assert np.isnan(found.difference[1])
    without = compared(*a_run(tmp_path, None))
    assert without is not None and without.rust is None and without.difference is None


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 16, b"\x02\0\0\0\0\0\0\0{}", b"\x02\0\0\0\0\0\0\0[]"]
)
def test_a_broken_file_is_refused(tmp_path: Path, content: bytes):
    path = tmp_path / "toy_trace.safetensors"
    path.write_bytes(content)
    with pytest.raises(ResultsError, match="cannot be read"):
        compared(*a_run(tmp_path, None))
