//! Arithmetic of two tensors that broadcast together.

use std::array::from_fn;
use std::mem::MaybeUninit;

use candle_core::{Result, Tensor};

use super::copy::in_order;
use super::elements::{elements, memory_order, written_in_order};
use super::isa::{Kernel, dispatch, isa};
use super::simd::{Simd, each_vector};
use super::threads::parallel_rows;
use super::walk::Walk;

/// What is computed of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Add,
    Sub,
    Mul,
    Div,
    /// The larger one; NaN if either is.
    Maximum,
    /// The smaller one; NaN if either is.
    Minimum,
}

/// What an operator takes.
#[derive(Debug, Clone)]
pub enum Side {
    Tensor(Tensor),
    Number(f32),
}

/// About how long an element takes.
const NANOSECONDS: f64 = 0.2;

/// `a operator b` of tensors whose shapes broadcast together, or of one and a number.
///
/// The elements of the result lie in the order of the first tensor of its shape that has its own
/// without gaps, so that a layout travels on; without such a tensor in row-major order.
///
/// # Errors
/// If the shapes do not fit, or `PYCANDLE_KERNELS` is wrong.
pub fn binary(operator: Operator, mut sides: [Side; 2]) -> Result<Option<Tensor>> {
    let Some(isa) = isa()? else {
        return Ok(None);
    };
    let shape = match &sides {
        [Side::Tensor(a), Side::Tensor(b)] if a.shape() != b.shape() => {
            a.shape().broadcast_shape_binary_op(b.shape(), "binary")?
        }
        [Side::Tensor(x), _] | [_, Side::Tensor(x)] => x.shape().clone(),
        _ => return Ok(None),
    };
    let Some(order) = order(shape.dims(), &sides) else {
        return Ok(None);
    };
    let mut walk = side_by_side(shape.dims(), &order, &sides);
    for (side, stride) in sides.iter_mut().zip(walk.run().1) {
        if let Side::Tensor(x) = side
            && stride > 1
        {
            let missing = shape.rank() - x.rank();
            let own = order.iter().filter(|axis| **axis >= missing);
            let own: Vec<usize> = own.map(|axis| axis - missing).collect();
            let Some(copy) = in_order(x, &own)? else {
                return Ok(None);
            };
            *x = copy;
        }
    }
    walk = side_by_side(shape.dims(), &order, &sides);
    let found = sides.each_ref().map(|side| match side {
        Side::Tensor(x) => elements(x),
        Side::Number(_) => None,
    });
    let values: [&[f32]; 2] = from_fn(|k| match (&found[k], &sides[k]) {
        (Some(elements), _) => elements.from_first(),
        (None, Side::Number(number)) => std::slice::from_ref(number),
        _ => &[],
    });
    let write = |out: &mut [MaybeUninit<f32>]| write(isa, operator, values, &walk, out);
    // SAFETY: all runs of the walk are written, which together have the shape's elements.
    unsafe { written_in_order(shape.dims(), &order, write) }.map(Some)
}

/// The order of axes of the result; `None` if a tensor is not of f32 on the CPU.
fn order(dims: &[usize], sides: &[Side; 2]) -> Option<Vec<usize>> {
    let mut order = None;
    for side in sides {
        if let Side::Tensor(x) = side {
            let elements = elements(x)?;
            if order.is_none() && x.dims() == dims && elements.dense().is_some() {
                order = Some(memory_order(x.layout()));
            }
        }
    }
    Some(order.unwrap_or_else(|| (0..dims.len()).collect()))
}

/// The axes of the result in order, with the strides of both sides, zero where one is repeated.
fn side_by_side(dims: &[usize], order: &[usize], sides: &[Side; 2]) -> Walk<2> {
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

fn write(
    isa: super::Isa,
    operator: Operator,
    values: [&[f32]; 2],
    walk: &Walk<2>,
    out: &mut [MaybeUninit<f32>],
) {
    let time = NANOSECONDS * out.len() as f64;
    let (length, strides) = walk.run();
    if out.is_empty() {
        return;
    }
    if walk.runs() > 1 {
        parallel_rows(out, length, time, |first, out| {
            dispatch(
                isa,
                Binary {
                    operator,
                    values,
                    walk,
                    first,
                    out,
                },
            );
        });
    } else {
        parallel_rows(out, 1, time, |first, out| {
            let walk = &Walk::new([(out.len(), strides)]);
            let values = from_fn(|k| &values[k][first * strides[k]..]);
            let first = 0;
            dispatch(
                isa,
                Binary {
                    operator,
                    values,
                    walk,
                    first,
                    out,
                },
            );
        });
    }
}

/// Runs of a walk from the first of them on, as many as `out` has the elements of.
struct Binary<'a> {
    operator: Operator,
    values: [&'a [f32]; 2],
    /// The strides of its runs are zero or one.
    walk: &'a Walk<2>,
    first: usize,
    out: &'a mut [MaybeUninit<f32>],
}

impl Kernel for Binary<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        match self.operator {
            Operator::Add => self.each::<S>(|a, b| a + b),
            Operator::Sub => self.each::<S>(|a, b| a - b),
            Operator::Mul => self.each::<S>(|a, b| a * b),
            Operator::Div => self.each::<S>(|a, b| a / b),
            Operator::Maximum => self.each::<S>(|a, b| S::select(a.is_nan(), a, a.max(b))),
            Operator::Minimum => self.each::<S>(|a, b| S::select(a.is_nan(), a, a.min(b))),
        }
    }
}

impl Binary<'_> {
    #[inline(always)]
    fn each<S: Simd>(self, f: impl Fn(S, S) -> S) {
        let (length, strides) = self.walk.run();
        let runs = self.out.len() / length.max(1);
        let [a, b] = self.values.map(<[f32]>::as_ptr);
        let mut to = self.out.as_mut_ptr().cast::<f32>();
        self.walk
            .each_run(self.first..self.first + runs, |[at_a, at_b]| {
                // SAFETY: the runs of a walk lie within both slices, and those of `out` one after another.
                unsafe {
                    let (a, b) = (a.add(at_a), b.add(at_b));
                    match strides {
                        [1, 1] => run(length, to, |k, n| {
                            f(S::load_some(a.add(k), n), S::load_some(b.add(k), n))
                        }),
                        [1, _] => {
                            let b = S::splat(*b);
                            run(length, to, |k, n| f(S::load_some(a.add(k), n), b));
                        }
                        [_, 1] => {
                            let a = S::splat(*a);
                            run(length, to, |k, n| f(a, S::load_some(b.add(k), n)));
                        }
                        _ => {
                            let both = f(S::splat(*a), S::splat(*b));
                            run(length, to, |_, _| both);
                        }
                    }
                    to = to.add(length);
                }
            });
    }
}

/// Writes `length` elements, which `f` gives from a place on, so many at a time.
///
/// # Safety
/// They must be writable.
#[inline(always)]
unsafe fn run<S: Simd>(length: usize, to: *mut f32, f: impl Fn(usize, usize) -> S) {
    each_vector!(S, length, |place, count| {
        // SAFETY: the caller's promise.
        unsafe { f(place, count).store_some(to.add(place), count) };
    });
}
