"""Calls of a list's modules become one loop, where each reads what those before it gave."""

from pycandle.emit.loops import roll
from pycandle.emit.statements import ForEach, Let, Statement
from pycandle.ops.expr import Call, Expr, Field, Method, Number, Slice, Var

LISTS = {"layers": ("layer1", "layer2", "layer3")}


def call(k: int, *args: Expr) -> Let:
    return Let((f"x{k}",), Method(Field(f"layer{k}"), "forward", args))


def joined(*items: Expr) -> Let:
    return Let(("y",), Call("ops::cat", (Slice(items), Number(1, "usize"))))


def listed(count: int) -> Slice:
    """What the input and the first so many calls gave."""
    return Slice(tuple(Var(f"x{k}") for k in range(count + 1)))


GROWING = [call(k, listed(k - 1), Var("scale")) for k in (1, 2, 3)]


def check(statements: list[Statement], kind: type[Statement] | None, *results: str) -> Statement:
    rolled = roll(tuple(statements), LISTS, tuple(map(Var, results)))
    if kind is None:
        assert rolled == tuple(statements)
    else:
        assert isinstance(rolled[0], kind)
    return rolled[-1]


def test_each_fed_by_the_one_before():
    loop = check([call(1, Var("x0")), call(2, Var("x1")), call(3, Var("x2"))], ForEach, "x3")
    assert isinstance(loop, ForEach)
    assert (loop.names, loop.start, loop.grows) == (("x3",), Var("x0"), False)


def test_each_fed_by_all_before():
    last = check([*GROWING, joined(*listed(3).items)], ForEach, "y")
    assert isinstance(last, Let)
    assert last.expr == Call("ops::cat", (Var("x3@layers"), Number(1, "usize")))


def test_a_value_in_the_middle_that_is_read_elsewhere():
    check([call(1, Var("x0")), call(2, Var("x1")), call(3, Var("x2"))], None, "x3", "x1")
    check([*GROWING, joined(*listed(3).items)], None, "y", "x2")
    check([*GROWING, joined(*listed(2).items)], None, "y")


def test_other_arguments_that_differ():
    other = [*GROWING[:2], call(3, listed(2), Var("other"))]
    check([*other, joined(*listed(3).items)], None, "y")


def test_a_list_in_another_order():
    turned = Slice((Var("x1"), Var("x0")))
    check([GROWING[0], call(2, turned, Var("scale")), GROWING[2]], None, "x3")
