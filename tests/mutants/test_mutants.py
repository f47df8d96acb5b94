"""The gate is tested: mistakes are made where they should be, caught, and named."""

from __future__ import annotations

import pytest

from tests.mutants.operators import KINDS
from tests.mutants.page import PAGE, rule
from tests.mutants.running import MODES, go
from tests.mutants.source import Owner, Source

STRUCT = """\
pub const EPS: f64 = 1e-12;
pub const SIZE: usize = 8;
pub const LAYERS: usize = 2;

impl Block {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            LOAD
            checker,
        })
    }

    pub fn forward(&self, x: &Tensor) -> Result<Tensor> {
        FORWARD
    }
}

impl Layer {
    pub fn load(vb: VarBuilder, checker: Option<PyChecker>) -> Result<Self> {
        Ok(Self {
            fc: nn::linear(SIZE, 4, vb.pp("fc"), checker.pp("fc"))?,
            checker,
        })
    }
}
"""
AT = 'vb.pp("a"), checker.pp("a")'
ATTENTION = "ops::scaled_dot_product_attention(&q, &k, &v, {})?;"
HEADS = "q.reshape((batch, seq, (), D))?.transpose(1, 2)?;"
STACK = """(0..LAYERS).map(|i| {
    Layer::load(vb.pp(format!("a.{i}")), checker.pp(format!("a.{i}")))
}).collect::<Result<Vec<_>>>()?,"""

# Kind, what stands there, and each of what is made of it.
IN_LOAD = {
    "eps": (f"nn::layer_norm(SIZE, EPS, {AT})?,", f"nn::layer_norm(SIZE, 1e-3, {AT})?,"),
    "eps of another library": (f"nn::rms_norm(8, EPS, {AT})?,", f"nn::rms_norm(8, 1e-5, {AT})?,"),
    "transposed weight": (
        f"nn::linear(SIZE, 8, {AT})?,",
        f"{{ let mut layer = nn::linear(SIZE, 8, {AT})?;"
        " layer.weight = layer.weight.t()?.contiguous()?; layer },",
    ),
    "missing bias": (
        f"nn::linear(SIZE, 4, {AT})?,",
        f"{{ let mut layer = nn::linear(SIZE, 4, {AT})?; layer.bias = None; layer }},",
    ),
    "missing scale of a norm": (
        f"nn::rms_norm(8, EPS, {AT})?,",
        f"{{ let mut layer = nn::rms_norm(8, EPS, {AT})?;"
        " layer.weight = layer.weight.ones_like()?; layer },",
    ),
    "statistics of a batch norm": (
        f"nn::batch_norm(8, EPS, {AT})?,",
        f"{{ let mut layer = nn::batch_norm(8, EPS, {AT})?;"
        " layer.running_mean = layer.running_mean.zeros_like()?; layer },",
        f"{{ let mut layer = nn::batch_norm(8, EPS, {AT})?;"
        " layer.running_var = layer.running_var.sqrt()?; layer },",
    ),
    "groups of a norm": (
        f"nn::group_norm(4, SIZE, EPS, {AT})?,", f"nn::group_norm(4 / 2, SIZE, EPS, {AT})?,",
    ),
    "one layer of a stack": (
        STACK,
        *(
            STACK.replace(
                "()?,",
                f"().and_then(|mut layers| {{ let layer: &mut Layer = &mut layers[{index}];"
                " layer.fc.bias = None; Ok(layers) })?,",
            )
            for index in (0, 1)
        ),
    ),
    "tanh for erf GELU": ("nn::func(ops::gelu, a),", "nn::func(ops::gelu_tanh, a),"),
    "erf for tanh GELU": ("nn::func(ops::gelu_tanh, a),", "nn::func(ops::gelu, a),"),
    "other activation": ("nn::func(ops::silu, a),", "nn::func(ops::gelu, a),"),
    "no activation": ("nn::func(ops::silu, a),", "nn::func(|x: &Tensor| Ok(x.clone()), a),"),
    "padding off by one": ("Conv1dConfig { padding: 1, }", "Conv1dConfig { padding: 1 + 1, }"),
    "padding on one side": (
        f"nn::conv1d(4, 4, 3, Conv1dConfig {{ padding: 1 }}, {AT})?,",
        f"{{ let mut layer = nn::conv1d(4, 4, 3, Conv1dConfig {{ padding: 1 }}, {AT})?;"
        " layer.config.padding[0].0 += 1; layer.config.padding[0].1 -= 1; layer },",
    ),
    "stride off by one": ("Conv1dConfig { stride: 2 }", "Conv1dConfig { stride: 2 + 1 }"),
    "pool": (
        "|x| ops::avg_pool1d(x, 3, 1, 1, false, true),",
        "|x| ops::avg_pool1d(x, 3, 1, 1, false, false),",
    ),
}  # fmt: skip
IN_FORWARD = {
    "causal mask left out": (
        ATTENTION.format("None, true, None"), ATTENTION.format("None, false, None"),
    ),
    "causal mask off by one": (
        ATTENTION.format("None, true, None"),
        ATTENTION.format("Some(&crate::faults::seen(&q, &k, 1)?), false, None"),
        ATTENTION.format("Some(&crate::faults::seen(&q, &k, -1)?), false, None"),
    ),
    "mask left out": (
        ATTENTION.format("Some(mask), false, None"), ATTENTION.format("None, false, None"),
    ),
    "mask off by one": (
        ATTENTION.format("Some(mask), false, None"),
        ATTENTION.format("Some(&mask.roll(1, mask.rank() - 1)?), false, None"),
    ),
    "scale": (ATTENTION.format("None, true, None"), ATTENTION.format("None, true, Some(1.0)")),
    "query for key": (
        ATTENTION.format("None"), ATTENTION.format("None").replace("&q, &k", "&k, &q"),
    ),
    "key for value": (
        ATTENTION.format("None"), ATTENTION.format("None").replace("&k, &v", "&v, &k"),
    ),
    "heads across features": (
        HEADS, "q.reshape((batch, seq, D, ()))?.transpose(2, 3)?.transpose(1, 2)?;",
    ),
    "swapped heads": (HEADS, HEADS.replace(";", ".contiguous()?.flip(&[1])?;")),
    "heads in the wrong order": (
        "x.unsqueeze(2)?.broadcast_as((b, 2, 3, n, D))?;",
        "x.unsqueeze(1)?.broadcast_as((b, 3, 2, n, D))?;",
    ),
    "wrong RoPE pairing": (
        "let a = x.narrow(3, 0, 4)?; let b = x.narrow(3, 4, 4)?;",
        "let a = crate::faults::every_other(&x, 3, 0)?;"
        " let b = crate::faults::every_other(&x, 3, 1)?;",
    ),
    "wrong RoPE sign": (
        "ops::cat(&[&ops::neg(&b)?, &a], 3)?", "ops::cat(&[&b, &ops::neg(&a)?], 3)?",
    ),
    "sine for cosine": ("ops::cos(&x)?", "ops::sin(&x)?"),
    "positions from one": (
        "Tensor::arange(0i64, n as i64, d)?", "Tensor::arange(1i64, n as i64 + 1, d)?",
    ),
    "dropped residual": (
        "(x + &y)?; ops::add(&y, &self.b)?;", "(x).clone(); ops::add(&y, &self.b)?;",
        "(&y).clone(); ops::add(&y, &self.b)?;", "(x + &y)?; y.clone();",
    ),
    "wrong sign": (
        "f(&(x + &y)?)?; self.fc.add(y).forward(x)?;",
        "f(&(x - &y)?)?; self.fc.add(y).forward(x)?;",
        "f(&(x + &y)?)?; self.fc.add(&y.neg()?).forward(x)?;",
    ),
    "fused step left out": (
        "self.fc.then(&self.bn).add(&f(y)?)\n.then(ops::relu).forward(x)?;",
        "self.fc.add(&f(y)?)\n.then(ops::relu).forward(x)?;",
        "self.fc.then(&self.bn)\n.then(ops::relu).forward(x)?;",
        "self.fc.then(&self.bn).add(&f(y)?).forward(x)?;",
    ),
    "sum for product": ("(x * f(y)?)?;", "(x + f(y)?)?;"),
    "skipped module": ("let y = self.fc.forward(&x)?;", "let y = (&x).clone();"),
    "first layer skipped": ("for a in &self.b {", "for a in self.b.iter().skip(1) {"),
    "layers in reverse": ("for a in &self.b {", "for a in self.b.iter().rev() {"),
    "wrong axis": ("ops::cat(&[&a, &b], 2)?", "ops::cat(&[&a, &b], 2 - 1)?"),
    "missing transposition": ("x.transpose(1, 2)?", "x.clone()"),
    "slice off by one": ("x.narrow(2, N, N)?", "x.narrow(2, N - 1, N)?"),
    "index off by one": ("x.get_on_dim(1, 0)?", "x.get_on_dim(1, 1)?"),
    "order of what is joined": ("ops::cat(&[&a, &b], 2)?", "ops::cat(&[&b, &a], 2)?"),
    "order of arguments": ("ops::sub(&a, &b)?", "ops::sub(&b, &a)?"),
    "weight of the other direction": (
        "&self.w,\n&self.w_reverse,", "&self.w_reverse,\n&self.w_reverse,",
    ),
    "flag of a recurrent network": ("2, true, true)?", "2, true, false)?"),
    "constant": ("f(x, 2.5)?", "f(x, 2.525)?"),
    "half precision": (
        "let x = self.fc.forward(&x)?;\n",
        "let x = self.fc.forward(&x)?;\n        let x = crate::faults::in_half(&x)?;\n",
    ),
    "wrong dtype": (
        'py_check!(self.checker, "", &x);',
        "let x = x.to_dtype(candle_core::DType::F64)?;\n"
        '        py_check!(self.checker, "", &x);',
    ),
    "NaN": (
        'py_check!(self.checker, "", &x);',
        'let x = crate::faults::one_nan(&x)?;\n        py_check!(self.checker, "", &x);',
    ),
    "one element": (
        'py_check!(self.checker, "", &x);',
        'let x = crate::faults::one_off(&x)?;\n        py_check!(self.checker, "", &x);',
    ),
}  # fmt: skip
LISTED = (
    f'nn::linear(4, 8, {AT})?,\nb: nn::linear(4, 8, vb.pp("b"), checker.pp("b"))?,',
    'nn::linear(4, 8, vb.pp("b"), checker.pp("a"))?,\n'
    'b: nn::linear(4, 8, vb.pp("b"), checker.pp("b"))?,',
    f'nn::linear(4, 8, {AT})?,\nb: nn::linear(4, 8, vb.pp("a"), checker.pp("b"))?,',
)
CASES = {
    kind: [STRUCT.replace("LOAD", f"a: {code}").replace("FORWARD", "") for code in codes]
    for kind, codes in (IN_LOAD | {"weight of another layer": LISTED}).items()
} | {
    kind: [STRUCT.replace("LOAD", "").replace("FORWARD", code) for code in codes]
    for kind, codes in IN_FORWARD.items()
}


def check(kind: str) -> None:
    """All places are found, and what is there is what is to be there."""
    text, *expected = CASES[kind]
    found = [change.applied(text) for change in KINDS[kind](Source(text))]
    # The last struct is there to be held by the first.
    last = text[text.index("impl Layer") :]
    assert [each for each in found if each.endswith(last)] == expected


@pytest.mark.parametrize("kind", KINDS)
def test_a_mistake_is_made_where_it_can_be(kind: str) -> None:
    check(kind)


def test_a_place_belongs_to_a_module() -> None:
    source = Source(STRUCT.replace("LOAD", f"a: {STACK}").replace("FORWARD", "Ok(x.clone())"))
    paths = ["", "a.0", "a.0.fc", "a.1", "a.1.fc", "a.1.dropout"]

    owners = source.owners(paths)

    assert owners == {
        "": Owner("Block"), "a.0": Owner("Layer"), "a.0.fc": Owner("Layer", "fc"),
        "a.1": Owner("Layer"), "a.1.fc": Owner("Layer", "fc"),
    }  # fmt: skip
    assert source.owner(source.text.index("Ok(x")) == Owner("Block")
    assert source.owner(source.text.index("SIZE, 4")) == Owner("Layer", "fc")
    assert source.owner(source.text.index("Layer::load")) is None


def test_the_page_states_the_rule_as_it_is() -> None:
    assert rule() in PAGE.read_text(encoding="utf-8"), "run `nox -s mutants`"


def test_every_mistake_is_caught_and_its_module_named() -> None:
    """A slice: `nox -s mutants` makes more mistakes in more models."""
    found = go("conv_net", seed=1, seeds=1, each=1)

    changing = [result for result in found.results if not result.changes_nothing]
    assert len(changing) > 15
    for result in changing:
        mutant = result.mutant
        assert not result.refused and result.caught, mutant
        told = result.told["isolated"]
        assert told.culprit in mutant.expected and told.in_place and not told.innocent, mutant
        assert bool(told.weights) == (not mutant.text), mutant
    assert found.seeds.calls > 0 and not found.seeds.alarms and not found.seeds.uninformative
    assert set(MODES) == set(found.results[0].told)
