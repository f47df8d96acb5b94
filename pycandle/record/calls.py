"""Observes a model's module calls while it runs: what each takes and what it gives.

The tree of calls, the names of arguments and the tensors come from hooks on the model itself, so
that they hold for modules whose graph turns out to be empty, too. It must not know the graph.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportPrivateUsage=false

from __future__ import annotations

import inspect
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import torch
from torch.utils import _pytree as pytree

from pycandle.record.makers import CONTAINERS, arguments_of, length_of
from pycandle.record.source import relative
from pycandle.record.unpacking import unpacked

# Longer lists of numbers are data, not settings.
_LONGEST_LIST = 6
# Methods of torch.nn.Module that stand between a forward and the forward it calls.
_PLUMBING = ("_call_impl", "_wrapped_call_impl", "inner", "__call__")


@dataclass
class Call:
    """One module call in the order of entry; filled in while the model runs."""

    path: str
    index: int
    class_name: str
    source: str
    parent: int | None
    attributes: dict[str, int | float]
    site: tuple[str, int] | None  # file and line of the parent's forward that makes the call
    arguments: dict[str, str]  # how its maker spells the numbers that it was made with
    listed: tuple[str, int] | None  # how its maker spells the length of its list, and that length
    inputs: dict[str, torch.Tensor] = field(default_factory=lambda: dict[str, torch.Tensor]())
    outputs: dict[str, torch.Tensor] = field(default_factory=lambda: dict[str, torch.Tensor]())


def observe(
    model: torch.nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    keep: Callable[[torch.Tensor], torch.Tensor],
) -> list[Call]:
    """Run the model in eval mode and return its module calls, the model's own first.

    `keep` copies each tensor as it is then: later ops in place must not change what was seen.

    Calls in a branch or a loop of `torch.cond` and its like are not among them: how many there are
    depends on the data. They belong to the module that branches.
    """
    calls: list[Call] = []
    open_calls: list[int | None] = []
    open_modules: list[torch.nn.Module] = []
    counts: Counter[str] = Counter()

    names: dict[torch.nn.Module, list[str]] = {}
    for path, module in model.named_modules(remove_duplicate=False):
        names.setdefault(module, []).append(path)

    def kept(found: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {name: keep(tensor) for name, tensor in found.items()}

    def holder_of(path: str) -> tuple[torch.nn.Module, str]:
        """The open module whose constructor makes the module at a path, and the path in it."""
        for module, index in zip(reversed(open_modules), reversed(open_calls), strict=True):
            within = f"{calls[index].path}.".lstrip(".") if index is not None else ""
            if type(module) not in CONTAINERS and path.startswith(within):
                return module, path.removeprefix(within)
        return open_modules[0], path

    def enter(module: torch.nn.Module, args: Any, kwargs: Any) -> None:
        name = f"{type(module).__module__}.{type(module).__qualname__}"
        parent = open_calls[-1] if open_calls else None
        if open_calls and (parent is None or _in_control_flow(open_modules[-1])):
            open_calls.append(None)
            open_modules.append(module)
            return
        site = _site(open_modules[-1]) if open_modules else None
        # A shared module goes by the name that its caller has for it, as in torch.export.
        prefix = f"{calls[parent].path}.".lstrip(".") if parent is not None else ""
        path = next((n for n in names[module] if n.startswith(prefix)), names[module][0])
        source, numbers = source_of(module), numbers_of(module)
        place = holder_of(path) if open_modules else None
        made, listed = (arguments_of(*place, module), length_of(*place)) if place else ({}, None)
        call = Call(path, counts[path], name, source, parent, numbers, site, made, listed)
        given = _arguments(module, args, kwargs)
        # The model's own arguments keep the names that its callers know.
        names_of = unpacked(type(module).forward) if parent is not None else {}
        call.inputs = kept({names_of.get(name, name): given[name] for name in given})
        counts[path] += 1
        open_calls.append(len(calls))
        open_modules.append(module)
        calls.append(call)

    def leave(_module: torch.nn.Module, _args: Any, _kwargs: Any, output: Any) -> None:
        open_modules.pop()
        index = open_calls.pop()
        if index is not None:
            calls[index].outputs = kept(tensors(output))

    handles: list[Any] = []
    for module in names:
        handles.append(module.register_forward_pre_hook(enter, with_kwargs=True))
        handles.append(module.register_forward_hook(leave, with_kwargs=True))
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        # Without a compiler, so that the hooks are called in branches too.
        with torch.no_grad(), torch.compiler.set_stance("force_eager"):
            model(*args, **kwargs)
    finally:
        for module, mode in modes.items():
            module.training = mode
        for handle in handles:
            handle.remove()
    return calls


def _site(parent: torch.nn.Module) -> tuple[str, int] | None:
    """Where the innermost frame that runs the parent module's own code stands now."""
    frame = inspect.currentframe()
    while frame is not None:
        if frame.f_locals.get("self") is parent and frame.f_code.co_name not in _PLUMBING:
            return frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
    return None


def _in_control_flow(parent: torch.nn.Module) -> bool:
    """Whether a branch or a loop of PyTorch's stands between the parent's code and here."""
    frame = inspect.currentframe()
    while frame is not None:
        if "/torch/_higher_order_ops/" in frame.f_code.co_filename.replace("\\", "/"):
            return True
        # A function in the parent's forward knows `self` too: only its call ends the search.
        if frame.f_locals.get("self") is parent and frame.f_code.co_name == "_call_impl":
            return False
        frame = frame.f_back
    return False


def tensors(tree: Any, prefix: str = "") -> dict[str, torch.Tensor]:
    """The tensors of a nested structure by their path in it: `last_hidden_state`, `cache.1`."""
    found: dict[str, torch.Tensor] = {}
    for path, leaf in pytree.tree_flatten_with_path(tree)[0]:
        if isinstance(leaf, torch.Tensor):
            found[".".join([*([prefix] if prefix else []), *map(_key, path)])] = leaf
    return found


def numbers_of(module: torch.nn.Module) -> dict[str, int | float]:
    """The numbers and flags among the module's public attributes; those of a short list as
    `dims_0`.
    """
    found: dict[str, int | float] = {}
    for name, value in vars(module).items():
        if name.startswith("_") or not (name.isascii() and name.isidentifier()):
            continue
        if name == "training":  # PyTorch's own, in every module
            continue
        items = value if isinstance(value, (list, tuple)) else [value]
        if 0 < len(items) <= _LONGEST_LIST and all(map(_is_number, items)):
            alike = len(set(items)) == 1
            found |= {name: items[0]} if alike else {f"{name}_{k}": n for k, n in enumerate(items)}
    return found


def _is_number(value: object) -> TypeGuard[int | float]:
    """Whether it is a flag, or a finite number that a manifest can hold."""
    if type(value) is bool:
        return True
    if type(value) is int:
        return 0 <= value < 2**63
    return type(value) is float and math.isfinite(value)


def source_of(module: torch.nn.Module) -> str:
    """Where the module's `forward` is written: `package/file.py:line`."""
    try:
        function = inspect.unwrap(type(module).forward)
        line = function.__code__.co_firstlineno
        return f"{relative(function.__code__.co_filename)}:{line}"
    except AttributeError:
        return ""


def _arguments(module: torch.nn.Module, args: Any, kwargs: Any) -> dict[str, torch.Tensor]:
    """The tensor arguments by parameter name, in the order of the signature."""
    try:
        bound = inspect.signature(module.forward).bind(*args, **kwargs).arguments
    except TypeError:
        bound = {**{f"input_{i}": arg for i, arg in enumerate(args)}, **kwargs}
    return {name: t for part in _flat(bound) for name, t in part.items()}


def _flat(bound: dict[str, Any]) -> Iterator[dict[str, torch.Tensor]]:
    for name, value in bound.items():
        # A catch-all parameter's own name says nothing: its keys are the names.
        if name == "kwargs" and isinstance(value, dict):
            yield from _flat(value)  # type: ignore[reportUnknownArgumentType]
        else:
            yield tensors(value, name)


def _key(entry: Any) -> str:
    for attribute in ("key", "idx", "name"):
        if hasattr(entry, attribute):
            return str(getattr(entry, attribute))
    return str(entry)
