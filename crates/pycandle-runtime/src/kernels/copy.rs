//! Copies of tensors with their axes in another order, in blocks that stay in the nearest cache.

use std::mem::MaybeUninit;

use candle_core::{Result, Tensor};

use super::elements::{elements, memory_order, written_in_order};
use super::isa::{Isa, Kernel, dispatch, isa};
use super::simd::{Simd, each_vector};
use super::threads::{Shared, parallel};
use super::walk::{Walk, each_place};

/// About how long an element takes.
const NANOSECONDS: f64 = 0.3;

/// A tensor's elements in row-major order, copied if they do not lie so.
///
/// # Errors
/// If `PYCANDLE_KERNELS` is wrong.
pub fn contiguous(x: &Tensor) -> Result<Tensor> {
    if x.is_contiguous() {
        return Ok(x.clone());
    }
    let order: Vec<usize> = (0..x.rank()).collect();
    match in_order(x, &order)? {
        Some(copy) => Ok(copy),
        None => x.contiguous(),
    }
}

/// `x` itself if its elements lie without gaps in any order, else its elements in row-major order.
///
/// # Errors
/// If `PYCANDLE_KERNELS` is wrong.
pub fn dense(x: &Tensor) -> Result<Tensor> {
    match elements(x) {
        Some(elements) if elements.dense().is_none() => contiguous(x),
        _ => Ok(x.clone()),
    }
}

/// A copy that has its axes in memory in this order, the outermost first, and the shape of `x`.
///
/// # Errors
/// If `PYCANDLE_KERNELS` is wrong.
pub fn in_order(x: &Tensor, order: &[usize]) -> Result<Option<Tensor>> {
    let (Some(isa), Some(elements)) = (isa()?, elements(x)) else {
        return Ok(None);
    };
    let dims: Vec<usize> = order.iter().map(|&axis| x.dims()[axis]).collect();
    let strides = order.iter().map(|&axis| elements.strides()[axis]);
    let axes = dims.iter().copied().zip(strides).zip(row_major(&dims));
    let walk = Walk::new(axes.map(|((size, from), to)| (size, [from, to])));
    let write = |out: &mut [MaybeUninit<f32>]| {
        // SAFETY: the walk goes from all places of `x` to as many in row-major order of `dims`.
        unsafe { copy_into(isa, elements.from_first(), &walk, out) };
    };
    // SAFETY: these are all places.
    unsafe { written_in_order(x.dims(), order, write) }.map(Some)
}

/// Tensors one after another along the axis `dim`, in the layout of the largest that lies without gaps.
///
/// # Errors
/// If `PYCANDLE_KERNELS` is wrong.
pub fn cat(parts: &[&Tensor], dim: usize) -> Result<Option<Tensor>> {
    let (Some(isa), Some(first)) = (isa()?, parts.first()) else {
        return Ok(None);
    };
    let mut dims = first.dims().to_vec();
    let fits = |part: &&Tensor| {
        let mut axes = part.dims().iter().zip(&dims).enumerate();
        part.rank() == dims.len() && axes.all(|(axis, (a, b))| axis == dim || a == b)
    };
    let found: Option<Vec<_>> = parts.iter().map(|part| elements(part)).collect();
    let (Some(found), true) = (found, dim < dims.len() && parts.iter().all(fits)) else {
        return Ok(None);
    };
    dims[dim] = parts.iter().map(|part| part.dims()[dim]).sum();
    let dense = found
        .iter()
        .zip(parts)
        .filter(|(part, _)| part.dense().is_some());
    let order = match dense.max_by_key(|(_, part)| part.elem_count()) {
        Some((_, part)) => memory_order(part.layout()),
        None => (0..dims.len()).collect(),
    };
    let sizes: Vec<usize> = order.iter().map(|&axis| dims[axis]).collect();
    let strides = row_major(&sizes);
    let along = order.iter().zip(&strides).find(|(axis, _)| **axis == dim);
    let along = along.map_or(0, |(_, &stride)| stride);
    let write = |out: &mut [MaybeUninit<f32>]| {
        let mut begin = 0;
        for part in &found {
            let axes = order.iter().zip(&strides);
            let axes = axes.map(|(&axis, &to)| (part.dims()[axis], [part.strides()[axis], to]));
            let walk = Walk::new(axes);
            if part.dims().iter().all(|&size| size > 0) {
                // SAFETY: the part has its own places along `dim`, and all those of other axes.
                unsafe { copy_into(isa, part.from_first(), &walk, &mut out[begin * along..]) };
            }
            begin += part.dims()[dim];
        }
    };
    // SAFETY: the parts have all places together.
    unsafe { written_in_order(&dims, &order, write) }.map(Some)
}

/// Strides of tensors of this shape without gaps, the last axis closest.
pub fn row_major(dims: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; dims.len()];
    for axis in (1..dims.len()).rev() {
        strides[axis - 1] = strides[axis] * dims[axis].max(1);
    }
    strides
}

/// Copies elements between places that a walk goes to, in `from` and in `out`.
///
/// # Safety
/// All of them must lie in these slices, and no place of `out` may occur twice.
pub unsafe fn copy_into(isa: Isa, from: &[f32], walk: &Walk<2>, out: &mut [MaybeUninit<f32>]) {
    let count: usize = walk.axes().iter().map(|(size, _)| size).product();
    if count == 0 {
        return;
    }
    let Some((&(size, [wide_from, wide_to]), inner)) = walk.axes().split_first() else {
        out[0].write(from[0]);
        return;
    };
    let out = Shared::new(out);
    parallel(size, NANOSECONDS * count as f64, |part| {
        let outermost = (part.len(), [wide_from, wide_to]);
        let copy = Copy {
            from: from[part.start * wide_from..].as_ptr(),
            to: out.at(part.start * wide_to).cast(),
            walk: Walk::new([outermost].into_iter().chain(inner.iter().copied())),
        };
        dispatch(isa, copy);
    });
}

/// Places in `from` and `to` that may be read and written are the promise of [`copy_into`]'s caller.
struct Copy {
    from: *const f32,
    to: *mut f32,
    walk: Walk<2>,
}

impl Kernel for Copy {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let (length, [near_from, near_to]) = self.walk.run();
        let axes = self.walk.axes();
        let across = axes.iter().position(|(_, [from, _])| *from == 1);
        match (near_from, near_to, across) {
            (1, 1, _) => self.walk.each_run(0..self.walk.runs(), |[from, to]| {
                // SAFETY: see above.
                unsafe { row::<S>(self.from.add(from), self.to.add(to), length) };
            }),
            (_, 1, Some(across)) => {
                let (width, [_, stride]) = axes[across];
                let mut outer = axes[..axes.len() - 1].to_vec();
                outer.remove(across);
                let count = outer.iter().map(|(size, _)| size).product();
                each_place(&outer, 0..count, |[from, to]| {
                    // SAFETY: see above.
                    unsafe {
                        let from = (self.from.add(from), near_from);
                        transpose::<S>(from, (self.to.add(to), stride), width, length);
                    }
                });
            }
            _ => self.walk.each_run(0..self.walk.runs(), |[from, to]| {
                for k in 0..length {
                    // SAFETY: see above.
                    unsafe {
                        *self.to.add(to + k * near_to) = *self.from.add(from + k * near_from);
                    }
                }
            }),
        }
    }
}

/// Copies elements that lie side by side.
///
/// # Safety
/// So many must be readable and writable.
#[inline(always)]
unsafe fn row<S: Simd>(from: *const f32, to: *mut f32, length: usize) {
    each_vector!(S, length, |place, count| {
        // SAFETY: the caller's promise.
        unsafe { S::load_some(from.add(place), count).store_some(to.add(place), count) };
    });
}

/// Copies `length` rows of `width` elements to `width` rows of `length`; both sides come with the
/// distance of their rows.
///
/// # Safety
/// The elements of all rows must be readable and writable.
#[inline(always)]
unsafe fn transpose<S: Simd>(
    (from, from_stride): (*const f32, usize),
    (to, to_stride): (*mut f32, usize),
    width: usize,
    length: usize,
) {
    /// As many elements as a cache line has.
    const BLOCK: usize = 16;
    for row in (0..width).step_by(BLOCK) {
        for column in (0..length).step_by(BLOCK) {
            let (rows, columns) = (BLOCK.min(width - row), BLOCK.min(length - column));
            // SAFETY: the block lies within the rows, by the caller's promise.
            unsafe {
                let from = from.add(row + column * from_stride);
                let to = to.add(row * to_stride + column);
                if rows == BLOCK && columns == BLOCK {
                    for down in (0..BLOCK).step_by(S::LANES) {
                        for right in (0..BLOCK).step_by(S::LANES) {
                            S::transpose(
                                (from.add(down + right * from_stride), from_stride),
                                (to.add(down * to_stride + right), to_stride),
                            );
                        }
                    }
                } else {
                    for down in 0..rows {
                        for right in 0..columns {
                            *to.add(down * to_stride + right) =
                                *from.add(down + right * from_stride);
                        }
                    }
                }
            }
        }
    }
}
