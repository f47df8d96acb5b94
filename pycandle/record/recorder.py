"""`GoldenRecorder`: the public face of recording, and the order of its steps.

It must not know how any single step works.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pycandle.errors import Finding, RecordError
from pycandle.graph import Graph, manifest
from pycandle.graph.files import times_path
from pycandle.output import write_if_changed

if TYPE_CHECKING:
    import torch

    from pycandle.record.timing import Times


class GoldenRecorder:
    """Records a model's graph, and what every module call takes and gives.

    `output_dir` is where `save` writes; it defaults to the directory that `pycandle record` was
    given, else the current one.
    """

    def __init__(self, output_dir: str | os.PathLike[str] | None = None) -> None:
        self.output_dir = Path(output_dir or os.environ.get("PYCANDLE_OUT", "."))
        self._graph: Graph | None = None
        self._tensors: dict[str, torch.Tensor] = {}
        self._weights: dict[str, torch.Tensor] = {}
        self._constants: bytes | None = None
        self._times: Times | None = None

    # What `pycandle record` and `pycandle check` hang on to; see `watching` and `graphs_only`.
    _saved: ClassVar[Callable[[Path], None] | None] = None
    _graphs: ClassVar[list[Graph] | None] = None

    @classmethod
    @contextmanager
    def watching(cls, saved: Callable[[Path], None]) -> Generator[None]:
        """Within it, `saved` is told of each manifest that any recorder writes."""
        cls._saved = saved
        try:
            yield
        finally:
            cls._saved = None

    @classmethod
    @contextmanager
    def graphs_only(cls) -> Generator[list[Graph]]:
        """Within it, recorders only export: no golden is made, `save` writes nothing."""
        cls._graphs = graphs = []
        try:
            yield graphs
        finally:
            cls._graphs = None

    def record(
        self,
        model: torch.nn.Module | torch.export.ExportedProgram,
        *inputs: Any,
        dynamic_shapes: Any = None,
        **kwargs: Any,
    ) -> GoldenRecorder:
        """Export the model in eval mode on these inputs, run it, and keep its goldens.

        `dynamic_shapes` says which input axes may vary, in `torch.export`'s own form; without it
        every axis is tried, and those that became static are printed with the reason. Weights
        and inputs are not changed. Raises `RecordError`.
        """
        from pycandle.record.export import export
        from pycandle.record.goldens import record_goldens
        from pycandle.record.importer import import_program
        from pycandle.record.regions import place_nodes
        from pycandle.record.sketch import sketch
        from pycandle.record.ties import FirstOfEquals

        _say("exporting the model with torch.export")
        exported = export(model, inputs, kwargs, dynamic_shapes)
        imported = import_program(exported)
        for static in imported.graph.statics:
            _say(f"static: {static.axis}: {static.reason}")
        if GoldenRecorder._graphs is not None:
            GoldenRecorder._graphs.append(place_nodes(imported, []))
            return self
        _say(f"recorded {len(imported.graph.nodes)} ops; computing goldens")
        with FirstOfEquals():
            self._graph, self._tensors = record_goldens(imported, exported, _say)
        self._weights = {
            parameter.names[0]: imported.weights[parameter.value.name].contiguous()
            for parameter in self._graph.parameters
            if not parameter.constant
        }
        self._tensors |= {f"weights:{name}": sketch(held) for name, held in self._weights.items()}
        self._constants = imported.constants
        self._times = None
        if os.environ.get("PYCANDLE_TIME"):
            from pycandle.record.timing import module_times

            if exported.model is None:
                _say("an exported program has no modules whose time could be measured")
            else:
                _say("measuring how long each module takes")
                self._times = module_times(exported.model, inputs, kwargs)
        return self

    def save(self, name: str | None = None, weights: bool = False) -> Path:
        """Write `{name}_manifest.json` and `{name}_trace.safetensors`; returns the manifest's path.

        Constants that no checkpoint holds go to `{name}_constants.safetensors`, which the generated
        code includes: it belongs beside the manifest, and into git. With `weights` the model's
        parameters go to `{name}.safetensors`, where the parity test looks for a checkpoint; without
        it, put or link the checkpoint there. The name becomes the Rust module's, so it must be an
        identifier; it defaults to the one that `pycandle record` was given. Raises `RecordError` if
        nothing was recorded.
        """
        from pycandle.record.trace import write_tensors, write_trace

        if GoldenRecorder._graphs is not None:
            return self.output_dir / f"{name}_manifest.json"
        name = name or os.environ.get("PYCANDLE_NAME", "")
        if self._graph is None:
            raise RecordError(Finding("nothing was recorded", "save()", "call record() first"))
        if not (name.isascii() and name.isidentifier()):
            raise RecordError(
                Finding(
                    f"{name!r} cannot name a recording",
                    "save(name)",
                    "use a name of ASCII letters, digits and underscores, as a Rust module has",
                )
            )
        text = manifest.dump(replace(self._graph, name=name))
        self.output_dir.mkdir(parents=True, exist_ok=True)
        path = self.output_dir / f"{name}_manifest.json"
        # The trace names the manifest it belongs to, so a crash between the two is noticed.
        write_trace(self.output_dir / f"{name}_trace.safetensors", self._tensors, text)
        write_if_changed(path, text.encode())
        if self._constants is not None:
            write_if_changed(self.output_dir / f"{name}_constants.safetensors", self._constants)
        if self._times is not None:
            write_if_changed(times_path(path), self._times.dump(text).encode())
        if weights:
            write_tensors(self.output_dir / f"{name}.safetensors", self._weights, {})
        if GoldenRecorder._saved is not None:
            GoldenRecorder._saved(path)
        _say(f"wrote {path} ({len(self._graph.regions)} module calls) and its trace")
        return path


def _say(line: str) -> None:
    print(f"pycandle: {line}", file=sys.stderr, flush=True)
