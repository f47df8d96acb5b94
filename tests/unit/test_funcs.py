"""A module without parameters that is one op is a function that the runtime's layer holds."""

from pycandle.emit import generate
from pycandle.emit.rust import FieldNames, value
from pycandle.graph import manifest, text
from pycandle.ops.expr import Call, Closure, Config, Local

HEAD = """
graph toy
symbol batch 1.. = 3
input "x" %x: f32[2, 3, 4]
input "rows" %rows: f32[batch, 4]
"""


def code(graph: str) -> str:
    """The model's text, each run of blanks in it as one."""
    document = manifest.dump(text.parse_graph(HEAD + graph))
    return " ".join(generate(document, "toy", {}, "d", "")["toy.rs"].split())


def check(node: str, wanted: str, binding: str = ""):
    """A node is all that the module `act` does."""
    made = code(f'{binding}\nregion 1 "act" 0 "Act" 0\n%y: {node} @1\noutput "y" %y')
    assert wanted in made, made


def test_a_function_of_nothing_else_is_itself():
    check("f32[2, 3, 4] = aten.relu.default(%x)", 'act: nn::func(ops::relu, checker.pp("act")),')
    check("f32[2, 3, 4] = aten.exp.default(%x)", 'act: nn::func(ops::exp, checker.pp("act")),')


def test_what_else_an_op_takes_stands_in_a_closure():
    check(
        "f32[2, 3, 4] = aten.leaky_relu.default(%x, 0.125)",
        'act: nn::func(|x| ops::leaky_relu(x, 0.125), checker.pp("act")),',
    )
    check(
        "f32[4, 2, 3] = aten.permute.default(%x, [2, 0, 1])",
        'act: nn::func(|x| x.permute((2, 0, 1)), checker.pp("act")),',
    )
    check("f32[2, 3, 4] = aten.mul.Tensor(%x, %x)", "act: nn::func(|x| x * x, ")


def test_a_size_that_is_not_known_before_keeps_the_struct():
    check("f32[batch, 2, 2] = aten.view.default(%rows, [batch, 2, 2])", "pub act: Act,")


def test_a_size_that_is_checked_where_it_is_made_keeps_the_struct():
    wanted = 'ops::expect_size("count", count, 1, Some(9))?; '
    check("i64[count, 3] = aten.nonzero.default(%x)", wanted, "binding count 1..9 = %y")


def test_items_of_a_container_are_called_after_their_functions():
    made = code(
        """
        region 1 "net" 0 "torch.nn.modules.container.Sequential" 0
        region 2 "net.0" 0 "torch.nn.modules.activation.ReLU" 1
        region 3 "net.1" 0 "torch.nn.modules.activation.LeakyReLU" 1
        %a: f32[2, 3, 4] = aten.relu.default(%x) @2
        %b: f32[2, 3, 4] = aten.leaky_relu.default(%a, 0.125) @3
        output "b" %b
        """
    )
    assert "pub relu_0: nn::Func, pub leaky_relu_1: nn::Func," in made


def test_a_constant_that_modules_differ_in_is_taken_along():
    made = code(
        """
        region 1 "a" 0 "Block" 0
        region 2 "a.act" 0 "Act" 1
        region 3 "b" 0 "Block" 0
        region 4 "b.act" 0 "Act" 3
        %a0: f32[2, 3, 4] = aten.leaky_relu.default(%x, 0.125) @2
        %a1: f32[2, 3, 4] = aten.neg.default(%a0) @1
        %b0: f32[2, 3, 4] = aten.leaky_relu.default(%x, 0.25) @4
        %b1: f32[2, 3, 4] = aten.neg.default(%b0) @3
        output "a" %a1
        output "b" %b1
        """
    )
    assert "act: nn::func(move |x| ops::leaky_relu(x, negative_slope), " in made, made
    assert 'a: Block::load(0.125, checker.pp("a"))?' in made


def test_a_constant_of_the_name_of_what_the_closure_takes():
    closure = Closure("x", Call("ops::clamp", (Local("x", True), Config("x", holder=""))))
    assert value(closure, FieldNames((), ())) == "move |x_2| ops::clamp(x_2, x)"
