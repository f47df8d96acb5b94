//! Loops over the rows of a contiguous f32 tensor on the CPU.
//!
//! They do in one pass, with sums in f64, what a composition of Candle's operators does in many.
//! Everything else, another device or dtype, takes the composition.

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor};

use crate::kernels::copy::contiguous;

/// How many sums run side by side, so that they do not wait for each other.
const LANES: usize = 8;

/// Writes `f(row)` in place of each row, the last axes of `width` elements together.
///
/// `None` if the tensor is not f32 on the CPU.
pub(crate) fn map(
    x: &Tensor,
    width: usize,
    f: impl Fn(&[f32], &mut [f32]) + Send + Sync,
) -> Option<Result<Tensor>> {
    let op = Rows {
        width,
        out: width,
        f,
    };
    applies(x, width).then(|| contiguous(x)?.apply_op1_no_bwd(&op)?.reshape(x.shape()))
}

/// Reduces each row, the last axes of `width` elements together, to one number in a flat tensor.
///
/// `None` if the tensor is not f32 on the CPU.
pub(crate) fn reduce(
    x: &Tensor,
    width: usize,
    f: impl Fn(&[f32]) -> f32 + Send + Sync,
) -> Option<Result<Tensor>> {
    let op = Rows {
        width,
        out: 1,
        f: |row: &[f32], out: &mut [f32]| out[0] = f(row),
    };
    applies(x, width).then(|| contiguous(x)?.apply_op1_no_bwd(&op))
}

fn applies(x: &Tensor, width: usize) -> bool {
    x.device().is_cpu() && x.dtype() == DType::F32 && x.elem_count() > 0 && width > 0
}

struct Rows<F> {
    width: usize,
    /// How many numbers a row becomes.
    out: usize,
    f: F,
}

impl<F: Fn(&[f32], &mut [f32]) + Send + Sync> CustomOp1 for Rows<F> {
    fn name(&self) -> &'static str {
        "rows"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets())
        else {
            candle_core::bail!("rows takes contiguous f32 tensors")
        };
        let rows = (end - start) / self.width;
        let mut out = vec![0f32; rows * self.out];
        let values = values[start..end].chunks_exact(self.width);
        for (row, out) in values.zip(out.chunks_exact_mut(self.out)) {
            (self.f)(row, out);
        }
        let length = out.len();
        Ok((CpuStorage::F32(out), Shape::from(length)))
    }
}

/// The sum of `f(x)` over a row, in f64.
pub(crate) fn sum(row: &[f32], f: impl Fn(f64) -> f64) -> f64 {
    let mut lanes = [0f64; LANES];
    let chunks = row.chunks_exact(LANES);
    let rest: f64 = chunks.remainder().iter().map(|&x| f(x.into())).sum();
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane += f(x.into());
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// The value of a row that beats all others; NaN if there is one.
pub(crate) fn best(row: &[f32], beats: impl Fn(f32, f32) -> bool) -> f32 {
    let mut lanes = [row[0]; LANES];
    let pick = |best: f32, x: f32| {
        if beats(x, best) || x.is_nan() {
            x
        } else {
            best
        }
    };
    let chunks = row.chunks_exact(LANES);
    let rest = chunks
        .remainder()
        .iter()
        .fold(row[0], |best, &x| pick(best, x));
    for chunk in chunks {
        for (lane, &x) in lanes.iter_mut().zip(chunk) {
            *lane = pick(*lane, x);
        }
    }
    lanes.iter().fold(rest, |best, &x| pick(best, x))
}
