//! Weights that are stored as a direction and a length (`torch.nn.utils.weight_norm`).

use candle_core::{DType, Result, Tensor};

use super::promote::sum_dtype;
use super::reduce::sum;

/// The p-norm of a tensor over all axes but one; over all of them without an axis.
pub fn norm_except_dim(v: &Tensor, p: i64, dim: Option<usize>) -> Result<Tensor> {
    let others: Vec<usize> = (0..v.rank()).filter(|&axis| dim != Some(axis)).collect();
    let wide = v.to_dtype(sum_dtype(v.dtype(), v.device()))?.abs()?;
    let powers = match p {
        2 => wide.sqr()?,
        _ => wide.powf(p as f64)?,
    };
    let total = match (&others[..], dim) {
        ([], Some(_)) => powers,
        (dims, _) => sum(&powers, dims, dim.is_some())?,
    };
    let norm = match p {
        2 => total.sqrt()?,
        _ => total.powf(1.0 / p as f64)?,
    };
    norm.to_dtype(v.dtype())
}

/// `v g / |v|`: the direction of `v`, with the length of `g` along an axis; over all of `v` without
/// an axis.
pub fn weight_norm(v: &Tensor, g: &Tensor, dim: Option<usize>) -> Result<Tensor> {
    weight_norm_interface(v, g, dim).map(|(weight, _)| weight)
}

/// [`weight_norm`], and the norms that it divides by, in f32 for halves.
pub fn weight_norm_interface(
    v: &Tensor,
    g: &Tensor,
    dim: Option<usize>,
) -> Result<(Tensor, Tensor)> {
    let dtype = v.dtype();
    let wide = |x: &Tensor| match x.dtype() {
        DType::F16 | DType::BF16 => x.to_dtype(DType::F32),
        _ => Ok(x.clone()),
    };
    let direction = wide(v)?;
    let norm = norm_except_dim(&direction, 2, dim)?;
    let weight = direction.broadcast_mul(&wide(g)?.broadcast_div(&norm)?)?;
    Ok((weight.to_dtype(dtype)?, norm))
}
