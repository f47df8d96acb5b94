"""A rule for a list of numbers says of its ends, its length and its parts what the list says."""

import pytest

from pycandle.record.ranges import Numbers

PARTS = [slice(None, None, 2), slice(1, -1), slice(1, None), slice(None, -1), slice(0, None, 3),
         slice(1, -1, 2)]  # fmt: skip


def check(rule: Numbers, numbers: list[int]):
    assert list(rule) == numbers
    assert rule.length == len(rule) == len(numbers)
    if numbers:
        assert (rule[0], rule[-1]) == (numbers[0], numbers[-1])


@pytest.mark.parametrize("count", range(9))
@pytest.mark.parametrize("before", [[], [-1], [-3, -2, -1]])
def test_parts_of_parts(count: int, before: list[int]):
    rule, numbers = before + Numbers((), 0, 1, count), before + list(range(count))

    check(rule, numbers)
    for part in PARTS:
        check(rule[part], numbers[part])
        for inner in PARTS:
            check([7] + rule[part][inner], [7] + numbers[part][inner])


def test_whatever_else_is_asked_is_counted_out():
    assert Numbers((5,), 0, 2, 4)[2] == 2
    assert Numbers((5,), 0, 2, 4)[-3:] == [2, 4, 6]
