//! Matrix products and linear maps.
//!
//! Halves are multiplied in f32 and rounded once; integers wrap around, as PyTorch's do.

use candle_core::{DType, Device, Result, Tensor};

use super::arithmetic::mul;
use super::promote::sum_dtype;
use super::weight::Weight;
use crate::kernels::product::{self, After};

/// `x weightᵀ + bias`: `(…, in)` by `(out, in)` to `(…, out)`, or by `(in,)` to `(…)`.
pub fn linear<'a>(
    x: &Tensor,
    weight: impl Into<Weight<'a>>,
    bias: Option<&Tensor>,
) -> Result<Tensor> {
    let weight = weight.into();
    let after = After {
        bias,
        ..After::default()
    };
    if let Some(y) = product::linear(x, weight.by_rows(), after)? {
        return Ok(y);
    }
    let weight = weight.tensor();
    let weight = match weight.rank() {
        2 => weight.t()?,
        _ => weight.clone(),
    };
    match bias {
        Some(bias) => addmm(bias, x, &weight),
        None => matmul(x, &weight),
    }
}

/// `input + a b`, the input broadcast; `a` and `b` as in [`matmul`].
pub fn addmm<'a>(input: &Tensor, a: &Tensor, b: impl Into<Weight<'a>>) -> Result<Tensor> {
    let b = b.into();
    let after = After {
        bias: Some(input),
        ..After::default()
    };
    if let Some(y) = product::linear(a, b.by_columns(), after)? {
        return Ok(y);
    }
    addmm_scaled(input, a, b, 1.0, 1.0)
}

/// `beta input + alpha (a b)`, the input broadcast; `a` and `b` as in [`matmul`].
///
/// With a `beta` of zero the input's values do not matter, NaN included; so with `alpha`.
/// Both are whole for integers.
pub fn addmm_scaled<'a>(
    input: &Tensor,
    a: &Tensor,
    b: impl Into<Weight<'a>>,
    beta: f64,
    alpha: f64,
) -> Result<Tensor> {
    let b = b.into();
    if !a.dtype().is_float() {
        return integer_addmm(input, a, b.tensor(), beta as i64, alpha as i64);
    }
    let dtype = a.dtype();
    let (left, right) = (widened(a)?, widened(b.tensor())?);
    let kept = right.dtype() == b.tensor().dtype();
    let product = matmul(&left, if kept { b } else { (&right).into() })?;
    let input = input.to_dtype(product.dtype())?;
    let product = match alpha {
        1.0 => product,
        0.0 => product.zeros_like()?,
        _ => mul(&product, alpha)?,
    };
    let sum = match beta {
        1.0 => product.broadcast_add(&input)?,
        0.0 => product,
        _ => product.broadcast_add(&mul(&input, beta)?)?,
    };
    sum.to_dtype(dtype)
}

/// `torch.matmul`: matrices in the last two axes, all others broadcast; a tensor with one axis is a
/// row on the left and a column on the right.
///
/// # Errors
/// If the inner sizes differ, or the dtypes do.
pub fn matmul<'a>(a: &Tensor, b: impl Into<Weight<'a>>) -> Result<Tensor> {
    let b = b.into();
    match (a.rank(), b.tensor().rank()) {
        (0, _) | (_, 0) => candle_core::bail!("matmul takes tensors with axes"),
        (1, 1) => dot(a, b.tensor()),
        (1, _) => {
            let y = matmul(&a.unsqueeze(0)?, b)?;
            y.squeeze(y.rank() - 2)
        }
        (_, 1) => {
            let y = matmul(a, &b.tensor().unsqueeze(1)?)?;
            y.squeeze(y.rank() - 1)
        }
        _ => matrices(a, b),
    }
}

/// The sum of the products of two vectors' elements.
fn dot(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    if a.dims() != b.dims() {
        candle_core::bail!("cannot multiply {:?} and {:?}", a.shape(), b.shape())
    }
    let dtype = sum_dtype(a.dtype(), a.device());
    if !dtype.is_float() || a.dims() == [0] {
        return matmul(&a.unsqueeze(0)?, &b.unsqueeze(1)?)?.reshape(());
    }
    let products = (a.to_dtype(dtype)? * b.to_dtype(dtype)?)?;
    products.sum_all()?.to_dtype(a.dtype())
}

fn matrices(a: &Tensor, weight: Weight) -> Result<Tensor> {
    let b = weight.tensor();
    let (a_batch, (m, k)) = split(a);
    let (b_batch, (k2, n)) = split(b);
    if k != k2 {
        candle_core::bail!(
            "cannot multiply matrices of {:?} and {:?}",
            a.shape(),
            b.shape()
        )
    }
    if a.dtype() != b.dtype() {
        candle_core::bail!(
            "cannot multiply matrices of {:?} and {:?}",
            a.dtype(),
            b.dtype()
        )
    }
    let dtype = a.dtype();
    let batch = broadcast(a_batch, b_batch)?;
    let shape = [&batch[..], &[m, n]].concat();
    if shape.contains(&0) || k == 0 {
        return Tensor::zeros(shape, dtype, a.device());
    }
    if !dtype.is_float() {
        return integers(a, b, &batch)?.to_dtype(dtype);
    }
    if let Some(product) = fast(a, weight)? {
        return Ok(product);
    }
    let (a, b) = (widened(a)?, widened(b)?);
    let product = if b.rank() == 2 {
        // One product of all rows is faster than one per batch entry.
        let rows = if a.rank() == 2 {
            flat(&a, &[])?
        } else {
            a.reshape(((), k))?
        };
        rows.matmul(&flat(&b, &[])?)?
    } else {
        flat(&a, &batch)?.matmul(&flat(&b, &batch)?)?
    };
    product.reshape(shape)?.to_dtype(dtype)
}

/// By a kernel, where it takes what is asked.
fn fast(a: &Tensor, b: Weight) -> Result<Option<Tensor>> {
    match b.tensor().rank() {
        2 => product::linear(a, b.by_columns(), After::default()),
        _ => product::matrices(a, b.tensor()),
    }
}

/// Halves as f32 on the CPU, whose kernels round between the blocks of a sum; others do not.
fn widened(x: &Tensor) -> Result<Tensor> {
    match (x.dtype(), x.device()) {
        (DType::F16 | DType::BF16, Device::Cpu) => x.to_dtype(DType::F32),
        _ => Ok(x.clone()),
    }
}

/// Batch axes, and the matrix's.
fn split(x: &Tensor) -> (&[usize], (usize, usize)) {
    let (batch, matrix) = x.dims().split_at(x.rank() - 2);
    (batch, (matrix[0], matrix[1]))
}

/// The common shape of batch axes.
fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let shape = |dims: &[usize]| candle_core::Shape::from(dims);
    Ok(shape(a)
        .broadcast_shape_binary_op(&shape(b), "matmul")?
        .into_dims())
}

/// All batch axes as one (none for `[]`), each matrix in rows or in columns without gaps, which are
/// the layouts that Candle multiplies.
fn flat(x: &Tensor, batch: &[usize]) -> Result<Tensor> {
    let (own, (rows, columns)) = split(x);
    let count: usize = batch.iter().product();
    if !batch.is_empty() && own.iter().all(|&size| size == 1) {
        // One matrix for the whole batch is not copied.
        let matrix = flat(&x.reshape((rows, columns))?, &[])?;
        return matrix.broadcast_as((count, rows, columns));
    }
    let x = x.broadcast_as([batch, &[rows, columns]].concat())?;
    let transposed = x.t()?;
    let as_columns = transposed.is_contiguous();
    let x = if as_columns {
        transposed
    } else {
        x.contiguous()?
    };
    let (rows, columns) = if as_columns {
        (columns, rows)
    } else {
        (rows, columns)
    };
    let x = match batch {
        [] => x.reshape((rows, columns))?,
        _ => x.reshape((count, rows, columns))?,
    };
    if as_columns { x.t() } else { Ok(x) }
}

/// Products of integer matrices, as i64; Candle multiplies floats only.
fn integers(a: &Tensor, b: &Tensor, batch: &[usize]) -> Result<Tensor> {
    let (_, (m, k)) = split(a);
    let (_, (_, n)) = split(b);
    let values = |x: &Tensor, rows: usize, columns: usize| {
        x.broadcast_as([batch, &[rows, columns]].concat())?
            .flatten_all()?
            .to_dtype(DType::I64)?
            .to_vec1::<i64>()
    };
    let (left, right) = (values(a, m, k)?, values(b, k, n)?);
    let mut product = vec![0i64; left.len() / k * n];
    let matrices = left.chunks_exact(m * k).zip(right.chunks_exact(k * n));
    for ((left, right), out) in matrices.zip(product.chunks_exact_mut(m * n)) {
        for (left, out) in left.chunks_exact(k).zip(out.chunks_exact_mut(n)) {
            for (&x, row) in left.iter().zip(right.chunks_exact(n)) {
                for (sum, &y) in out.iter_mut().zip(row) {
                    *sum = sum.wrapping_add(x.wrapping_mul(y));
                }
            }
        }
    }
    Tensor::from_vec(product, [batch, &[m, n]].concat(), a.device())
}

fn integer_addmm(input: &Tensor, a: &Tensor, b: &Tensor, beta: i64, alpha: i64) -> Result<Tensor> {
    let product = matmul(a, b)?;
    let values = |x: &Tensor| {
        x.broadcast_as(product.shape())?
            .flatten_all()?
            .to_dtype(DType::I64)?
            .to_vec1::<i64>()
    };
    let scaled = |(x, y): (i64, i64)| x.wrapping_mul(beta).wrapping_add(y.wrapping_mul(alpha));
    let pairs = values(input)?.into_iter().zip(values(&product)?);
    let sums: Vec<_> = pairs.map(scaled).collect();
    Tensor::from_vec(sums, product.shape(), product.device())?.to_dtype(a.dtype())
}
