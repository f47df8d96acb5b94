"""Which outputs are state, and what of them is refused."""

import pytest

from pycandle.emit import generate
from pycandle.errors import ProjectError
from pycandle.graph import manifest, text

HEAD = "graph toy\nsymbol b 1.. = 2\n"


def code(graph: str) -> str:
    document = manifest.dump(text.parse_graph(HEAD + graph))
    return generate(document, "toy", {"stateful": "true"}, "d", "")["toy.rs"]


def check(graph: str, *lines: str):
    made = [line.strip() for line in code(graph).splitlines()]
    for line in lines:
        assert line in made, made


def refused(graph: str, words: str):
    with pytest.raises(ProjectError, match=words):
        code(graph)


def test_what_has_an_input_s_name_is_state():
    check(
        """
        input "x" %x: f32[b, 4]
        input "cache_k" %cache_k: f32[b, 4]
        %y: f32[b, 4] = aten.add.Tensor(%x, %cache_k)
        output "out" %x
        output "cache.k" %y
        """,
        "pub cache_k: Tensor,",
        "pub fn step(&mut self, x: &Tensor) -> Result<Tensor> {",
        "let (out, cache_k) = self.model.forward(x, &self.cache_k)?;",
        "self.cache_k = cache_k;",
        "Ok(out)",
    )


def test_nothing_but_state():
    check(
        """
        input "x" %x: f32[b, 4]
        %y: f32[b, 4] = aten.neg.default(%x)
        output "x" %y
        """,
        "pub fn step(&mut self) -> Result<()> {",
        "let x = self.model.forward(&self.x)?;",
        "Ok(())",
    )


def test_names_that_the_struct_has_itself():
    check(
        """
        input "model" %model: f32[b, 4]
        input "model_state" %model_state: f32[b, 4]
        output "model" %model_state
        output "model_state" %model
        """,
        "pub fn new(model: Module, model_state_2: Tensor, model_state: Tensor) -> Self {",
        "let (model, model_state) = self.model.forward(&self.model_state_2, &self.model_state)?;",
        "self.model_state_2 = model;",
    )


def test_state_of_another_type_is_refused():
    refused(
        """
        input "x" %x: f32[b, 4]
        %y: f32[b, 8] = aten.cat.default([%x, %x], 1)
        output "x" %y
        """,
        "the output 'x' is f32.b, 8., and the input of that name f32.b, 4.",
    )


def test_two_outputs_for_one_input_are_refused():
    refused(
        """
        input "cache_k" %cache_k: f32[b, 4]
        %y: f32[b, 4] = aten.neg.default(%cache_k)
        output "cache.k" %cache_k
        output "cache_k" %y
        """,
        "two outputs are the next call's 'cache_k'",
    )


def test_sizes_that_no_input_has_are_refused():
    refused(
        """
        input "h" %h: f32[2*b, 4]
        %v: f32[b, 8] = aten.view.default(%h, [b, 8])
        %n: f32[b, 8] = aten.neg.default(%v)
        %y: f32[2*b, 4] = aten.view.default(%n, [2*b, 4])
        output "h" %y
        """,
        "forward takes sizes that no input has: b",
    )


def test_state_that_may_be_empty_needs_none_to_start_from():
    caches = """
        symbol past 0.. = 3
        input "x" %x: f32[b, 2, 4]
        input "k" %k: f32[b, past, 4]
        input "v" %v: f32[b, past, 4]
        %kk: f32[b, past + 2, 4] = aten.cat.default([%k, %x], 1)
        %vv: f32[b, past + 2, 4] = aten.cat.default([%v, %x], 1)
        output "k" %kk
        output "v" %vv
        """
    check(
        caches,
        "use candle_core::{DType, Device, Result, Tensor};",
        "pub fn empty(model: Module, b: usize, device: &Device) -> Result<Self> {",
        "let empty = Tensor::zeros((b, 0, 4), DType::F32, device)?;",
        "Ok(Self::new(model, empty.clone(), empty.clone()))",
    )
    assert "fn empty" not in code(caches.replace("past 0..", "past 1.."))
