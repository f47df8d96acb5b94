"""Runs `torch.export` and finds out which input axes are dynamic.

It must not know the graph: its result is torch's own program, with the inputs it was made from.
"""

# PyTorch annotates only part of what it exports, and keeps some of it private.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false, reportPrivateUsage=false

from __future__ import annotations

import inspect
import logging
import re
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import torch
from torch.export import Dim, ExportedProgram
from torch.export.dynamic_shapes import _tree_map_with_path
from torch.export.graph_signature import InputKind
from torch.fx.experimental import _config as symbolic
from torch.utils import _pytree as pytree

from pycandle.errors import Finding, RecordError
from pycandle.graph import Static
from pycandle.record.frames import model_lines
from pycandle.record.in_place import mutates, without_changes
from pycandle.record.loops import whole_loops
from pycandle.record.ranges import whole_ranges
from pycandle.record.shapes import any_layout, whole_sequences
from pycandle.record.source import relative

# Asking torch why an axis is static costs one more export each.
_MOST_REASONS = 8


@dataclass(frozen=True)
class Exported:
    """A program in inference mode, functional, with what it was made from."""

    program: ExportedProgram
    model: torch.nn.Module | None  # None where the user gave a ready program
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    dynamic_shapes: Any
    statics: tuple[Static, ...]


def export(
    model: torch.nn.Module | ExportedProgram,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    dynamic_shapes: Any,
) -> Exported:
    """Export the model; with `dynamic_shapes` None every axis is tried. Raises `RecordError`."""
    if isinstance(model, ExportedProgram):
        with _any_sizes():
            program = model.run_decompositions({}) if mutates(model) else model
            return Exported(program, None, args, kwargs, dynamic_shapes, ())
    with _any_sizes(), _inference(model):
        if dynamic_shapes is not None:
            program = _export(model, args, kwargs, dynamic_shapes)
            return Exported(_functional(program), model, args, kwargs, dynamic_shapes, ())
        program, tried = _export_automatic(model, args, kwargs)
        statics = tuple(_statics(model, program, args, kwargs, tried))
        return Exported(_functional(program), model, args, kwargs, None, statics)


_options: Any = symbolic


@contextmanager
def _any_sizes() -> Generator[None]:
    """No size is taken for granted that only shapes and layouts of fake tensors ask for.

    PyTorch asks of many a tensor how it broadcasts and whether it is contiguous, and on the way
    whether a size is one; its own option makes such questions have no answer, not a guard. With it
    an axis may be dynamic that is recorded with size one.
    """
    with whole_sequences(), _options.patch(backed_size_oblivious=True):
        yield


@contextmanager
def _inference(model: torch.nn.Module) -> Generator[None]:
    """Eval mode and no gradients, with each module's own mode restored."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # What torch logs of its tries is said once, in the error or as a static axis.
            logging.disable(logging.ERROR)
            yield
    finally:
        logging.disable(logging.NOTSET)
        for module, mode in modes.items():
            module.training = mode


def _export(
    model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], dynamic_shapes: Any
) -> ExportedProgram:
    try:
        try:
            return _program(model, args, kwargs, dynamic_shapes)
        except Exception as error:
            if "Constraints violated" not in str(error):
                raise
            # A named axis may be of size one unless its range says otherwise, and the code takes
            # another way there. PyTorch's usual reading leaves that size out.
            with _options.patch(backed_size_oblivious=False):
                return _program(model, args, kwargs, dynamic_shapes)
    except Exception as error:
        raise RecordError(
            Finding(
                f"torch.export cannot export the model: {_first_lines(error)}",
                _user_line(error) or type(model).__name__,
                _way_out(error),
            )
        ) from error


def _program(
    model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], dynamic_shapes: Any
) -> ExportedProgram:
    """What torch exports, with loops over sizes kept whole if it can; its errors are torch's."""

    def plain() -> ExportedProgram:
        with any_layout(), model_lines():
            return torch.export.export(
                model, args, kwargs, dynamic_shapes=dynamic_shapes, strict=False
            )

    with whole_loops(model) as loops, whole_ranges(model) as ranges:
        if loops or ranges:
            # What turns out to need more than that of Python is exported as it is.
            with suppress(Exception):
                return plain()
    return plain()


def _export_automatic(
    model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[ExportedProgram, Any]:
    """The program with the most dynamic axes of three tries: all, the first of each, none."""
    everything = _shapes(model, args, kwargs, lambda t: dict.fromkeys(range(t.ndim), Dim.AUTO))
    leading = _shapes(model, args, kwargs, lambda t: {0: Dim.AUTO} if t.ndim else {})
    for shapes in (everything, leading):
        try:
            return _export(model, args, kwargs, shapes), shapes
        except RecordError:
            continue
    return _export(model, args, kwargs, None), None


def _shapes(
    model: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], axes: Any
) -> Any:
    """torch.export's dynamic_shapes by parameter name: `axes(tensor)` for each tensor."""

    def entry(_path: object, leaf: object) -> object:
        return axes(leaf) if isinstance(leaf, torch.Tensor) else None

    signature = inspect.signature(model.forward)
    named = dict(signature.bind(*args, **kwargs).arguments)
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_KEYWORD:
            named.update(named.pop(parameter.name, {}))
    # Of a class that is registered as a pytree, torch wants the axes of its parts.
    return _tree_map_with_path(entry, named)


def _statics(
    model: torch.nn.Module,
    program: ExportedProgram,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    tried: Any,
) -> Iterator[Static]:
    """Each input axis that stayed static, with torch's reason."""
    asked = 0
    for name, fake, given in user_inputs(program, args, kwargs):
        for axis, size in enumerate(fake.shape):
            # A specialised axis may still be a SymInt, of a constant.
            if isinstance(size, torch.SymInt) and size.node.expr.free_symbols:
                continue
            reason = f"specialised to {int(size)}"
            if tried is None:
                reason += "; the model does not export with dynamic axes"
            elif int(size) == 0:
                reason += "; record with a size of 1 or more to make it dynamic"
            elif asked < _MOST_REASONS:
                asked += 1
                reason += _reason(model, args, kwargs, given, axis)
            yield Static(f"{name}, axis {axis}", reason)


def _reason(
    model: torch.nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    wanted: torch.Tensor,
    axis: int,
) -> str:
    """What torch says when that axis alone must be dynamic."""
    shapes = _shapes(model, args, kwargs, lambda t: {axis: Dim.DYNAMIC} if t is wanted else {})
    try:
        _program(model, args, kwargs, shapes)
    except Exception as error:
        if "specialized it to be a constant" in str(error):
            return ": the code or the weights need this size"
        line = _user_line(error)
        text = f": {_first_lines(error)}" + (f" ({line})" if line else "")
        # Reasons are kept in the manifest, which is the same on every machine.
        return re.sub(r"/[^\s:\"'()]+\.py", lambda file: relative(file[0]), text)
    return ": it is tied to another static axis"


def user_inputs(
    program: ExportedProgram, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Iterator[tuple[str, torch.Tensor, torch.Tensor]]:
    """The tensor inputs of a program: placeholder name, fake tensor, the tensor given."""
    placeholders = {n.name: n.meta.get("val") for n in program.graph.nodes if n.op == "placeholder"}
    specs = [s for s in program.graph_signature.input_specs if s.kind is InputKind.USER_INPUT]
    for spec, given in zip(specs, pytree.tree_leaves((args, kwargs)), strict=True):
        fake = placeholders[spec.arg.name]
        if isinstance(fake, torch.Tensor):
            yield spec.arg.name, fake, given


def _functional(program: ExportedProgram) -> ExportedProgram:
    """The program without in-place ops; composite ops stay whole."""
    if not mutates(program) or without_changes(program):
        return program
    return program.run_decompositions({})


def _way_out(error: Exception) -> str:
    report = "torch.export.draft_export(model, args) prints a full report"
    if "DataDependent" in type(error).__name__ or "data-dependent" in str(error):
        return f"replace the branch on data by torch.where, or decide it before the call; {report}"
    return f"change that line, or leave the axis that it fixes out of dynamic_shapes; {report}"


def _first_lines(error: Exception) -> str:
    text = " ".join(line.strip() for line in str(error).strip().splitlines()[:3])
    return text[:300] or type(error).__name__


def _user_line(error: BaseException) -> str:
    """The innermost line of the traceback that is the model's own, not torch's."""
    line = ""
    trace = error.__traceback__
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if "/torch/" not in file and "/pycandle/" not in file and not file.startswith("<"):
            line = f"{file}:{trace.tb_lineno}"
        trace = trace.tb_next
    return line
