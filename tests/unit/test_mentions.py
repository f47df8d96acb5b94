"""What the Python statement behind an op is made of, and the names that its numbers have."""

import linecache
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from pycandle.record.mentions import mentions
from pycandle.record.named import names_of

CODE: str = """
def attend(query, scale, module):
    width = query.shape[-1]
    return query.view(-1, width) * scale


def grouped(query, module):
    return query.expand(module.groups, 2)


class Attention:
    def forward(self, x):
        shape = (-1, self.head_dim)
        y = x.view(shape)
        y = x.view(*x.shape[:-1], self.heads, self.config.width // self.heads)
        y = attend(x, scale=self.scale, module=self)
        y = attend(x, self.scale * 2, self)
        scale = self.project(x, self.heads)
        y = x * scale
        y = grouped(y, self)
        y = grouped(y, other)
        batch, heads, rest = y.shape
        rest = rest * 2
        y = y.expand(batch, heads, 3, rest)
        return self.window[0] + y
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    linecache.clearcache()
    path = tmp_path / "m.py"
    path.write_text(CODE)
    return path


def check(file: Path, lines: list[str], expected: list[str]) -> None:
    """The mentions behind a trace of these lines; `!` marks those that are part of arithmetic."""
    numbers = [CODE.splitlines().index(line) + 1 for line in lines]
    names = ["forward", *["attend"] * (len(lines) - 1)]
    trace = "\n".join(
        f'File "{file}", line {number}, in {name}'
        for number, name in zip(numbers, names, strict=True)
    )
    found = [f"{'.'.join(each.path)}{'' if each.whole else '!'}" for each in mentions(trace)]
    assert found == expected


def test_a_local_of_sizes(file: Path):
    check(file, ["        y = x.view(shape)"], ["head_dim"])


def test_what_is_part_of_arithmetic(file: Path):
    line = "        y = x.view(*x.shape[:-1], self.heads, self.config.width // self.heads)"
    check(file, [line], ["view", "shape", "heads", "config.width!", "heads!"][2:])


def test_an_argument_by_name(file: Path):
    inner = "    return query.view(-1, width) * scale"
    check(file, ["        y = attend(x, scale=self.scale, module=self)", inner], ["scale!"])


def test_an_argument_by_place(file: Path):
    inner = "    return query.view(-1, width) * scale"
    check(file, ["        y = attend(x, self.scale * 2, self)", inner], ["scale!"])


def test_the_module_under_another_name(file: Path):
    inner = "    return query.expand(module.groups, 2)"
    check(file, ["        y = grouped(y, self)", inner], ["groups"])
    check(file, ["        y = grouped(y, other)", inner], [])


def test_what_a_call_gives_is_not_what_it_takes(file: Path):
    check(file, ["        y = x * scale"], [])


def test_what_a_shape_is_unpacked_into(file: Path):
    line = "        y = y.expand(batch, heads, 3, rest)"
    check(file, [line], ["batch", "heads"])
    module, trace = (
        nn.Module(),
        f'File "{file}", line {CODE.splitlines().index(line) + 1}, in forward',
    )
    module.config = SimpleNamespace(heads=4)  # type: ignore[assignment]
    assert names_of(trace, module) == [("heads", 4)]
    module.heads = 6  # type: ignore[assignment]
    assert names_of(trace, module) == [("heads", 6)]


def test_an_item_of_a_list(file: Path):
    check(file, ["        return self.window[0] + y"], ["window!"])


def test_code_that_cannot_be_read():
    assert mentions('File "nowhere.py", line 3, in forward') == ()
    assert mentions("") == ()


def test_two_names_of_one_number_are_none(file: Path):
    module, config = nn.Module(), SimpleNamespace(width=8)
    vars(module).update(heads=8, config=config)
    line = "        y = x.view(*x.shape[:-1], self.heads, self.config.width // self.heads)"
    trace = f'File "{file}", line {CODE.splitlines().index(line) + 1}, in forward'
    assert names_of(trace, module) == []
    config.width = 64
    assert names_of(trace, module) == [("heads", 8)]
    assert names_of(trace, None) == []


def test_what_has_no_name(file: Path):
    module = nn.Module()
    line = CODE.splitlines().index("        y = x.view(shape)") + 1
    trace = f'File "{file}", line {line}, in forward'
    for value in (1, True, -3, float("nan"), torch.ones(2), "x", [2, 3], [torch.ones(2)]):
        vars(module)["head_dim"] = value
        assert names_of(trace, module) == [], value
    vars(module)["head_dim"] = [7, 7]
    assert names_of(trace, module) == [("head_dim", 7)]
