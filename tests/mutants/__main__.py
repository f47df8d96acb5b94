"""The gate is tested: `python -m tests.mutants [PATTERN...] [--seed N] [--seeds N] [--each N]`.

Breaks generated models in many ways, each of which must be caught and the right module named, and
runs unbroken ones with other weights and inputs, none of which may raise an alarm. Patterns choose
architectures; without them, and with the numbers as they are, docs/parity.md is written.
"""

from __future__ import annotations

import argparse
import fnmatch
import sys
import warnings

from tests.mutants.architectures import ARCHITECTURES
from tests.mutants.page import EACH, SEED, SEEDS, rates, write_page
from tests.mutants.running import Architecture, go


def main() -> int:
    """Run, print what is missed, and fail if something is, or if there is an alarm."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants")
    parser.add_argument("patterns", nargs="*", default=["*"])
    parser.add_argument("--seed", type=int, default=SEED, help="chooses the places of mistakes")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of unbroken models")
    parser.add_argument("--each", type=int, default=EACH, help="mistakes of one kind in a model")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    matches = [n for n in ARCHITECTURES if any(fnmatch.fnmatch(n, p) for p in options.patterns)]
    if not matches:
        print(f"no architecture matches {' '.join(options.patterns)}")
        return 2
    found: list[Architecture] = []
    for name in matches:
        found.append(go(name, options.seed, options.seeds, options.each))
        print("\n".join(told(found[-1])), flush=True)
    numbers = (options.seed, options.seeds, options.each)
    if len(found) == len(ARCHITECTURES) and numbers == (SEED, SEEDS, EACH):
        write_page(found)
    missed = [result for each in found for result in each.results if result.missed]
    return 1 if missed or any(each.seeds.alarms for each in found) else 0


def told(found: Architecture) -> list[str]:
    """The rates in a line, and a line for each that is not as it should be."""
    lines = [f"{found.name}: {rates(found.results)}; {found.seeds}"]
    for result in found.results:
        mutant = result.mutant
        isolated = result.told.get("isolated")
        right = result.named("isolated")
        wrong = isolated and (not right or not isolated.in_place or isolated.innocent)
        if result.refused or result.missed or (wrong and result.real):
            what = result.refused or ("missed" if result.missed else f"{result.told}")
            lines.append(f"  {mutant.name} {mutant.kind}, {mutant.change}: {what[:600]}"
                         f" expected {mutant.expected[:2]}")  # fmt: skip
    return lines


if __name__ == "__main__":
    sys.exit(main())
