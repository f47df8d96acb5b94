"""Modules of one class share a struct where few constants tell them apart."""

from pycandle.emit.lowering import lower_graph
from pycandle.emit.structs import Struct, build_structs
from pycandle.emit.tree import Tree
from pycandle.graph import text
from pycandle.ops.expr import Config, walk


def check(modules: list[list[int]], structs: int) -> list[Struct]:
    """Modules that each take the first so many rows of a tensor, one after the other."""
    regions = [f'region {k} "m{k}" 0 "Rows" 0' for k in range(1, len(modules) + 1)]
    nodes: list[str] = []
    outs: list[str] = []
    for k, counts in enumerate(modules, 1):
        for j, count in enumerate(counts):
            nodes.append(
                f'%y{k}_{j}: f32[{count}] = aten.slice.Tensor(%x, 0, 0, {count}) @{k} "m.py:{j}"'
            )
            outs.append(f'output "{k}.{j}" %y{k}_{j}')
    lines = ["graph g", *regions, 'input "x" %x: f32[9000]', *nodes, *outs]
    graph = text.parse_graph("\n".join(lines))
    lowered, _ = lower_graph(graph)
    found = build_structs(Tree(graph), lowered, "Model")
    assert len(found) == structs + 1
    return found


def configs(struct: Struct) -> list[Config]:
    (forward,) = struct.forwards
    parts = (part for let in forward.body.statements for part in walk(let.expr))  # type: ignore[union-attr]
    return [part for part in parts if isinstance(part, Config)]


def test_many_constants_that_are_multiples_of_one():
    struct, _ = check([[n * k for k in range(1, 8)] for n in (3, 5)], 1)
    assert struct.config == (("size", "usize"),)
    assert [config.factor for config in configs(struct)] == [1, 2, 3, 4, 5, 6, 7]


def test_few_constants_stay_as_they_are():
    struct, _ = check([[3, 6], [5, 10]], 1)
    assert [config.factor for config in configs(struct)] == [1, 1]


def test_modules_that_too_many_constants_tell_apart():
    primes = [[2, 3, 5, 7, 11, 13], [17, 19, 23, 29, 31, 37]]
    check(primes, 2)


def test_others_of_the_class_share_a_struct_all_the_same():
    alike = [2, 3, 5, 7, 11, 41]
    struct, *_ = check([[2, 3, 5, 7, 11, 13], [17, 19, 23, 29, 31, 37], alike], 2)
    assert len(struct.config) == 1


def test_calls_of_one_module_come_in_their_order():
    graph = text.parse_graph(
        """
        graph g
        region 1 "r" 0 "R" 0
        region 2 "r" 1 "R" 0
        input "x" %x: f32[2]
        %late: f32[2] = rt.literal([1.5, 2.5], [2], f32) @2
        %early: f32[2] = rt.literal([3.5, 4.5], [2], f32) @1
        %a: f32[2] = aten.mul.Tensor(%x, %early) @1
        %b: f32[2] = aten.mul.Tensor(%x, %late) @2
        output "a" %a
        output "b" %b
        """
    )
    lowered, _ = lower_graph(graph)
    root = build_structs(Tree(graph), lowered, "Model")[-1]
    (forward,) = root.forwards
    calls = [let.expr.name for let in forward.body.statements]  # type: ignore[union-attr]
    assert calls == ["forward", "forward_2"]
