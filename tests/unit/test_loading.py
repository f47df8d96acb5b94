"""How a struct's fields load: what differs in numbers alone is written once."""

from pycandle.emit.body import Interface
from pycandle.emit.fields import ListField, ModuleField, ParameterField, StructField
from pycandle.emit.layout import height
from pycandle.emit.loading import Checkpoint, load
from pycandle.emit.naming import Body
from pycandle.emit.rust import FieldNames
from pycandle.emit.structs import Forward, Struct
from pycandle.graph import Graph
from pycandle.ops.expr import Expr, Number, Raw

FORWARD = Forward("forward", (1,), Body((), (), (), ()), Interface((), (), ()))


def block(path: str, *numbers: int, extra: tuple[Expr, ...] = ()) -> ModuleField:
    args = tuple(Number(n, "usize", label) for n, label in zip(numbers, "abcdefghij", strict=False))
    return ModuleField(path, "WideBlock", "WideBlock::load", (*args, *extra), True)


def check(fields: list[StructField], *wanted: str):
    struct = Struct("Net", (FORWARD,), tuple(fields), (), (), True, False)
    lines = [
        line.strip()
        for line in load(Graph("net"), struct, FieldNames(struct.fields, ()), Checkpoint(""))
    ]
    for line in wanted:
        assert line in lines
    return lines


def test_items_that_differ_in_numbers_are_a_loop_over_them():
    items = tuple(block(f"blocks.{k}", 10 * k, 7, 2 * k, 3, 4, 5, 6) for k in range(4))
    check(
        [ListField("blocks", items, Number(4, "usize"))],
        "blocks: [(0, 0), (10, 2), (20, 4), (30, 6)].into_iter().enumerate().map(|(i, (a, c))|"
        ' WideBlock::load(a, 7, c, 3, 4, 5, 6, vb.pp(format!("blocks.{i}")),'
        ' checker.pp(format!("blocks.{i}")))).collect::<Result<Vec<_>>>()?,',
    )


def test_a_list_of_functions_collects_no_results():
    relu = ModuleField("acts.0", "nn::Func", "nn::func", (Raw("ops::relu"),), False)
    check(
        [ListField("acts", (relu, relu), Number(2, "usize"))],
        'acts: (0..2).map(|i| nn::func(ops::relu, checker.pp(format!("acts.{i}")))).collect(),',
    )


def test_modules_that_stand_apart_share_a_closure():
    fields: list[StructField] = [
        block(f"{stage}_block", k, 7, 8, 9, 1, 2, 3) for k, stage in enumerate("wxyz")
    ]
    check(
        fields,
        "let wide_block = |a, path: &str| WideBlock::load(a, 7, 8, 9, 1, 2, 3, vb.pp(path),"
        " checker.pp(path));",
        'w_block: wide_block(0, "w_block")?,',
    )


def test_two_modules_are_written_out():
    fields: list[StructField] = [block("x", 1), block("y", 2)]
    check(fields, 'x: WideBlock::load(1, vb.pp("x"), checker.pp("x"))?,')


def test_no_load_is_too_long():
    kinds = [Raw(f"Kind::{name}" * 9) for name in "abcdefghijklmnopqrs"]
    fields: list[StructField] = [block(f"x{k}", *range(9), extra=(e,)) for k, e in enumerate(kinds)]
    fields.append(ParameterField("weight", (Number(3, "usize"),), "f32"))
    lines = check(fields, 'weight: vb.get(3, "weight")?,')
    first = lines[: lines.index("}") + 1]
    assert sum(map(height, first)) < 150
    assert (
        "fn load_x0(vb: &VarBuilder, checker: &Option<PyChecker>) -> Result<WideBlock> {" in lines
    )
