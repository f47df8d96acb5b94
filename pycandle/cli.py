"""The command `pycandle`: arguments to facade calls, results and errors to text or JSON.

Standard output carries data, standard error what a person reads. It must not import torch: only
the commands that record do, when they run.

Exit codes: 0 done; 1 a gate failed (`sync --check`); 2 wrong usage or a wrong crate; 3 the model
is not supported, or its input is broken; 130 interrupted.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from pycandle import __version__
from pycandle.errors import Finding, ProjectError, PyCandleError, UnsupportedError

app = typer.Typer(
    help="Compile PyTorch models to readable, verified Rust for Candle.",
    no_args_is_help=True,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Options of the command itself."""
    if version:
        print(f"pycandle {__version__}")
        raise typer.Exit


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


@app.command()
def record(
    script: Annotated[
        Path, typer.Option(help="The Python script that uses GoldenRecorder.")
    ] = Path(".pycandle/scripts/recorder.py"),
    name: Annotated[
        str | None, typer.Option(help="What save() takes where the script gives no name.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder where GoldenRecorder() is given none.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Run a script that records a model: its graph and golden tensors."""
    from pycandle.record.script import record_script

    saved = record_script(script, name, out)
    if as_json:
        _print({"manifests": [str(path) for path in saved]})


@app.command()
def codegen(
    manifest: Annotated[Path, typer.Option(help="The manifest to generate from.")],
    out: Annotated[Path, typer.Option(help="The Rust file to write.")],
    model: Annotated[str, typer.Option(help="The name of the model's struct.")] = "",
    as_json: Json = False,
) -> None:
    """Generate Rust from a manifest; its parity tests go beside it."""
    from pycandle.bridge import generate_files
    from pycandle.crate import path_in_crate, rustfmt
    from pycandle.output import write_if_changed

    if out.suffix != ".rs" or out.is_dir():
        raise ProjectError(Finding("--out must be a Rust file", str(out), "name it module.rs"))
    module = out.stem
    options = {"manifest": path_in_crate(manifest, out), "model": model, "module": module}
    files = generate_files(manifest, module, options)
    formatted = {out.parent / name: rustfmt(text) for name, text in files.items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    for path, text in formatted.items():
        write_if_changed(path, text.encode())
    _done([str(path) for path in formatted], "wrote", as_json)


@app.command()
def sync(
    crate: Annotated[Path, typer.Option(help="The crate that lists the models.")] = Path(),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; exit 1 with a diff if files differ.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write the checked-in Rust of every model that a crate lists."""
    from pycandle.crate import sync as sync_crate

    _done([str(path) for path in sync_crate(crate, check)], "wrote", as_json)


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="A recorder script, or a manifest.")],
    as_json: Json = False,
) -> None:
    """Tell what in a model has no lowering, with module, Python line and a way out."""
    from pycandle.checking import check as check_model

    graphs, findings = check_model(path)
    if findings:
        raise UnsupportedError(*findings)
    ops = {graph.class_name: Counter(node.op for node in graph.nodes) for graph in graphs}
    if as_json:
        _print({"supported": True, "ops": {name: dict(kinds) for name, kinds in ops.items()}})
        return
    for name, kinds in ops.items():
        _say(f"{name}: all {len(kinds)} kinds of ops are supported")


def main() -> None:
    """Run the command; a problem is one clear message and an exit code, never a traceback."""
    try:
        app()
    except PyCandleError as error:
        if "--json" in sys.argv:
            _print({"errors": [_as_json(finding) for finding in error.findings]})
        for finding in error.findings:
            _say(f"error: {finding}")
        if len(error.findings) > 1:
            _say(f"{len(error.findings)} problems")
        sys.exit(error.exit_code)
    except OSError as error:
        _say(f"error: {error.strerror or error}\n  where: {error.filename or 'a file'}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _as_json(finding: Finding) -> dict[str, str]:
    return {"what": finding.what, "where": finding.where, "fix": finding.fix}


def _done(paths: list[str], verb: str, as_json: bool) -> None:
    if as_json:
        _print({"files": paths})
    elif not paths:
        _say("up to date")
    for path in paths if not as_json else []:
        _say(f"{verb} {path}")


def _print(document: object) -> None:
    print(json.dumps({"schema_version": 1, **document}))  # type: ignore[dict-item]


def _say(line: str) -> None:
    print(line, file=sys.stderr)
