"""What was found inside a module, in words."""

from pycandle.verify import Call, Output
from pycandle.verify.drilled import Drill, Drilled, as_json, told
from pycandle.verify.instrument import Line

CALL = Call("recorded", "fc", 0, "Block", "toy.py:7", "", "src/toy.rs:9", "failed", "", ())


def line(number: int, text: str, status: str, reason: str = "") -> Drilled:
    output = Output("", "0", "f32", (2,), status, 2.0, 1.0, 4.0, 0.0, 10.0, float("nan"), 0.0, {})
    at = Line(number, 40 + number, text, "y", "add")
    return Drilled(at, output, reason, "toy.py:12", ("aten.add.Tensor", "aten.mul.Tensor"))


def check(drill: Drill, expected: str) -> None:
    assert told(drill) == expected.strip("\n")


def test_the_first_line_that_differs():
    text = "let y = x\n    .add(&z)?\n    .mul(2.0)?;"
    lines = (line(0, "let x = z;", "passed"), line(1, text, "failed", "its error is 2"))
    check(
        Drill(CALL, "src/toy.rs", lines, "", ()),
        """
inside fc (Block), each line on PyTorch's numbers:
  ok    line 40    y  error 2.0e+00  limit 4.0e+00
  FAIL  line 41    y  error 2.0e+00  limit 4.0e+00
look first at src/toy.rs:41, which is to compute aten.add.Tensor, aten.mul.Tensor
  as toy.py:12 does: its error is 2
    let y = x
        .add(&z)?
        .mul(2.0)?;
""",
    )


def test_no_line_differs_and_the_module_stops():
    check(
        Drill(CALL, "src/toy.rs", (line(0, "let x = z;", "passed"),), "", (), "it broke\a"),
        """
inside fc (Block), each line on PyTorch's numbers:
  ok    line 40    y  error 2.0e+00  limit 4.0e+00
  then it stopped: it broke�
  every line that can be compared agrees: look at the lines between and after them
""",
    )


def test_a_layer():
    code = "const EPS: f64 = 1e-3;\nfc: nn::layer_norm(\n    EPS,\n)?,"
    check(
        Drill(CALL, "src/toy.rs", (), code, ("%y: f32[2] = aten.layer_norm.default(%x)",)),
        """
fc (Block) is a layer of the runtime, one op. PyTorch computes
    %y: f32[2] = aten.layer_norm.default(%x)
and src/toy.rs:9 makes the layer:
    const EPS: f64 = 1e-3;
    fc: nn::layer_norm(
        EPS,
    )?,
""",
    )


def test_json_has_no_numbers_that_are_none():
    found = as_json(Drill(CALL, "src/toy.rs", (line(3, "let y = x;", "failed"),), "", ()))
    assert found["culprit"] == 3
    lines = found["lines"]
    assert isinstance(lines, list)
    assert lines[0]["output"]["needs"] is None
