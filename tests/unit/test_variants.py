"""Modules of one class of which some lack parts that others have: one struct, with options."""

import textwrap

from pycandle.emit.lowering import lower_graph
from pycandle.emit.module import print_module
from pycandle.emit.structs import build_structs
from pycandle.emit.tree import Tree
from pycandle.graph import text


def check(
    nodes: str, expected: str, structs: int = 1, classes: str = "Block Block", flags: str = ""
) -> None:
    """The forward of the first module's struct, as it is printed; `structs` beside the model's.

    Values begin with the name of their module, and `flags` are an attribute in each.
    """
    held = [f'{{"flag": {flag}}}' for flag in flags.split()] or [""] * len(classes.split())
    lines = ["graph g", 'parameter %w: f32[4] "a.gamma"']
    for k, (name, attributes) in enumerate(zip(classes.split(), held, strict=True), 1):
        lines.append(f'region {k} "{"abc"[k - 1]}" 0 "{name}" 0 {attributes}')
    lines.append('input "x" %x: f32[2, 4]')
    value = ""
    for place, node in enumerate(textwrap.dedent(nodes).strip().splitlines()):
        value, _, call = node.partition(" = ")
        line = call.replace("(", ".default(", 1) if "." not in call.split("(")[0] else call
        region = "abc".index(value[1]) + 1
        lines.append(f'{value}: f32[2, 4] = aten.{line} @{region} "m.py:{place}" as y')
    lines.append(f'output "y" {value}')
    graph = text.parse_graph("\n".join(lines))
    lowered, findings = lower_graph(graph)
    assert not findings
    found = build_structs(Tree(graph), lowered, "Model")
    assert len(found) == structs + 1
    code = print_module(graph, found, "g_manifest.json")
    first = code.partition(f"impl {found[0].name} {{")[2].partition("\n}")[0]
    body = (
        first.partition("pub fn forward")[2].partition("{\n")[2].partition("        py_check!")[0]
    )
    assert textwrap.dedent(body) == textwrap.dedent(expected).lstrip("\n")


def test_a_step_that_some_lack():
    check(
        """
        %a1 = sin(%x)
        %a2 = tanh(%a1)
        %a3 = exp(%a2)
        %b1 = sin(%a3)
        %b3 = exp(%b1)
        """,
        """
        let y = ops::sin(x)?;
        let y = if self.has_tanh {
            ops::tanh(&y)?
        } else {
            y
        };
        let y = ops::exp(&y)?;
        """,
    )


def test_a_flag_of_the_module_that_says_so():
    check(
        """
        %a0 = exp(%x)
        %a1 = sin(%a0)
        %a2 = tanh(%a1)
        %b0 = exp(%a2)
        %b1 = sin(%b0)
        """,
        """
        let y = ops::exp(x)?;
        let y = ops::sin(&y)?;
        let y = if self.flag {
            ops::tanh(&y)?
        } else {
            y
        };
        """,
        flags="true false",
    )


def test_steps_one_after_the_other_are_one_part():
    check(
        """
        %a1 = sin(%x)
        %a2 = tanh(%a1)
        %a3 = relu(%a2)
        %a4 = exp(%a3)
        %b1 = sin(%a4)
        %b4 = exp(%b1)
        """,
        """
        let y = ops::sin(x)?;
        let y = if self.has_tanh {
            let y = ops::tanh(&y)?;
            ops::relu(&y)?
        } else {
            y
        };
        let y = ops::exp(&y)?;
        """,
    )


def test_a_parameter_that_some_lack_is_an_option():
    check(
        """
        %a0 = exp(%x)
        %a1 = sin(%a0)
        %a2 = mul.Tensor(%a1, %w)
        %b0 = exp(%a2)
        %b1 = sin(%b0)
        """,
        """
        let y = ops::exp(x)?;
        let y = ops::sin(&y)?;
        let y = if let Some(gamma) = &self.gamma {
            y.broadcast_mul(gamma)?
        } else {
            y
        };
        """,
    )


def test_a_part_that_comes_and_goes_with_a_parameter():
    check(
        """
        %a0 = exp(%x)
        %a1 = sin(%a0)
        %a2 = mul.Tensor(%a1, %w)
        %a3 = relu(%a2)
        %a4 = tanh(%a3)
        %b0 = exp(%a4)
        %b1 = sin(%b0)
        %b3 = relu(%b1)
        """,
        """
        let y = ops::exp(x)?;
        let y = ops::sin(&y)?;
        let y = if let Some(gamma) = &self.gamma {
            y.broadcast_mul(gamma)?
        } else {
            y
        };
        let y = ops::relu(&y)?;
        let y = if self.gamma.is_some() {
            ops::tanh(&y)?
        } else {
            y
        };
        """,
    )


def test_what_is_given_is_still_there_after_the_part():
    check(
        """
        %a1 = tanh(%x)
        %a2 = add.Tensor(%a1, %x)
        %a3 = exp(%a2)
        %b2 = add.Tensor(%a3, %a3)
        %b3 = exp(%b2)
        """,
        """
        let y = if self.has_y {
            ops::tanh(x)?
        } else {
            x.clone()
        };
        let y = (&y + x)?;
        let y = ops::exp(&y)?;
        """,
    )


def test_each_of_three_lacks_another_part():
    check(
        """
        %a1 = tanh(%x)
        %a2 = sin(%a1)
        %a3 = exp(%a2)
        %b2 = sin(%a3)
        %b3 = exp(%b2)
        %c1 = tanh(%b3)
        %c3 = exp(%c1)
        """,
        """
        let y = if self.has_y {
            ops::tanh(x)?
        } else {
            x.clone()
        };
        let y = if self.has_sin {
            ops::sin(&y)?
        } else {
            y
        };
        let y = ops::exp(&y)?;
        """,
        classes="Block Block Block",
    )


def test_modules_that_do_something_else_are_two_structs():
    check(
        """
        %a1 = sin(%x)
        %a2 = tanh(%a1)
        %b1 = sin(%a2)
        %b2 = relu(%b1)
        """,
        """
        let y = ops::sin(x)?;
        let y = ops::tanh(&y)?;
        """,
        structs=2,
    )


def test_what_has_less_in_common_than_apart_is_two_structs():
    check(
        """
        %a0 = exp(%x)
        %a1 = sin(%a0)
        %a2 = tanh(%a1)
        %a3 = relu(%a2)
        %a4 = cos(%a3)
        %b0 = exp(%a4)
        %b1 = sin(%b0)
        """,
        """
        let y = ops::exp(x)?;
        let y = ops::sin(&y)?;
        let y = ops::tanh(&y)?;
        let y = ops::relu(&y)?;
        let y = ops::cos(&y)?;
        """,
        structs=2,
    )


def test_modules_of_two_classes_are_two_structs():
    check(
        """
        %a0 = exp(%x)
        %a1 = sin(%a0)
        %a2 = tanh(%a1)
        %b0 = exp(%a2)
        %b1 = sin(%b0)
        """,
        """
        let y = ops::exp(x)?;
        let y = ops::sin(&y)?;
        let y = ops::tanh(&y)?;
        """,
        structs=2,
        classes="Block Other",
    )


def test_containers_are_what_they_hold():
    name = "torch.nn.modules.container.Sequential"
    check(
        """
        %a0 = exp(%x)
        %a1 = sin(%a0)
        %a2 = tanh(%a1)
        %b0 = exp(%a2)
        %b1 = sin(%b0)
        """,
        """
        let y = ops::exp(x)?;
        let y = ops::sin(&y)?;
        let y = ops::tanh(&y)?;
        """,
        structs=2,
        classes=f"{name} {name}",
    )
