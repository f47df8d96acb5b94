"""Containers: what their structs are called, and what they hold as a list."""

from dataclasses import replace

from pycandle.emit.lowering import lower_graph
from pycandle.emit.module import print_module
from pycandle.emit.structs import build_structs
from pycandle.emit.tree import Tree
from pycandle.graph import Boundary, text


def check(modules: str, expected: str) -> None:
    """The structs of the containers with what they hold; a path alone is a container.

    Of each other module there is its class, and the ops that it does one after the other.
    """
    lines, nodes, takes, value = ["graph g"], list[str](), list[str](), "x"
    places: dict[str, int] = {}
    for k, row in enumerate(modules.strip().splitlines(), 1):
        path, *ops = row.split()
        name = ops.pop(0) if ops else "torch.nn.modules.container.Sequential"
        parent = places.get(path.rpartition(".")[0], 0)
        lines.append(f'region {k} "{path}" 0 "{name}" {parent}')
        takes.append(value)
        places[path] = k
        for j, op in enumerate(ops):
            nodes.append(f'%y{k}_{j}: f32[4] = aten.{op}.default(%{value}) @{k} "m.py:{j}" as x')
            value = f"y{k}_{j}"
    lines += ['input "x" %x: f32[4]', *nodes, f'output "y" %{value}']
    graph = text.parse_graph("\n".join(lines))
    root, *others = graph.regions
    called = (
        replace(region, inputs=(Boundary("x", given, "x"),))
        for region, given in zip(others, takes, strict=True)
    )
    graph = replace(graph, regions=(root, *called))
    lowered, findings = lower_graph(graph)
    assert not findings
    code = print_module(graph, build_structs(Tree(graph), lowered, "Model"), "g_manifest.json")
    found: list[str] = []
    for struct in code.split("/// torch.nn.modules.container.Sequential")[1:]:
        head, _, fields = struct.partition("}")[0].partition(" {")
        held = [line.strip(" ,").removeprefix("pub ") for line in fields.strip().splitlines()]
        found.append(f"{head.rpartition(' ')[2]}: {', '.join(held[:-1])}")
    assert found == [line.strip() for line in expected.strip().splitlines()]


def test_what_several_attributes_have_in_common():
    check(
        """
        layer1
        layer1.0 Block sin tanh
        layer1.1 Other exp exp
        layer2
        layer2.0 Block sin tanh
        layer2.1 Other exp exp
        """,
        "Layer: block_0: Block, other_1: Other",
    )


def test_attributes_that_have_only_a_number():
    check(
        """
        layer1
        layer1.0 Block sin tanh
        layer1.1 Other exp exp
        layer2
        layer2.0 Other exp exp
        layer2.1 Block sin tanh
        """,
        """
        Layer1: block_0: Block, other_1: Other
        Layer2: other_0: Other, block_1: Block
        """,
    )
    check(
        """
        stem
        stem.0 Block sin tanh
        stem.1 Other exp exp
        tail
        tail.0 Block sin tanh
        tail.1 Other exp exp
        """,
        "Stem: block_0: Block, other_1: Other",
    )


def test_two_of_one_struct_are_a_list():
    check(
        """
        layer
        layer.0 Block sin tanh
        layer.1 Block sin tanh
        """,
        "Layer: blocks: Vec<Block>",
    )


def test_two_layers_of_the_runtime_are_none():
    check(
        """
        layer
        layer.0 Sine sin
        layer.1 Sine sin
        """,
        "Layer: sin_0: nn::Func, sin_1: nn::Func",
    )


def test_containers_in_one_are_what_they_hold():
    check(
        """
        features
        features.0
        features.0.0 Block sin tanh
        features.0.1 Other exp exp
        features.1
        features.1.0 Block sin tanh
        features.1.1 Block sin tanh
        """,
        """
        Features: features_0: Features0, blocks_1: Blocks
        Features0: block_0: Block, other_1: Other
        Blocks: blocks: Vec<Block>
        """,
    )
