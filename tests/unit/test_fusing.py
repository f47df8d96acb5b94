"""What is done to a layer's result is part of its call, where nothing reads what is between."""

import textwrap
from collections.abc import Sequence
from dataclasses import replace

import pytest

from pycandle.emit.compiled import Compiled
from pycandle.emit.module import print_module
from pycandle.explaining import explained, told
from pycandle.graph import Graph, manifest, text

# Modules by name, each with its class and the op that it is.
MODULES = {
    "conv": ("Conv", "aten.conv2d.default({}, %conv_w)"),
    "other": ("Conv", "aten.conv2d.default({}, %other_w)"),
    "norm": (
        "Norm",
        "aten.batch_norm.default({}, %norm_w, %norm_b, %norm_mean, %norm_var, False, 0.1, 1e-05, "
        "False)",
    ),
    "act": ("Act", "aten.silu.default({})"),
    "pool": ("Pool", "aten.max_pool2d.default({}, [1, 1])"),
}
PARAMETERS = {
    "conv_w": ("f32[3, 3, 1, 1]", "conv.weight"),
    "other_w": ("f32[3, 3, 1, 1]", "other.weight"),
    "norm_w": ("f32[3]", "norm.weight"),
    "norm_b": ("f32[3]", "norm.bias"),
    "norm_mean": ("f32[3]", "norm.running_mean"),
    "norm_var": ("f32[3]", "norm.running_var"),
}
SHAPE = "f32[2, 3, 4, 4]"


def graph_of(lines: str, outputs: Sequence[str] = ()) -> Graph:
    """A model that takes %x and %y and runs these lines, of which a module's name calls it."""
    regions, nodes, calls = list[str](), list[str](), dict[str, int]()
    for place, line in enumerate(textwrap.dedent(lines).strip().splitlines()):
        value, _, call = line.partition(" = ")
        name, _, given = call.partition("(")
        region, kind = 0, SHAPE
        if name in MODULES:
            region = len(regions) + 1
            module, call = MODULES[name]
            call = call.format(given.removesuffix(")"))
            regions.append(f'region {region} "{name}" {calls.get(name, 0)} "{module}" 0')
            calls[name] = calls.get(name, 0) + 1
        if ": " in value:
            value, kind = value.split(": ", 1)
        nodes.append(f'{value}: {kind} = {call} @{region} "m.py:{place}" as out')
    given = [f'parameter %{value}: {kind} "{name}"' for value, (kind, name) in PARAMETERS.items()]
    read = [line for line in given if any(f"{line.split()[1][:-1]}" in node for node in nodes)]
    last = nodes[-1].partition(":")[0]
    document = "\n".join(
        [
            "graph g",
            *regions,
            *read,
            f'input "x" %x: {SHAPE}',
            f'input "y" %y: {SHAPE}',
            *nodes,
            *(f'output "{k}" {value}' for k, value in enumerate((last, *outputs))),
        ]
    )
    graph = text.parse_graph(document)
    # Each call is a line of its own, as its result is.
    root, *called = graph.regions
    sites = {node.region: node.source for node in graph.nodes}
    called = [replace(r, site=sites[k], targets=("out",)) for k, r in enumerate(called, 1)]
    return replace(graph, class_name="Model", regions=(root, *called))


def body_of(graph: Graph, fuse: bool = True) -> str:
    made = Compiled(graph, "Model", fuse=fuse)
    code = print_module(made.tree.graph, made.made[0], "g_manifest.json")
    forward = code.rpartition("pub fn forward")[2].partition("{\n")[2]
    lines = forward.partition("        py_check!")[0].splitlines()
    return "\n".join(line.strip() for line in lines if "expect_" not in line)


def check(lines: str, expected: str, outputs: Sequence[str] = ()) -> None:
    assert body_of(graph_of(lines, outputs)) == textwrap.dedent(expected).strip()


def refuse(lines: str, why: str, outputs: Sequence[str] = ()) -> None:
    """A step that stays by itself, for this reason."""
    graph = graph_of(lines, outputs)
    assert ".then(" not in body_of(graph) and ".add(" not in body_of(graph)
    assert why in [fusion.declined for fusion in Compiled(graph, "Model").fusions]


def test_a_norm_a_sum_and_an_activation():
    check(
        """
        %a = conv(%x)
        %b = norm(%a)
        %c = aten.add.Tensor(%b, %y)
        %d = act(%c)
        """,
        "let out = self.conv.then(&self.norm).add(y).then(&self.act).forward(x)?;",
    )


def test_functions_that_are_no_modules():
    check(
        """
        %a = conv(%x)
        %b = aten.add.Tensor(%y, %a)
        %c = aten.relu.default(%b)
        """,
        "let out = self.conv.add(y).then(ops::relu).forward(x)?;",
    )


def test_one_side_of_a_sum_is_made_first():
    check(
        """
        %a = conv(%x)
        %b = other(%y)
        %c = aten.add.Tensor(%a, %b)
        """,
        """
        let other = self.other.forward(y)?;
        let out = self.conv.add(&other).forward(x)?;
        """,
    )


def test_what_another_call_takes_has_a_line_of_its_own():
    check(
        """
        %a = conv(%x)
        %b = aten.add.Tensor(%a, %y)
        %c = pool(%b)
        """,
        """
        let out = self.conv.add(y).forward(x)?;
        let out = self.pool.forward(&out)?;
        """,
    )


def test_without_fusing_each_op_is_a_call():
    graph = graph_of("%a = conv(%x)\n%b = norm(%a)\n%c = aten.add.Tensor(%b, %y)")
    expected = """
        let out = self.conv.forward(x)?;
        let out = self.norm.forward(&out)?;
        let out = (&out + y)?;
    """
    assert body_of(graph, fuse=False) == textwrap.dedent(expected).strip().replace("    ", "")


def test_a_result_that_is_read_twice():
    refuse(
        "%a = conv(%x)\n%b = act(%a)\n%c = aten.mul.Tensor(%a, %b)",
        "its result is read more than once",
    )


def test_a_result_that_leaves_the_module():
    refuse("%a = conv(%x)\n%b = act(%a)", "its result leaves the module", ["%a"])


def test_a_sum_that_broadcasts():
    refuse(
        f"%m: f32[2, 3, 1, 1] = aten.mean.dim(%x, [2, 3], True)\n"
        f"%a: f32[2, 3, 1, 1] = conv(%m)\n%b: {SHAPE} = aten.add.Tensor(%a, %y)",
        "it is a sum of other shapes or dtypes",
    )


def test_a_step_that_no_kernel_does_there():
    made = Compiled(graph_of("%a = conv(%x)\n%b = act(%a)\n%c = norm(%b)"), "Model")
    assert [fusion.declined for fusion in made.fusions] == [
        "", "no kernel does a batch norm after an activation"
    ]  # fmt: skip


def test_a_module_that_is_called_in_between_keeps_its_turn():
    # Parity counts the calls of a module: they must come in Python's order.
    refuse(
        """
        %a = conv(%x)
        %b = conv(%y)
        %c = pool(%b)
        %d = aten.add.Tensor(%a, %c)
        """,
        "a module of it is called in between",
    )


def test_what_is_added_is_no_part_of_the_call():
    check(
        """
        %a = conv(%x)
        %b = conv(%a)
        %c = aten.add.Tensor(%b, %a)
        """,
        """
        let out = self.conv.forward(x)?;
        let out = self.conv.add(&out).forward(&out)?;
        """,
    )


@pytest.mark.parametrize("op", ["aten.leaky_relu.default(%a)", "aten.mish.default(%a)"])
def test_a_function_that_no_kernel_applies(op: str):
    assert ".then(" not in body_of(graph_of(f"%a = conv(%x)\n%b = {op}"))


def test_an_image_is_added_in_the_order_of_its_elements():
    lines = "%a = conv(%x)\n%b = pool(%a)\n%c = aten.mul.Tensor(%b, %y)"
    assert "ops::mul(&out, y)?" in body_of(graph_of(lines))
    assert "(&out * y)?" in body_of(graph_of(lines), fuse=False)
    assert "(x * y)?" in body_of(graph_of("%a = aten.mul.Tensor(%x, %y)"))
    rows = "aten.permute.default(%a, [0, 2, 3, 1])"
    back = f"%a = conv(%x)\n%b: f32[2, 4, 4, 3] = {rows}\n%c: f32[2, 4, 4, 3] = "
    assert "ops::mul" not in body_of(graph_of(back + "aten.mul.Tensor(%b, %b)"))


def test_what_was_fused_is_told():
    lines = "%a = conv(%x)\n%b = norm(%a)\n%c = act(%b)\n%d = norm(%c)"
    assert [*told(explained(manifest.dump(graph_of(lines)), {}))] == [
        "fused into one call: 1",
        "  conv + norm + act",
        "    in the model (Model, m.py:2)",
        "    spares 1.54 kB of memory traffic in the model",
        "not fused: 1",
        "  conv + norm + act + norm: no kernel does a batch norm after an activation",
        "    in the model (Model, m.py:3)",
        "computed in one loop: 0",
        "computed once, as no input changes it: 0",
    ]
