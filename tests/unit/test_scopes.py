"""A loop takes over a local that nothing after it reads."""

from dataclasses import replace

from pycandle.emit.scopes import moving
from pycandle.emit.statements import ForEach, Let, Statement
from pycandle.ops.expr import Expr, Field, Local, Method, Slice

MADE = Let(("embedded",), Method(Field("embedding"), "forward", (Local("ids", True),)))


def loop(*args: Expr, start: Expr | None = None) -> ForEach:
    call = Method(Local("layer"), "forward", (Local("hidden"), *args))
    return ForEach("layers", "layer", ("hidden",), "hidden", start or Local("embedded"), call)


def check(*statements: Statement, results: tuple[str, ...] = ("hidden",), moves: bool):
    moved = moving(statements, tuple(map(Local, results)))

    assert [s.moves for s in moved if isinstance(s, ForEach)] == [moves]


def test_a_local_that_is_read_no_more_moves():
    check(MADE, loop(), moves=True)


def test_what_is_read_later_does_not():
    check(MADE, loop(), Let(("sum",), Local("embedded")), moves=False)
    check(MADE, loop(), results=("hidden", "embedded"), moves=False)


def test_what_every_iteration_reads_does_not():
    check(MADE, loop(Local("embedded")), moves=False)


def test_what_is_lent_does_not():
    check(loop(start=Local("x", True)), moves=False)
    check(loop(start=Local("x")), moves=False)


def test_a_name_that_is_bound_again_is_another_local():
    again = Let(("embedded",), Field("weight"))
    check(MADE, loop(), again, Let(("sum",), Local("embedded")), moves=True)


def test_a_local_of_the_loop_s_own_name_goes_on_in_it():
    made, again = replace(MADE, names=("hidden",)), loop(start=Local("hidden"))
    first, second, third = moving((made, again, again), (Local("hidden"),))

    assert isinstance(first, Let) and first.mutable == ("hidden",)
    assert isinstance(second, ForEach) and second.continues == ("hidden",)
    assert isinstance(third, ForEach) and third.continues == ("hidden",)


def test_a_list_of_that_name_does_not():
    grown = replace(loop(start=Slice((Local("x", True),))), grows=True)
    _, after = moving((grown, loop(start=Local("hidden"))), (Local("hidden"),))

    assert isinstance(after, ForEach) and not after.continues
