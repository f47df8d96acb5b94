"""Reads which names a forward gives to the parts of a tuple that it takes: `cos, sin = position`.

It must not know torch.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from functools import lru_cache
from typing import Any


@lru_cache
def unpacked(function: Callable[..., Any]) -> dict[str, str]:
    """`{"position.0": "cos", "position.1": "sin"}`, for each argument that is unpacked once."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(inspect.unwrap(function))))
    except (OSError, TypeError, SyntaxError):
        return {}
    arguments = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    found: dict[str, list[str]] = {}
    several: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Assign(
                targets=[ast.Tuple(elts=parts) | ast.List(elts=parts)], value=ast.Name(id=argument)
            ) if argument in arguments:
                if argument in found:
                    several.add(argument)
                found[argument] = [part.id if isinstance(part, ast.Name) else "" for part in parts]
            case _:
                pass
    names = {
        f"{argument}.{k}": name
        for argument, parts in found.items()
        if argument not in several
        for k, name in enumerate(parts)
        if name.strip("_") and name not in arguments
    }
    # A name that is given to two parts says nothing of either.
    given = list(names.values())
    return {part: name for part, name in names.items() if given.count(name) == 1}
