"""A layer that is given what no input of the model changes is computed once."""

import textwrap

from pycandle.emit.compiled import Compiled
from pycandle.emit.module import print_module
from pycandle.explaining import explained, told
from pycandle.graph import manifest, text

# A norm of a table and its projection, beside that of an input.
POSITIONS = """
graph g
region 1 "norm" 0 "Norm" 0
region 2 "fc" 0 "Fc" 0
region 3 "fc" 1 "Fc" 0
parameter %table: f32[8, 4] "table"
parameter %norm_w: f32[4] "norm.weight"
parameter %norm_b: f32[4] "norm.bias"
parameter %fc_w: f32[4, 4] "fc.weight"
parameter %fc_b: f32[4] "fc.bias"
input "x" %x: f32[8, 4]
%a: f32[8, 4] = aten.layer_norm.default(%table, [4], %norm_w, %norm_b) @1 "m.py:1" as normed
%b: f32[4, 8] = aten.permute.default(%a, [1, 0]) @0 "m.py:2" as turned
%c: f32[8, 4] = aten.permute.default(%b, [1, 0]) @0 "m.py:3" as back
%d: f32[8, 4] = aten.linear.default(%c, %fc_w, %fc_b) @2 "m.py:4" as keys
%e: f32[8, 4] = aten.linear.default(%x, %fc_w, %fc_b) @3 "m.py:5" as queries
%f: f32[8, 4] = aten.mul.Tensor(%d, %e) @0 "m.py:6" as scores
output "" %f
"""


def check(document: str, expected: str, fuse: bool = True) -> None:
    """The model's `forward` has these lines."""
    made = Compiled(text.parse_graph(document.strip()), "Model", fuse=fuse)
    code = print_module(made.tree.graph, made.made[0], "g_manifest.json")
    forward = code.rpartition("pub fn forward")[2].partition("{\n")[2]
    lines = forward.partition("        py_check!")[0].splitlines()
    found = "\n".join(line.strip() for line in lines if "expect_" not in line)
    assert found == textwrap.dedent(expected).strip()


def test_layers_of_parameters_and_of_their_views():
    check(
        POSITIONS,
        """
        let turned = self.norm.forward_once(&self.table)?.permute((1, 0))?;
        let back = turned.permute((1, 0))?;
        let scores = (self.fc.forward_once(&back)? * self.fc.forward(x)?)?;
        """,
    )


def test_without_fusing_each_call_computes():
    check(
        POSITIONS,
        """
        let turned = self.norm.forward(&self.table)?.permute((1, 0))?;
        let back = turned.permute((1, 0))?;
        let scores = (self.fc.forward(&back)? * self.fc.forward(x)?)?;
        """,
        fuse=False,
    )


def test_what_an_op_makes_is_another_tensor_each_time():
    check(
        POSITIONS.replace("aten.permute.default(%b, [1, 0])", "aten.add.Tensor(%a, %a)"),
        """
        let norm = self.norm.forward_once(&self.table)?;
        let back = (&norm + &norm)?;
        let scores = (self.fc.forward(&back)? * self.fc.forward(x)?)?;
        """,
    )


def test_what_is_computed_once_is_told():
    document = manifest.dump(text.parse_graph(POSITIONS.strip()))
    found = [*told(explained(document, {}))]
    # The table, both parameters of the norm, and the result: 4 * (32 + 4 + 4 + 32) bytes.
    assert found[3:] == [
        "computed once, as no input changes it: 2",
        "  norm",
        "    in the model (Module)",
        "    spares 288 bytes of memory traffic in the model",
        "  fc",
        "    in the model (Module)",
        "    spares 336 bytes of memory traffic in the model",
    ]
