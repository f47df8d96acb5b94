//! Matrix products.

use candle_core::{Result, Tensor};

/// `x weightᵀ + bias`: `(…, in)` by `(out, in)` to `(…, out)`.
pub fn linear(x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Result<Tensor> {
    let y = matmul(x, &weight.t()?)?;
    match bias {
        Some(bias) => y.broadcast_add(bias),
        None => Ok(y),
    }
}

/// `bias + a b`, the bias broadcast.
pub fn addmm(bias: &Tensor, a: &Tensor, b: &Tensor) -> Result<Tensor> {
    matmul(a, b)?.broadcast_add(bias)
}

/// `torch.matmul`: matrices in the last two axes, all others broadcast; a tensor with one axis is a
/// row on the left and a column on the right.
pub fn matmul(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    match (a.rank(), b.rank()) {
        (0, _) | (_, 0) => candle_core::bail!("matmul takes tensors with axes"),
        (1, 1) => matmul(&a.unsqueeze(0)?, &b.unsqueeze(1)?)?.reshape(()),
        (1, _) => {
            let y = matmul(&a.unsqueeze(0)?, b)?;
            y.squeeze(y.rank() - 2)
        }
        (_, 1) => {
            let y = matmul(a, &b.unsqueeze(1)?)?;
            y.squeeze(y.rank() - 1)
        }
        _ => matrices(a, b),
    }
}

fn matrices(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let (a_batch, (m, k)) = split(a);
    let (b_batch, (k2, n)) = split(b);
    if k != k2 {
        candle_core::bail!(
            "cannot multiply matrices of {:?} and {:?}",
            a.shape(),
            b.shape()
        )
    }
    let batch = broadcast(a_batch, b_batch)?;
    let shape = [&batch[..], &[m, n]].concat();
    if shape.contains(&0) || k == 0 {
        return Tensor::zeros(shape, a.dtype(), a.device());
    }
    if b.rank() == 2 {
        // One product of all rows is faster than one per batch entry.
        return a.reshape(((), k))?.matmul(&flat(b, &[])?)?.reshape(shape);
    }
    flat(a, &batch)?.matmul(&flat(b, &batch)?)?.reshape(shape)
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
    let (_, (rows, columns)) = split(x);
    let x = x.broadcast_as([batch, &[rows, columns]].concat())?;
    let count: usize = batch.iter().product();
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
