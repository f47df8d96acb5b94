"""Parameters that only products read keep what kernels make of them; others are tensors."""

import re

from pycandle.emit.compiled import Compiled
from pycandle.emit.module import print_module
from pycandle.graph import text

PARAMETERS = """
parameter %w: f32[4, 4] "w"
parameter %v: f32[4, 4] "v"
parameter %b: f32[4] "b"
""".strip().splitlines()


def check(nodes: str, kept: str, fuse: bool = True) -> None:
    """The fields of a model that takes %x and %h, of which `kept` are no plain tensors.

    What has no type has that of %x.
    """
    lines = [
        line if ": f32" in line else line.replace(" =", ": f32[4, 4] =", 1)
        for line in map(str.strip, nodes.strip().splitlines())
    ]
    document = "\n".join(
        [
            "graph g",
            *(line for line in PARAMETERS if line.split()[1][:-1] in nodes),
            'input "x" %x: f32[4, 4]',
            'input "h" %h: f32[1, 4, 1]',
            *lines,
            f'output "y" {re.split("[:,]", lines[-1])[0]}',
        ]
    )
    made = Compiled(text.parse_graph(document), "Model", fuse=fuse)
    code = print_module(made.tree.graph, made.made[0], "g_manifest.json")
    assert re.findall(r"pub (\w+): nn::Parameter,", code) == kept.split()
    assert re.findall(r"(\w+): nn::parameter\(vb\.get\(", code) == kept.split()


def test_the_right_side_of_a_product():
    check("%y = aten.addmm.default(%b, %x, %w)", "w")
    check("%y = aten.linear.default(%x, %w, %b)", "w")
    check("%y = aten.matmul.default(%x, %w)", "w")
    check("%y = aten.matmul.default(%x, %w)", "", fuse=False)


def test_the_left_side_is_a_tensor():
    check("%y = aten.matmul.default(%w, %x)", "")


def test_a_vector_is_a_tensor():
    check("%y: f32[4] = aten.mv.default(%x, %b)", "")


def test_what_is_read_elsewhere_too_is_a_tensor():
    check("%a = aten.matmul.default(%x, %w)\n%y = aten.mul.Tensor(%a, %w)", "")
    check("%a = aten.matmul.default(%x, %w)\n%y = aten.matmul.default(%a, %w)", "w")


def test_all_weights_of_a_list_are_of_one_type():
    cell = (
        "%z: f32[1, 4, 4] = aten.unsqueeze.default(%x, 0)\n"
        "%o: f32[1, 4, 1], %p: f32[1, 4, 1], %q: f32[1, 4, 1] = aten.lstm.input("
        "%z, [%h, %h], [{}, %b, %b], True, 1, 0.0, False, False, False)\n"
    )
    check(cell.format("%w, %v"), "w v b")
    check(cell.format("%w, %u").replace("%z:", "%u = aten.mul.Tensor(%x, %v)\n%z:", 1), "")
