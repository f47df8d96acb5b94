"""Writes docs/parity.md: the rule as it stands in Rust, and what mistakes and seeds found of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pycandle.output import write_if_changed
from tests.mutants import checkpoints, operators
from tests.mutants.running import MODES, Architecture, Result
from tests.parity.crate import ROOT

SEED = 0  # chooses the places of mistakes
SEEDS = 20  # of unbroken models
EACH = 2  # mistakes of one kind in one model, at most

PAGE = ROOT / "docs" / "parity.md"
RULE = ROOT / "crates" / "pycandle-runtime" / "src" / "compare.rs"
# What the page says in words must stand there.
FORMULA = (
    "(factor * torch_error.max(rounding)).max(FLOOR)",
    "RMS_FACTOR * (1.0 + FEW / finite().count().max(1) as f64).sqrt(),",
    "if !(verdict.error <= verdict.limit) {",
    "} else if !(verdict.max_error <= verdict.max_limit) {",
    "} else if verdict.torch_error > NOISE.max(rounding) * rms(signal()) {",
)

_HEAD = """\
# Parity: the rule, and how it is tested
`nox -s mutants` writes this page: the rule as it stands in \
[compare.rs](../crates/pycandle-runtime/src/compare.rs), and what it found in models that were \
broken on purpose and in models that were not.

"""

_RULE = """\
## The rule
A tensor `y` from Rust is compared with PyTorch's own `t` and a reference `r`, which is the same \
computed in float64: the whole model for the *cumulative* test, the module alone on its golden \
inputs for the *isolated* test.

1. Shape and dtype are equal, and so are the places of NaN and of each infinity.
2. Integers and booleans are equal.
3. `rms(y - r) <= max({RMS_FACTOR} * sqrt(1 + {FEW} / n) * max(rms(t - r), {ROUNDING} * rms(r)), \
{FLOOR})`, over the `n` elements that are finite.
4. `max|y - r| <= max({MAX_FACTOR} * max(max|t - r|, {ROUNDING} * max|r|), {FLOOR})`.
5. Where `rms(t - r) > {NOISE} * rms(r)`, the verdict is *uninformative*, which is no pass.

For float16 {ROUNDING} is {ROUNDING_F16}, for bfloat16 {ROUNDING_BF16}.
A comparison *needs* a factor: the smallest that would pass in place of {RMS_FACTOR} in 3, with \
{MAX_FACTOR} in 4 in proportion; it fails if it needs more than {RMS_FACTOR}.

### How it was derived
No tolerance is chosen per model: PyTorch's own distance from float64 says how much rounding a \
module's arithmetic brings.
The constants were measured over 1,135 module calls with honest alternative kernels: this rule \
gave no false alarm, and without the floor of {ROUNDING} of the signal it gave 12.
The RMS of few elements is chance: of two errors of one normal distribution, one is 4 times the \
other in 8 of 10,000 tensors of seven elements, and 1.4 times in as many of a hundred. The seeds \
below showed it: a head of seven numbers, of an LSTM tagger, needed 4.07 once in 20 seeds and 1.15 \
on average; hence the `{FEW} / n`.
The second net is for one wrong element among many, which the mean square forgives.
The isolated test has a reference of its own, since beside the whole model's error a wrong eps in \
a late layer passes.

"""


def constants() -> dict[str, str]:
    """The rule's numbers, from Rust. A formula that is not there any more is an error."""
    text = RULE.read_text(encoding="utf-8")
    for part in FORMULA:
        assert part in text, f"{RULE.name} has no {part!r} any more: correct {__name__}"
    found = dict(re.findall(r"^const (\w+): f64 = (.+);$", text, re.MULTILINE))
    return {name: number.removesuffix(".0") for name, number in found.items()}


def rule() -> str:
    """The rule in words, with its numbers."""
    return _RULE.format(**constants())


def write_page(found: Sequence[Architecture]) -> None:
    results = [result for each in found for result in each.results]
    parts = [_HEAD, rule(), _mistakes(results), _kinds(found), _unseen(found), _seeds(found)]
    parts += ["## Every mistake\n", _LEGEND, *(_all(each) for each in found)]
    write_if_changed(PAGE, "".join(parts).encode())


def rates(results: Iterable[Result]) -> str:
    """How many were caught and named, in a line."""
    results = list(results)
    real = [each for each in results if each.real]
    caught = sum(each.caught for each in real)
    named = {mode: sum(each.named(mode) for each in real) for mode in MODES}
    return (
        f"{len(results)} mistakes, {sum(bool(each.refused) for each in results)} refused by rustc,"
        f" {sum(each.changes_nothing for each in results)} change nothing;"
        f" {caught} of {len(real)} caught, named by the isolated test {named['isolated']},"
        f" by the cumulative test {named['cumulative']}"
    )


def _mistakes(results: Sequence[Result]) -> str:
    refused = [each for each in results if each.refused]
    same = [each for each in results if each.changes_nothing]
    exact = [each for each in results if each.as_exact]
    real = [each for each in results if each.real]
    wrong = [each for each in real if not each.mutant.text]
    kinds = len({each.mutant.kind for each in results})
    lines = [
        f"A script makes mistakes of {kinds} kinds in generated Rust, and in checkpoints, of small "
        "models with lively weights: at most "
        f"{EACH} of a kind in a model, at places that a seed chooses.",
        "Which module must be named follows from the place: in a struct's `forward` it is each "
        "module of that struct, in a line of `load` that layer, in a checkpoint the module that "
        "the tensor is of.",
        "It is the first of them that differs; a report that names a module around it, a part of "
        "it or a neighbour counts as wrong.",
        "The isolated test feeds each module its golden inputs, so its blame is exact; in the "
        "cumulative test a wrong value that a module hands to a part differs there first.",
        "",
        "| Mistakes | | of |",
        "|---|--:|--:|",
        _row("made", len(results), ""),
        _row("refused by rustc", len(refused), len(results)),
        _row("change nothing, to the bit", len(same), len(results)),
        _row("no mistake: as near to float64 [as PyTorch is](#as-exact-as-pytorch)", len(exact),
             len(results)),
        _row("**caught** by one of the tests", _count(real, "caught"), len(real)),
        _row("not caught", len(real) - _count(real, "caught"), len(real)),
    ]  # fmt: skip
    for mode in MODES:
        told = [each for each in real if each.told[mode].caught]
        lines += [
            _row(f"caught by the {mode} test", len(told), len(real)),
            _row(f"of those, the right module named first by the {mode} test",
                 sum(each.named(mode) for each in told), len(told)),
        ]  # fmt: skip
    told = [each for each in real if each.told["cumulative"].caught]
    isolated = [each for each in real if each.named("isolated")]
    placed = sum(each.told["isolated"].in_place for each in isolated)
    blamed = [each for each in wrong if each.caught]
    said = sum(any(told.weights for told in each.told.values()) for each in blamed)
    unjust = sum(any(told.weights for told in each.told.values()) for each in real) - said
    lines += [
        _row("the cumulative test names a part of the right module, to which a wrong value went",
             sum(_way(each) == "part" for each in told), len(told)),
        _row("the cumulative test names the whole model: a shape stopped it",
             sum(_way(each) == "stopped" for each in told), len(told)),
        _row("the cumulative test names another module",
             sum(_way(each) == "another" for each in told), len(told)),
        _row("the isolated test names a Rust line of that module's code", placed, len(isolated)),
        _row("the isolated test fails a module that neither is wrong nor holds what is",
             sum(each.told["isolated"].innocent > 0 for each in real), len(real)),
        _row("a wrong checkpoint that is caught is said to be another one", said, len(blamed)),
        _row("wrong code is said to be another checkpoint", unjust, len(real) - len(wrong)),
    ]  # fmt: skip
    return "## Mistakes\n" + "\n".join(lines) + "\n\n" + _nearest(real)


def _way(result: Result) -> str:
    """What the cumulative test's name is to the right one."""
    told = result.told["cumulative"]
    if result.named("cumulative") or not told.caught:
        return "right"
    culprit = told.culprit or ""
    if any(culprit.startswith(f"{path}.") or not path for path in result.mutant.expected):
        return "part"
    return "stopped" if not culprit else "another"


def _nearest(real: Sequence[Result]) -> str:
    known = [each for each in real if each.told["isolated"].needs > 0]
    known.sort(key=lambda each: each.told["isolated"].needs)
    factor = constants()["RMS_FACTOR"]
    lines = [
        f"The mistakes nearest to a miss, of {len(known)} that the isolated test caught by numbers "
        f"and not by a shape, a dtype or a NaN; more than {factor} fails:",
        "",
        "| Needs | Kind | Change |",
        "|--:|---|---|",
    ]
    for each in known[:8]:
        needs = each.told["isolated"].needs
        lines.append(_row(_short(needs), each.mutant.kind, _code(each.mutant.change)))
    return "\n".join(lines) + "\n\n"


def _kinds(found: Sequence[Architecture]) -> str:
    lines = [
        "### By kind and model",
        "A number is how many were made, all of which were caught and named rightly by the "
        "isolated test; else it says how many were not.",
        "",
        "| Kind | " + " | ".join(each.name for each in found) + " |",
        "|---|" + "--:|" * len(found),
    ]
    for kind in (*operators.KINDS, *checkpoints.KINDS):
        cells = [_cell([r for r in each.results if r.mutant.kind == kind]) for each in found]
        lines.append(_row(kind, *cells))
    return "\n".join(lines) + "\n\n"


def _cell(results: Sequence[Result]) -> str:
    if not results:
        return ""
    ways = {
        "refused": sum(bool(each.refused) for each in results),
        "same": sum(each.changes_nothing for each in results),
        "missed": sum(each.missed for each in results),
        "misnamed": sum(each.caught and not each.refused and not each.named("isolated")
                        for each in results),
    }  # fmt: skip
    told = ", ".join(f"{count} {way}" for way, count in ways.items() if count)
    return f"{len(results)}: {told}" if told else str(len(results))


def _unseen(found: Sequence[Architecture]) -> str:
    lines = [
        "### What changes nothing",
        "Proof: every output of every module call, in both tests, is that of the unbroken Rust bit "
        f"for bit, for the recorded weights and inputs and for {SEEDS} more seeds of both.",
        "It holds at the sizes that are recorded, of which the largest is small: what only a "
        "longer input reaches, as far relative positions, is not seen there.",
        "",
        "| Model | Kind | Change | Outputs compared bit for bit |",
        "|---|---|---|--:|",
    ]
    missed = [
        "### As exact as PyTorch",
        "It computes something else, and is as near to float64 as PyTorch is: no output of any "
        "module needs a factor of more than 1, with these weights and inputs and at other seeds.",
        "What needs more and is not caught is a miss, and stands here too.",
        "",
        "| Model | Kind | Change | Outputs that differ | Needs at most | Caught at other seeds |",
        "|---|---|---|--:|--:|--:|",
    ]
    for each in found:
        for result in each.results:
            mutant = result.mutant
            if result.changes_nothing:
                change = _code(mutant.change or "none: the new text is the old one")
                lines.append(_row(each.name, mutant.kind, change, f"{result.outputs:,}"))
            elif result.missed or result.as_exact:
                different = f"{result.different:,} of {result.outputs:,}"
                caught = f"{result.caught_at} of {result.seeds}"
                missed.append(_row(each.name, mutant.kind, _code(mutant.change), different,
                                   _short(result.most), caught))  # fmt: skip
    return "\n".join([*lines, "", *missed, "", ""])


def _seeds(found: Sequence[Architecture]) -> str:
    lines = [
        "## No false alarm",
        "The unbroken models with other weights and inputs, in both tests.",
        "",
        "| Model | Seeds | Module calls judged | Alarms | Uninformative | Needs at most | Where |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    for each in found:
        s = each.seeds
        lines.append(_row(each.name, s.seeds, f"{s.calls:,}", len(s.alarms), s.uninformative,
                          _short(s.needs), s.nearest))  # fmt: skip
    calls, alarms = sum(e.seeds.calls for e in found), sum(len(e.seeds.alarms) for e in found)
    most = max(each.seeds.needs for each in found)
    lines.append(_row("**all**", "", f"{calls:,}", alarms,
                      sum(e.seeds.uninformative for e in found), _short(most), ""))  # fmt: skip
    if alarms:
        lines += ["", "Each alarm is a fault of the rule, or of the runtime:", ""]
        lines += [f"- {each.name}, {alarm}" for each in found for alarm in each.seeds.alarms]
    return "\n".join([*lines, "", ""])


_LEGEND = """\
*Named* is what a test names first, and ✓ that it is the right module; *needs* is the factor that \
would have let it pass the isolated test, where numbers decided.
"""


def _all(found: Architecture) -> str:
    lines = [
        "",
        f"### {found.name}",
        "",
        "| Kind | Where | Change | To be named | Isolated | Needs | Cumulative |",
        "|---|---|---|---|---|--:|---|",
    ]
    for each in found.results:
        mutant = each.mutant
        expected = f"`{mutant.expected[0] or '(root)'}`"
        if len(mutant.expected) > 1:
            expected += f" and {len(mutant.expected) - 1} more"
        needs = each.told["isolated"].needs if each.told else 0.0
        named = [_named(each, mode) for mode in MODES]
        lines.append(_row(mutant.kind, mutant.place, _code(mutant.change), expected, named[0],
                          _short(needs) if needs else "", named[1]))  # fmt: skip
    return "\n".join(lines) + "\n"


def _named(result: Result, mode: str) -> str:
    if result.refused:
        return f"rustc: {_code(result.refused)}"
    if result.changes_nothing:
        return "changes nothing"
    told = result.told[mode]
    if told.culprit is None:
        return "caught" if told.caught else "not caught"
    right = result.named(mode)
    if right and told.culprit == result.mutant.expected[0]:
        return "✓"
    return f"{'✓ ' if right else ''}`{told.culprit or '(root)'}`"


def _count(results: Iterable[Result], what: str) -> int:
    return sum(bool(getattr(each, what)) for each in results)


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def _short(number: float) -> str:
    """Two digits of it."""
    return f"{number:.2g}" if number < 100 else f"{number:.0e}".replace("e+0", "e")


def _code(text: str) -> str:
    """Code in a cell of a table."""
    return text.replace("|", "\\|")
