"""Constants that some modules of a struct lack: what they are one with, and what nobody names."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pycandle.emit.configuration import Constant, configuration
from pycandle.ops.expr import Number, any_number


def check(constants: str, expected: str | None = None) -> None:
    """How each constant is written; one that all modules agree on as its number.

    A constant is a name and its value in each module, a dash where the module lacks what reads it.
    Whatever is written, every module gets the values that it has.
    """
    rows = [row.split() for row in constants.split(",")]
    vectors = [tuple(_number(value, name) for value in values) for name, *values in rows]
    found = configuration(vectors)
    given = {
        c.config.name: c.numbers for c in found if isinstance(c, Constant) and c.config.is_whole
    }
    for constant, vector in zip(found, vectors, strict=True):
        for k, number in enumerate(vector):
            value = _value(constant, given, k)
            assert value >= 0, "also what nobody reads is computed"
            assert number.free or value == number.value
    if expected is not None:
        written = (str(c.value) if isinstance(c, Number) else c.config.text for c in found)
        assert ", ".join(written).replace("self.", "") == expected


def _number(value: str, name: str) -> Number:
    return any_number("usize") if value == "-" else Number(int(value), "usize", name.strip("_"))


def _value(constant: Constant | Number, given: dict[str, tuple[Number, ...]], k: int) -> int:
    if isinstance(constant, Number):
        return int(constant.value)
    config = constant.config
    return int(given[config.name][k].value) ** config.power * config.factor - config.minus


def test_what_some_lack_is_what_it_equals_where_it_is_there():
    check(
        "inplanes 64 64 128, planes 64 128 256, out_channels - 128 256", "inplanes, planes, planes"
    )


def test_a_name_tells_which_of_two():
    check("a 1 2 3, b 7 2 3, b - 2 3", "a, b, b")


def test_one_value_says_nothing():
    check("planes 64 128 256, out_channels - 128 -", "planes, 128")


def test_what_no_module_reads_has_no_name():
    check("planes 64 128, out_channels - -", "planes, 0")


def test_what_is_like_nothing_else_is_lacking_where_it_is():
    check("planes 64 128 256, groups - 3 7", "planes, groups")


def test_two_parts_that_no_module_has_both_of():
    check("a 1 - 2 -, b - 3 - 4", "a, b")


def test_two_that_are_the_same_where_both_are():
    check("a 1 2 3 -, b - 2 3 4", "a, a")


def test_two_that_are_the_same_in_one_module_only():
    check("a 1 2 -, b - 2 3", "a, b")


def test_a_multiple_where_it_is_there():
    check("planes 3 5 7, _ - 10 14", "planes, planes * 2")


def test_nothing_is_a_multiple_of_what_is_lacking():
    check("planes - 5 7, _ 6 10 14", "planes, size")


def test_a_multiple_less_a_constant_is_none_where_it_would_be_less_than_nothing():
    check("windows 3 6 9, _ - 20 32, four 4 4 4", "windows, (windows * 4 - 4), 4")
    check("windows 0 6 9, _ - 20 32, four 4 4 4", "windows, size, 4")


def test_a_width_that_only_a_layer_names():
    check("dim 8 16 24, out_features 32 64 96", "dim, dim * 4")
    check("dim 8 16 -, out_features 32 64 96", "dim, out_features")
    check("dim 8 16 24, out_features 32 64 -", "dim, out_features")
    check("dim 8 16 24 32, out_features 32 64 96 -", "dim, dim * 4")


def test_two_values_are_in_proportion_by_chance():
    check("dim 8 16 16, out_features 32 64 64", "dim, out_features")


def test_a_width_is_no_multiple_of_what_counts_something():
    check("heads 2 4 6, out_features 8 16 24", "heads, out_features")


def test_a_large_multiple_says_little():
    check("dim 2 4 6, out_features 20 40 60", "dim, out_features")


def test_multiples_of_a_width_that_is_a_multiple():
    check("dim 2 4 6, out_features 4 8 12, _ 8 16 24", "dim, dim * 2, dim * 4")


def test_a_name_that_the_code_gives_is_kept():
    vectors = [
        tuple(Number(width, "usize", "in_features", "width") for width in (8, 16, 24)),
        tuple(Number(4 * width, "usize", "out_features", "hidden") for width in (8, 16, 24)),
        tuple(Number(2 * width, "usize", "out_features") for width in (8, 16, 24)),
    ]
    found = [c.config for c in configuration(vectors) if isinstance(c, Constant)]
    assert [(c.name, c.factor) for c in found] == [("width", 1), ("hidden", 1), ("width", 2)]


_VALUES = st.sampled_from(["-", "1", "2", "3", "4", "6", "8", "12", "24"])


@given(
    st.lists(
        st.tuples(st.sampled_from(["_", "dim", "heads", "out_features"]), *(_VALUES,) * 4),
        max_size=8,
    )
)
@settings(max_examples=300)
def test_every_module_gets_the_values_that_it_has(rows: list[tuple[str, ...]]):
    if rows:
        check(", ".join(map(" ".join, rows)))
