"""What is told of a search for low precision: the verdict first, and no letter that acts."""

import json
import math

from pycandle.precision import Bisection, Module, Result, as_json, summary

FINE = Module("fine", "torch.nn.Linear", "toy.py:1", 0.002, False, "", None, False)
LOUD = Module("loud\x1b[2J", "toy.Loud", "toy.py:2", math.inf, True, "", 0.5, True)
UNFIT = Module("inverse", "toy.Inverse", "toy.py:3", 0.0, False, "aten.inv: no", None, True)


def check(expected: str, *modules: Module, minimal: bool = True, float32: float = 1e-7):
    """With the modules that are kept 0.4 % is left, and all of NaN without them."""
    kept = any(module.kept and not module.unfit for module in modules)
    low = (Result("larger", "y", math.inf if kept else 0.004, 1.0, 0.875),)
    best = (Result("larger", "y", 0.004, 1.0, 0.875),)
    full = (Result("larger", "y", float32, None, None),)
    found = Bisection("toy", "f16", 0.01, modules, full, low, best, minimal, 7)

    assert summary([found]).startswith(expected), summary([found])
    assert "\x1b" not in summary([found])
    json.dumps(as_json(found), allow_nan=False)


def test_the_verdict_comes_first():
    check(
        "toy in f16: all 2 modules: the outputs differ by 0.4 % of the signal, 1 % is allowed\n"
        "  outputs, the worst of 1 cases:\n"
        "    y  0.4 %, case larger; the largest of a row is the same in 100 %, of five 87.5 %\n"
        "  in f16, by the error that each makes alone:\n"
        "    fine  0.2 % alone  (Linear, toy.py:1)\n",
        FINE,
        FINE,
    )


def test_what_must_stay_has_its_reason():
    check(
        "toy in f16: 2 of 3 modules must stay in f32; with the others in f16 the outputs differ by"
        " 0.4 % of the signal, 1 % is allowed\n"
        "  with all that run in f16 they differ by NaN or infinity\n"
        "  must stay in f32 (minimal: with any one of them in f16, too, it is more than is allowed;"
        " another choice may do as well):\n"
        "    inverse   cannot run in f16: aten.inv: no  (Inverse, toy.py:3)\n"
        "    loud\N{REPLACEMENT CHARACTER}[2J  overflows, 50 % at the outputs  (Loud, toy.py:2)\n",
        FINE,
        LOUD,
        UNFIT,
    )


def test_what_cannot_run_is_no_search():
    check("toy in f16: 1 of 2 modules must stay in f32; with the others", FINE, UNFIT)


def test_what_cannot_be_answered():
    check("toy in f16: nothing to compare")
    words = "toy in f16: float32 itself is 5 % of the signal away from float64, and 1 % is allowed"
    check(words, FINE, float32=0.05)
