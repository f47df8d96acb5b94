"""What Python calls a function for more than once is a function of the struct."""

import textwrap

from pycandle.emit.lowering import lower_graph
from pycandle.emit.module import print_module
from pycandle.emit.structs import build_structs
from pycandle.emit.tree import Tree
from pycandle.graph import text


def check(nodes: str, expected: str) -> None:
    """The forward of a model of these nodes, after its checks, and its functions."""
    head = ["graph g", "symbol batch 1.. = 2"]
    head += [f'input "{name}" %{name}: f32[batch, 4]' for name in "xy"]
    lines = textwrap.dedent(nodes).strip().splitlines()
    graph = text.parse_graph("\n".join([*head, *lines, 'output "z" %z']))
    lowered, findings = lower_graph(graph)
    assert not findings
    code = print_module(graph, build_structs(Tree(graph), lowered, "Model"), "m.json")
    body = code.partition("pub fn forward")[2].partition("\n")[2].rpartition("\n}")[0]
    found = [line for line in body.splitlines() if "expect_" not in line and "py_check" not in line]
    assert textwrap.dedent("\n".join(found)).strip() == textwrap.dedent(expected).strip()


TWICE = """
    %a: f32[batch, 4] = aten.sin.default(%x) "m.py:1" as a{0}
    %b: f32[batch, 4] = aten.mul.Tensor(%a, %a) "m.py:2" as b{0}
    %c: f32[batch, 4] = aten.sin.default(%y) "m.py:1" as a{1}
    %d: f32[batch, 4] = aten.mul.Tensor(%c, {2}) "m.py:2" as d{1}
    %e: f32[batch, 4] = aten.mul.Tensor(%b, %d) "m.py:4" as e
    %z: f32[batch, 4] = aten.mul.Tensor(%e, %d) "m.py:5" as z
"""
PLAIN = """
        let batch = x.dim(0)?;
        let a = ops::sin(x)?;
        let b = (&a * &a)?;
        let a = ops::sin(y)?;
        let d = (&a * {})?;
        let e = (&b * &d)?;
        let z = (&e * &d)?;
        Ok(z)
    }}
"""


def test_a_function_that_is_called_twice():
    check(
        TWICE.format(" in squared", " in squared", "%c"),
        """
        let batch = x.dim(0)?;
        let b = Self::squared(x)?;
        let d = Self::squared(y)?;
        let e = (&b * &d)?;
        let z = (&e * &d)?;
        Ok(z)
    }

    fn squared(x: &Tensor) -> Result<Tensor> {
        let a = ops::sin(x)?;
        let output = (&a * &a)?;
        Ok(output)
    }
    """,
    )


def test_the_innermost_function_that_holds_it():
    nodes = TWICE.format(" in outer.squared", " in outer.squared", "%c")
    nodes = nodes.replace(
        'aten.sin.default(%x) "m.py:1" as a in outer.squared',
        'aten.sin.default(%x) "m.py:1" as a in outer',
    )
    nodes = nodes.replace(
        'aten.sin.default(%y) "m.py:1" as a in outer.squared',
        'aten.sin.default(%y) "m.py:1" as a in outer',
    )
    check(
        nodes,
        """
        let batch = x.dim(0)?;
        let b = Self::outer(x)?;
        let d = Self::outer(y)?;
        let e = (&b * &d)?;
        let z = (&e * &d)?;
        Ok(z)
    }

    fn outer(x: &Tensor) -> Result<Tensor> {
        let a = ops::sin(x)?;
        let output = (&a * &a)?;
        Ok(output)
    }
    """,
    )


def test_what_python_writes_twice_stays():
    check(TWICE.format("", "", "%c"), PLAIN.format("&a"))


def test_what_two_functions_do_stays():
    check(TWICE.format(" in one", " in other", "%c"), PLAIN.format("&a"))


def test_what_is_not_the_same_stays():
    check(TWICE.format(" in squared", " in squared", "%x"), PLAIN.format("x"))


def test_a_name_that_is_taken():
    check(
        TWICE.format(" in load", " in load", "%c"),
        """
        let batch = x.dim(0)?;
        let b = Self::compute_load(x)?;
        let d = Self::compute_load(y)?;
        let e = (&b * &d)?;
        let z = (&e * &d)?;
        Ok(z)
    }

    fn compute_load(x: &Tensor) -> Result<Tensor> {
        let a = ops::sin(x)?;
        let output = (&a * &a)?;
        Ok(output)
    }
    """,
    )
