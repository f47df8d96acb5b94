//! Elements of tensors at given indices along one axis.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, Ordering};

use candle_core::{CpuStorage, Result, Storage, Tensor};

use super::elements::{elements, written};
use super::isa::isa;
use super::threads::parallel_rows;
use super::walk::Walk;

/// About how long an element takes.
const NANOSECONDS: f64 = 1.5;

/// For each place of `index`, the element of `x` with its coordinates, but the index along `dim`.
///
/// `None` for what there is no kernel for, and for indices that are wrong: who calls this says how.
///
/// # Errors
/// If `PYCANDLE_KERNELS` is wrong.
pub fn gather(x: &Tensor, dim: usize, index: &Tensor) -> Result<Option<Tensor>> {
    let (Some(_), Some(from)) = (isa()?, elements(x)) else {
        return Ok(None);
    };
    let mut axes = index.dims().iter().zip(x.dims()).enumerate();
    let fits = axes.all(|(axis, (count, size))| axis == dim || count <= size);
    let is_known = x.rank() == index.rank() && dim < x.rank() && fits;
    if !is_known || index.elem_count() == 0 || x.elem_count() == 0 {
        return Ok(None);
    }
    let (storage, layout) = index.storage_and_layout();
    let axes = index.dims().iter().zip(layout.stride());
    let axes = axes.zip(from.strides()).enumerate();
    let walk = Walk::new(axes.map(|(axis, ((&size, &of_index), &of_x))| {
        (size, [of_index, if axis == dim { 0 } else { of_x }])
    }));
    let picked = Picked {
        from: from.from_first(),
        size: x.dims()[dim],
        stride: from.strides()[dim],
        walk,
    };
    let start = layout.start_offset();
    match &*storage {
        Storage::Cpu(CpuStorage::I64(values)) => {
            let place = |index: i64| usize::try_from(index).unwrap_or(usize::MAX);
            picked.at(&values[start..], place, index.dims())
        }
        Storage::Cpu(CpuStorage::U32(values)) => {
            picked.at(&values[start..], |index| index as usize, index.dims())
        }
        _ => Ok(None),
    }
}

/// What elements are picked of, and along which axis.
struct Picked<'a> {
    from: &'a [f32],
    size: usize,
    stride: usize,
    /// Through the indices, and through the elements at index 0 beside them.
    walk: Walk<2>,
}

impl Picked<'_> {
    fn at<I: Copy + Sync>(
        &self,
        indices: &[I],
        place: impl Fn(I) -> usize + Sync,
        dims: &[usize],
    ) -> Result<Option<Tensor>> {
        let (length, [near_index, near_from]) = self.walk.run();
        let wrong = AtomicBool::new(false);
        let write = |out: &mut [MaybeUninit<f32>]| {
            let nanoseconds = out.len() as f64 * NANOSECONDS;
            parallel_rows(out, length, nanoseconds, |first, out| {
                let mut all_right = true;
                let runs = first..first + out.len() / length;
                let mut rows = out.chunks_exact_mut(length);
                self.walk.each_run(runs, |[at_index, at_from]| {
                    let row = rows.next().unwrap_or_default();
                    let (indices, from) = (&indices[at_index..], &self.from[at_from..]);
                    for (k, out) in row.iter_mut().enumerate() {
                        let chosen = place(indices[k * near_index]);
                        all_right &= chosen < self.size;
                        let chosen = chosen.min(self.size - 1);
                        out.write(from[k * near_from + chosen * self.stride]);
                    }
                });
                if !all_right {
                    wrong.store(true, Ordering::Relaxed);
                }
            });
        };
        // SAFETY: the runs have all elements of `dims`, and each of them is written.
        let out = unsafe { written(dims, write) }?;
        Ok((!wrong.into_inner()).then_some(out))
    }
}
