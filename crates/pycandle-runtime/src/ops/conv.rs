//! Convolutions over one, two and three axes.
//!
//! On the CPU they are products with the matrix of patches, a part of it at a time, or plain loops
//! where a group has one input channel.

use candle_core::{DType, Result, Tensor};

use super::linear::matmul;
use super::promote::in_float;
use super::slices::{Number, with_slice};
use super::unfold::{direct, unfold};
use super::window::{Axes, Padding, Window, five_axes, three, without_added};
use crate::kernels::conv::{self, PackedConv};
use crate::kernels::{self, Epilogue};

/// How many elements of the matrix of patches are made at a time; about what a CPU caches.
const PART: usize = 1 << 20;
/// A part has at least so many columns, for the product's sake.
const LEAST_COLUMNS: usize = 256;

/// `torch.nn.functional.conv1d`.
///
/// `x`: `(batch, in, length)` or `(in, length)`, `weight`: `(out, in / groups, kernel)`,
/// `bias`: `(out,)`.
pub fn conv1d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: impl Into<Axes<1>>,
    padding: impl Into<Padding<1>>,
    dilation: impl Into<Axes<1>>,
    groups: usize,
) -> Result<Tensor> {
    let window = (stride.into(), padding.into(), dilation.into());
    convolution("conv1d", weight, window, groups).of(x, bias)
}

/// `torch.nn.functional.conv2d`.
///
/// `x`: `(batch, in, height, width)` or `(in, height, width)`,
/// `weight`: `(out, in / groups, kernel height, kernel width)`, `bias`: `(out,)`.
pub fn conv2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: impl Into<Axes<2>>,
    padding: impl Into<Padding<2>>,
    dilation: impl Into<Axes<2>>,
    groups: usize,
) -> Result<Tensor> {
    let window = (stride.into(), padding.into(), dilation.into());
    convolution("conv2d", weight, window, groups).of(x, bias)
}

/// `torch.nn.functional.conv3d`.
///
/// `x`: `(batch, in, depth, height, width)` or `(in, depth, height, width)`,
/// `weight`: `(out, in / groups, kernel depth, kernel height, kernel width)`, `bias`: `(out,)`.
pub fn conv3d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: impl Into<Axes<3>>,
    padding: impl Into<Padding<3>>,
    dilation: impl Into<Axes<3>>,
    groups: usize,
) -> Result<Tensor> {
    let window = (stride.into(), padding.into(), dilation.into());
    convolution("conv3d", weight, window, groups).of(x, bias)
}

fn convolution<'a, const N: usize>(
    name: &'a str,
    weight: &'a Tensor,
    (stride, padding, dilation): (Axes<N>, Padding<N>, Axes<N>),
    groups: usize,
) -> Convolution<'a, N> {
    Convolution {
        name,
        weight,
        packed: None,
        stride: stride.0,
        padding: padding.0,
        dilation: dilation.0,
        groups,
    }
}

/// A convolution over `N` axes, but for its input and its bias.
pub(crate) struct Convolution<'a, const N: usize> {
    /// As errors name it.
    pub name: &'a str,
    /// `(out, in / groups, kernel…)`
    pub weight: &'a Tensor,
    /// Where its packed forms are kept, for the next call.
    pub packed: Option<&'a PackedConv>,
    pub stride: [usize; N],
    pub padding: [(usize, usize); N],
    pub dilation: [usize; N],
    pub groups: usize,
}

impl<const N: usize> Convolution<'_, N> {
    /// By a kernel, with what the epilogue says; `None` if there is none for these tensors.
    ///
    /// `residual` has the output's shape, and takes the place of the epilogue's own.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn fused(
        &self,
        x: &Tensor,
        residual: Option<&Tensor>,
        epilogue: &Epilogue<'_>,
    ) -> Result<Option<Tensor>> {
        let (x, batched) = five_axes::<N>(x, self.name)?;
        let (_, window, _) = self.window(&x)?;
        let residual = residual.map(|residual| five_axes::<N>(residual, self.name));
        let residual = residual.transpose()?.map(|(residual, _)| residual);
        let weight = conv::Weight {
            tensor: self.weight,
            groups: self.groups,
            packed: self.packed,
        };
        match conv::convolve(&x, weight, &window, residual.as_ref(), epilogue)? {
            Some(y) => without_added::<N>(&y, batched).map(Some),
            None => Ok(None),
        }
    }

    /// The convolution of `x`, and a bias for each channel of it.
    ///
    /// # Errors
    /// If the sizes do not fit.
    pub fn of(&self, x: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
        if kernels::takes(x)? && bias.is_none_or(|bias| bias.dtype() == DType::F32) {
            let shift = bias.map(Tensor::to_vec1).transpose()?;
            let epilogue = Epilogue {
                shift: shift.as_deref(),
                ..Epilogue::default()
            };
            if let Some(y) = self.fused(x, None, &epilogue)? {
                return Ok(y);
            }
        }
        let (x, batched) = five_axes::<N>(x, self.name)?;
        let (weight, window, places) = self.window(&x)?;
        // PyTorch gives no channels where there are none, whatever the weight says.
        let (out, bias) = match x.dims()[1] {
            0 => (0, None),
            _ => (weight.dims()[0], bias),
        };
        let y = in_number(&x, |x| {
            let weight = weight.to_dtype(x.dtype())?;
            let y = if x.elem_count() == 0 || weight.elem_count() == 0 {
                let shape = [&[x.dims()[0], out], &places[..]].concat();
                Tensor::zeros(shape, x.dtype(), x.device())?
            } else if x.device().is_cpu() || !x.dtype().is_float() {
                on_cpu(x, &weight, self.groups, &window, places)?
            } else {
                on_device::<N>(x, &weight, self.groups, &window, places)?
            };
            with_bias(y, bias)
        })?;
        without_added::<N>(&y, batched)
    }

    /// The weight with five axes, as `x` has them, the window, and its places.
    fn window(&self, x: &Tensor) -> Result<(Tensor, Window, [usize; 3])> {
        let (name, groups) = (self.name, self.groups);
        let (weight, true) = five_axes::<N>(self.weight, name)? else {
            candle_core::bail!("{name}: a weight has {} axes, not one less", N + 2)
        };
        let window = Window {
            kernel: spatial(&weight),
            stride: three(self.stride, 1),
            padding: three(self.padding, (0, 0)),
            dilation: three(self.dilation, 1),
        };
        let (out, per_group) = (weight.dims()[0], weight.dims()[1]);
        if groups == 0 || per_group * groups != x.dims()[1] || out % groups != 0 {
            candle_core::bail!(
                "{name}: {groups} groups do not fit an input of {:?} and a weight of {:?}",
                x.shape(),
                weight.shape()
            )
        }
        let places = window.places(spatial(x))?;
        Ok((weight, window, places))
    }
}

/// Halves in f32, rounded once at the end; integers as they are.
pub(crate) fn in_number(x: &Tensor, f: impl FnOnce(&Tensor) -> Result<Tensor>) -> Result<Tensor> {
    if x.dtype().is_float() {
        in_float(x, f)
    } else {
        f(&x.to_dtype(DType::I64)?)?.to_dtype(x.dtype())
    }
}

/// Adds a number to each channel of `(batch, channels, depth, height, width)`.
pub(crate) fn with_bias(y: Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let Some(bias) = bias else { return Ok(y) };
    let bias = bias.to_dtype(y.dtype())?.reshape(((), 1, 1, 1))?;
    y.broadcast_add(&bias)
}

/// The last three sizes.
pub(crate) fn spatial(x: &Tensor) -> [usize; 3] {
    [x.dims()[2], x.dims()[3], x.dims()[4]]
}

fn on_cpu(
    x: &Tensor,
    weight: &Tensor,
    groups: usize,
    window: &Window,
    places: [usize; 3],
) -> Result<Tensor> {
    match x.dtype() {
        DType::F32 => by_dtype::<f32>(x, weight, groups, window, places),
        DType::F64 => by_dtype::<f64>(x, weight, groups, window, places),
        _ => by_dtype::<i64>(x, weight, groups, window, places),
    }
}

fn by_dtype<T: Number>(
    x: &Tensor,
    weight: &Tensor,
    groups: usize,
    window: &Window,
    places: [usize; 3],
) -> Result<Tensor> {
    let (input, (out, per_group)) = (spatial(x), (weight.dims()[0], weight.dims()[1]));
    let shape = [&[x.dims()[0], out], &places[..]].concat();
    if per_group == 1 && groups > 1 {
        let result = with_slice::<T, _>(x, |x| {
            with_slice::<T, _>(weight, |weight| {
                Ok(direct(
                    x,
                    weight,
                    groups,
                    out / groups,
                    input,
                    window,
                    places,
                ))
            })
        })?;
        return Tensor::from_vec(result, shape, x.device());
    }
    let pointwise = window.reach(0) * window.reach(1) * window.reach(2) == 1
        && places == input
        && window.stride == [1; 3];
    let rows = per_group * window.kernel.iter().product::<usize>();
    let weight = weight.reshape((groups, out / groups, rows))?;
    let images: Vec<Tensor> = (0..x.dims()[0])
        .map(|image| {
            let image = x.narrow(0, image, 1)?;
            if pointwise {
                return matmul(&weight, &image.reshape((groups, per_group, ()))?);
            }
            let parts = with_slice::<T, _>(&image, |image| {
                parts(groups * rows, places)
                    .map(|columns| {
                        let width = columns.len();
                        let patches = unfold(image, input, window, places, columns);
                        let patches = Tensor::from_vec(patches, (groups, rows, width), x.device())?;
                        matmul(&weight, &patches)
                    })
                    .collect::<Result<Vec<_>>>()
            })?;
            joined(parts, 2)
        })
        .collect::<Result<_>>()?;
    joined(images, 0)?.reshape(shape)
}

/// Ranges of columns, each with about as many elements in `rows` rows as a part has.
pub(crate) fn parts(
    rows: usize,
    places: [usize; 3],
) -> impl Iterator<Item = std::ops::Range<usize>> {
    let count: usize = places.iter().product();
    let width = (PART / rows.max(1)).max(LEAST_COLUMNS);
    (0..count)
        .step_by(width)
        .map(move |start| start..(start + width).min(count))
}

/// Tensors joined along an axis; a lone one as it is.
pub(crate) fn joined(mut tensors: Vec<Tensor>, dim: usize) -> Result<Tensor> {
    match (tensors.pop(), tensors.is_empty()) {
        (Some(only), true) => Ok(only),
        (Some(last), false) => {
            tensors.push(last);
            Tensor::cat(&tensors, dim)
        }
        (None, _) => candle_core::bail!("nothing to join"),
    }
}

/// Candle's own kernels where they have the window, else the CPU's.
fn on_device<const N: usize>(
    x: &Tensor,
    weight: &Tensor,
    groups: usize,
    window: &Window,
    places: [usize; 3],
) -> Result<Tensor> {
    let first = 3 - N;
    let same = |each: &[usize]| each.iter().all(|one| *one == each[0]);
    let sides = window.padding.map(|(before, after)| [before, after]);
    let uniform = same(&window.stride[first..])
        && same(&window.dilation[first..])
        && same(sides[first..].as_flattened());
    if N == 3 || !uniform {
        return on_cpu(x, weight, groups, window, places);
    }
    let (x, weight) = (x.contiguous()?, weight.contiguous()?);
    let shape = [&[x.dims()[0], weight.dims()[0]], &places[..]].concat();
    let (padding, stride, dilation) = (sides[2][0], window.stride[2], window.dilation[2]);
    if N == 1 {
        let (x, weight) = (x.flatten(2, 4)?, weight.flatten(2, 4)?);
        return x
            .conv1d(&weight, padding, stride, dilation, groups)?
            .reshape(shape);
    }
    let (x, weight) = (x.flatten(2, 3)?, weight.flatten(2, 3)?);
    x.conv2d(&weight, padding, stride, dilation, groups)?
        .reshape(shape)
}
