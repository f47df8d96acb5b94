"""The names that a forward gives to the parts of what it takes."""

from collections.abc import Callable
from typing import Any

from pycandle.record.unpacking import unpacked


def check(function: Callable[..., Any], **names: str):
    assert unpacked(function) == {part.replace("__", "."): name for part, name in names.items()}


def plain(x: Any, position: Any, mask: Any = None):
    cos, sin = position
    return x * cos + sin


def test_a_tuple_is_unpacked():
    check(plain, position__0="cos", position__1="sin")


def dropped(state: Any):
    hidden, _ = state
    return hidden


def test_what_is_dropped_has_no_name():
    check(dropped, state__0="hidden")


def twice(pair: Any, left: Any):
    a, left = pair
    b, c = left
    return a, b, c


def test_a_name_that_is_an_argument_already():
    check(twice, pair__0="a", left__0="b", left__1="c")


def branched(pair: Any):
    if pair[0] is None:
        a, b = pair
    else:
        b, a = pair
    return a, b


def test_an_argument_that_is_unpacked_in_two_ways():
    check(branched)


def test_a_function_without_source():
    check(len)
