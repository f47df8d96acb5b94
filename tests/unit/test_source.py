"""Each op has the line of the model's own code that it comes from, and the name given there."""

import torch
from torch import Tensor, nn

from pycandle.record.export import export
from pycandle.record.importer import import_program


def check(model: nn.Module, *places: tuple[str, int, tuple[str, ...], int]):
    """For each op: its name, its line, the names it is given, the line of its statement.

    Lines are counted from that of the model's class.
    """
    first = type(model).forward.__code__.co_firstlineno
    graph = import_program(export(model, (torch.ones(2, 4),), {}, None)).graph
    found = [
        (n.op.split(".")[1], line(n.source) - first, n.targets, line(n.statement) - first)
        for n in graph.nodes
    ]

    assert found == list(places)


def line(source: str) -> int:
    """The line of the first place in a source."""
    return int(source.partition(",")[0].rpartition(":")[2])


class Plain(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = torch.exp(x)
        y[0] = torch.sin(x[1])
        return torch.cos(y)


def test_what_is_assigned_in_part_has_the_name_of_the_whole():
    check(
        Plain(),
        ("exp", 1, ("y",), 1),
        ("select", 2, ("y",), 2),
        ("sin", 2, ("y",), 2),
        ("select", 2, ("y",), 2),
        ("copy", 2, ("y",), 2),
        ("select_scatter", 2, ("y",), 2),
        ("cos", 3, (), 3),
    )


class Halves(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        turned = x + rotate(x)
        return both(turned)


def rotate(x: Tensor) -> Tensor:
    first = x.narrow(1, 0, 2)
    return torch.cat((x.narrow(1, 2, 2), first), dim=1)


def both(x: Tensor) -> Tensor:
    return rotate(x.sin())


def test_what_a_function_returns_belongs_to_the_statement_that_calls_it():
    check(
        Halves(),
        ("narrow", 6, ("first",), 6),
        ("narrow", 7, ("turned",), 1),
        ("cat", 7, ("turned",), 1),
        ("add", 1, ("turned",), 1),
        ("sin", 11, (), 2),
        ("narrow", 6, ("first",), 6),
        ("narrow", 7, (), 2),
        ("cat", 7, (), 2),
    )


class Masked(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        mask = combined(x)
        return x * mask


def combined(x: Tensor) -> Tensor:
    result = x.sin()
    if x.dim() > 1:
        result = result.cos()
    return result


def test_the_name_that_a_function_returns_is_its_caller_s():
    check(
        Masked(),
        ("sin", 6, ("result",), 6),
        ("cos", 8, ("mask",), 1),
        ("mul", 2, (), 2),
    )


class Library(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x)[0]


def test_of_pytorch_s_own_functions_those_of_its_modules_are_told():
    graph = import_program(export(Library(), (torch.ones(2, 4),), {}, None)).graph
    files = {node.source.partition(":")[0] for node in graph.nodes}
    names = {target for node in graph.nodes for target in node.targets}

    assert files == {"torch/nn/functional.py"}
    assert {"q", "k", "v", "attn_output"} <= names
