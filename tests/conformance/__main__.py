"""Run cases of some ops and print what fails: `python -m tests.conformance 'aten.topk.*' ...`.

README. Patterns are those of a shell. Each failing case prints as its call, with dtypes, shapes and
strides, then what Rust and PyTorch gave. `--all` prints every failure and every decline instead of
the first few an op; `--variants N` asks for N Hypothesis variants an op (48); `--slice` is what
continuous integration runs. Statuses: passed; uninformative (PyTorch's own rounding drowns the
result); failed (other values, shape or dtype); refused (the Rust function returned an error);
panicked; crashed (the compiler did); declined (the lowering said why).

Samples for ops that PyTorch's database lacks stand in samples/: one function an overload that
returns `call(...)`s. Accepted failures stand in exceptions.toml, a line each: the case as it prints
here, and the reason.
CARGO_TARGET_DIR is honoured; the crate is generated in its folder `conformance_quick`, or
`conformance_candle_V` with `--candle V`, which runs the cases with that version of Candle.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
from collections import Counter
from dataclasses import replace

from tests.conformance.suite import FULL, SLICE, Row, conform, wanted_ops


def main() -> int:
    """Run, print, and fail if a case does."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("patterns", nargs="+")
    parser.add_argument("--variants", type=int, default=FULL.variants)
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--candle", default="", metavar="V")
    parser.add_argument("--slice", action="store_true")
    options = parser.parse_args()
    chosen = [op for op in wanted_ops() if any(fnmatch.fnmatch(op, p) for p in options.patterns)]
    if not chosen:
        print(f"no op matches {' '.join(options.patterns)}")
        return 2
    depth = SLICE if options.slice else replace(FULL, variants=options.variants)
    # A folder of its own, since what cargo resolved once stays.
    crate = (
        f"conformance_candle_{options.candle.replace('.', '_')}"
        if options.candle
        else "conformance_quick"
    )
    rows = conform(chosen, depth, crate, options.candle)
    failed = 0
    for op in chosen:
        failed += _report(op, [row for row in rows if row.case.op == op], options.all)
    print(f"{len(rows)} cases of {len(chosen)} overloads; {failed} fail")
    return 1 if failed else 0


def _report(op: str, rows: list[Row], everything: bool) -> int:
    counts = Counter(row.outcome.status if row.outcome else "declined" for row in rows)
    print(f"{op}: {', '.join(f'{n} {status}' for status, n in counts.most_common()) or 'no case'}")
    bad = [row for row in rows if row.outcome and not row.outcome.passed and not row.exception]
    most = len(rows) if everything else 4
    for row in bad[:most]:
        assert row.outcome
        print(f"    {row.case}  ({row.case.origin})")
        print(f"      {row.outcome.status}: {row.outcome.reason[:600]}")
    reasons = Counter(reason for row in rows for reason in row.declined)
    for reason, count in reasons.most_common(most):
        print(f"    declined {count} times: {reason}")
    return len(bad)


if __name__ == "__main__":
    sys.exit(main())
