"""Writes ops.safetensors: inputs and outputs of PyTorch's operators, for tests/ops.rs.

Run it with PyTorch at hand: `python crates/pycandle-runtime/tests/ops.py`.
A case is called `operator arguments/variant`; tests/ops.rs has a line of Rust for each operator.
"""

# ruff: noqa: B023  Each function is called before its loop goes on.

import math
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F  # noqa: N812
from ops_fixture import View, check, write
from torch import Tensor

inf, nan = math.inf, math.nan
torch.manual_seed(20)
x = torch.randn(2, 4, 3)
y = torch.randn(4, 1)
view = View(torch.randn(3, 2, 6), (1, 2, 0), (2, 1, 4))  # (2, 4, 3), offset and permuted
wild = torch.tensor([1.5, -0.0, 0.0, nan, inf, -inf, -2.5, 3e38, 1e-40])
wild2 = torch.tensor([nan, 0.0, -0.0, 1.0, -inf, -inf, 2.5, -1.0, 2.0])
empty = torch.zeros(0, 4)
scalar = torch.tensor(0.75)
ints = torch.tensor([[-7, 2, 0], [9, -3, 5]])
ints2 = torch.tensor([[2, 3, 5], [-4, 7, 1]])
small = torch.tensor([[1, 200, 0], [7, 0, 255]], dtype=torch.uint8)
i32 = ints.int()
bools = torch.tensor([[True, False, True], [False, False, True]])
bools2 = torch.tensor([True, True, False])
half, brain = torch.randn(2, 9).half(), torch.randn(2, 9).bfloat16()
double = torch.randn(2, 3).double()
positive = torch.rand(3, 5) * 4 + 0.01

# Arithmetic between tensors.
for op in (torch.add, torch.sub, torch.mul, torch.div):
    name = op.__name__
    check(f"{name}/broadcast", op, x, y, exact=True)
    check(f"{name}/view", op, view, x, exact=True)
    check(f"{name}/wild", op, wild, wild2, exact=True)
    check(f"{name}/empty", op, empty, torch.ones(4), exact=True)
    check(f"{name}/scalar tensors", op, scalar, scalar, exact=True)
    check(f"{name}/i64 f32", op, ints, torch.tensor([0.5, 1.5, -2.0]), exact=True)
    check(f"{name}/i64 f64 without axes", op, ints, torch.tensor(0.1).double(), exact=True)
    check(f"{name}/f32 f64 without axes", op, x, torch.tensor(0.1).double(), exact=True)
    check(f"{name}/f16 f32", op, half, torch.randn(9), exact=True)
    check(f"{name}/f16 bf16", op, half, brain, exact=True)
    check(f"{name}/i32 i64", op, i32, ints2, exact=True)
    check(f"{name}/u8 f32", op, small, torch.tensor(0.5), exact=True)
check("div/integers by zero", torch.div, ints, torch.zeros_like(ints), exact=True)
check(
    "pow/negative base",
    torch.pow,
    torch.tensor([-2.0, 0.0, 2.0, -8.0, 0.0]),
    torch.tensor([3.0, 0.0, 0.5, 1 / 3, -1.0]),
)
check("pow/broadcast", torch.pow, positive, torch.randn(3, 1))
check("pow/integers", torch.pow, ints, torch.tensor([0, 3, 5]), exact=True)
check("pow/wild", torch.pow, wild, torch.tensor(2.0), exact=True)
check("pow/i64 f32", torch.pow, ints, torch.tensor([2.0, 1.0, 3.0]))

# Arithmetic with numbers.
for number in (0.1,):
    for variant, value in {
        "f32": x,
        "view": view,
        "i64": ints,
        "f16": half,
        "bf16": brain,
        "f64": double,
        "wild": wild,
        "u8": small,
        "empty": empty,
    }.items():
        # PyTorch rounds the number to f16 in some loops and not in others.
        exact = variant not in ("f16", "bf16")
        check(f"add_scalar {number}/{variant}", lambda x: torch.add(x, number), value, exact=exact)
        check(f"sub_scalar {number}/{variant}", lambda x: torch.sub(x, number), value, exact=exact)
        check(
            f"rsub_scalar {number}/{variant}", lambda x: torch.rsub(x, number), value, exact=exact
        )
        check(f"mul_scalar {number}/{variant}", lambda x: torch.mul(x, number), value, exact=exact)
        check(f"div_scalar {number}/{variant}", lambda x: torch.div(x, number), value, exact=exact)
for number in (-2, 3):
    for variant, value in {"i64": ints, "i32": i32, "f32": x}.items():
        check(
            f"add_scalar_i64 {number}/{variant}", lambda x: torch.add(x, number), value, exact=True
        )
        check(
            f"sub_scalar_i64 {number}/{variant}", lambda x: torch.sub(x, number), value, exact=True
        )
        check(
            f"rsub_scalar_i64 {number}/{variant}",
            lambda x: torch.rsub(x, number),
            value,
            exact=True,
        )
        check(
            f"mul_scalar_i64 {number}/{variant}", lambda x: torch.mul(x, number), value, exact=True
        )
for number in (0.0, 1.0, 2.0, 3.0, 0.5, -0.5, -1.0, -2.0, 1.7, 4.0):
    check(f"pow_scalar {number}/f32", lambda x: torch.pow(x, number), x)
    check(f"pow_scalar {number}/wild", lambda x: torch.pow(x, number), wild)
    check(f"pow_scalar {number}/f16", lambda x: torch.pow(x, number), half)
check("pow_scalar 0.5/i64", lambda x: torch.pow(x, 0.5), ints.abs())
check("pow_scalar_i64 3/i64", lambda x: torch.pow(x, 3), ints, exact=True)
check("pow_scalar_i64 3/i32", lambda x: torch.pow(x, 3), i32, exact=True)

# Functions of one tensor.
functions = "abs exp log sqrt rsqrt sin cos tanh sigmoid erf relu neg reciprocal floor ceil round"
named = {name: getattr(torch, name) for name in functions.split()}
named |= {"silu": F.silu, "gelu": F.gelu, "gelu_tanh": partial(F.gelu, approximate="tanh")}
for name, op in named.items():
    # Where float32 and float64 have other domains (3e38, 1e-40), the reference says nothing.
    tame = torch.tensor([nan, inf, -inf, 0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 20.0, -20.0, 1e-3])
    if name == "gelu":
        tame = tame[tame != inf]  # PyTorch's vector loop gives NaN there, its scalar loop inf.
    for variant, value in {
        "f32": x,
        "view": view,
        "wild": tame,
        "f16": half,
        "bf16": brain,
        "f64": double,
        "empty": empty,
        "no axes": scalar,
    }.items():
        check(
            f"{name}/{variant}",
            op,
            value,
            exact=name in ("abs", "neg", "relu", "floor", "ceil", "round"),
        )
    if name not in ("silu", "gelu", "gelu_tanh"):
        check(f"{name}/i64", op, ints)
check(
    "round/ties",
    torch.round,
    torch.tensor([-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 0.49999997, 8388609.0, 3e38, nan, inf]),
    exact=True,
)
check("to_bool/f32", lambda x: x.bool(), torch.tensor([0.5, 0.0, -0.0, nan, 2.0, inf]))
check("to_bool/i64", lambda x: x.bool(), ints)
for dtype in (
    torch.float64,
    torch.float32,
    torch.float16,
    torch.bfloat16,
    torch.int64,
    torch.int32,
):
    name = str(dtype).removeprefix("torch.")
    for variant, value in {
        "f32": x * 3,
        "f64": double * 1e3,
        "f16": half,
        "bf16": brain,
        "i64": ints,
        "i32": i32,
        "u8": small,
        "bool": bools,
    }.items():
        check(f"to_dtype {name}/{variant}", lambda x: x.to(dtype), value, exact=True)

# Two tensors to masks and back.
for name in ("eq", "ne", "lt", "le", "gt", "ge"):
    op = getattr(torch, name)
    check(f"{name}/broadcast", op, ints, ints2[:, :1])
    check(f"{name}/wild", op, wild, wild2)
    check(f"{name}/view", op, view, y)
    check(f"{name}/i64 f32", op, ints, torch.tensor([2.0, -7.0, 0.5]))
    check(f"{name}_scalar 0.5/f32", lambda x: op(x, 0.5), x)
    check(f"{name}_scalar 0.5/i64", lambda x: op(x, 0.5), ints)
    check(f"{name}_scalar 2/i64", lambda x: op(x, 2), ints)
    check(f"{name}_scalar 2/u8", lambda x: op(x, 2), small)
    check(f"{name}_scalar 2/wild", lambda x: op(x, 2), wild)
for name in ("logical_and", "logical_or", "logical_xor"):
    op = getattr(torch, name)
    check(f"{name}/bool", op, bools, bools2)
    check(f"{name}/f32", op, torch.tensor([0.5, 0.0, nan, 2.0]), torch.tensor([[0.0], [0.25]]))
    check(f"{name}/i64", op, ints, ints2 - 2)
check("logical_not/f32", torch.logical_not, wild)
check("logical_not/bool", torch.logical_not, bools)
for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
    check(f"{name}/bool", getattr(torch, name), bools, bools2)
check("bitwise_not/bool", torch.bitwise_not, bools)
check("where/broadcast", torch.where, bools, torch.randn(2, 1), torch.randn(3), exact=True)
check("where/promotes", torch.where, bools, ints, torch.randn(3), exact=True)
check("where/no axes", torch.where, bools, torch.tensor(1.0), torch.tensor(-inf), exact=True)
for variant, value, mask in (
    ("f32", x, View(torch.rand(4, 2, 1) > 0.5, (1, 0, 2))),
    ("f16", half, torch.rand(2, 9) > 0.5),
):
    fill = partial(torch.masked_fill, value=-inf)
    check(f"masked_fill -inf/{variant}", fill, value, mask, exact=True)
check("masked_fill 3/i64", lambda x, m: x.masked_fill(m, 3), ints, bools2, exact=True)
for name in ("maximum", "minimum"):
    op = getattr(torch, name)
    check(f"{name}/wild", op, wild, wild2, exact=True)
    check(f"{name}/wild turned", op, wild2, wild, exact=True)
    check(f"{name}/broadcast", op, view, y, exact=True)
    check(f"{name}/i64", op, ints, ints2, exact=True)
    check(f"{name}/promotes", op, ints, torch.randn(3), exact=True)
for low, high in ((-0.5, inf), (-inf, 0.25), (-0.5, 0.25), (2.0, 1.0)):
    for variant, value in {"wild": wild, "view": view, "f16": half}.items():
        check(
            f"clamp {low} {high}/{variant}", lambda x: torch.clamp(x, low, high), value, exact=True
        )
check("clamp -0.5 0.25/i64", lambda x: torch.clamp(x, -0.5, 0.25), ints, exact=True)
check("clamp_i64 -3 5/i64", lambda x: torch.clamp(x, -3, 5), ints, exact=True)

# Reductions.
gone = torch.tensor([[1.0, nan, 2.0], [3.0, -inf, -1.0], [inf, -inf, 0.0]])
long = torch.rand(1, 400) + 1
for name, op in {
    "sum": torch.sum,
    "mean": torch.mean,
    "amax": torch.amax,
    "amin": torch.amin,
}.items():
    for dims in ((0,), (1,), (2,), (0, 2), (0, 1, 2)):
        for keep in (False, True):
            check(
                f"{name} {','.join(map(str, dims))} {keep}/view",
                lambda x: op(x, dim=dims, keepdim=keep),
                view,
            )
    check(f"{name} 1 False/nan", lambda x: op(x, dim=(1,)), gone)
    check(f"{name} 0 False/nan", lambda x: op(x, dim=(0,)), gone)
    check(f"{name} 0 True/f16", lambda x: op(x, dim=(0,), keepdim=True), half)
    check(f"{name} 1 False/bf16", lambda x: op(x, dim=(1,)), brain)
    check(f"{name} 1 False/long", lambda x: op(x, dim=(1,)), long)
    check(f"{name} all False/no axes", lambda x: op(x, dim=()), scalar)
    check(f"{name} 0 False/empty", lambda x: op(x, dim=(0,)), torch.zeros(3, 0))
for name in ("sum", "amax", "amin"):
    check(f"{name} 1 False/i64", lambda x: getattr(torch, name)(x, dim=(1,)), ints)
check("sum 1 False/bool", lambda x: torch.sum(x, dim=(1,)), bools)
check("sum 1 False/u8", lambda x: torch.sum(x, dim=(1,)), small)
check("sum 0 False/empties", lambda x: torch.sum(x, dim=(0,)), empty)
check("mean 0 False/empties", lambda x: torch.mean(x, dim=(0,)), empty)
for dim in (0, 1, 2):
    check(f"cumsum {dim}/view", lambda x: torch.cumsum(x, dim), view)
check("cumsum 1/i64", lambda x: torch.cumsum(x, 1), ints)
check("cumsum 1/i32", lambda x: torch.cumsum(x, 1), i32)
check("cumsum 1/bool", lambda x: torch.cumsum(x, 1), bools)
check("cumsum 0/nan", lambda x: torch.cumsum(x, 0), gone)
check("cumsum 0/long", lambda x: torch.cumsum(x, 0), torch.rand(200))
check("cumsum 1/empty", lambda x: torch.cumsum(x, 1), empty)
check("cumsum 0/empty", lambda x: torch.cumsum(x, 0), empty)
check("cumsum 0/no axes", lambda x: torch.cumsum(x, 0), scalar)
for name in ("softmax", "log_softmax"):
    op = getattr(torch, name)
    for dim in (0, 1, 2):
        check(f"{name} {dim}/view", lambda x: op(x, dim), view)
    check(
        f"{name} 1/masked",
        lambda x: op(x, 1),
        torch.tensor([[-inf, 1.0, 2.0], [-inf] * 3, [nan, 1.0, 2.0], [1e4, 0.0, -1e4]]),
    )
    check(f"{name} 1/f16", lambda x: op(x, 1), half)
    check(f"{name} 1/f64", lambda x: op(x, 1), double)
    check(f"{name} 1/long", lambda x: op(x, 1), torch.randn(1, 120))
    check(f"{name} 1/empty", lambda x: op(x, 1), empty)
    check(f"{name} 0/no axes", lambda x: op(x, 0), scalar)

# Normalisation.
w, b, w2, b2 = torch.randn(3), torch.randn(3), torch.randn(4, 3), torch.randn(4, 3)
check("layer_norm 1 affine/view", lambda x, w, b: F.layer_norm(x, (3,), w, b, 1e-5), view, w, b)
check(
    "layer_norm 1 affine/bf16",
    lambda x, w, b: F.layer_norm(x, (3,), w, b, 1e-5),
    torch.randn(2, 3).bfloat16(),
    w.bfloat16(),
    b.bfloat16(),
)
check("layer_norm 2 affine/f32", lambda x, w, b: F.layer_norm(x, (4, 3), w, b, 1e-5), x, w2, b2)
check("layer_norm 1 weight/f32", lambda x, w: F.layer_norm(x, (3,), w, None, 1e-5), x, w)
for variant, value in {
    "f32": x,
    "far from zero": x + 1000,
    "f64": double,
    "constant": torch.full((2, 7), 3.0),
    "wild": gone,
    "empty": torch.zeros(0, 7),
    "long": torch.randn(1, 200),
}.items():
    check(
        f"layer_norm 1 plain/{variant}",
        lambda x: F.layer_norm(x, x.shape[-1:], None, None, 1e-5),
        value,
    )
check("rms_norm 1 weight/view", lambda x, w: F.rms_norm(x, (3,), w, 1e-6), view, w)
check("rms_norm 2 plain/f32", lambda x: F.rms_norm(x, (4, 3), None, 1e-6), x)
check(
    "rms_norm 1 weight/f16", lambda x, w: F.rms_norm(x, (9,), w, 1e-6), half, torch.randn(9).half()
)

# Matrix products.
check("linear bias/view", F.linear, view, torch.randn(4, 3), torch.randn(4))
check("linear bias/row", F.linear, torch.randn(7), torch.randn(4, 7), torch.randn(4))
check("linear plain/many axes", F.linear, torch.randn(2, 1, 3, 2, 7), torch.randn(4, 7))
check("linear bias/empty", F.linear, torch.zeros(0, 3, 7), torch.randn(4, 7), torch.randn(4))
check("linear bias/bf16", F.linear, brain, torch.randn(3, 9).bfloat16(), torch.randn(3).bfloat16())
check("linear bias/no width", F.linear, torch.zeros(2, 0), torch.zeros(4, 0), torch.randn(4))
check("addmm/f32", torch.addmm, torch.randn(3), torch.randn(5, 4), torch.randn(4, 3))
check(
    "addmm/view", torch.addmm, torch.randn(5, 1), torch.randn(5, 4), View(torch.randn(3, 4), (1, 0))
)
for variant, (a, b) in {
    "rank 5": (torch.randn(2, 1, 2, 3, 4), torch.randn(1, 3, 2, 4, 2)),
    "batches permuted": (
        View(torch.randn(3, 2, 4, 5), (1, 0, 2, 3)),
        View(torch.randn(3, 5, 2, 4), (2, 0, 1, 3)),
    ),
    "heads": (
        View(torch.randn(2, 5, 3, 4), (0, 2, 1, 3)),
        View(torch.randn(2, 5, 3, 4), (0, 2, 3, 1)),
    ),
    "both turned": (View(torch.randn(4, 3), (1, 0)), View(torch.randn(2, 4), (1, 0))),
    "dots": (torch.randn(6), torch.randn(6)),
    "row": (torch.randn(4), torch.randn(2, 3, 4, 2)),
    "column": (torch.randn(2, 3, 4), torch.randn(4)),
    "2 by 3": (torch.randn(3, 4), torch.randn(2, 4, 5)),
    "3 by 2": (torch.randn(2, 3, 4), torch.randn(4, 5)),
    "broadcast batch": (torch.randn(2, 1, 3, 4), torch.randn(5, 4, 2)),
    "nothing to add": (torch.randn(2, 3, 0), torch.randn(2, 0, 4)),
    "no rows": (torch.randn(2, 0, 3), torch.randn(2, 3, 4)),
    "one column": (View(torch.randn(2, 1, 5, 1), (0, 1, 2, 3)), torch.randn(2, 3, 1, 4)),
    "narrowed": (
        View(torch.randn(2, 4, 6), (0, 1, 2), (2, 1, 3)),
        View(torch.randn(2, 9, 2), (0, 1, 2), (1, 3, 3)),
    ),
    "bf16": (brain, torch.randn(9, 3).bfloat16()),
    "f64": (double, torch.randn(3, 2).double()),
}.items():
    check(f"matmul/{variant}", torch.matmul, a, b)

# Attention.
q, k, v = torch.randn(2, 2, 4, 5), torch.randn(2, 2, 5, 5), torch.randn(2, 2, 5, 2)
mask = torch.rand(2, 1, 4, 5) > 0.4
mask[0, 0, 1] = False
added = torch.zeros(4, 5).masked_fill(torch.rand(4, 5) > 0.6, -inf)
added[2] = -inf
sdpa = F.scaled_dot_product_attention
heads = View(torch.randn(2, 4, 2, 5), (0, 2, 1, 3))
check("sdpa plain/f32", sdpa, q, k, v)
check("sdpa plain/3 axes", sdpa, q[0].clone(), k[0].clone(), v[0].clone())
check("sdpa plain/bf16", sdpa, q.bfloat16(), k.bfloat16(), v.bfloat16())
check("sdpa causal/f32", lambda q, k, v: sdpa(q, k, v, is_causal=True), q, k, v)
check("sdpa causal/heads", lambda q, k, v: sdpa(q, k, v, is_causal=True), heads, heads, heads)
check("sdpa scale/f32", lambda q, k, v: sdpa(q, k, v, scale=0.3), q, k, v)
check("sdpa mask/bool", sdpa, q, k, v, mask)
check("sdpa mask/bool 3 axes", sdpa, q[0].clone(), k[0].clone(), v[0].clone(), mask[0].clone())
check("sdpa mask/float", sdpa, q, k, v, added)
check("sdpa mask/all finite", sdpa, q, k, v, torch.full((4, 5), torch.finfo(torch.float32).min))
check("sdpa mask/same width", sdpa, q, k, torch.randn(2, 2, 5, 5), mask)
check("sdpa mask/float same width", sdpa, q, k, torch.randn(2, 2, 5, 5), added)

# Convolution and pooling.
sound = torch.randn(1, 4, 11)
for stride, padding, dilation, groups in (
    (1, 0, 1, 1),
    (2, 1, 1, 1),
    (1, 2, 2, 1),
    (3, 0, 1, 2),
    (1, 1, 1, 4),
):
    weight = torch.randn(4, 4 // groups, 3)
    check(
        f"conv1d {stride} {padding} {dilation} {groups}/bias",
        lambda x, w, b: F.conv1d(x, w, b, stride, padding, dilation, groups),
        sound,
        weight,
        torch.randn(4),
    )
check(
    "conv1d 1 0 1 1/view",
    lambda x, w, b: F.conv1d(x, w, b),
    View(torch.randn(11, 4, 1), (2, 1, 0)),
    View(torch.randn(3, 4, 5), (2, 1, 0)),
    torch.randn(5),
)
check(
    "conv1d 1 0 1 1/no batch",
    lambda x, w, b: F.conv1d(x, w, b),
    sound[0].clone(),
    torch.randn(5, 4, 3),
    torch.randn(5),
)
check(
    "conv1d 1 0 1 1/empty",
    lambda x, w, b: F.conv1d(x, w, b),
    torch.zeros(0, 4, 11),
    torch.randn(5, 4, 3),
    torch.randn(5),
)
holes = torch.randn(2, 11)
holes[0, 3], holes[1, 6], holes[1, 0] = nan, -inf, inf
for kernel, stride, padding, dilation, up in (
    (3, 2, 1, 1, False),
    (3, 2, 1, 1, True),
    (2, 2, 0, 1, False),
    (2, 3, 1, 1, True),
    (3, 1, 1, 2, False),
    (4, 4, 2, 1, True),
):
    for variant, value in {
        "f32": sound,
        "holes": holes,
        "view": View(torch.randn(11, 3, 2), (2, 1, 0)),
    }.items():
        check(
            f"max_pool1d {kernel} {stride} {padding} {dilation} {up}/{variant}",
            lambda x: F.max_pool1d(x, kernel, stride, padding, dilation, up),
            value,
            exact=True,
        )
        if dilation == 1:
            for count in (True, False):
                check(
                    f"avg_pool1d {kernel} {stride} {padding} {up} {count}/{variant}",
                    lambda x: F.avg_pool1d(x, kernel, stride, padding, up, count),
                    value,
                )
for size in (1, 4, 11, 13):
    check(f"adaptive_avg_pool1d {size}/f32", lambda x: F.adaptive_avg_pool1d(x, size), sound)

# Parts and joins.
ids = torch.tensor([[3, 0], [1, 3], [2, 2]])
check("embedding/i64", lambda w, i: F.embedding(i, w), torch.randn(4, 5), ids, exact=True)
check(
    "embedding/i32 view",
    lambda w, i: F.embedding(i, w),
    View(torch.randn(5, 4), (1, 0)),
    View(ids.int(), (1, 0)),
    exact=True,
)
check(
    "embedding/empty",
    lambda w, i: F.embedding(i, w),
    torch.randn(4, 5),
    torch.zeros(2, 0, dtype=torch.int64),
    exact=True,
)
check("cat 1/f32", lambda *x: torch.cat(x, 1), x, view, torch.randn(2, 1, 3), exact=True)
check("cat 0/promotes", lambda *x: torch.cat(x, 0), ints, torch.randn(1, 3), i32, exact=True)
check("cat 0/legacy empty", lambda *x: torch.cat(x, 0), torch.zeros(0), x, exact=True)
check(
    "cat 1/empty part", lambda *x: torch.cat(x, 1), torch.zeros(2, 0), torch.randn(2, 3), exact=True
)
check("stack 1/promotes", lambda *x: torch.stack(x, 1), ints, torch.randn(2, 3), exact=True)
check("stack 2/view", lambda *x: torch.stack(x, 2), x, view, exact=True)
for text in (
    "1:4:1",
    "-3:9999:1",
    "-99:-1:2",
    "3:1:1",
    "0:4:3",
    "7:9:1",
    "0:9223372036854775807:2",
):
    start, end, step = map(int, text.split(":"))
    check(f"slice {text}/view", lambda x: x[:, start:end:step], view, exact=True)
for place in (0, 2, -1, -4):
    check(f"select {place}/view", lambda x: x[:, place], view, exact=True)
one, two, column = torch.tensor([0, -1, 1]), torch.tensor([3, 0, -4]), torch.tensor([[1], [-2]])
three = torch.tensor([2, 0, -3])
for name, variant, value, *places in (
    ("a", "view", view, one),
    ("_a", "view", view, column),
    ("ab", "view", view, one, two),
    ("ab", "broadcast", x, column, two),
    ("_ab", "view", view, column, three),
    ("a_b", "view", view, one, three),
    ("_a_b", "4 axes", torch.arange(60.0).reshape(1, 3, 5, 4), one, torch.tensor([3, 0, -4])),
    ("a_b", "i32", ints.reshape(1, 2, 3), torch.tensor(0, dtype=torch.int32), three.int()),
    ("a", "no axes", x, torch.tensor(-1)),
    ("_a", "empty", x, torch.zeros(0, dtype=torch.int64)),
):

    def advanced(x: Tensor, *places: Tensor) -> Tensor:
        """Indexes as the graph does; Python's brackets take a tensor without axes apart."""
        rest = iter(places)
        return torch.ops.aten.index.Tensor(x, [None if c == "_" else next(rest) for c in name])

    check(f"index {name}/{variant}", advanced, value, *places, exact=True)
square = torch.randn(2, 4, 5)
for diagonal in (0, 1, -2):
    check(f"tril {diagonal}/f32", lambda x: torch.tril(x, diagonal), square, exact=True)
    check(f"triu {diagonal}/f32", lambda x: torch.triu(x, diagonal), square, exact=True)
check("arange_i64 -3 9 2/none", lambda: torch.arange(-3, 9, 2))
check("arange_i64 5 -5 -3/none", lambda: torch.arange(5, -5, -3))
check("arange_i64 2 2 1/none", lambda: torch.arange(2, 2))
check("arange 0 1 0.1/none", lambda: torch.arange(0, 1, 0.1), exact=True)
check("full -inf/none", lambda: torch.full((2, 3), -inf), exact=True)
check("full 7 i64/none", lambda: torch.full((2, 0, 3), 7))

write(Path(__file__).with_suffix(".safetensors"))
