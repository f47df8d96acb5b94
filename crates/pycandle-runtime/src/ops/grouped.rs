//! Matrix products of groups, as mixtures of experts need them.

use candle_core::{DType, Result, Tensor};

use super::linear::matmul;

/// `torch.nn.functional.grouped_mm`: the product of each group of two matrices.
///
/// `offsets` says where each group ends along the axis that is split, which is the one that only
/// one of the two has: rows for `(n, k)` by `(groups, k, m)`, columns for `(groups, n, k)` by
/// `(k, m)`, and the inner axis for `(n, k)` by `(k, m)`, which gives `(groups, n, m)`.
/// Rows or columns behind the last group are zero.
///
/// # Errors
/// If the offsets decrease, or lead beyond the axis.
pub fn grouped_mm(a: &Tensor, b: &Tensor, offsets: Option<&Tensor>) -> Result<Tensor> {
    let Some(offsets) = offsets else {
        return matmul(a, b);
    };
    match (a.rank(), b.rank()) {
        (2, 3) => {
            let product = |group, start, size| matmul(&a.narrow(0, start, size)?, &b.get(group)?);
            let products = groups(offsets, a.dims()[0], product)?;
            joined(products, 0, &[a.dims()[0], b.dims()[2]], a)
        }
        (3, 2) => {
            let product = |group, start, size| matmul(&a.get(group)?, &b.narrow(1, start, size)?);
            let products = groups(offsets, b.dims()[1], product)?;
            joined(products, 1, &[a.dims()[1], b.dims()[1]], a)
        }
        (2, 2) => {
            let product =
                |_, start, size| matmul(&a.narrow(1, start, size)?, &b.narrow(0, start, size)?);
            Tensor::stack(&groups(offsets, a.dims()[1], product)?, 0)
        }
        _ => candle_core::bail!(
            "grouped_mm takes no offsets for {:?} and {:?}",
            a.shape(),
            b.shape()
        ),
    }
}

/// What `product` makes of each group: its number, its start and its size.
fn groups(
    offsets: &Tensor,
    length: usize,
    product: impl Fn(usize, usize, usize) -> Result<Tensor>,
) -> Result<Vec<Tensor>> {
    let ends = offsets.to_dtype(DType::I64)?.to_vec1::<i64>()?;
    let mut start = 0;
    let mut products = Vec::with_capacity(ends.len());
    for (group, &end) in ends.iter().enumerate() {
        let size = usize::try_from(end)
            .ok()
            .filter(|&end| end <= length)
            .and_then(|end| end.checked_sub(start));
        let Some(size) = size else {
            candle_core::bail!("grouped_mm: {ends:?} do not divide an axis of {length}")
        };
        products.push(product(group, start, size)?);
        start += size;
    }
    Ok(products)
}

/// The products side by side, and zeros up to the shape.
fn joined(mut products: Vec<Tensor>, dim: usize, shape: &[usize], like: &Tensor) -> Result<Tensor> {
    let held: usize = products.iter().map(|x| x.dims()[dim]).sum();
    if held < shape[dim] {
        let mut rest = shape.to_vec();
        rest[dim] -= held;
        products.push(Tensor::zeros(rest, like.dtype(), like.device())?);
    }
    products.retain(|x| x.dims()[dim] > 0);
    match &products[..] {
        [] => Tensor::zeros(shape, like.dtype(), like.device()),
        products => Tensor::cat(products, dim),
    }
}
