"""Branches, loops and wrappers of an exported program: their parts, and which are no control flow.

`torch.cond`, `while_loop`, `scan` and `map` call submodules of the program; everything around them
that a submodule reads is passed to it. Contexts that change no number (gradient mode, activation
checkpoints) are submodules too. It must not know what a submodule computes, nor the graph.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportPrivateUsage=false

from __future__ import annotations

import operator
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

WRAPPERS = (
    "wrap",
    "wrap_with_set_grad_enabled",
    "wrap_with_autocast",
    "wrap_activation_checkpoint",
    "tag_activation_checkpoint",
    "hints_wrapper",
    "invoke_subgraph",
    "strict_mode",
)


@dataclass(frozen=True)
class Called:
    """A submodule of a program, as a node calls it."""

    module: torch.fx.GraphModule
    own: int  # how many of its first inputs change from run to run
    around: tuple[Any, ...]  # what the other inputs are


@dataclass(frozen=True)
class Control:
    """A branch or a loop: its op, its arguments, and what it calls after them."""

    op: str
    args: tuple[Any, ...]
    called: tuple[Called, ...]


def wrapped(node: torch.fx.Node) -> Called | None:
    """What a wrapper wraps; None for a node that is none. Raises `ValueError` for autocast."""
    name = _name(node)
    if name not in WRAPPERS:
        return None
    if name == "wrap_with_autocast" and node.args[2]:
        raise ValueError(
            f"computes in {node.args[1]} what the model holds in another dtype",
            f"convert the model itself, model.to({node.args[1]}), and leave autocast out",
        )
    place, module = next((k, m) for k, a in enumerate(node.args) if (m := _module(a)) is not None)
    rest = [arg for arg in node.args[place + 1 :] if not isinstance(arg, str)]
    return Called(module, 0, tuple(_operands(rest)))


def control(node: torch.fx.Node) -> Control:
    """The parts of a branch or a loop. Raises `ValueError` for one without a form in Rust."""
    name, args = _name(node), node.args
    modules = [m for arg in args if (m := _module(arg)) is not None]
    match name:
        case "cond":
            around = tuple(_operands(args[3:]))
            return _control(name, (args[0],), modules, 0, around)
        case "while_loop":
            carried, around = tuple(_operands([args[2]])), tuple(_operands(args[3:]))
            return _control(name, (carried,), modules, len(carried), around)
        case "scan":
            carried, over = tuple(_operands([args[1]])), tuple(_operands([args[2]]))
            around = tuple(_operands(args[3:]))
            return _control(name, (carried, over), modules, len(carried) + len(over), around)
        case "map_impl":
            over, around = tuple(_operands([args[1]])), tuple(_operands(args[2:]))
            return _control(name, (over,), modules, len(over), around)
        case _:
            raise ValueError("has no form in Rust", "use torch.cond, while_loop, scan or map")


def results(module: torch.fx.GraphModule) -> list[Any]:
    """What a submodule returns."""
    (output,) = (node for node in module.graph.nodes if node.op == "output")
    return list(_operands(output.args))


def within(node: torch.fx.Node) -> str:
    """The stack trace of the first node in what a node calls, for one that has none itself."""
    modules = [module for arg in node.args if (module := _module(arg)) is not None]
    traces = (n.meta.get("stack_trace") for module in modules for n in module.graph.nodes)
    return next((trace for trace in traces if trace), "")


def _control(
    name: str, args: tuple[Any, ...], modules: list[Any], own: int, around: tuple[Any, ...]
) -> Control:
    called = tuple(Called(module, own, around) for module in modules)
    return Control(f"higher_order.{name}", args, called)


def _name(node: torch.fx.Node) -> str:
    return node.target.name() if isinstance(node.target, torch._ops.HigherOrderOperator) else ""


def _module(arg: Any) -> torch.fx.GraphModule | None:
    if not isinstance(arg, torch.fx.Node) or arg.op != "get_attr":
        return None
    found = operator.attrgetter(str(arg.target))(arg.graph.owning_module)
    return found if isinstance(found, torch.fx.GraphModule) else None


def _operands(args: Iterable[Any]) -> Iterable[Any]:
    return pytree.tree_leaves(list(args))
