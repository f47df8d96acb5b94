"""What ranges of symbols decide about relations of sizes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pycandle.graph import dim, text
from pycandle.graph.bounds import bounds, known, settle, solved

RANGES = {"s": (1, float("inf")), "t": (2, 8), "n": (9, float("inf"))}


def check(relation: str, expected: bool | None) -> None:
    assert known(text.parse_guard(relation), RANGES) is expected


@pytest.mark.parametrize(
    ("relation", "expected"),
    [
        ("s >= 1", True),
        ("s == 0", False),
        ("s > 1", None),
        ("s*t != 1", True),
        ("t < 9", True),
        ("s == t", None),
        ("4*s == s", False),
        ("min(max(1, 4), 8*s) == 4", True),
        ("(s%(2*s)) != 0", True),
        ("((8*s)%(2*s)) == 0", True),
        ("(t//3) <= 2", True),
        ("(s//(s - 1)) == 1", None),
        ("(s//min(0, s)) == 1", None),
        ("4*(n//4) + 16 != max(1, min(4*(n//4) + 8, 4*(n//4) + 16) - 8)", True),
        ("max(1, min(4*(n//4) + 8, 4*(n//4) + 16) - 8) == 4*(n//4)", True),
    ],
)
def test_ranges_decide_relations(relation: str, expected: bool | None) -> None:
    check(relation, expected)


def sizes() -> st.SearchStrategy[dim.Size]:
    leaves = st.sampled_from([dim.symbol(name) for name in RANGES]) | st.integers(-3, 9)
    return st.recursive(leaves, lambda inner: st.builds(
        lambda make, a, b: make(a, b),
        st.sampled_from([
            lambda a, b: a + b,
            lambda a, b: a - b,
            lambda a, b: a * b,
            lambda a, b: dim.floordiv(a, b if isinstance(b, dim.Dim) else abs(b) + 1),
            lambda a, b: dim.opaque("mod", a, b if isinstance(b, dim.Dim) else abs(b) + 1),
            lambda a, b: dim.opaque("max", a, b),
            lambda a, b: dim.opaque("min", a, b),
        ]),
        inner, inner,
    ), max_leaves=6)  # fmt: skip


@given(sizes(), st.integers(1, 40), st.integers(2, 8), st.integers(9, 40))
def test_bounds_hold(size: dim.Size, s: int, t: int, n: int) -> None:
    values = {"s": s, "t": t, "n": n}
    try:
        exact = dim.substitute(size, values)
    except ZeroDivisionError:
        return
    low, high = bounds(size, RANGES)

    assert isinstance(exact, int)
    assert low <= exact <= high
    assert dim.substitute(settle(size, RANGES), values) == exact


@pytest.mark.parametrize(
    ("relation", "expected"),
    [
        ("s == 1", (1, 1)),
        ("s != 3", None),
        ("s + t != 3", None),
        ("((s + 6)//8) - 1 == 3", (26, 33)),
        ("min(8, s - 9) >= 0", (9, float("inf"))),
        ("t > 4", (5, 8)),
        ("(256//s) == 256", (1, 1)),
        ("s - 5000 <= 7", (1, 5007)),
        ("t > 9", None),
        # Lengths whose padding to the next multiple makes them the first one.
        ("((256 - t%256)%256) + t == 256", (2, 8)),
        ("((256 - n%256)%256) + n == 256", (9, 256)),
        ("8//(t - 4) == 2", None),
    ],
)
def test_a_relation_of_one_symbol_is_a_range(
    relation: str, expected: tuple[float, float] | None
) -> None:
    found = solved(text.parse_guard(relation), RANGES)

    assert (found[1] if found else None) == expected


@given(st.integers(-9, 9), st.integers(1, 5), st.integers(0, 9), st.sampled_from(["==", "<=", ">"]))
def test_a_range_holds_exactly_where_its_relation_does(add: int, by: int, to: int, sign: str):
    guard = text.parse_guard(f"((n + {add})//{by}) {sign} {to}")
    found = solved(guard, RANGES)

    low, high = found[1] if found else (1, 0)
    assert [guard.holds({"n": n}) for n in range(9, 99)] == [low <= n <= high for n in range(9, 99)]
