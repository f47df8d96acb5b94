"""Pictures of tensors: a bad element is seen, and what is no number has a byte of its own."""

from base64 import b64decode

import numpy as np
from numpy.typing import NDArray

from pycandle.verify.heatmaps import (
    CELLS,
    INFINITY,
    LEVELS,
    MINUS_INFINITY,
    NAN,
    ZERO,
    Heatmap,
    heatmap,
)  # fmt: skip
from pycandle.verify.tensors import Compared


def check(
    golden: NDArray[np.float64], rust: NDArray[np.float64], grid: tuple[int, int], slices: int = 1
) -> tuple[Heatmap, list[list[NDArray[np.uint8]]]]:
    """The picture has so many cells and slices; its bytes as arrays, slice by slice."""
    found = heatmap(Compared(golden, rust, None))
    assert found is not None
    assert ((found.rows, found.columns), len(found.slices)) == (grid, slices)
    assert found.rows * found.columns <= CELLS
    pictures = [
        [np.frombuffer(b64decode(part), np.uint8).reshape(grid) for part in each[1:]]
        for each in found.slices
    ]
    return found, pictures


def test_one_bad_element_of_many_is_seen():
    golden = np.random.default_rng(0).normal(size=(500, 3000))
    rust = golden.copy()
    rust[321, 1234] += 1.0
    found, [[_, _, difference]] = check(golden, rust, (46, 50))
    down, across = found.block
    assert np.argwhere(difference != ZERO).tolist() == [[321 // down, 1234 // across]]
    assert difference.max() == ZERO + LEVELS
    assert found.difference_scale == 1.0


def test_a_cell_is_one_element_of_all_three():
    golden = np.array([[1.0, 4.0]])
    _, [[first, second, difference]] = check(golden, golden * [[1, 0.5]], (1, 2))
    assert first.tolist() == [[ZERO + round(LEVELS / 2), ZERO + LEVELS]]
    assert second.tolist() == [[ZERO + round(LEVELS / 2), ZERO + round(LEVELS * 0.5**0.5)]]
    assert difference.tolist() == [[ZERO, ZERO - LEVELS]]


def test_what_is_no_number():
    rust = np.array([[np.nan, np.inf, -np.inf, 1.0]])
    _, [[_, given, difference]] = check(np.ones((1, 4)), rust, (1, 4))
    assert given.tolist() == [[NAN, INFINITY, MINUS_INFINITY, ZERO + LEVELS]]
    assert difference.tolist() == [[NAN, INFINITY, MINUS_INFINITY, ZERO]]


def test_a_vector_and_a_number():
    found, [[golden, *_]] = check(np.ones(100), np.zeros(100), (3, 48))
    assert found.vector and golden[2].tolist() == [ZERO + LEVELS] * 4 + [0] * 44
    check(np.array(1.0), np.array(2.0), (1, 1))


def test_the_worst_slices_of_a_tensor():
    golden = np.zeros((4, 5, 2, 3))
    rust = golden.copy()
    rust[3, 4], rust[0, 2] = 2.0, 1.0
    found, _ = check(golden, rust, (2, 3), slices=8)
    assert {each[0] for each in found.slices} >= {"[3, 4, :, :]", "[0, 2, :, :]"}
    assert found.left_out == 12


def test_nothing_to_draw():
    assert heatmap(Compared(np.ones(2), None, None)) is None
    assert heatmap(Compared(np.ones((0, 2)), np.ones((0, 2)), None)) is None
