"""Module calls with what every run found of them."""

from pathlib import Path

from pycandle.verify import Call, Output, Run
from pycandle.verify.modules import modules, worst_output


def output(error: float, status: str = "passed") -> Output:
    return Output("", "recorded:x", "f32", (2,), status, error, 1.0, 4.0, 0.0, 10.0, error, 0.0, {})


def call(path: str, case: str, outcome: str, *errors: float) -> Call:
    outputs = tuple(output(error, outcome) for error in errors)
    return Call(case, path, 0, "Linear", "", "", "", outcome, "", outputs)


def run(mode: str, *calls: Call) -> Run:
    return Run("toy", mode, "cpu", ("a", "b"), len(calls), calls, True, None, 0.0)


RUNS = (
    # A cumulative run tells of the root last.
    run("cumulative", call("fc", "a", "failed", 8.0), call("", "a", "failed", 6.0)),
    run("isolated", call("", "a", "passed", 1.0), call("fc", "a", "passed", 1.0, 2.0),
        call("", "b", "uninformative"), call("fc", "b", "passed", 3.0)),
)  # fmt: skip


def test_each_module_has_what_every_run_found():
    root, fc = modules(RUNS)
    assert (root.name, root.depth, root.outcome, len(root.found)) == ("(root)", 0, "failed", 3)
    assert (fc.name, fc.depth, fc.outcome, len(fc.of("isolated"))) == ("fc", 1, "failed", 2)
    assert (fc.used("isolated"), fc.used("cumulative")) == (0.75, 2.0)
    assert root.used("isolated") == 0.25


def test_the_worst_case_of_a_mode():
    root, fc = modules(RUNS)
    worst = [found.call.case for found in (root.worst("isolated"), fc.worst("isolated")) if found]
    assert worst == ["b", "b"]
    assert modules([RUNS[0]])[0].worst("isolated") is None
    found = worst_output(fc.of("isolated")[0].call)
    assert found is not None and found[0] == 1
    assert worst_output(call("fc", "a", "missing")) is None


def test_no_run_has_no_modules(tmp_path: Path):
    assert modules([]) == [] == modules([run("isolated")])
