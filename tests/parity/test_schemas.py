"""The op table against torch's own schemas: an entry takes every argument that its op has."""

import inspect

import pytest
import torch

from pycandle.ops import entries

# Arguments that recording drops, since they mean nothing in Rust.
DROPPED = {"device", "layout", "pin_memory", "memory_format", "non_blocking", "copy"}

OPS = sorted(name for name in entries() if name.startswith("aten."))


@pytest.mark.parametrize("name", OPS)
def test_an_entry_takes_the_arguments_of_its_op(name: str):
    namespace, base, overload = name.split(".")
    schema = getattr(getattr(getattr(torch.ops, namespace), base), overload)._schema
    arguments = [a for a in schema.arguments if a.name not in DROPPED]
    positional = [None for a in arguments if not a.kwarg_only]
    keywords = {a.name: None for a in arguments if a.kwarg_only}
    signature = inspect.signature(entries()[name].function)
    if "out" in signature.parameters:
        keywords["out"] = None

    signature.bind(*positional, **keywords)
