"""How a family registers its calls, and what is known of single ops: ties, undefined values.

`TIES` names the ops whose indices are free where values are equal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from tests.conformance.case import Case

# The place of `dim` among the arguments, and its default. Equal values may come in any order, so
# that the indices are judged by the values that they point to.
TIES: Mapping[str, tuple[int, int]] = {
    "aten.topk.default": (2, -1),
    "aten.kthvalue.default": (2, -1),
    "aten.median.dim": (1, -1),
    "aten.nanmedian.dim": (1, -1),
    "aten.mode.default": (1, -1),
    "aten.sort.default": (1, -1),
    "aten.argsort.default": (1, -1),
}
# PyTorch does not check their numbers against each other, and wrong ones end its process, or give
# what memory holds.
UNCHECKED = frozenset(
    ("aten.ctc_loss.IntList", "aten.ctc_loss.Tensor", "aten._weight_norm_interface.default",
     "aten.lstm.input", "aten.gru.input", "aten.rnn_tanh.input", "aten.rnn_relu.input",
     "aten.lstm.data", "aten.gru.data", "aten.rnn_tanh.data", "aten.rnn_relu.data",
     "aten._grouped_mm.default", "transformers.grouped_mm_fallback.default",
     "aten.max_unpool2d.default", "aten.max_unpool3d.default",
     "aten.native_batch_norm.default", "aten._native_batch_norm_legit.default",
     "aten._native_batch_norm_legit.no_stats", "aten._native_batch_norm_legit_no_training.default",
     "aten.native_group_norm.default", "aten.native_layer_norm.default",
     "aten._fft_c2r.default", "aten._trilinear.default", "aten.multilabel_margin_loss.default")
)  # fmt: skip
# Their integers say where groups or sequences end, or name classes: other ones PyTorch does not
# refuse, but it reads or leaves memory as it is.
FIXED = frozenset(
    (
        "aten._grouped_mm.default",
        "transformers.grouped_mm_fallback.default",
        "aten.ctc_loss.IntList",
        "aten.ctc_loss.Tensor",
        "aten.lstm.data",
        "aten.gru.data",
        "aten.rnn_tanh.data",
        "aten.rnn_relu.data",
    )
)
# Which outputs they give depends on the layout, they read neighbours where there are gaps, and they
# do not check where bags end: only the values and dtypes of their floats vary.
BAGS = frozenset(
    ("aten.embedding_bag.default", "aten.embedding_bag.padding_idx",
     "aten._embedding_bag.default", "aten._embedding_bag_forward_only.default")
)  # fmt: skip
# Their values are whatever memory holds.
UNDEFINED = frozenset(
    ("aten.empty.memory_format", "aten.empty_like.default", "aten.new_empty.default",
     "aten.empty_strided.default", "aten.new_empty_strided.default",
     "aten.empty_permuted.default")
)  # fmt: skip

# LAPACK decides what rounding makes of a singular matrix. Patterns of a shell.
MATRICES = (
    "aten.*cholesky*", "aten.*inverse.*", "aten.*_det.*", "aten.*logdet.*", "aten.linalg_inv*",
    "aten.linalg_lu*", "aten.linalg_qr.*", "aten.linalg_solve*",
)  # fmt: skip
# PyTorch leaves these to libraries (LAPACK, MKL), which choose by size and processor, or sorts by
# `<` alone, under which NaN has no place: what becomes of NaN and infinities is not defined.
FINITE = (*MATRICES, "aten._fft_*", "aten.fft_*", "aten.stft.*", "aten.istft.*", "aten.mode.*")
# oneDNN pads with zeros or leaves them out, by size; and Lanczos's weights that should be zero are
# rounding errors. With NaN or infinities, those count that float64 has in the same places.
AGREED = ("aten._conv*", "aten.conv*", "aten._upsample_lanczos2d_aa.*")
# Where the last output counts a failure, nobody says what the other ones hold.
INFORMED = frozenset(
    (
        "aten.linalg_cholesky_ex.default",
        "aten.linalg_inv_ex.default",
        "aten.linalg_solve_ex.default",
    )
)

# What ops that only move elements take.
MOVED = (torch.float32, torch.float64, torch.float16, torch.bfloat16,
         torch.int64, torch.int32, torch.int16, torch.uint8, torch.bool)  # fmt: skip

Arguments = tuple[tuple[Any, ...], dict[str, Any]]
Maker = Callable[[], list[Arguments]]
SAMPLES: dict[str, list[Maker]] = {}


def samples(op: str) -> Callable[[Maker], Maker]:
    """Register argument lists for an overload."""

    def register(function: Maker) -> Maker:
        SAMPLES.setdefault(op, []).append(function)
        return function

    return register


def call(*args: Any, **kwargs: Any) -> Arguments:
    """The arguments of one call."""
    return args, kwargs


def sampled(op: str) -> list[Case]:
    """The registered calls of an overload."""
    torch.manual_seed(0)
    makers = SAMPLES.get(op, [])
    return [Case(op, *arguments, "sample") for maker in makers for arguments in maker()]


def numbers(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
    """Random numbers: normal ones, or small integers."""
    if dtype.is_floating_point:
        return torch.randn(shape, dtype=dtype)
    low, high = (0, 2) if dtype is torch.bool else (0 if dtype is torch.uint8 else -5, 6)
    return torch.randint(low, high, shape).to(dtype)


def moved(*shape: int) -> list[Tensor]:
    """A tensor of each dtype that ops which only move elements take, and one that is permuted."""
    permuted = numbers(*reversed(shape)).permute(*reversed(range(len(shape))))
    return [*(numbers(*shape, dtype=dtype) for dtype in MOVED), permuted]


def pairs(*shape: int) -> Tensor:
    """Random complex numbers."""
    return torch.randn(shape, dtype=torch.complex64)
