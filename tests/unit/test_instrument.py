"""Comparisons behind the lines of a forward, text to text."""

from pycandle.verify.instrument import instrument

CODE = """\
impl Other {
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let y = x.exp()?;
        Ok(y)
    }
}

impl Block {
    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (batch, seq) = x.dims2()?;
        let y = self
            .fc // a comment; let z = 1;
            .forward(x)?;
        let mut state = vec!["let a = ;", "}"];
        for layer in &self.layers {
            let y = layer.forward(&y)?;
        }
        let (a, b) = self.piece(&y)?;
        let z: Tensor = (a + 'x')?;
        py_check!(self.checker, "", &z);
        Ok(z)
    }

    fn piece(&self, y: &Tensor) -> Result<(Tensor, Tensor)> {
        let inner = y.sqrt()?;
        Ok((inner.clone(), inner))
    }
}
"""


def check(lets: list[tuple[list[str], list[str]]], *expected: tuple[int, str, str]) -> str:
    code, lines = instrument(CODE, "Block", "forward", lets)
    assert [(line.line, line.name, line.value) for line in lines] == [*expected]
    assert code.count("\n") == CODE.count("\n")
    return code


def test_each_let_is_followed_by_its_comparison():
    code = check(
        [(["y"], ["linear"]), (["state"], ["zeros"]), (["inner"], ["sqrt"]), (["z"], ["add"])],
        (11, "y", "linear"), (14, "state", "zeros"), (25, "inner", "sqrt"), (19, "z", "add"),
    )  # fmt: skip
    step = "pycandle_runtime::drill::step(&self.checker, 1, state)?;"
    assert f'"}}"]; let mut state = {step}\n' in code
    assert "            .forward(x)?; let y = pycandle_runtime::drill::step" in code
    assert code.startswith(CODE[: CODE.index("impl Block")])


def test_what_has_no_value_or_no_twin_is_left_alone():
    check([(["y"], [""]), (["gone"], ["x"]), (["z"], ["add"])], (19, "z", "add"))
    check([(["_", "z"], ["a", "b"])])
    assert instrument(CODE, "Missing", "forward", [(["y"], ["v"])]) == (CODE, [])
    assert instrument(CODE, "Block", "missing", [(["y"], ["v"])]) == (CODE, [])
