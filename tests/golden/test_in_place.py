"""Which changes in place are written as new values, and that what reads them reads the same."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from pycandle.record.in_place import mutates, without_changes


class Net(nn.Module):
    def __init__(self, compute: Callable[[Tensor], Tensor]):
        super().__init__()
        self.compute = compute

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(x)


def check(compute: Callable[[Tensor], Tensor], written: bool):
    x = torch.randn(3, 4)
    program = torch.export.export(Net(compute), (x.clone(),), strict=False)
    assert mutates(program)

    assert without_changes(program) == written
    assert mutates(program) != written
    names = {node.name for node in program.graph.nodes}
    assert {spec.arg.name for spec in program.graph_signature.output_specs} <= names
    assert program.module()(x.clone()).equal(compute(x.clone()))


def sums(x: Tensor) -> Tensor:
    y = x.exp()
    y += 1
    z = y * 2
    y.mul_(z).clamp_(max=9)
    return y + z


def changes_a_view_that_is_read_alone(x: Tensor) -> Tensor:
    part = x.exp()[:, 1:]
    part *= 2
    return part.relu_()


def changes_the_input(x: Tensor) -> Tensor:
    return x.add_(1)


def reads_the_whole_of_a_changed_part(x: Tensor) -> Tensor:
    y = x.exp()
    y[:, 1:] *= 2
    return y


def reads_a_part_of_the_changed_whole(x: Tensor) -> Tensor:
    y = x.exp()
    part = y.reshape(-1)[2:]
    y.mul_(2)
    return part


def changes_another_dtype(x: Tensor) -> Tensor:
    y = x.half().exp()
    y.mul_(x)
    return y


def changes_what_a_composite_op_gives(x: Tensor) -> Tensor:
    y = torch.einsum("ij,kj->ik", x, x)
    return y.add_(1) + nn.functional.linear(x, x).relu_()


def changes_what_turns_its_operand(x: Tensor) -> Tensor:
    y = x.exp()
    torch.einsum("ij->ji", y).mul_(2)
    return y


@pytest.mark.parametrize(
    "compute", [sums, changes_a_view_that_is_read_alone, changes_what_a_composite_op_gives]
)
def test_a_change_that_no_other_name_tells_is_a_value(compute: Callable[[Tensor], Tensor]):
    check(compute, True)


@pytest.mark.parametrize(
    "compute",
    [
        changes_the_input,
        reads_the_whole_of_a_changed_part,
        reads_a_part_of_the_changed_whole,
        changes_another_dtype,
        changes_what_turns_its_operand,
    ],
)
def test_any_other_change_stays(compute: Callable[[Tensor], Tensor]):
    check(compute, False)
