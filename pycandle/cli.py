"""The command `pycandle`: arguments to facade calls, results and errors to text or JSON.

Standard output carries data, standard error what a person reads. It must not import torch: only
the commands that record do, when they run.

Exit codes: 0 done; 1 a gate failed (`sync --check`, `verify`); 2 wrong usage or a wrong crate;
3 the model is not supported, or its input is broken; 4 a program or package is missing; 5 nothing
was compared; 130 interrupted.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pycandle import __version__
from pycandle.console import answer, as_data, say, tell_changes, tell_files, within
from pycandle.errors import Finding, ProjectError, PyCandleError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pycandle.verify import Run

_COMPLETE = "_PYCANDLE_COMPLETE"
NOTHING_COMPARED = 5
SHELLS = ("bash", "zsh", "fish", "powershell", "pwsh")

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
Architecture = Annotated[
    str | None,
    typer.Option(help="An architecture of transformers, timm or torchvision, or module:Class."),
]
RECORDER = Path(".pycandle/scripts/recorder.py")


@app.command()
def new(
    path: Annotated[Path, typer.Argument(help="The folder to make; its name is the crate's.")],
    model: Architecture = None,
    record: Annotated[
        bool, typer.Option(help="Record the model at once, and write its Rust.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Make a crate for a PyTorch model, record it, and generate its Rust."""
    from pycandle import project

    changes = project.new(path, model)
    if record and model:
        from pycandle.crate import sync
        from pycandle.record.script import record_script

        saved = record_script(path / RECORDER, None, None)
        changes += [project.Change(within(file, path), "made") for file in saved + sync(path)]
    tell_changes(changes, as_json)
    if not as_json:
        recorded = "" if record and model else " && pycandle record"
        say(f"next: cd {path}{recorded} && cargo test")


@app.command()
def init(
    crate: Annotated[Path, typer.Option(help="The crate to add a model to.")] = Path(),
    model: Architecture = None,
    name: Annotated[
        str | None, typer.Option(help="What the model is called; the crate's name by default.")
    ] = None,
    python: Annotated[
        Path | None, typer.Option(help="A Python with PyCandle and PyTorch, to use as it is.")
    ] = None,
    environment: Annotated[
        bool, typer.Option("--venv/--no-venv", help="Make .pycandle/venv, a Python for recording.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Add to a crate what a PyTorch model needs, and make the Python that records it."""
    from pycandle import project

    changes = project.init(crate, model, name, python, say, environment)
    tell_changes(changes, as_json)


@app.command()
def record(
    script: Annotated[
        Path, typer.Option(help="The Python script that uses GoldenRecorder.")
    ] = RECORDER,
    name: Annotated[
        str | None, typer.Option(help="What save() takes where the script gives no name.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder where GoldenRecorder() is given none.")
    ] = None,
    time: Annotated[
        bool, typer.Option("--time", help="Measure how long each module takes in PyTorch, too.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run a script that records a model: its graph and golden tensors."""
    if script == RECORDER:
        _in_managed_python()
    from pycandle.record.script import record_script

    saved = [str(within(path, Path())) for path in record_script(script, name, out, time)]
    if as_json:
        tell_files(saved, "recorded", as_json)


@app.command()
def codegen(
    manifest: Annotated[Path, typer.Option(help="The manifest to generate from.")],
    out: Annotated[Path, typer.Option(help="The Rust file to write.")],
    model: Annotated[str, typer.Option(help="The name of the model's struct.")] = "",
    checker: Annotated[
        bool, typer.Option(help="Compare every module with a recording, where one is given.")
    ] = True,
    stateful: Annotated[
        bool, typer.Option("--stateful", help="Add a struct that keeps state between calls.")
    ] = False,
    dtype: Annotated[
        str, typer.Option(help="Load the weights in this dtype, that of the recording.")
    ] = "",
    fuse: Annotated[
        bool, typer.Option("--fuse/--no-fuse", help="Write layers and what follows as one call.")
    ] = True,
    explain: Annotated[
        bool, typer.Option("--explain", help="List what was fused, and why the rest was not.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Generate Rust from a manifest; its parity tests go beside it."""
    from pycandle.bridge import generate_files
    from pycandle.crate import path_in_crate, rustfmt
    from pycandle.metadata import Model, check_dtype
    from pycandle.output import write_if_changed

    if out.suffix != ".rs" or out.is_dir():
        raise ProjectError(Finding("--out must be a Rust file", str(out), "name it module.rs"))
    if dtype:
        check_dtype(dtype, "--dtype")
    module = out.stem
    path = path_in_crate(manifest, out)
    asked = Model(path, module, model, checker=checker, stateful=stateful, dtype=dtype, fuse=fuse)
    files = generate_files(manifest, module, asked.options)
    formatted = {out.parent / name: rustfmt(text) for name, text in files.items()}
    out.parent.mkdir(parents=True, exist_ok=True)
    for path, text in formatted.items():
        write_if_changed(path, text.encode())
    paths = [str(path) for path in formatted]
    if not explain:
        tell_files(paths, "wrote", as_json)
        return
    from pycandle import explaining

    found = explaining.explained(manifest.read_text(encoding="utf-8"), asked.options)
    if as_json:
        listed = [{"path": path, "what": "wrote"} for path in paths]
        answer({"files": listed, "fusions": [explaining.as_json(each) for each in found]})
    else:
        tell_files(paths, "wrote", as_json)
        print("\n".join(explaining.told(found)))


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

    tell_files([str(path) for path in sync_crate(crate, check)], "wrote", as_json)


@app.command()
def bench(
    crate: Annotated[Path, typer.Option(help="The crate whose models are measured.")] = Path(),
    model: Annotated[str, typer.Option(help="The module of one of them; all by default.")] = "",
    profile: Annotated[
        bool, typer.Option("--profile", help="Tell which modules and ops the time goes to.")
    ] = False,
    threads: Annotated[int, typer.Option(min=1, help="How many threads to run on.")] = 1,
    features: Annotated[str, typer.Option(help="Features of the crate, as cargo takes them.")] = "",
    as_json: Json = False,
) -> None:
    """Build a crate with optimisations, and measure its models on their recorded inputs."""
    from pycandle import profiling

    chosen = ["--features", features] if features else []
    measured = profiling.measure(crate, model, threads, profile, chosen)
    if as_json:
        answer({"models": [profiling.as_json(each) for each in measured]})
    for each in measured if not as_json else []:
        say(profiling.told(each))


@app.command("gen-bench")
def gen_bench(
    manifest: Annotated[Path, typer.Option(help="The manifest of a model that the crate lists.")],
    out: Annotated[Path, typer.Option(help="The file to write, as benches/inference.rs.")],
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that this command did not write.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Write a criterion benchmark of a model: its recorded inputs, and other sizes."""
    from pycandle.benching import write_bench

    changed, lacking = write_bench(manifest, out, force)
    if as_json:
        files = [{"path": str(out), "what": "wrote"}] if changed else []
        answer({"files": files, "cargo_toml": lacking})
        return
    say(f"wrote {out}" if changed else "up to date")
    if lacking:
        say(f"add to Cargo.toml:\n\n{lacking}\n")
    say(f"next: cargo bench --bench {out.stem}")


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
        answer({"supported": True, "ops": {name: dict(kinds) for name, kinds in ops.items()}})
        return
    for name, kinds in ops.items():
        say(f"{name}: all {len(kinds)} kinds of ops are supported")


@app.command()
def verify(
    crate: Annotated[Path, typer.Option(help="The crate whose models are compared.")] = Path(),
    model: Annotated[str, typer.Option(help="The module of one of them; all by default.")] = "",
    release: Annotated[bool, typer.Option("--release", help="Build with optimisations.")] = False,
    features: Annotated[str, typer.Option(help="Features of the crate, as cargo takes them.")] = "",
    to_junit: Annotated[
        Path | None, typer.Option("--junit", help="Write JUnit's XML here, for a CI.")
    ] = None,
    to_markdown: Annotated[
        Path | None, typer.Option("--summary", help="Write a table here, for a pull request.")
    ] = None,
    drill: Annotated[
        bool, typer.Option("--drill", help="Look inside the module that differs, line by line.")
    ] = False,
    bisect_precision: Annotated[
        str, typer.Option(help="Tell which modules can run in f16, bf16, int8, q8_0 or q4_0.")
    ] = "",
    tolerance: Annotated[
        float | None, typer.Option(help="The error that --bisect-precision allows, as 0.01.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Build a crate's parity tests, run them, and tell where its models differ from PyTorch."""
    if bisect_precision and drill:
        what = "--drill runs the tests, and --bisect-precision does not"
        raise ProjectError(Finding(what, "pycandle verify", "give one of them"))
    if tolerance is not None and not bisect_precision:
        what = "--tolerance is what --bisect-precision allows"
        raise ProjectError(Finding(what, "pycandle verify", "add that, or leave it out"))
    if bisect_precision or drill:
        _in_managed_python()
    if bisect_precision:
        from pycandle import precision

        found = precision.bisect_crate(crate, model, bisect_precision, tolerance, say)
        if as_json:
            answer({"bisections": [precision.as_json(each) for each in found]})
        else:
            say(precision.summary(found))
        raise typer.Exit(0 if any(each.compared for each in found) else NOTHING_COMPARED)
    from pycandle import verify as verifying
    from pycandle.output import write_if_changed

    chosen = ["--release"] * release + (["--features", features] if features else [])
    runs = verifying.verify(crate, model, chosen)
    for path, text in ((to_junit, verifying.junit), (to_markdown, verifying.markdown)):
        if path:
            write_if_changed(path, text(runs).encode())
    _tell(crate, runs, as_json, chosen if drill else None)
    _repros(crate, runs)
    if not any(run.compared for run in runs):
        say("error: nothing was compared, so nothing is proved")
        raise typer.Exit(NOTHING_COMPARED)
    raise typer.Exit(0 if all(run.passed for run in runs) else 1)


@app.command()
def repro(
    crate: Annotated[Path, typer.Option(help="The crate whose tests were run.")] = Path(),
    model: Annotated[str, typer.Option(help="The module of one model; all by default.")] = "",
    as_json: Json = False,
) -> None:
    """Write what reproduces the module that differs alone, from the last parity tests' results."""
    from pycandle import repro as reproducing
    from pycandle.verify.running import last_results

    runs = [last.run for last in last_results(crate, model)]
    paths = reproducing.write_repros(crate, runs)
    if as_json:
        answer({"repros": [str(path) for path in paths]})
    elif not paths:
        say("nothing differs")
    for path in paths if not as_json else []:
        say(_REPRO.format(path))


@app.command()
def report(
    crate: Annotated[Path, typer.Option(help="The crate whose models were compared.")] = Path(),
    model: Annotated[str, typer.Option(help="The module of one of them; all by default.")] = "",
    out: Annotated[
        Path | None, typer.Option(help="The file to write; .pycandle/report.html by default.")
    ] = None,
    export: Annotated[
        str, typer.Option(help="Write the graph in place of a page: model-explorer or netron.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Write the last parity results as one HTML file; it runs no tests."""
    from pycandle.verify.publishing import publish

    tell_files([str(path) for path in publish(crate, model, out, export, say)], "wrote", as_json)


@app.command()
def dashboard(
    crate: Annotated[Path, typer.Option(help="The crate whose results are shown.")] = Path(),
    model: Annotated[str, typer.Option(help="The module of one of its models.")] = "",
    run: Annotated[bool, typer.Option("--run", help="Start the parity tests at once.")] = False,
) -> None:
    """Show results as they come in: the module tree, drift, tensors and sources."""
    from pycandle.dashboard import open_dashboard

    open_dashboard(crate, model, run)


@app.command()
def completion(
    shell: Annotated[str, typer.Argument(help="bash, zsh, fish, powershell or pwsh.")],
    as_json: Json = False,
) -> None:
    """Print what makes a shell complete this command; `source` it."""
    if shell not in SHELLS:
        fix = f"use one of {', '.join(SHELLS)}"
        raise ProjectError(Finding(f"no completion for the shell `{shell}`", "completion", fix))
    from typer.completion import get_completion_script  # pyright: ignore[reportPrivateImportUsage]

    script = get_completion_script(prog_name="pycandle", complete_var=_COMPLETE, shell=shell)
    if as_json:
        answer({"shell": shell, "script": script})
    else:
        print(script)


def main() -> None:
    """Run the command; a problem is one clear message and an exit code, never a traceback."""
    if _COMPLETE in os.environ:
        from typer.completion import completion_init  # pyright: ignore[reportPrivateImportUsage]

        completion_init()
    try:
        app()
    except PyCandleError as error:
        if "--json" in sys.argv:
            answer({"errors": [as_data(finding) for finding in error.findings]})
        for finding in error.findings:
            say(f"error: {finding}")
        if len(error.findings) > 1:
            say(f"{len(error.findings)} problems")
        sys.exit(error.exit_code)
    except OSError as error:
        say(f"error: {error.strerror or error}\n  where: {error.filename or 'a file'}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def _in_managed_python() -> None:
    """Run the command in the crate's own environment, which has PyTorch; this one may not."""
    if python := _managed_python():
        command = [str(python), "-P", "-m", "pycandle", *sys.argv[1:]]
        raise typer.Exit(subprocess.run(command, check=False).returncode)


def _tell(crate: Path, runs: Sequence[Run], as_json: bool, drill: Sequence[str] | None) -> None:
    """Say what was found, and with cargo's arguments for a `drill` what is inside of it."""
    from pycandle import verify as verifying
    from pycandle.verify import drilled

    if runs and not as_json:
        say(verifying.summary(runs))
        for file in [] if all(run.passed for run in runs) else _changed_files(crate):
            say(f"note: {file} was changed since it was generated; see `pycandle sync --check`")
    if drill is None and not as_json and any(run.culprit for run in runs):
        say("next: `pycandle verify --drill` for the line; `pycandle report` to see the tensors")
    looks: list[drilled.Drill] = []
    if drill is not None:
        from pycandle.drilling import drills

        try:
            looks = drills(crate, runs, drill, say)
        except PyCandleError as error:
            # What was found stands without it.
            say(f"no drill: {error}")
    if as_json:
        told = [drilled.as_json(each) for each in looks]
        answer({"runs": [verifying.as_json(run) for run in runs], "drills": told})
    for each in looks if not as_json else []:
        say(drilled.told(each))


def _changed_files(crate: Path) -> list[str]:
    from pycandle.crate import changed

    return changed(crate)


_REPRO = "repro: {} (run `python debug_layer.py` there, or `cargo test`)"


def _repros(crate: Path, runs: Sequence[Run]) -> None:
    """Leave a folder to reproduce what differs; that there is none is no reason to fail."""
    from pycandle import repro as reproducing

    try:
        for path in reproducing.write_repros(crate, runs):
            say(_REPRO.format(path))
    except PyCandleError as error:
        say(f"no repro: {error}")


def _managed_python() -> Path | None:
    """The Python of `.pycandle/venv`, unless it is this one."""
    from pycandle.project.environment import FOLDER, managed_python

    here = Path(sys.prefix).resolve() == FOLDER.resolve()
    return None if here else managed_python(Path())
