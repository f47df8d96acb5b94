"""Functions that are too long are cut into pieces, which compute together what the whole did."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from pycandle.emit.cutting import LONGEST, Piece, cut
from pycandle.emit.fields import ParameterField
from pycandle.emit.layout import height
from pycandle.emit.printing import statement_lines
from pycandle.emit.rust import FieldNames
from pycandle.emit.statements import If, Let, Read, Scope, Statement, While
from pycandle.graph.dim import symbol
from pycandle.ops.expr import Array, Call, DeviceOf, Expr, Field, Local, Method, SizeOf

NAMES = FieldNames((ParameterField("weight", (), "f32"),), ())

# A number for each term: written out they grow without bound.
TERMS: dict[tuple[str, ...], str] = {}


def lines(statement: Statement) -> int:
    return sum(map(height, statement_lines(statement, NAMES)))


def run(statements: tuple[Statement, ...], known: dict[str, Any], pieces: dict[str, Piece]) -> None:
    """Adds what each name ends up as: a term, in which calls of pieces are unfolded."""
    for statement in statements:
        match statement:
            case Let(names=names, expr=expr):
                made = term(expr, known, pieces)
                known.update(
                    [(names[0], made)] if len(names) == 1 else zip(names, made, strict=True)
                )
            case Read(symbol=name, tensor=tensor):
                known[name] = ("item", term(tensor, known, pieces))
            case If(names=names, condition=condition, then=then, otherwise=otherwise):
                holds = term(condition, known, pieces)
                given = [scope(s, known, pieces) for s in (then, otherwise)]
                known.update(
                    {n: (holds, *values) for n, *values in zip(names, *given, strict=True)}
                )
            case While(names=names, starts=starts, condition=condition, body=body):
                entry = {n: term(s, known, pieces) for n, s in zip(names, starts, strict=True)}
                inside = known | {n: ("carried", n) for n in names}
                given = (scope(condition, inside, pieces), scope(body, inside, pieces))
                known.update({n: ("while", k, entry, given) for k, n in enumerate(names)})


def scope(part: Scope, known: dict[str, Any], pieces: dict[str, Piece]) -> list[Any]:
    inside = dict(known)
    run(part.statements, inside, pieces)
    return [term(result, inside, pieces) for result in part.results]


def term(expr: Expr, known: dict[str, Any], pieces: dict[str, Piece]) -> Any:
    match expr:
        case Local(name=name):
            return known[name]
        case SizeOf(size=size):
            return known[str(size)]
        case DeviceOf():
            return "device"
        case Array(items=items):
            return [term(item, known, pieces) for item in items]
        case Call(path=path, args=args) | Method(name=path, args=args):
            values = [term(arg, known, pieces) for arg in args]
            piece = pieces.get(path.removeprefix("Self::"))
            if piece is None:
                return TERMS.setdefault((path, *map(repr, values)), f"term {len(TERMS)}")
            flat = [v for group in values for v in group] if piece.packed else values
            inside = dict(zip((*piece.tensors, *piece.sizes), flat, strict=True))
            run(piece.statements, inside, pieces)
            results = tuple(term(result, inside, pieces) for result in piece.results)
            return results[0] if len(results) == 1 else results
        case _:
            return repr(expr)


def check(statements: tuple[Statement, ...], results: tuple[Expr, ...], longest: int = LONGEST):
    start: dict[str, Any] = {"x": "x", "batch": "batch"}
    whole, cut_up = dict(start), dict(start)
    run(statements, whole, {})
    shorter, pieces = cut(statements, results, 0, lines, {"forward"})
    run(shorter, cut_up, {piece.name: piece for piece in pieces})

    names = [result.name for result in results if isinstance(result, Local)]
    assert len(names) == len(results)
    assert [cut_up[name] for name in names] == [whole[name] for name in names]
    assert sum(map(lines, shorter)) <= longest
    for piece in pieces:
        assert sum(map(lines, piece.statements)) <= longest
        assert piece.packed or len(piece.tensors) + len(piece.sizes) <= 6
    return shorter, pieces


def apply(*args: Expr) -> Expr:
    return Call("ops::apply", args)


def chain(count: int, start: str = "x") -> tuple[Statement, ...]:
    made = [Let(("y",), apply(Local(start, start == "x")))]
    made += [Let(("y",), apply(Local("y"), SizeOf(symbol("batch")))) for _ in range(count - 1)]
    return tuple(made)


def test_what_is_short_stays_whole():
    statements = chain(LONGEST)
    assert check(statements, (Local("y"),)) == (statements, [])


def test_a_long_chain_is_cut_where_one_value_crosses():
    shorter, pieces = check(chain(500), (Local("y"),))
    assert [(piece.tensors, piece.sizes) for piece in pieces[1:]] == [(("y",), ("batch",))] * (
        len(pieces) - 1
    )
    assert len(shorter) < 500


def test_a_loop_and_a_branch_are_cut_inside():
    body = Scope(chain(200, "state"), (Local("y"),))
    holds = Scope((), (apply(Local("state")),))
    loop = While(("state",), ("state",), (Local("x", True),), holds, body)
    branch = If(("z",), apply(Local("x", True)), body, body)
    check((loop, branch), (Local("z"), Local("state")))


def test_a_tensor_is_not_passed_for_its_device_alone():
    made = Let(("y",), apply(Local("y"), DeviceOf(Local("x", True))))
    _, pieces = check((*chain(1), *(made,) * 300), (Local("y"),))
    assert {piece.tensors for piece in pieces} <= {("y",), ("x",)}


def test_too_many_arguments_come_as_arrays():
    many = tuple(Let((f"y_{k}",), apply(Local("x", True))) for k in range(20))
    sums = tuple(Let((f"z_{k}",), apply(*(Local(f"y_{i}") for i in range(20)))) for k in range(30))
    all_ = Let(("z",), apply(*(Local(f"z_{k}") for k in range(30))))
    check((*many, *sums, all_), (Local("z"),))


def test_sizes_that_a_piece_reads_are_given_back():
    reads = tuple(
        s
        for k in range(150)
        for s in (
            Read(f"n_{k}", Local("x", True), None, None),
            Let(("x_1",), apply(Local("x", True), SizeOf(symbol(f"n_{k}")))),
        )
    )
    check((*reads, Let(("y",), apply(Local("x_1"), SizeOf(symbol("n_3"))))), (Local("y"),))


@st.composite
def programs(draw: st.DrawFn) -> tuple[tuple[Statement, ...], tuple[Expr, ...]]:
    """Statements over few names, which they use again and again."""
    known = ["x"]
    statements: list[Statement] = []
    name = "x"
    for _ in range(draw(st.integers(1, 250))):
        read = draw(st.lists(st.sampled_from(known), min_size=1, max_size=3))
        fields = (Field("weight"),) if draw(st.booleans()) else ()
        name = draw(st.sampled_from("abcdefgh"))
        args = tuple(Local(r, r == "x") for r in read)
        statements.append(Let((name,), apply(*args, *fields, SizeOf(symbol("batch")))))
        known = sorted({*known, name})
    return tuple(statements), (Local(name),)


@settings(max_examples=20, deadline=None)
@given(programs())
def test_pieces_compute_together_what_the_whole_did(program: tuple[Any, Any]):
    check(*program)
