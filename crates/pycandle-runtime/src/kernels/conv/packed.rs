//! Weights in the order in which the kernels read them.

use std::sync::Arc;

use candle_core::{Result, Tensor};

use crate::kernels::elements::elements;
use crate::kernels::kept::Kept;
use crate::kernels::panels::Panels;
use crate::kernels::winograd::Transformed;

/// What is made of a convolution's weight, each form when it is first needed, once for all clones.
#[derive(Debug, Clone, Default)]
pub struct PackedConv(Arc<Forms>);

#[derive(Debug, Default)]
struct Forms {
    matrices: Kept<Vec<Panels>>,
    transformed: Kept<Transformed>,
}

impl PackedConv {
    /// For each group the matrix that pixels are multiplied by, with a column for each output channel
    /// and a row for each tap and input channel; a depthwise convolution has one with a column for
    /// each channel.
    ///
    /// The weight is `(out, in / groups, spatial…)`. `None` unless it is an f32 tensor on the CPU that
    /// has such groups, and the one of the first call.
    ///
    /// # Errors
    /// If Candle cannot lay it out.
    pub(super) fn matrices(&self, weight: &Tensor, groups: usize) -> Result<Option<&[Panels]>> {
        let found = self
            .0
            .matrices
            .of(&[weight], &(), || matrices(weight, groups));
        found.map(|found| found.map(Vec::as_slice))
    }

    /// The sums of a weight `(out, in, 3, 3)` for [`winograd`](crate::kernels::winograd).
    ///
    /// `None` as for [`matrices`](Self::matrices), and if an element is not finite.
    ///
    /// # Errors
    /// As there.
    pub(super) fn transformed(&self, weight: &Tensor) -> Result<Option<&Transformed>> {
        self.0
            .transformed
            .of(&[weight], &(), || transformed(weight))
    }
}

/// A matrix for each group; one of all channels where each is by itself.
pub(super) fn matrices(weight: &Tensor, groups: usize) -> Result<Option<Vec<Panels>>> {
    let &[out, inner, ref spatial @ ..] = weight.dims() else {
        return Ok(None);
    };
    if groups == 0 || !out.is_multiple_of(groups) {
        return Ok(None);
    }
    let taps: usize = spatial.iter().product();
    // Input channels lie beside each other under each tap, as those of the pixels do.
    let weight = weight.flatten_from(2)?.transpose(1, 2)?.contiguous()?;
    let found = elements(&weight);
    let Some(values) = found.as_ref().and_then(|found| found.in_order()) else {
        return Ok(None);
    };
    let parts = match is_depthwise(out, inner, groups) {
        true => 1,
        false => groups,
    };
    let size = (taps * inner, out / parts);
    let matrix = |values: &[f32]| Panels::pack(values, size, (1, taps * inner));
    let each = (values.len() / parts).max(1);
    Ok(Some(values.chunks_exact(each).map(matrix).collect()))
}

fn transformed(weight: &Tensor) -> Result<Option<Transformed>> {
    let &[out, inner, 3, 3] = weight.dims() else {
        return Ok(None);
    };
    let weight = weight.contiguous()?;
    let found = elements(&weight);
    let values = found.as_ref().and_then(|found| found.in_order());
    let finite = values.filter(|values| values.iter().all(|value| value.is_finite()));
    Ok(finite.map(|values| Transformed::new(values, out, inner)))
}

/// Whether each output channel has an input channel of its own.
pub fn is_depthwise(out: usize, inner: usize, groups: usize) -> bool {
    inner == 1 && groups == out && groups > 1
}
