"""Keeps large tensors in a file in place of memory, from which the system reads what is asked for.

A recording holds the golden tensors of every module call until it is saved, which may be many times
what one run of the model takes. It must not know what the tensors are for.
"""

# PyTorch annotates only part of what makes tensors.
# pyright: reportUnknownMemberType=false

from __future__ import annotations

import mmap
import tempfile
import weakref

import torch
from torch import Tensor

# Smaller tensors are kept in memory: a mapping has its price, too.
_LARGE = 1 << 20


class Pages:
    """A temporary file, which is gone with the last tensor that is kept in it."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="pycandle-")  # noqa: SIM115
        self._end = 0
        # What is mapped stays; the file itself is of no use to it.
        weakref.finalize(self, self._file.close)

    def keep(self, tensor: Tensor) -> Tensor:
        """A copy of the tensor, in order; in memory if it is small or the disk is full."""
        plain = tensor.detach().resolve_conj().resolve_neg().contiguous()
        if plain.nbytes < _LARGE:
            return plain.clone()
        try:
            return self._mapped(plain)
        except OSError:
            return plain.clone()

    def _mapped(self, tensor: Tensor) -> Tensor:
        numbers = torch.view_as_real(tensor) if tensor.is_complex() else tensor
        self._file.seek(self._end)
        self._file.write(numbers.reshape(-1).view(torch.uint8).numpy().data)
        self._file.flush()
        pages = mmap.mmap(
            self._file.fileno(), tensor.nbytes, access=mmap.ACCESS_COPY, offset=self._end
        )
        unit = mmap.ALLOCATIONGRANULARITY
        self._end += -(-tensor.nbytes // unit) * unit
        return torch.frombuffer(pages, dtype=tensor.dtype).reshape(tensor.shape)
