"""Looks at where a module call differs: the part of `debug_layer.py` that is the same in each.

`pycandle repro` copies this file's text to the end of the script, after the call's own constants
and its `replay`. It needs torch and safetensors only, and draws with matplotlib if that is there.
Nothing of PyCandle imports it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from math import log, sqrt
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType]
from torch import Tensor

Loader = Callable[[str, torch.dtype], Tensor]

# The rule of the parity tests: an error may be so many times PyTorch's own, which counts as at
# least this part of the signal; of `n` elements the RMS may be more by `sqrt(1 + FEW / n)`.
RMS_FACTOR, FEW, MAX_FACTOR, FLOOR = 4.0, 8.0, 10.0, 1e-37
ROUNDING, ROUNDINGS = 2.5e-7, {torch.float16: 1e-3, torch.bfloat16: 8e-3}
SHADES = " .:-=+*#%@"
# From blue to red, as terminals have them.
COLOURS = (0, 34, 34, 36, 36, 32, 32, 33, 33, 31)
COLUMNS, ROWS = 78, 24


@dataclass(frozen=True)
class Output:
    """One output of the call, each of the same shape in float64, or None."""

    number: int
    golden: Tensor
    dtype: torch.dtype
    reference: Tensor
    rust: Tensor | None
    replayed: Tensor | None


def main(title: str, replay: Callable[[Loader], list[Tensor]] | None) -> int:
    """Compare, tell and draw; 1 if the replay is not what PyTorch gave when it was recorded."""
    folder = Path(__file__).resolve().parent
    torch.set_grad_enabled(False)
    snippet = load_file(folder / "snippet.safetensors")

    def tensor(key: str, dtype: torch.dtype) -> Tensor:
        pairs = dtype.is_complex and not snippet[key].is_complex()
        return (torch.view_as_complex(snippet[key]) if pairs else snippet[key]).to(dtype)

    outputs = read_outputs(snippet, None if replay is None else replay(tensor))
    print(title)
    for output in outputs:
        tell(output)
    worst = max(outputs, key=lambda output: largest(difference(output)), default=None)
    if worst is None or largest(difference(worst)) <= 0:
        print("there is no difference to draw")
    elif not draw_picture(title, worst, folder / "heatmap.png"):
        draw_letters(worst)
    return int(any(output.replayed is not None and not is_replay(output) for output in outputs))


def read_outputs(snippet: dict[str, Tensor], replayed: list[Tensor] | None) -> list[Output]:
    """What was saved of each output, and what the replay gives."""
    found: list[Output] = []
    for number in range(len(snippet)):
        golden = snippet.get(f"golden.{number}")
        if golden is None:
            break
        rust = snippet.get(f"rust.{number}")
        found.append(
            Output(
                number,
                wide(golden),
                golden.dtype,
                snippet.get(f"reference.{number}", wide(golden)),
                None if rust is None else wide(rust),
                None if replayed is None else wide(replayed[number]),
            )
        )
    return found


def wide(tensor: Tensor) -> Tensor:
    """The tensor in float64, complex numbers as pairs."""
    return (torch.view_as_real(tensor) if tensor.is_complex() else tensor).to(torch.float64)


def error_of(tensor: Tensor, output: Output) -> float:
    """The RMS distance from float64, over what is finite in PyTorch."""
    return rms((tensor - output.reference)[output.golden.isfinite()])


def limit_of(output: Output) -> float:
    """What the error may be at most."""
    own = error_of(output.golden, output)
    where = output.golden.isfinite()
    signal = rms(output.reference[where])
    factor = RMS_FACTOR * sqrt(1.0 + FEW / max(int(where.sum()), 1))
    return max(factor * max(own, ROUNDINGS.get(output.dtype, ROUNDING) * signal), FLOOR)


def largest_error_of(tensor: Tensor, output: Output) -> float:
    """The largest distance from float64, over what is finite in PyTorch."""
    return largest((tensor - output.reference)[output.golden.isfinite()])


def largest_limit_of(output: Output) -> float:
    """What the largest error may be at most."""
    signal = largest(output.reference[output.golden.isfinite()])
    rounding = ROUNDINGS.get(output.dtype, ROUNDING) * signal
    return max(MAX_FACTOR * max(largest_error_of(output.golden, output), rounding), FLOOR)


def is_within(tensor: Tensor, output: Output) -> bool:
    """Whether the error and the largest error are within their limits."""
    within = error_of(tensor, output) <= limit_of(output)
    return within and largest_error_of(tensor, output) <= largest_limit_of(output)


def rms(tensor: Tensor) -> float:
    """The root of the mean square; 0 of nothing."""
    return float(tensor.square().mean().sqrt()) if tensor.numel() else 0.0


def is_replay(output: Output) -> bool:
    """Whether PyTorch gives again what it gave, up to rounding."""
    again = output.replayed
    if again is None or again.shape != output.golden.shape:
        return False
    if not output.dtype.is_floating_point:
        return torch.equal(again, output.golden)
    where = output.golden.isfinite()
    same = torch.equal(again[~where].nan_to_num(), output.golden[~where].nan_to_num())
    return same and is_within(again, output)


def difference(output: Output) -> Tensor:
    """Rust's minus PyTorch's; infinite where only one of them is a finite number."""
    if output.rust is None or output.rust.shape != output.golden.shape:
        return torch.zeros(0, dtype=torch.float64)
    both_nan = output.rust.isnan() & output.golden.isnan()
    found = torch.where(output.rust == output.golden, 0.0, output.rust - output.golden)
    return torch.where(both_nan, 0.0, found).nan_to_num(torch.inf)


def largest(tensor: Tensor) -> float:
    """The largest absolute value; -1 of nothing."""
    return float(tensor.abs().max()) if tensor.numel() else -1.0


def tell(output: Output) -> None:
    """The numbers of one output."""
    shape = str(list(output.golden.shape))
    print(f"\noutput {output.number}, {str(output.dtype).removeprefix('torch.')} {shape}")
    if output.replayed is not None:
        off = largest(output.replayed - output.golden) if is_replay(output) else -1.0
        said = "the same to the bit" if off == 0 else f"the same up to rounding, {off:.1e} at most"
        print(f"  PyTorch again: {said if off >= 0 or not output.golden.numel() else 'DIFFERS'}")
    if output.rust is None:
        print("  Rust: it gave no such output, or it was not kept")
        return
    if output.rust.shape != output.golden.shape:
        print(f"  Rust: DIFFERS, its shape is {list(output.rust.shape)}")
        return
    apart = difference(output)
    wrong = int((apart != 0).sum())
    if output.dtype.is_floating_point:
        error, limit = error_of(output.rust, output), limit_of(output)
        own = error_of(output.golden, output)
        said = "ok" if is_within(output.rust, output) else "DIFFERS"
        print(f"  Rust: {said}, error {error:.1e}, limit {limit:.1e} (PyTorch's own is {own:.1e})")
        most, largest_limit = largest_error_of(output.rust, output), largest_limit_of(output)
        print(f"  the largest error is {most:.1e}, its limit {largest_limit:.1e}")
    print(f"  {wrong} of {apart.numel()} elements are not equal to the bit")
    if wrong:
        place = unravel(int(apart.abs().argmax()), list(apart.shape))
        at = tuple(place)
        print(
            f"  worst at {place}: Rust {float(output.rust[at]):.9g}, PyTorch "
            f"{float(output.golden[at]):.9g}, float64 {float(output.reference[at]):.9g}"
        )


def unravel(index: int, shape: list[int]) -> list[int]:
    """The place of an element by its number."""
    place: list[int] = []
    for size in reversed(shape):
        index, rest = divmod(index, size)
        place.insert(0, rest)
    return place


def slice_of(apart: Tensor) -> tuple[tuple[int, ...], str]:
    """The indices of all axes but the last two where they differ most, and the slice's name."""
    if apart.dim() <= 2:
        return (), ""
    place = unravel(int(apart.abs().argmax()), list(apart.shape))[:-2]
    return tuple(place), f"[{', '.join(map(str, place))}, :, :]"


def matrix(tensor: Tensor, place: tuple[int, ...]) -> Tensor:
    """The slice as two axes."""
    return tensor[place].reshape(-1, tensor.shape[-1] if tensor.dim() else 1)


def draw_picture(title: str, output: Output, path: Path) -> bool:
    """PyTorch, Rust and their difference beside each other; False without matplotlib."""
    try:
        import matplotlib as mpl

        mpl.use("Agg")
        pyplot: Any = import_module("matplotlib.pyplot")
    except ImportError:
        return False
    assert output.rust is not None
    apart = difference(output)
    place, name = slice_of(apart)
    shown = [matrix(tensor, place) for tensor in (output.golden, output.rust, apart)]
    finite = torch.cat([tensor[tensor.isfinite()] for tensor in shown[:2]])
    low, high = (float(finite.min()), float(finite.max())) if finite.numel() else (0.0, 1.0)
    measured = shown[2][shown[2].isfinite()].abs()
    most = float(measured.max()) if measured.numel() else 1.0
    rows, columns = shown[0].shape
    height = min(max(1.2, 3.6 * rows / columns), 6.5) + 1.1
    figure, panels = pyplot.subplots(1, 3, figsize=(14, height), layout="constrained")
    names = ("PyTorch", "Rust", "Rust - PyTorch, worst circled")
    for panel, tensor, label in zip(panels, shown, names, strict=True):
        limits = (low, high) if label != names[2] else (-(most or 1.0), most or 1.0)
        colours = "viridis" if label != names[2] else "RdBu_r"
        image = panel.imshow(
            tensor.numpy(), cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto",
            interpolation="nearest",
        )  # fmt: skip
        image.cmap.set_bad("black")
        panel.set_title(label)
        # Only whole numbers are places.
        panel.xaxis.get_major_locator().set_params(integer=True)
        panel.yaxis.get_major_locator().set_params(integer=True)
        figure.colorbar(image, ax=panel, fraction=0.05, pad=0.02)
    down, right = unravel(int(shown[2].abs().argmax()), [rows, columns])
    panels[2].plot(right, down, "o", markersize=12, fillstyle="none", color="black")
    below = f"output {output.number} {name}".rstrip()
    figure.suptitle(f"{title}\n{below}", fontsize=11, parse_math=False)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
    print(f"\nheatmap: {path.name}, {below}")
    return True


def draw_letters(output: Output) -> None:
    """The difference as a matrix of letters; each stands for the worst of what it covers."""
    apart = difference(output)
    place, name = slice_of(apart)
    shown = matrix(apart, place).abs().nan_to_num(posinf=torch.finfo(torch.float64).max)
    width = min(COLUMNS, shutil.get_terminal_size((80, 24)).columns - 2)
    pooled = torch.nn.functional.adaptive_max_pool2d(
        shown[None], (min(ROWS, shown.shape[0]), min(max(width, 1), shown.shape[1]))
    )[0]
    most = float(pooled.max())
    # Each letter stands for twice what the one before it does.
    least = max(most / 2.0 ** (len(SHADES) - 2), 1e-300)
    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    below = f"output {output.number} {name}".rstrip()
    print(f"\n|Rust - PyTorch|, {below}, {shown.shape[0]} by {shown.shape[1]}")
    for row in pooled:
        print("|" + "".join(letter(float(n), least, most, coloured) for n in row) + "|")
    print(f"'{SHADES[-1]}' is {most:.1e}, '{SHADES[-2]}' half of it, and so on; ' ' is less")
    print("with matplotlib it would be a picture: pip install matplotlib")


def letter(number: float, least: float, most: float, coloured: bool) -> str:
    """The shade of a number on a logarithmic scale."""
    if number < least:
        return SHADES[0]
    part = log(number / least) / log(most / least) if most > least else 1.0
    level = 1 + round(part * (len(SHADES) - 2))
    shade = SHADES[level]
    return f"\033[{COLOURS[level]}m{shade}\033[0m" if coloured else shade
