//! Products of tensors that matrix products or elementwise ones are made of.

use candle_core::{DType, Result, Shape, Tensor};

use super::arithmetic::{add, mul, sub};
use super::linear::matmul;
use super::reduce::sum;

/// Every element of one vector times every element of another: `(n,)` and `(m,)` to `(n, m)`.
pub fn outer(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    mul(&a.unsqueeze(1)?, b)
}

/// Sums of products over the last axis of both: `(…, k)` and `(…, k)` to their other axes; where
/// one has no axes, the plain product.
pub fn inner(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match (a.rank(), b.rank()) {
        (0, _) | (_, 0) => mul(a, b),
        (last_a, last_b) => tensordot(a, b, &[last_a - 1], &[last_b - 1]),
    }
}

/// Sums of products over `a_dims` of `a` and `b_dims` of `b`, pair by pair.
///
/// Gives the other axes of `a`, then those of `b`. An axis of size 1 goes with any other.
pub fn tensordot(a: &Tensor, b: &Tensor, a_dims: &[usize], b_dims: &[usize]) -> Result<Tensor> {
    let (mut a, mut b) = (a.clone(), b.clone());
    for (&i, &j) in a_dims.iter().zip(b_dims) {
        match (a.dims()[i], b.dims()[j]) {
            (1, n) if n != 1 => b = summed(&b, j)?,
            (n, 1) if n != 1 => a = summed(&a, i)?,
            _ => {}
        }
    }
    let (a_free, b_free) = (others(&a, a_dims), others(&b, b_dims));
    let sizes = |x: &Tensor, dims: &[usize]| dims.iter().map(|&dim| x.dims()[dim]).collect();
    let (rows, columns): (Vec<usize>, Vec<usize>) = (sizes(&a, &a_free), sizes(&b, &b_free));
    let inner: usize = a_dims.iter().map(|&dim| a.dims()[dim]).product();
    let count = |sizes: &[usize]| sizes.iter().product::<usize>();
    let left = a.permute([&a_free[..], a_dims].concat())?;
    let right = b.permute([b_dims, &b_free[..]].concat())?;
    let product = matmul(
        &left.reshape((count(&rows), inner))?,
        &right.reshape((inner, count(&columns)))?,
    )?;
    product.reshape([rows, columns].concat())
}

/// The sum over one axis, which stays, in the tensor's own dtype.
fn summed(x: &Tensor, dim: usize) -> Result<Tensor> {
    sum(x, &[dim], true)?.to_dtype(x.dtype())
}

fn others(x: &Tensor, dims: &[usize]) -> Vec<usize> {
    (0..x.rank()).filter(|dim| !dims.contains(dim)).collect()
}

/// Kronecker product: each element of `a` times the whole of `b`, in blocks.
pub fn kron(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let rank = a.rank().max(b.rank());
    let sizes = |x: &Tensor| [&vec![1; rank - x.rank()], x.dims()].concat();
    let (rows, columns) = (sizes(a), sizes(b));
    // Axis by axis, a's size and then b's.
    let apart = |dims: &[usize], first: bool| -> Vec<usize> {
        let pair = |&size: &usize| if first { [size, 1] } else { [1, size] };
        dims.iter().flat_map(pair).collect()
    };
    let product = mul(
        &a.reshape(apart(&rows, true))?,
        &b.reshape(apart(&columns, false))?,
    )?;
    let shape: Vec<usize> = rows.iter().zip(&columns).map(|(n, m)| n * m).collect();
    product.reshape(shape)
}

/// `torch.nn.functional.bilinear`: `a weight[o] b + bias[o]` for each `o`.
///
/// `a`: `(…, in1)`, `b`: `(…, in2)`, `weight`: `(out, in1, in2)`; gives `(…, out)`.
pub fn bilinear(a: &Tensor, b: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let dtype = a.dtype();
    if matches!(dtype, DType::F16 | DType::BF16) {
        let wide = |x: &Tensor| x.to_dtype(DType::F32);
        let bias = bias.map(wide).transpose()?;
        return bilinear(&wide(a)?, &wide(b)?, &wide(weight)?, bias.as_ref())?.to_dtype(dtype);
    }
    let (outputs, a_width, b_width) = weight.dims3()?;
    let rows: usize = a.dims()[..a.rank() - 1].iter().product();
    // (rows, in1) by (in1, out * in2), then each row's (out, in2) by its (in2, 1).
    let table = weight
        .transpose(0, 1)?
        .reshape((a_width, outputs * b_width))?;
    let halfway =
        matmul(&a.reshape((rows, a_width))?, &table)?.reshape((rows, outputs, b_width))?;
    let y = matmul(&halfway, &b.reshape((rows, b_width, 1))?)?;
    let y = y.reshape([&a.dims()[..a.rank() - 1], &[outputs]].concat())?;
    match bias {
        Some(bias) => add(&y, bias),
        None => Ok(y),
    }
}

/// The product of three tensors, each with new axes of size 1, summed over some axes.
///
/// `expand` has the places of the new axes of each tensor, in ascending order.
pub fn trilinear(
    tensors: &[&Tensor; 3],
    expand: &[&[usize]; 3],
    sum_dims: &[usize],
) -> Result<Tensor> {
    let dtype = tensors[0].dtype();
    let expanded = |k: usize| {
        let x = match dtype {
            DType::F16 | DType::BF16 => tensors[k].to_dtype(DType::F32)?,
            _ => tensors[k].clone(),
        };
        expand[k].iter().try_fold(x, |x, &dim| x.unsqueeze(dim))
    };
    let product = mul(&mul(&expanded(0)?, &expanded(1)?)?, &expanded(2)?)?;
    match sum_dims {
        [] => product.to_dtype(dtype),
        _ => sum(&product, sum_dims, false)?.to_dtype(dtype),
    }
}

/// Cross product of vectors of three along an axis; all other axes broadcast.
pub fn linalg_cross(a: &Tensor, b: &Tensor, dim: usize) -> Result<Tensor> {
    let shape: Shape = a.shape().broadcast_shape_binary_op(b.shape(), "cross")?;
    if shape.dims().get(dim) != Some(&3) {
        candle_core::bail!("cross takes vectors of 3 along axis {dim}, not {shape:?}")
    }
    let dtype = a.dtype();
    if matches!(dtype, DType::F16 | DType::BF16) {
        let wide = |x: &Tensor| x.to_dtype(DType::F32);
        return linalg_cross(&wide(a)?, &wide(b)?, dim)?.to_dtype(dtype);
    }
    let part = |x: &Tensor, i: usize| x.broadcast_as(&shape)?.narrow(dim, i % 3, 1);
    let component = |i: usize| {
        let forward = mul(&part(a, i + 1)?, &part(b, i + 2)?)?;
        sub(&forward, &mul(&part(a, i + 2)?, &part(b, i + 1)?)?)
    };
    let parts = [component(0)?, component(1)?, component(2)?];
    Tensor::cat(&parts, dim)
}

/// The sum of a matrix's diagonal; integers add up to i64.
pub fn trace(x: &Tensor) -> Result<Tensor> {
    let (rows, columns) = x.dims2()?;
    let count = rows.min(columns) as u32;
    let places = (0..count).map(|i| i * (columns as u32 + 1));
    let places = Tensor::from_iter(places, x.device())?;
    sum(&x.flatten_all()?.index_select(&places, 0)?, &[0], false)
}
