"""Products of matrices, and linear algebra."""

from __future__ import annotations

import math

import torch

from tests.conformance.samples.registry import Arguments, call, numbers, samples


@samples("aten.einsum.default")
def _einsum() -> list[Arguments]:
    x, y, z = numbers(2, 3, 4, 5), numbers(2, 6, 4, 5), numbers(3, 4, 4)
    integers = numbers(3, 4, dtype=torch.int64)
    return [
        call("bqhd,bkhd->bhqk", [x, y]),
        call("bqhd,bkhd", [x, y]),
        call("...d,hd->...h", [x, numbers(7, 5)]),
        call("bqhd,hde->bqe", [x, numbers(4, 5, 6)]),
        call("bhld,lrd->bhlr", [x, numbers(4, 6, 5)]),
        call("nii->ni", [z]),
        call("nii", [z]),
        call("ij,jk,kl->il", [numbers(3, 4), numbers(4, 2), numbers(2, 5)]),
        call("ij,kj->ik", [integers, integers]),
        call("bi,bi->b", [numbers(2, 9).half(), numbers(2, 9).half()]),
    ]


@samples("aten.ger.default")
def _ger() -> list[Arguments]:
    return [call(numbers(3), numbers(4)), call(numbers(3, dtype=torch.int64), numbers(4))]


@samples("aten.linalg_multi_dot.default")
def _multi_dot() -> list[Arguments]:
    a, b, c = numbers(3, 9), numbers(9, 2), numbers(2, 5)
    return [call([a, b]), call([a, b, c]), call([a[0], b, c]), call([a[0], b, c[:, 0]])]


@samples("aten.chain_matmul.default")
def _chain_matmul() -> list[Arguments]:
    return [call([numbers(3, 9), numbers(9, 2), numbers(2, 5), numbers(5, 4)])]


@samples("aten.linalg_inv_ex.default")
def _inverse_of_what_has_none() -> list[Arguments]:
    return [call(numbers(2, 3, 3)), call(numbers(2, 1, 2, 2).double())]


def _invertible(*shape: int) -> torch.Tensor:
    """Matrices that no rounding makes singular."""
    return numbers(*shape) + 3 * torch.eye(shape[-1])


@samples("aten.linalg_solve_triangular.default")
def _solved_in_the_dtype_of_the_matrix() -> list[Arguments]:
    x = _invertible(3, 3)
    return [call(x.double(), numbers(3, 2), upper=False), call(x, numbers(3, 2).half(), upper=True)]


@samples("aten.linalg_cholesky_ex.default")
def _factor_of_what_has_none() -> list[Arguments]:
    return [call(torch.tensor([[[1.0, 2.0], [2.0, 1.0]], [[2.0, 1.0], [1.0, 2.0]]]))]


@samples("aten.inverse.default")
@samples("aten.linalg_inv.default")
def _inverse() -> list[Arguments]:
    return [
        call(_invertible(3, 3)),
        call(_invertible(2, 3, 3).mT),
        call(_invertible(2, 4, 4).double()),
        call(numbers(2, 0, 0)),
    ]


@samples("aten.det.default")
@samples("aten.slogdet.default")
def _determinant() -> list[Arguments]:
    return [
        call(_invertible(3, 3)),
        call(_invertible(2, 1, 4, 4).mT),
        call(-_invertible(3, 3).double()),
        call(torch.zeros(2, 2)),
        call(numbers(2, 0, 0)),
    ]


@samples("aten.matrix_power.default")
@samples("aten.linalg_matrix_power.default")
def _matrix_power() -> list[Arguments]:
    powers = [call(_invertible(2, 3, 3), n) for n in (0, 1, 2, 3, 5, 8, -1, -3)]
    return [*powers, call(_invertible(3, 3).double(), 4), call(numbers(3, 3), 2)]


@samples("aten._euclidean_dist.default")
def _distances() -> list[Arguments]:
    x = numbers(4, 3)
    infinite = x.clone()
    infinite[1, 2], infinite[2, 0], infinite[3] = math.inf, math.nan, 1e30
    return [
        call(x, numbers(5, 3)),
        call(infinite, numbers(5, 3)),
        call(numbers(2, 4, 3), numbers(2, 5, 3)),
        call(x, numbers(0, 3)),
    ]


@samples("aten.outer.default")
def _outer() -> list[Arguments]:
    return [
        call(numbers(3), numbers(4)),
        call(numbers(3), numbers(0)),
        call(numbers(3, dtype=torch.int64), numbers(4)),
        call(torch.tensor([math.nan, -0.0]), torch.tensor([math.inf, 1.0])),
    ]


@samples("transformers.grouped_mm_fallback.default")
def _grouped_fallback() -> list[Arguments]:
    ends = torch.tensor([2, 2, 5], dtype=torch.int32)
    floats = (torch.float32, torch.float64)
    return [call(numbers(5, 4, dtype=t), numbers(3, 4, 6, dtype=t), ends) for t in floats]
