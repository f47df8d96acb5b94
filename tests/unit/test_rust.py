"""Constants as Rust's text: the shortest that is the same number of the same type."""

from hypothesis import given
from hypothesis import strategies as st

from pycandle.emit.rust import FieldNames, argument, number, relation_text
from pycandle.graph import Guard
from pycandle.graph.dim import floordiv, opaque, symbol
from pycandle.ops.expr import Number, SizeOf


def check(value: float, single: str, double: str):
    assert number(Number(value, "f32")) == single
    assert number(Number(value, "f64")) == double


def test_a_float32_has_no_digits_that_it_cannot_hold():
    check(0.10000000149011612, "0.1f32", "0.10000000149011612")
    check(1 / 3, "0.33333334f32", "0.3333333333333333")
    check(16777217.0, "16777216.0f32", "16777217.0")
    check(-0.0, "-0.0f32", "-0.0")


def test_an_exponent_has_no_sign_or_zero_that_it_does_not_need():
    check(1e-05, "1e-5f32", "1e-5")
    check(1e20, "1e20f32", "1e20")
    check(-1.5e-07, "-1.5e-7f32", "-1.5e-7")
    check(1e-10, "1e-10f32", "1e-10")


def test_extremes_have_names():
    check(float("nan"), "f32::NAN", "f64::NAN")
    check(float("-inf"), "f32::NEG_INFINITY", "f64::NEG_INFINITY")
    check(1e39, "f32::INFINITY", "1e39")
    check(-3.4028234663852886e38, "f32::MIN", "-3.4028234663852886e38")
    check(1.7976931348623157e308, "f32::INFINITY", "f64::MAX")


def test_what_rust_has_a_name_for_is_called_so():
    check(6.283185307179586, "std::f32::consts::TAU", "std::f64::consts::TAU")
    check(-3.1415927410125732, "-std::f32::consts::PI", "-3.1415927410125732")
    check(0.7071067811865476, "std::f32::consts::FRAC_1_SQRT_2", "std::f64::consts::FRAC_1_SQRT_2")
    check(3.14, "3.14f32", "3.14")


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_float32_reads_back(value: float):
    text = number(Number(value, "f32"))
    named = {"f32::MIN": "-3.4028235e38f32", "f32::MAX": "3.4028235e38f32"}
    decimal = float(named.get(text, text).removesuffix("f32"))

    assert number(Number(decimal, "f32")) == text
    assert abs(decimal - value) <= abs(value) * 2**-24 or abs(value) < 2**-125


def test_a_size_alone_needs_no_brackets():
    names = FieldNames((), ())
    seq = symbol("seq")
    assert argument(SizeOf(floordiv(seq + 6, 8)), names) == "(seq + 6) / 8"
    assert argument(SizeOf(floordiv(seq, 8) * floordiv(seq, 2)), names) == "(seq / 2) * (seq / 8)"
    assert argument(SizeOf(seq), names) == "seq"


def test_division_that_rounds_up_is_written_as_clippy_wants_it():
    names = FieldNames((), ())
    seq, rows = symbol("seq"), symbol("rows")
    assert argument(SizeOf(floordiv(seq + 1, 2)), names) == "seq.div_ceil(2)"
    assert argument(SizeOf(floordiv(seq + rows + 2, 3)), names) == "(rows + seq).div_ceil(3)"
    assert argument(SizeOf(floordiv(seq + rows - 1, rows)), names) == "seq.div_ceil(rows)"
    assert argument(SizeOf(2 * floordiv(seq + 1, 2)), names) == "seq.div_ceil(2) * 2"
    # What may be below zero before it is rounded is no `usize`.
    assert argument(SizeOf(floordiv(seq - rows + 1, 2)), names) == "(seq + 1 - rows) / 2"
    assert argument(SizeOf(floordiv(rows + 2, rows)), names) == "(rows + 2) / rows"


def test_a_remainder_is_asked_for_as_clippy_wants_it():
    rest = opaque("mod", symbol("seq") + 1, 8)
    assert relation_text(Guard(rest, "==", 0)) == "(seq + 1).is_multiple_of(8)"
    assert relation_text(Guard(rest, ">", 0)) == "!(seq + 1).is_multiple_of(8)"
    assert relation_text(Guard(rest, "!=", 0)) == "!(seq + 1).is_multiple_of(8)"
