"""The bench: `python -m tests.bench [--workload PATTERN...] [--rivals NAME...] [--threads N...]`.

It prepares what is not prepared yet, and for each workload wants parity of PyCandle's binary, then
lets everyone take turns. It fails if a workload's parity does.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from pycandle.errors import PyCandleError
from tests.bench import results, table
from tests.bench.binary import CRATES, Binary, Unbuilt, build
from tests.bench.picture import draw
from tests.bench.recordings import Unprepared, prepared
from tests.bench.results import Failed, Row
from tests.bench.rivals import RIVALS, Prepared
from tests.bench.running import Plan, measure
from tests.bench.workloads import WORKLOADS


def main() -> int:
    """Run, print a block for each workload, and write what is asked for."""
    options = _options()
    names = _chosen(options)
    if not names:
        print(f"no workload matches {' '.join(options.workload)}: {' '.join(WORKLOADS)}")
        return 2
    plan = Plan(2, 50, 1) if options.quick else Plan(options.rounds, options.milliseconds)
    rows: list[Row] = []
    load = os.getloadavg()[0]
    ready: dict[str, tuple[Prepared, Binary] | str] = {}
    for threads in options.threads:
        for name in names:
            ready[name] = ready.get(name) or _prepare(name, options.work)
            row = _measure(name, ready[name], threads, options.rivals, plan)
            rows.append(row)
            print("\n".join(table.lines(results.entry(row))), end="\n\n", flush=True)
            # After each row, lest hours of measuring are lost with a later one.
            document = results.document(rows, load)
            if options.json:
                options.json.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
            if options.svg:
                options.svg.write_text(draw(document), encoding="utf-8")
    return 1 if any(isinstance(row, Failed) for row in rows) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    add = parser.add_argument
    add("--workload", nargs="+", default=["*"], metavar="PATTERN", help="which to run")
    add("--rivals", nargs="*", default=list(RIVALS), choices=list(RIVALS), metavar="NAME",
        help=f"of {', '.join(RIVALS)}; none without a name")  # fmt: skip
    add("--threads", nargs="+", type=int, default=[1, 2])
    add("--rounds", type=int, default=Plan.rounds, help="how often each takes its turn")
    add("--milliseconds", type=int, default=Plan.milliseconds, help="how long a turn is")
    add("--json", type=Path, metavar="FILE")
    add("--svg", type=Path, metavar="FILE")
    add("--work", type=Path, default=CRATES.parent / "bench-recordings", metavar="FOLDER",
        help="where recordings are kept; working copies may share it")  # fmt: skip
    add("--quick", action="store_true", help="a trial of the bench itself; its times mean nothing")
    return parser.parse_args()


def _chosen(options: argparse.Namespace) -> Sequence[str]:
    """The workloads that are asked for; trials in a trial only."""
    return [
        name
        for name, workload in WORKLOADS.items()
        if workload.trial == options.quick
        and any(fnmatch.fnmatch(name, pattern) for pattern in options.workload)
    ]


def _prepare(name: str, work: Path) -> tuple[Prepared, Binary] | str:
    """A workload and its binary, whose parity holds; or why there is none."""
    workload = WORKLOADS[name]
    try:
        folder = prepared(work, name)
        print(f"{name}: recorded", flush=True)
        binary = build(name, folder, workload.trial)
        print(f"{name}: compiled", flush=True)
        culprit = binary.parity()
    except (Unprepared, Unbuilt, PyCandleError) as reason:
        return str(reason)
    if culprit:
        return f"parity fails: {culprit}"
    print(f"{name}: parity holds", flush=True)
    scratch = CRATES / name / "run"
    scratch.mkdir(exist_ok=True)
    return Prepared(name, workload, folder, scratch), binary


def _measure(
    name: str,
    ready: tuple[Prepared, Binary] | str,
    threads: int,
    rivals: Sequence[str],
    plan: Plan,
) -> Row:
    if isinstance(ready, str):
        return Failed(name, threads, ready)
    found, binary = ready
    names = [rival for rival in rivals if RIVALS[rival].has(found.workload)]
    return measure(found, binary, names, threads, plan)


if __name__ == "__main__":
    sys.exit(main())
