//! Softmax and its logarithm along an axis.

use std::mem::MaybeUninit;

use candle_core::{Result, Tensor};

use super::copy::dense;
use super::elements::{elements, written_like};
use super::isa::{Kernel, dispatch, isa};
use super::math::exp_of_negative;
use super::simd::{MOST_LANES, Simd, each_vector};
use super::sums::sum;
use super::threads::parallel_rows;

/// What becomes of the exponentials of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Softmax {
    /// Each by their sum; a line of only -inf gives NaN.
    Plain,
    /// Zeros for a line of only -inf.
    Safe,
    /// The logarithm of the plain one.
    Logarithm,
}

/// About how long an element takes.
const NANOSECONDS: f64 = 0.8;

/// Softmax along the axis `dim`.
///
/// # Errors
/// If there is no such axis, or `PYCANDLE_KERNELS` is wrong.
pub fn softmax(kind: Softmax, x: &Tensor, dim: usize) -> Result<Option<Tensor>> {
    let length = x.dim(dim)?;
    let Some(isa) = isa()? else {
        return Ok(None);
    };
    let x = &dense(x)?;
    let found = elements(x);
    let Some(values) = found.as_ref().and_then(|elements| elements.dense()) else {
        return Ok(None);
    };
    let inner = if length > 1 { x.stride()[dim] } else { 1 };
    let write = |out: &mut [MaybeUninit<f32>]| {
        let width = length * inner;
        let time = NANOSECONDS * out.len() as f64;
        parallel_rows(out, width, time, |first, out| {
            let lines = Lines {
                kind,
                values: &values[first * width..][..out.len()],
                out,
                length,
                inner,
            };
            dispatch(isa, lines);
        });
    };
    // SAFETY: the kernel writes all lines, which together have all elements.
    unsafe { written_like(x.layout(), write) }.map(Some)
}

/// Lines of `length` elements, each `inner` elements on, of which `inner` lie side by side.
struct Lines<'a> {
    kind: Softmax,
    values: &'a [f32],
    /// As many elements.
    out: &'a mut [MaybeUninit<f32>],
    length: usize,
    inner: usize,
}

impl Kernel for Lines<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let width = self.length * self.inner;
        let (from, to) = (self.values.as_ptr(), self.out.as_mut_ptr().cast::<f32>());
        for start in (0..self.values.len()).step_by(width.max(1)) {
            // SAFETY: lines of so many elements in all begin here, in `values` and in `out`.
            unsafe {
                let (from, to) = (from.add(start), to.add(start));
                if self.inner == 1 {
                    row::<S>(self.kind, from, to, self.length);
                    continue;
                }
                for place in (0..self.inner).step_by(S::LANES) {
                    let count = S::LANES.min(self.inner - place);
                    let (from, to) = (from.add(place), to.add(place));
                    columns::<S>(self.kind, from, to, (self.length, self.inner), count);
                }
            }
        }
    }
}

/// One line of elements that lie side by side.
///
/// # Safety
/// `length` elements must be readable and writable.
#[inline(always)]
unsafe fn row<S: Simd>(kind: Softmax, from: *const f32, to: *mut f32, length: usize) {
    let least = S::splat(f32::NEG_INFINITY);
    // What is past the end of a line counts as -inf, whose exponential is zero.
    macro_rules! load {
        ($place:expr, $count:expr) => {
            // SAFETY: the caller's promise.
            unsafe {
                if $count == S::LANES {
                    S::load(from.add($place))
                } else {
                    S::load_first_or(from.add($place), $count, least)
                }
            }
        };
    }
    let mut most = [least; 4];
    let mut place = 0;
    while place + 4 * S::LANES <= length {
        for (k, most) in most.iter_mut().enumerate() {
            *most = most.max(load!(place + k * S::LANES, S::LANES));
        }
        place += 4 * S::LANES;
    }
    while place < length {
        most[0] = most[0].max(load!(place, S::LANES.min(length - place)));
        place += S::LANES;
    }
    let most = most[0].max(most[1]).max(most[2].max(most[3])).largest();
    let nothing = kind == Softmax::Safe && most == f32::NEG_INFINITY;
    // The difference of equal infinities would be NaN.
    let top = S::splat(if nothing { 0.0 } else { most });
    if kind == Softmax::Logarithm {
        let total = sum!(S, length, |place, count| exp_of_negative(
            load!(place, count) - top
        ));
        let logarithm = S::splat(total.ln() as f32);
        each_vector!(S, length, |place, count| {
            let y = load!(place, count) - top - logarithm;
            // SAFETY: the caller's promise.
            unsafe { y.store_some(to.add(place), count) };
        });
        return;
    }
    let total = sum!(S, length, |place, count| {
        let y = exp_of_negative(load!(place, count) - top);
        // SAFETY: the caller's promise.
        unsafe { y.store_some(to.add(place), count) };
        y
    });
    let factor = S::splat(if nothing && total == 0.0 {
        0.0
    } else {
        (1.0 / total) as f32
    });
    each_vector!(S, length, |place, count| {
        // SAFETY: the caller's promise; the exponentials are in place.
        unsafe { (S::load_some(to.add(place), count) * factor).store_some(to.add(place), count) };
    });
}

/// `count` lines side by side, no more than a vector has elements, of `length` elements that are
/// `stride` apart.
///
/// # Safety
/// So many elements must be readable and writable.
#[inline(always)]
unsafe fn columns<S: Simd>(
    kind: Softmax,
    from: *const f32,
    to: *mut f32,
    (length, stride): (usize, usize),
    count: usize,
) {
    /// How many terms are added one by one, before their sum goes to the others'.
    const BLOCK: usize = 64;
    macro_rules! load {
        ($from:expr, $k:expr) => {
            // SAFETY: the caller's promise.
            unsafe { S::load_some($from.add($k * stride), count) }
        };
    }
    macro_rules! store {
        ($y:expr, $k:expr) => {{
            let y = $y;
            // SAFETY: the caller's promise.
            unsafe { y.store_some(to.add($k * stride), count) }
        }};
    }
    let (zero, least) = (S::splat(0.0), S::splat(f32::NEG_INFINITY));
    let mut most = least;
    for k in 0..length {
        most = most.max(load!(from, k));
    }
    if kind == Softmax::Safe {
        most = S::select(least.less(most), most, zero);
    }
    let mut total = zero;
    for start in (0..length).step_by(BLOCK) {
        let mut part = zero;
        for k in start..length.min(start + BLOCK) {
            let y = exp_of_negative(load!(from, k) - most);
            if kind != Softmax::Logarithm {
                store!(y, k);
            }
            part = part + y;
        }
        total = total + part;
    }
    if kind == Softmax::Logarithm {
        let logarithm = logarithms(total);
        for k in 0..length {
            store!((load!(from, k) - most - logarithm), k);
        }
        return;
    }
    let mut factor = S::splat(1.0) / total;
    if kind == Softmax::Safe {
        // A line of only -inf has no sum; NaN stays NaN.
        factor = S::select(
            total.is_nan(),
            total,
            S::select(zero.less(total), factor, zero),
        );
    }
    for k in 0..length {
        store!((load!(to, k) * factor), k);
    }
}

/// The logarithm of each element, one by one: there are few of them.
#[inline(always)]
fn logarithms<S: Simd>(x: S) -> S {
    let mut values = [0f32; MOST_LANES];
    // SAFETY: the array has as many elements as any vector.
    unsafe {
        x.store(values.as_mut_ptr());
        S::load(values.map(f32::ln).as_ptr())
    }
}
