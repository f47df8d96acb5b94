"""The intermediate representation: a model's graph as a frozen value with a text form.

Everything downstream of recording works on these types and nothing else. This package imports
nothing of PyCandle but `errors`, and never torch.
"""

from pycandle.graph.dim import Dim, Size
from pycandle.graph.ir import (
    CALLED_AT,
    DTYPES,
    PARTS,
    Arg,
    Binding,
    Block,
    Boundary,
    Case,
    DType,
    Graph,
    Guard,
    Input,
    Node,
    Output,
    Parameter,
    Ref,
    Region,
    Static,
    Symbol,
    TensorType,
    Value,
    every_node,
    numbers_in,
    refs,
    with_blocks,
)

__all__ = [
    "CALLED_AT",
    "DTYPES",
    "PARTS",
    "Arg",
    "Binding",
    "Block",
    "Boundary",
    "Case",
    "DType",
    "Dim",
    "Graph",
    "Guard",
    "Input",
    "Node",
    "Output",
    "Parameter",
    "Ref",
    "Region",
    "Size",
    "Static",
    "Symbol",
    "TensorType",
    "Value",
    "every_node",
    "numbers_in",
    "refs",
    "with_blocks",
]
