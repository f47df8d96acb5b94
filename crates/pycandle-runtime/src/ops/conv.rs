//! Convolutions.

use candle_core::{Result, Tensor};

use super::promote::in_float;

/// `torch.nn.functional.conv1d` with zero padding on both sides.
///
/// `x`: `(batch, in, length)` or `(in, length)`, `weight`: `(out, in / groups, kernel)`,
/// `bias`: `(out,)`.
pub fn conv1d(
    x: &Tensor,
    weight: &Tensor,
    bias: Option<&Tensor>,
    stride: usize,
    padding: usize,
    dilation: usize,
    groups: usize,
) -> Result<Tensor> {
    if x.rank() == 2 {
        let y = conv1d(
            &x.unsqueeze(0)?,
            weight,
            bias,
            stride,
            padding,
            dilation,
            groups,
        )?;
        return y.squeeze(0);
    }
    let (batch, channels, length) = x.dims3()?;
    let (out, per_group, kernel) = weight.dims3()?;
    if groups == 0 || per_group * groups != channels || out % groups != 0 {
        candle_core::bail!(
            "conv1d: {groups} groups do not fit an input of {:?} and a weight of {:?}",
            x.shape(),
            weight.shape()
        )
    }
    let (padded, reach) = (length + 2 * padding, dilation * (kernel.max(1) - 1) + 1);
    if stride == 0 || padded < reach {
        candle_core::bail!(
            "conv1d: a kernel that reaches over {reach} does not fit a padded length of {padded}"
        )
    }
    if batch == 0 {
        return Tensor::zeros(
            (0, out, (padded - reach) / stride + 1),
            x.dtype(),
            x.device(),
        );
    }
    in_float(x, |x| {
        let weight = weight.to_dtype(x.dtype())?.contiguous()?;
        let y = x
            .contiguous()?
            .conv1d(&weight, padding, stride, dilation, groups)?;
        match bias {
            Some(bias) => y.broadcast_add(&bias.to_dtype(x.dtype())?.reshape((1, out, 1))?),
            None => Ok(y),
        }
    })
}
