"""Loops as Rust: what they carry begins as what it was before any of it has another value."""

from pycandle.emit.printing import statement_lines
from pycandle.emit.rust import FieldNames
from pycandle.emit.scopes import moving
from pycandle.emit.statements import For, If, Let, Scope, Statement, While
from pycandle.ops.expr import Call, Expr, Local, Number

X, Y = Local("x"), Local("y")
BOTH = Scope((), (Call("ops::neg", (X,)), Call("ops::exp", (Y,))))


def loop(*starts: Expr, body: Scope = BOTH) -> While:
    return While(("x", "y"), ("x", "y"), starts, Scope((), (X,)), body)


def made(*names: str) -> Let:
    return Let(names, Call("Self::parts", ()))


def check(*statements: Statement, lines: str, results: tuple[Expr, ...] = (X, Y)):
    """The lines that bind something or are all of a loop's head."""
    names = FieldNames((), ())
    found = [line for s in moving(statements, results) for line in statement_lines(s, names)]
    heads = ("let ", "while ", "for ", "if ")
    assert [line for line in found if line.startswith(heads)] == lines.strip().splitlines()


HEAD = "while ops::item_bool(&x)? {"


def test_what_the_start_of_another_hides_is_read_before():
    check(loop(Local("y", True), Local("x", True)), lines=f"""
let (mut x, mut y) = (y.clone(), x.clone());
{HEAD}""")  # fmt: skip


def test_a_local_of_the_same_name_goes_on():
    check(made("x"), made("y"), loop(X, Y), lines=f"""
let mut x = Self::parts()?;
let mut y = Self::parts()?;
{HEAD}""")  # fmt: skip
    check(made("x", "y", "z"), loop(X, Y), lines=f"""
let (mut x, mut y, z) = Self::parts()?;
{HEAD}""")  # fmt: skip


def test_what_no_iteration_changes_is_not_mutable():
    check(made("x", "y"), loop(X, Y, body=Scope((), (X, Y))), lines=f"""
let (x, y) = Self::parts()?;
{HEAD}""")  # fmt: skip


def test_what_is_lent_or_another_s_does_not_go_on():
    check(made("x"), loop(X, Local("y", True)), lines=f"""
let mut x = Self::parts()?;
let mut y = y.clone();
{HEAD}""")  # fmt: skip
    check(made("z"), loop(Local("z"), Local("y", True)), lines=f"""
let z = Self::parts()?;
let mut x = z.clone();
let mut y = y.clone();
{HEAD}""")  # fmt: skip


def test_the_last_local_of_that_name_is_what_goes_on():
    again = Let(("y",), Call("ops::neg", (Y,)))
    check(made("y"), again, loop(Local("x", True), Y), lines=f"""
let y = Self::parts()?;
let mut y = ops::neg(&y)?;
let mut x = x.clone();
{HEAD}""")  # fmt: skip


def test_what_a_branch_gives_goes_on():
    branch = If(("y",), X, Scope((), (Local("a", True),)), Scope((), (Local("b", True),)))
    check(branch, loop(Local("x", True), Y), lines=f"""
let mut y = if x {{
let mut x = x.clone();
{HEAD}""")  # fmt: skip


def test_what_another_loop_stacked_is_bound_anew():
    body = Scope((), (Call("ops::neg", (X,)), X))
    rows = For(("x", "y"), ("x",), (Local("x", True),), (), (), "i", Number(3, "usize"), body)
    check(rows, loop(X, Y), lines=f"""
let mut x = x.clone();
let mut y = Vec::with_capacity(3);
for _ in 0..3 {{
let y = Tensor::stack(&y, 0)?;
let mut x = x.clone();
let mut y = y.clone();
{HEAD}""")  # fmt: skip
