"""What is seen of a module besides its calls: the numbers and flags that it has under names."""

import torch
from torch import nn

from pycandle.record.calls import numbers_of


def check(found: dict[str, int | float], **attributes: object):
    module = nn.Module()
    for name, value in attributes.items():
        setattr(module, name, value)

    assert numbers_of(module) == found


def test_numbers_flags_and_short_lists_of_them():
    check(
        {"heads": 4, "scale": 0.5, "window": 7, "dims_0": 0, "dims_1": 2, "biased": True},
        heads=4, scale=0.5, window=(7, 7), dims=[0, 2], biased=True,
    )  # fmt: skip


def test_what_is_no_number_that_a_manifest_holds():
    check(
        {},
        training=True, none=None, name="x", infinite=float("inf"), negative=-1, large=2**63,
        empty=(), long=list(range(7)), mixed=(1, None), tensors=[torch.ones(2), torch.ones(2)],
        nested=[[1, 2]], _private=3, **{"no name": 1},
    )  # fmt: skip
