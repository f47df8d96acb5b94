//! Transposed convolutions over one, two and three axes.
//!
//! The product with the weight gives a patch for every place of the input; the patches are added
//! where they overlap.

use candle_core::{DType, Result, Tensor};

use super::conv::{in_number, parts, spatial, with_bias};
use super::linear::matmul;
use super::slices::{Number, with_slice};
use super::unfold::fold;
use super::window::{Axes, Window, five_axes, three, without_added};

/// `torch.nn.functional.conv_transpose1d`.
///
/// `x`: `(batch, in, length)` or `(in, length)`, `weight`: `(in, out / groups, kernel)`,
/// `bias`: `(out,)`.
#[expect(clippy::too_many_arguments, reason = "PyTorch's own arguments")]
pub fn conv_transpose1d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: impl Into<Axes<1>>,
    padding: impl Into<Axes<1>>,
    output_padding: impl Into<Axes<1>>,
    groups: usize,
    dilation: impl Into<Axes<1>>,
) -> Result<Tensor> {
    let sizes = [
        stride.into(),
        padding.into(),
        output_padding.into(),
        dilation.into(),
    ];
    transposed("conv_transpose1d", x, weight, bias, sizes, groups)
}

/// `torch.nn.functional.conv_transpose2d`.
///
/// `x`: `(batch, in, height, width)` or `(in, height, width)`,
/// `weight`: `(in, out / groups, kernel height, kernel width)`, `bias`: `(out,)`.
#[expect(clippy::too_many_arguments, reason = "PyTorch's own arguments")]
pub fn conv_transpose2d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: impl Into<Axes<2>>,
    padding: impl Into<Axes<2>>,
    output_padding: impl Into<Axes<2>>,
    groups: usize,
    dilation: impl Into<Axes<2>>,
) -> Result<Tensor> {
    let sizes = [
        stride.into(),
        padding.into(),
        output_padding.into(),
        dilation.into(),
    ];
    transposed("conv_transpose2d", x, weight, bias, sizes, groups)
}

/// `torch.nn.functional.conv_transpose3d`.
///
/// `x`: `(batch, in, depth, height, width)` or `(in, depth, height, width)`,
/// `weight`: `(in, out / groups, kernel depth, kernel height, kernel width)`, `bias`: `(out,)`.
#[expect(clippy::too_many_arguments, reason = "PyTorch's own arguments")]
pub fn conv_transpose3d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: impl Into<Axes<3>>,
    padding: impl Into<Axes<3>>,
    output_padding: impl Into<Axes<3>>,
    groups: usize,
    dilation: impl Into<Axes<3>>,
) -> Result<Tensor> {
    let sizes = [
        stride.into(),
        padding.into(),
        output_padding.into(),
        dilation.into(),
    ];
    transposed("conv_transpose3d", x, weight, bias, sizes, groups)
}

/// `sizes`: stride, padding, output padding, dilation.
fn transposed<const N: usize>(
    name: &str,
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    sizes: [Axes<N>; 4],
    groups: usize,
) -> Result<Tensor> {
    let (x, batched) = five_axes::<N>(x, name)?;
    let (weight, true) = five_axes::<N>(weight, name)? else {
        candle_core::bail!("{name}: a weight has {} axes, not one less", N + 2)
    };
    let (channels, per_group) = (x.dims()[1], weight.dims()[1]);
    if groups == 0 || weight.dims()[0] != channels || channels % groups != 0 {
        candle_core::bail!(
            "{name}: {groups} groups do not fit an input of {:?} and a weight of {:?}",
            x.shape(),
            weight.shape()
        )
    }
    let [stride, padding, output_padding, dilation] = sizes.map(|Axes(each)| each);
    let missing = [1, 0, 0, 1];
    let window = Window {
        kernel: spatial(&weight),
        stride: three(stride, missing[0]),
        padding: three(padding, missing[1]).map(|side| (side, side)),
        dilation: three(dilation, missing[3]),
    };
    let output = output_size(
        name,
        &window,
        spatial(&x),
        three(output_padding, missing[2]),
    )?;
    let shape = [&[x.dims()[0], per_group * groups], &output[..]].concat();
    let y = in_number(&x, |x| {
        let weight = weight.to_dtype(x.dtype())?;
        let y = if x.elem_count() == 0 || weight.elem_count() == 0 {
            Tensor::zeros(&shape[..], x.dtype(), x.device())?
        } else {
            match x.dtype() {
                DType::F32 => by_dtype::<f32>(x, &weight, groups, &window, &shape)?,
                DType::F64 => by_dtype::<f64>(x, &weight, groups, &window, &shape)?,
                _ => by_dtype::<i64>(x, &weight, groups, &window, &shape)?,
            }
        };
        with_bias(y, bias)
    })?;
    without_added::<N>(&y, batched)
}

fn output_size(
    name: &str,
    window: &Window,
    input: [usize; 3],
    output_padding: [usize; 3],
) -> Result<[usize; 3]> {
    let mut output = [0; 3];
    for axis in 0..3 {
        let sides = window.padding[axis].0 + window.padding[axis].1;
        let reach = window.reach(axis) + output_padding[axis];
        let full = input[axis].saturating_sub(1) * window.stride[axis] + reach;
        if input[axis] == 0 || full <= sides {
            candle_core::bail!(
                "{name}: padding of {sides} leaves nothing of an output of {full} elements"
            )
        }
        output[axis] = full - sides;
    }
    Ok(output)
}

/// `shape` is that of the result, of five axes.
fn by_dtype<T: Number>(
    x: &Tensor,
    weight: &Tensor,
    groups: usize,
    window: &Window,
    shape: &[usize],
) -> Result<Tensor> {
    let (places, output) = (spatial(x), [shape[2], shape[3], shape[4]]);
    let (batch, per_group) = (x.dims()[0], x.dims()[1] / groups);
    let rows = shape[1] / groups * window.kernel.iter().product::<usize>();
    let weight = weight.reshape((groups, per_group, rows))?.transpose(1, 2)?;
    let x = x.reshape((batch, groups, per_group, ()))?;
    let mut result = vec![T::ZERO; shape.iter().product()];
    let size = result.len() / batch;
    for (index, image) in result.chunks_exact_mut(size).enumerate() {
        let x = x.narrow(0, index, 1)?.squeeze(0)?;
        for columns in parts(groups * rows, places) {
            let x = x.narrow(2, columns.start, columns.len())?;
            with_slice::<T, _>(&matmul(&weight, &x)?, |patches| {
                fold(patches, image, output, window, places, columns);
                Ok(())
            })?;
        }
    }
    Tensor::from_vec(result, shape, x.device())
}
