"""The recorder script of a crate, which the user goes on with.

Only checked names reach its text: identifiers, and what a library itself calls a model.
"""

from __future__ import annotations

from pycandle.project.architectures import Architecture

_SCRIPT = '''\
"""Records {title}: `pycandle record` runs this script.

Change it as you like: load a checkpoint, take other inputs, say with `dynamic_shapes` which axes
vary. Without that every axis is tried, and those that stay static are told with the reason.
"""

{imports}

from pycandle import GoldenRecorder

torch.manual_seed(0)
{model}
{inputs}

recorder = GoldenRecorder(output_dir=Path(__file__).resolve().parents[1] / "traces")
recorder.record(model, {given})
recorder.save("{name}", weights=True)
'''
_UNKNOWN = Architecture("a model", (), ("model = None",), {})


def recorder_script(name: str, architecture: Architecture | None) -> str:
    """`.pycandle/scripts/recorder.py`; it stops where only the user can go on."""
    made = architecture or _UNKNOWN
    imports = ["import torch", *made.imports]
    start = "from pathlib import Path"
    if architecture and not architecture.library:
        start = f"import sys\n{start}"
        imports.insert(1, "\nsys.path.insert(0, str(Path(__file__).resolve().parents[2]))")
    inputs = [f"{key} = {value}" for key, value in made.inputs.items()] + [*made.state]
    arguments = made.given or {key: key for key in made.inputs}
    given = ", ".join(f"{key}={arg}" if made.by_name else arg for key, arg in arguments.items())
    if not inputs:
        missing = "what its forward takes" if architecture else "the model and what it takes"
        inputs = [f'raise SystemExit(f"error: say in {{__file__}} {missing}")',
                  "x = torch.randn(2, 16)"]  # fmt: skip
        given = "x"
    return _SCRIPT.format(
        title=made.title,
        imports="\n".join([start, "", *imports]),
        model="\n".join(made.build),
        inputs="\n".join(inputs),
        given=given,
        name=name,
    )
