//! Formulas of the elements of tensors that broadcast together, each in one loop.

use std::array::from_fn;
use std::mem::MaybeUninit;

use candle_core::{Result, Tensor};

use super::copy::in_order;
use super::elements::{elements, memory_order, written_in_order};
use super::isa::{Isa, Kernel, dispatch, isa};
use super::simd::{MOST_LANES, Simd, each_vector};
use super::threads::parallel_rows;
use super::walk::Walk;

/// What is computed of one element of each of some tensors.
pub trait Formula: Copy + Sync {
    /// About how long it takes for one of them.
    fn nanoseconds(self) -> f64;

    /// Its value for a vector of elements of each.
    fn of<S: Simd, const N: usize>(self, elements: &[S; N]) -> S;
}

/// What a formula takes.
#[derive(Debug, Clone)]
pub enum Side {
    Tensor(Tensor),
    Number(f32),
}

/// What one more tensor that is read takes for an element, or the result that is written.
const NANOSECONDS: f64 = 0.07;

/// The formula's values for tensors whose shapes broadcast together, and for numbers.
///
/// They lie in the order in which most tensors of their shape have theirs, without gaps, so that a
/// layout travels on; without such a tensor in row-major order.
///
/// # Errors
/// If the shapes do not fit, or `PYCANDLE_KERNELS` is wrong.
pub fn formula<const N: usize>(formula: impl Formula, sides: [Side; N]) -> Result<Option<Tensor>> {
    let Some(isa) = isa()? else {
        return Ok(None);
    };
    let Some(Plan {
        dims,
        order,
        sides,
        walk,
    }) = plan(sides)?
    else {
        return Ok(None);
    };
    let found = sides.each_ref().map(|side| match side {
        Side::Tensor(x) => elements(x),
        Side::Number(_) => None,
    });
    let values: [&[f32]; N] = from_fn(|k| match (&found[k], &sides[k]) {
        (Some(elements), _) => elements.from_first(),
        (None, Side::Number(number)) => std::slice::from_ref(number),
        _ => &[],
    });
    let write = |out: &mut [MaybeUninit<f32>]| write(isa, formula, values, &walk, out);
    // SAFETY: all runs of the walk are written, which together have the shape's elements.
    unsafe { written_in_order(&dims, &order, write) }.map(Some)
}

/// How a loop goes through tensors; the same for all formulas, and so compiled once.
struct Plan<const N: usize> {
    /// The sizes of the result, and the order of its axes, the outermost first.
    dims: Vec<usize>,
    order: Vec<usize>,
    /// What it takes, with the elements of a run beside each other.
    sides: [Side; N],
    walk: Walk<N>,
}

/// `None` if there is no tensor, or one is not of f32 on the CPU.
fn plan<const N: usize>(mut sides: [Side; N]) -> Result<Option<Plan<N>>> {
    let Some(dims) = broadcast(&sides)? else {
        return Ok(None);
    };
    let Some(order) = order(&dims, &sides) else {
        return Ok(None);
    };
    let walk = side_by_side(&dims, &order, &sides);
    for (side, stride) in sides.iter_mut().zip(walk.run().1) {
        if let Side::Tensor(x) = side
            && stride > 1
        {
            let missing = dims.len() - x.rank();
            let own = order.iter().filter(|axis| **axis >= missing);
            let own: Vec<usize> = own.map(|axis| axis - missing).collect();
            let Some(copy) = in_order(x, &own)? else {
                return Ok(None);
            };
            *x = copy;
        }
    }
    let walk = side_by_side(&dims, &order, &sides);
    Ok(Some(Plan {
        dims,
        order,
        sides,
        walk,
    }))
}

/// The shape of the result; `None` without a tensor.
fn broadcast(sides: &[Side]) -> Result<Option<Vec<usize>>> {
    let mut shape: Option<candle_core::Shape> = None;
    for side in sides {
        if let Side::Tensor(x) = side {
            shape = Some(match shape {
                Some(shape) if shape != *x.shape() => {
                    shape.broadcast_shape_binary_op(x.shape(), "broadcast")?
                }
                _ => x.shape().clone(),
            });
        }
    }
    Ok(shape.map(candle_core::Shape::into_dims))
}

/// The order of axes of the result: that of most tensors of its shape, so that the fewest are copied;
/// `None` if a tensor is not of f32 on the CPU.
fn order(dims: &[usize], sides: &[Side]) -> Option<Vec<usize>> {
    let mut orders: Vec<Vec<usize>> = Vec::new();
    for side in sides {
        if let Side::Tensor(x) = side {
            let elements = elements(x)?;
            if x.dims() == dims && elements.dense().is_some() {
                orders.push(memory_order(x.layout()));
            }
        }
    }
    let count = |order| orders.iter().filter(|other| *other == order).count();
    // Of as many, the first one.
    let most = orders.iter().rev().max_by_key(|order| count(*order));
    Some(most.cloned().unwrap_or_else(|| (0..dims.len()).collect()))
}

/// The axes of the result in order, with the strides of all sides, zero where one is repeated.
fn side_by_side<const N: usize>(dims: &[usize], order: &[usize], sides: &[Side; N]) -> Walk<N> {
    let stride = |side: &Side, axis: usize| match side {
        Side::Number(_) => 0,
        Side::Tensor(x) => match (axis + x.rank()).checked_sub(dims.len()) {
            Some(own) if x.dims()[own] == dims[axis] => x.stride()[own],
            _ => 0,
        },
    };
    Walk::new(order.iter().map(|&axis| {
        let strides = sides.each_ref().map(|side| stride(side, axis));
        (dims[axis], strides)
    }))
}

fn write<const N: usize>(
    isa: Isa,
    formula: impl Formula,
    values: [&[f32]; N],
    walk: &Walk<N>,
    out: &mut [MaybeUninit<f32>],
) {
    if out.is_empty() {
        return;
    }
    let each = formula.nanoseconds() + NANOSECONDS * (N + 1) as f64;
    let time = each * out.len() as f64;
    let (length, strides) = walk.run();
    if walk.runs() > 1 {
        parallel_rows(out, length, time, |first, out| {
            let runs = Runs {
                formula,
                values,
                walk,
                first,
                out,
            };
            dispatch(isa, runs);
        });
    } else {
        parallel_rows(out, 1, time, |first, out| {
            let runs = Runs {
                formula,
                values: from_fn(|k| &values[k][first * strides[k]..]),
                walk: &Walk::new([(out.len(), strides)]),
                first: 0,
                out,
            };
            dispatch(isa, runs);
        });
    }
}

/// Runs of a walk from the first of them on, as many as `out` has the elements of.
struct Runs<'a, F, const N: usize> {
    formula: F,
    values: [&'a [f32]; N],
    /// The strides of its runs are zero or one.
    walk: &'a Walk<N>,
    first: usize,
    out: &'a mut [MaybeUninit<f32>],
}

impl<F: Formula, const N: usize> Kernel for Runs<'_, F, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let (length, strides) = self.walk.run();
        let runs = self.out.len() / length.max(1);
        let mut to = self.out.as_mut_ptr().cast::<f32>();
        // What is the same all along a run is a vector of itself, which does not move.
        let mut repeated = [[0.0; MOST_LANES]; N];
        let moves = strides.map(|stride| if stride == 0 { 0 } else { usize::MAX });
        self.walk.each_run(self.first..self.first + runs, |places| {
            // SAFETY: the runs of a walk lie within all slices, those of `out` one after another,
            // and a vector has no more elements than `repeated`.
            unsafe {
                let mut from = [std::ptr::null(); N];
                for k in 0..N {
                    from[k] = self.values[k].as_ptr().add(places[k]);
                    if moves[k] == 0 {
                        repeated[k] = [*from[k]; MOST_LANES];
                        from[k] = repeated[k].as_ptr();
                    }
                }
                each_vector!(S, length, |place, count| {
                    let mut elements = [S::splat(0.0); N];
                    for k in 0..N {
                        elements[k] = S::load_some(from[k].add(place & moves[k]), count);
                    }
                    let y = self.formula.of(&elements);
                    y.store_some(to.add(place), count);
                });
                to = to.add(length);
            }
        });
    }
}
