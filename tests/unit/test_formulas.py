"""Functions that a model spells out, as two graphs in text: before and after."""

import pytest

from pycandle.graph import text
from pycandle.passes.activations import recognise_activations
from pycandle.passes.norms import recognise_norms
from pycandle.passes.unused import drop_unused

HEAD = """
graph g
symbol b 1.. = 2
input "x" %x: f32[b, 4]
parameter %w: f32[4] "w"
region 1 "act" 0 "M" 0
"""


def check(before: str, after: str, head: str = HEAD):
    graph = text.parse_graph(head + before)
    graph = drop_unused(recognise_norms(recognise_activations(graph)))

    assert text.print_graph(graph) == text.print_graph(drop_unused(text.parse_graph(head + after)))


def stays(graph: str, head: str = HEAD):
    check(graph, graph, head)


def spelled(*lines: str) -> str:
    """Nodes of one type, `%name = op(...)` each; the last is the output."""
    nodes = [line.replace(" = ", ": f32[b, 4] = aten.") for line in lines]
    return "\n".join([*nodes, f'output "" {lines[-1].split()[0]}\n'])


# As transformers' activations spell them, and as others do.
SPELLED = {
    "NewGELU": (
        'gelu.default(%x, approximate="tanh")',
        "%h = mul.Tensor(%x, 0.5)",
        "%p = pow.Tensor_Scalar(%x, 3.0)",
        "%c = mul.Tensor(%p, 0.044715)",
        "%a = add.Tensor(%x, %c)",
        "%s = mul.Tensor(%a, 0.7978845608028654)",
        "%t = tanh.default(%s)",
        "%o = add.Tensor(%t, 1.0)",
        "%y = mul.Tensor(%h, %o)",
    ),
    "FastGELU": (
        'gelu.default(%x, approximate="tanh")',
        "%h = mul.Tensor(%x, 0.5)",
        "%s = mul.Tensor(%x, 0.7978845608)",
        "%c = mul.Tensor(%x, 0.044715)",
        "%q = mul.Tensor(%c, %x)",
        "%a = add.Tensor(%q, 1.0)",
        "%m = mul.Tensor(%s, %a)",
        "%t = tanh.default(%m)",
        "%o = add.Tensor(%t, 1)",
        "%y = mul.Tensor(%h, %o)",
    ),
    "erf": (
        "gelu.default(%x)",
        "%h = mul.Tensor(%x, 0.5)",
        "%s = div.Tensor(%x, 1.4142135623730951)",
        "%t = erf.default(%s)",
        "%o = add.Tensor(%t, 1.0)",
        "%y = mul.Tensor(%h, %o)",
    ),
    "half of both": (
        "gelu.default(%x)",
        "%s = mul.Tensor(%x, 0.70710678)",
        "%t = erf.default(%s)",
        "%m = mul.Tensor(%x, %t)",
        "%o = add.Tensor(%x, %m)",
        "%y = div.Tensor(%o, 2)",
    ),
    "sigmoid": ("silu.default(%x)", "%s = sigmoid.default(%x)", "%y = mul.Tensor(%s, %x)"),
    "quotient": (
        "silu.default(%x)",
        "%n = neg.default(%x)",
        "%e = exp.default(%n)",
        "%o = add.Tensor(%e, 1)",
        "%y = div.Tensor(%x, %o)",
    ),
    "Mish": (
        "mish.default(%x)",
        "%s = softplus.default(%x)",
        "%t = tanh.default(%s)",
        "%y = mul.Tensor(%x, %t)",
    ),
}


@pytest.mark.parametrize("name", SPELLED)
def test_an_activation_that_is_spelled_out_is_one_op(name: str):
    op, *lines = SPELLED[name]
    check(spelled(*lines), spelled(f"%y = {op}"))


@pytest.mark.parametrize("name", SPELLED)
def test_halves_round_at_each_step(name: str):
    head = HEAD.replace("f32", "bf16")
    stays(spelled(*SPELLED[name][1:]).replace("f32", "bf16"), head)


def test_another_number_is_another_function():
    stays(spelled(*SPELLED["NewGELU"][1:]).replace("0.044715", "0.0447"))
    stays(spelled(*SPELLED["erf"][1:]).replace("1.4142135623730951", "1.4142"))
    stays(spelled(*SPELLED["sigmoid"][1:]).replace("(%x)", "(%x, 1.702)"))
    stays(
        spelled("%s = mul.Tensor(%x, 1.702)", "%t = sigmoid.default(%s)", "%y = mul.Tensor(%x, %t)")
    )


def test_what_else_is_read_stays():
    graph = spelled(*SPELLED["sigmoid"][1:])

    stays(graph + 'output "gate" %s\n')
    stays(graph.replace('output "" %y', '%r: f32[b, 4] = aten.relu.default(%s)\noutput "" %y')
          + 'output "r" %r\n')  # fmt: skip
    stays(graph.replace("sigmoid.default(%x)", "sigmoid.default(%x) @1"))


NORM = """
%p: f32[b, 4] = aten.pow.Tensor_Scalar(%x, 2)
%m: f32[b, 1] = aten.mean.dim(%p, [-1], True)
%a: f32[b, 1] = aten.add.Tensor(%m, 1e-06) named eps=1e-06
%r: f32[b, 1] = aten.rsqrt.default(%a)
%n: f32[b, 4] = aten.mul.Tensor(%x, %r)
%y: f32[b, 4] = aten.mul.Tensor(%w, %n)
output "" %y
"""


def test_a_norm_that_is_spelled_out_is_one_op():
    after = """
    %y: f32[b, 4] = aten.rms_norm.default(%x, [4], %w, 1e-06) named eps=1e-06
    output "" %y
    """
    root = """
    %q: f32[b, 1] = aten.sqrt.default(%a)
    %n: f32[b, 4] = aten.div.Tensor(%x, %q)
    """

    check(NORM, after)
    check(NORM.replace("aten.pow.Tensor_Scalar(%x, 2)", "aten.mul.Tensor(%x, %x)"), after)
    check(NORM.replace("aten.pow.Tensor_Scalar(%x, 2)", "aten.square.default(%x)"), after)
    before, rest = NORM.split("%r: ")
    check(before + root + rest.partition("%r)\n")[2], after)


def test_a_weight_of_a_norm_may_be_made_of_parameters_or_missing():
    check(
        NORM.replace("(%w, %n)", "(%n, %v)").replace(
            "%y:", "%v: f32[4] = aten.add.Tensor(%w, 1.0)\n%y:"
        ),
        """
        %v: f32[4] = aten.add.Tensor(%w, 1.0)
        %y: f32[b, 4] = aten.rms_norm.default(%x, [4], %v, 1e-06) named eps=1e-06
        output "" %y
        """,
    )
    check(
        NORM.replace("(%w, %n)", "(%x, %n)"),
        """
        %n: f32[b, 4] = aten.rms_norm.default(%x, [4], None, 1e-06) named eps=1e-06
        %y: f32[b, 4] = aten.mul.Tensor(%x, %n)
        output "" %y
        """,
    )


def test_what_is_almost_a_norm_stays():
    stays(NORM.replace("pow.Tensor_Scalar(%x, 2)", "pow.Tensor_Scalar(%x, 3)"))
    stays(NORM.replace("add.Tensor(%m", "sub.Tensor(%m"))
    stays(NORM.replace("mul.Tensor(%x, %r)", "div.Tensor(%x, %r)"))
    stays(NORM.replace("[-1]", "[0]").replace("[b, 1]", "[1, 4]"))
    stays(NORM.replace("%r: f32[b, 1] = aten.rsqrt.default(%a)",
                       "%r: f32[b, 1] = aten.rsqrt.default(%a) @1"))  # fmt: skip
    stays(NORM + 'output "scale" %r\n')
    stays(NORM.replace("f32", "f16"), HEAD.replace("f32", "f16"))


def test_what_cancels_may_be_infinite_or_nan():
    rest = ("%z = mul.Tensor(%x, 0)", "%y = add.Tensor(%g, %z)")
    silu = ("%s = sigmoid.default(%x)", "%g = mul.Tensor(%x, %s)")
    check(spelled(*silu, *rest), spelled("%g = silu.default(%x)", *rest))


def test_powers_of_powers_are_read_in_no_time():
    chain = [f"%p{k} = pow.Tensor_Scalar(%{f'p{k - 1}' if k else 'x'}, 3)" for k in range(16)]
    stays(spelled(*chain))


def test_numbers_that_no_float_holds_and_means_of_scalars():
    stays(spelled(f"%y = add.Tensor(%x, {10**400})"))
    stays(
        """
        %s: f32[] = aten.sum.default(%x)
        %m: f32[] = aten.mean.dim(%s, [0], True)
        %y: f32[] = aten.add.Tensor(%m, 1)
        output "" %y
        """
    )
