"""Steps that Python unrolled become a loop over them, where that gives all that is read."""

from pycandle.emit.printing import statement_lines
from pycandle.emit.recurrences import roll_steps
from pycandle.emit.rust import FieldNames
from pycandle.emit.statements import For, Let, Statement
from pycandle.ops.expr import Call, Expr, Local, Method, Number, Slice, Var, rewrite


def at(tensor: str, step: int) -> Expr:
    return Method(Var(tensor), "narrow", (Number(1, "usize"), Number(step, "usize")))


def scan(steps: int) -> list[Statement]:
    """state = ops::next(state, x.narrow(1, step)), from `zeros`."""
    made: list[Statement] = []
    for k in range(steps):
        before = Var(f"state_{k - 1}") if k else Call("ops::zeros", ())
        made.append(Let((f"state_{k}",), Call("ops::next", (before, at("x", k)))))
    return made


def stacked(*items: Expr) -> Let:
    return Let(("rows",), Call("ops::stack", (Slice(items), Number(2, "usize"))))


def check(statements: list[Statement], result: str, *lines: str):
    rolled = roll_steps(tuple(statements), (Var(result),))
    if not lines:
        assert rolled == tuple(statements)
        return
    (loop,) = rolled
    assert isinstance(loop, For)
    # Names as `naming` would choose them.
    chosen = {loop.carried[0]: "state", result: result, "x": "x", "w": "w"}
    body = [
        let
        for let in loop.body.statements
        if isinstance(let, Let) and not chosen.update({let.names[0]: "next"})
    ]
    text = [
        line
        for let in body
        for line in statement_lines(
            Let(("next",), rewrite(let.expr, lambda e: local(e, chosen))), FieldNames((), ())
        )
    ]
    text += [str(len(loop.body.results)), str(loop.axis)]
    assert text == [line.replace("STEP", loop.index.replace("@", "_")) for line in lines]


def local(expr: Expr, chosen: dict[str, str]) -> Expr | None:
    return Local(chosen[expr.name]) if isinstance(expr, Var) else None


def test_a_scan_becomes_a_loop():
    check(scan(6), "state_5", "let next = ops::next(&state, &x.narrow(1, STEP)?)?;", "1", "0")


def test_what_only_starts_the_loop_stands_in_it():
    start = Let(("zeros",), Call("ops::zeros", ()))
    first = Let(("state_0",), Call("ops::next", (Var("zeros"), at("x", 0))))
    line = "let next = ops::next(&state, &x.narrow(1, STEP)?)?;"
    check([start, first, *scan(6)[1:]], "state_5", line, "1", "0")


def test_what_every_step_gives_is_stacked():
    rows = [Call("ops::row", (Var(f"state_{k}"), at("w", k))) for k in range(6)]
    line = "let next = ops::next(&state, &x.narrow(1, STEP)?)?;"
    check([*scan(6), stacked(*rows)], "rows", line, "2", "2")


def test_a_step_in_the_middle_that_is_read_elsewhere_stays():
    check([*scan(6), Let(("y",), Call("ops::exp", (Var("state_3"),)))], "y")


def test_a_stack_in_another_order_stays():
    order = [Var(f"state_{k}") for k in (1, 0, 2, 3, 4, 5)]
    check([*scan(6), stacked(*order)], "rows")


def test_what_is_made_after_the_steps_begin_stays():
    rows = [Call("ops::row", (Var(f"state_{k}"), Var("late"))) for k in range(6)]
    late = Let(("late",), Call("ops::exp", (Var("w"),)))
    check([*scan(6), late, stacked(*rows)], "rows")


def test_steps_at_uneven_places_stay():
    made = scan(6)
    made[3] = Let(("state_3",), Call("ops::next", (Var("state_2"), at("x", 7))))
    check(made, "state_5")


def test_few_steps_stay():
    check(scan(3), "state_2")
