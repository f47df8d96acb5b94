//! Convolutions over one and two axes.
//!
//! The output lies channel beside channel (NHWC) behind its PyTorch shape, and the input is taken so
//! best: the layout travels with the tensor from one convolution to the next.
//! Where each channel has a window of its own a convolution is a sum over taps for vectors of channels
//! ([`depthwise`]); all others are products of pixels and packed weights ([`dense`]), with fewer
//! products where a window of 3×3 allows that ([`winograd`]).

mod dense;
mod depthwise;
mod images;
mod packed;

use std::borrow::Cow;

use candle_core::{Result, Tensor};

use super::elements::{elements, written};
use super::epilogue::Epilogue;
use super::gemm::Target;
use super::isa::{Isa, dispatch, isa};
use super::winograd::{self, Plane};
use crate::ops::Window;
use images::{Geometry, Images, Moderate};
pub use packed::PackedConv;
use packed::is_depthwise;

/// With fewer channels on one side, making the sums takes longer than the products that they save.
const LEAST_CHANNELS: usize = 32;
/// With fewer pixels, reading the weight takes longer, whose sums are more numbers than it has.
const LEAST_PIXELS: usize = 100;

/// A convolution's weight.
#[derive(Debug, Clone, Copy)]
pub struct Weight<'a> {
    /// `(out, in / groups, spatial…)`
    pub tensor: &'a Tensor,
    pub groups: usize,
    /// Where its packed forms are kept, for the next call.
    pub packed: Option<&'a PackedConv>,
}

/// The convolution of `(batch, in, 1, height, width)`, and what the epilogue says.
///
/// `residual` has the output's shape, and takes the place of the epilogue's own.
/// `None` if it is none of f32 tensors on the CPU, one over depth too, or one of nothing.
///
/// # Errors
/// If the window does not fit, or `PYCANDLE_KERNELS` is wrong.
pub fn convolve(
    x: &Tensor,
    weight: Weight<'_>,
    window: &Window,
    residual: Option<&Tensor>,
    epilogue: &Epilogue<'_>,
) -> Result<Option<Tensor>> {
    let Some(isa) = isa()? else { return Ok(None) };
    let Some(geometry) = Geometry::new(x.dims(), weight.tensor.dims(), weight.groups, window)?
    else {
        return Ok(None);
    };
    let Some(values) = elements(x) else {
        return Ok(None);
    };
    if !epilogue.fits(geometry.out) {
        candle_core::bail!(
            "the numbers of an epilogue are not those of {} channels",
            geometry.out
        )
    }
    let residual = match residual {
        Some(residual) if residual.rank() == 5 => {
            Some(residual.permute((0, 2, 3, 4, 1))?.contiguous()?)
        }
        Some(_) => return Ok(None),
        None => None,
    };
    let shape = geometry.shape();
    if residual
        .as_ref()
        .is_some_and(|residual| residual.dims() != shape)
    {
        return Ok(None);
    }
    let residual = residual.as_ref().map(elements);
    let residual = match &residual {
        Some(Some(residual)) => residual.in_order(),
        Some(None) => return Ok(None),
        None => None,
    };
    let task = Task {
        isa,
        geometry,
        images: Images::new(values.from_first(), values.strides()),
        epilogue: Epilogue {
            residual,
            ..*epilogue
        },
    };
    let y = match task.with_fewer_products(weight)? {
        Some(y) => Some(y),
        None => task.directly(weight)?,
    };
    y.map(|y| y.permute((0, 4, 1, 2, 3))).transpose()
}

/// All of a convolution but its weight.
struct Task<'a> {
    isa: Isa,
    geometry: Geometry,
    images: Images<'a>,
    epilogue: Epilogue<'a>,
}

impl Task<'_> {
    fn directly(&self, weight: Weight<'_>) -> Result<Option<Tensor>> {
        let (isa, geometry, epilogue) = (self.isa, &self.geometry, &self.epilogue);
        let kept = match weight.packed {
            Some(packed) => packed.matrices(weight.tensor, weight.groups)?,
            None => None,
        };
        let matrices = match kept {
            Some(matrices) => Cow::Borrowed(matrices),
            None => match packed::matrices(weight.tensor, weight.groups)? {
                Some(matrices) => Cow::Owned(matrices),
                None => return Ok(None),
            },
        };
        let [out, inner, taps, groups] = geometry.sizes();
        let columns = |matrix: &super::panels::Panels| matrix.columns() * matrices.len() == out;
        let depthwise = is_depthwise(out, inner, groups);
        if matrices.len() != if depthwise { 1 } else { groups }
            || !matrices
                .iter()
                .all(|m| columns(m) && m.depth() == taps * inner)
        {
            candle_core::bail!("a packed weight was made for another number of groups")
        }
        let copy;
        let mut images = self.images;
        if depthwise && images.channel != 1 {
            copy = images::beside(isa, &images, geometry.images, geometry.input, out);
            images = Images::dense(&copy, geometry.input, out);
        }
        // SAFETY: both write every channel of every pixel.
        let y = unsafe {
            written(&geometry.shape()[..], |y| {
                if depthwise {
                    depthwise::convolve(isa, &images, &matrices[0], geometry, epilogue, y);
                } else {
                    dense::convolve(isa, &images, &matrices, geometry, epilogue, y);
                }
            })?
        };
        Ok(Some(y))
    }

    /// By [`winograd`]; `None` where that does not pay, or might give what is no number for a pixel
    /// that sees only numbers.
    fn with_fewer_products(&self, weight: Weight<'_>) -> Result<Option<Tensor>> {
        let geometry = &self.geometry;
        let [out, inner, _, groups] = geometry.sizes();
        let ([height, width], [above, _]) = (geometry.output, geometry.padding);
        let fits = geometry.kernel == [3, 3]
            && geometry.stride == [1, 1]
            && geometry.dilation == [1, 1]
            && groups == 1;
        let pays = inner.min(out) >= LEAST_CHANNELS && height * width >= LEAST_PIXELS;
        let (true, Some(packed)) = (fits && pays, weight.packed) else {
            return Ok(None);
        };
        let Some(sums) = packed.transformed(weight.tensor)? else {
            return Ok(None);
        };
        let copy;
        let images = match self.images.in_order(geometry) {
            Some(values) => values,
            None => {
                copy = images::beside(
                    self.isa,
                    &self.images,
                    geometry.images,
                    geometry.input,
                    inner,
                );
                &copy
            }
        };
        if !dispatch(self.isa, Moderate(images)) {
            return Ok(None);
        }
        let each = height * width * out;
        // SAFETY: every channel of every pixel of every image is written.
        let y = unsafe {
            written(&geometry.shape()[..], |y| {
                let size = images.len() / geometry.images;
                for (image, y) in y.chunks_exact_mut(each).enumerate() {
                    let plane = Plane {
                        image: &images[image * size..][..size],
                        height: geometry.input[0],
                        width: geometry.input[1],
                        padding: (above.0, geometry.padding[1].0),
                        output: (height, width),
                    };
                    let residual = self.epilogue.residual;
                    let epilogue = Epilogue {
                        residual: residual.map(|all| &all[image * each..][..each]),
                        ..self.epilogue
                    };
                    let target = Target::new(y.as_mut_ptr().cast(), out);
                    winograd::convolve(self.isa, &plane, sums, &epilogue, target);
                }
            })?
        };
        Ok(Some(y))
    }
}
