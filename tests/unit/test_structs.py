"""Modules of one class share a struct where few constants tell them apart."""

import json
import re

from pycandle.emit.configuration import configuration
from pycandle.emit.fields import ModuleField
from pycandle.emit.lowering import lower_graph
from pycandle.emit.names import OF_LOAD
from pycandle.emit.structs import Struct, build_structs
from pycandle.emit.tree import Tree
from pycandle.graph import text
from pycandle.ops.expr import Config, Number, walk


def check(modules: list[list[int]], structs: int, attributes: str = "") -> list[Struct]:
    """Modules that each take the first so many rows of a tensor, one after the other.

    `attributes` are the names under which they hold the counts, in order.
    """
    held = [json.dumps(dict(zip(attributes.split(), counts, strict=False))) for counts in modules]
    regions = [f'region {k} "m{k}" 0 "Rows" 0 {numbers}' for k, numbers in enumerate(held, 1)]
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


def test_constants_that_are_multiples_or_squares_of_another():
    struct, _ = check([[3, 6, 9, 18], [5, 10, 25, 50]], 1)
    assert [(config.factor, config.power) for config in configs(struct)] == [
        (1, 1), (2, 1), (1, 2), (2, 2)
    ]  # fmt: skip


def test_constants_are_called_as_the_module_calls_them():
    struct, model = check([[3, 6, 7], [5, 10, 7]], 1, "heads width depth")
    assert struct.config == (("heads", "usize"), ("width", "usize"))
    labels = [
        [(arg.label, arg.value) for arg in field.args if isinstance(arg, Number)]
        for field in model.fields
        if isinstance(field, ModuleField)
    ]
    assert labels == [[("heads", 3), ("width", 6)], [("heads", 5), ("width", 10)]]


def test_no_constant_is_called_as_load_calls_something():
    names = [*sorted(OF_LOAD), "self", "type"]
    primes = [[2, 3, 5], [7, 11, 13]]
    for taken in zip(names[::3], names[1::3], names[2::3], strict=False):
        struct, _ = check(primes, 1, " ".join(taken))
        found = [name for name, _ in struct.config]
        assert not {*found} & {*names}
        assert [re.sub(r"_2?$", "", name) for name in found] == [*taken]


def test_two_zeros_are_two_constants():
    vector = (Number(0.0, "f64"), Number(-0.0, "f64"))
    (constant,) = configuration([vector], [{"p": 0.0}, {"p": -0.0}])
    assert constant is not None and constant.label in ("p", "value")


def test_what_may_be_one_has_multiples_by_chance():
    struct, _ = check([[1, 4], [2, 8]], 1, "stride")
    assert [config.factor for config in configs(struct)] == [1, 1]
    assert struct.config == (("stride", "usize"), ("size", "usize"))


def test_sizes_that_are_less_by_a_constant():
    # Of five modules' sizes each is four times the first one, less one of the other two.
    struct, _ = check([[n, 4 * n - 2, 4 * n - 4, 4, 2] for n in (3, 6, 9)], 1, "windows")
    assert struct.config == (("windows", "usize"),)
    assert [(c.factor, c.minus) for c in configs(struct)] == [(1, 0), (4, 2), (4, 4)]


def test_a_difference_that_no_constant_is_says_nothing():
    struct, _ = check([[n, 4 * n - 2, 4] for n in (3, 6, 9)], 1, "windows")
    assert struct.config == (("windows", "usize"), ("size", "usize"))


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
