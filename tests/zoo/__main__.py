"""The zoo: `python -m tests.zoo [NAME...] [--jobs N] [--again]`; without names, all of it.

As many entries run at once as there are processors and memory for. What is known already of the
same code is not run again, unless with `--again`. When every entry has a row, docs/scoreboard.md
and docs/scoreboard.json are written.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys

from tests.zoo.entries import ENTRIES
from tests.zoo.running import jobs, read, run, short
from tests.zoo.scoreboard import reason, write_scoreboard
from tests.zoo.stages import Row


def main() -> int:
    """Run, print a line for each entry, and fail if one does."""
    parser = argparse.ArgumentParser(prog="python -m tests.zoo")
    parser.add_argument("patterns", nargs="*", default=["*"])
    parser.add_argument("--jobs", type=int, default=jobs())
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    chosen = [name for name in ENTRIES if any(fnmatch.fnmatch(name, p) for p in options.patterns)]
    if not chosen:
        print(f"no entry matches {' '.join(options.patterns)}")
        return 2
    rows: list[Row] = []
    for row in run(chosen, options.jobs, options.again):
        rows.append(row)
        said = "" if row.passed else f": {reason(row)[:300]}"
        print(f"[{len(rows)}/{len(chosen)}] {row.name} {verdict(row)}{said}", flush=True)
    known = {row.name: row for row in rows if not short(row)}
    rest = [name for name in ENTRIES if name not in chosen]
    known |= {name: row for name in rest if (row := read(name))}
    passed = sum(row.passed for row in rows)
    print(f"{passed} of {len(rows)} pass; {len(known)} of {len(ENTRIES)} entries have a row")
    if len(known) == len(ENTRIES):
        write_scoreboard([known[name] for name in ENTRIES])
    return 0 if passed == len(rows) else 1


def verdict(row: Row) -> str:
    """One word, or two."""
    if row.passed:
        return "passes"
    return "is not proved" if row.isolated and row.cumulative and not row.proved else "fails"


if __name__ == "__main__":
    sys.exit(main())
