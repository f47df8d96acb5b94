//! Joining tensors.

use candle_core::{DType, Error, Result, Tensor};

use super::index::pick_slices;
use super::promote::promote_types;
use crate::kernels;

/// `torch.cat`, with promotion; as in PyTorch, tensors of shape `(0,)` count as nothing.
pub fn cat<T: AsRef<Tensor>>(tensors: &[T], dim: usize) -> Result<Tensor> {
    let joined = promoted(tensors)?;
    let parts: Vec<_> = joined.iter().filter(|x| x.dims() != [0]).collect();
    match (&parts[..], joined.first()) {
        ([], Some(first)) => Ok(first.clone()),
        (parts, _) => match kernels::copy::cat(parts, dim)? {
            Some(joined) => Ok(joined),
            None => Tensor::cat(parts, dim),
        },
    }
}

/// `torch.stack`, with promotion: joins along a new axis.
pub fn stack<T: AsRef<Tensor>>(tensors: &[T], dim: usize) -> Result<Tensor> {
    Tensor::stack(&promoted(tensors)?, dim)
}

/// `torch.block_diag`: matrices along the diagonal of one, zeros elsewhere; vectors are rows.
///
/// # Errors
/// If a tensor has more than two axes.
pub fn block_diag(tensors: &[&Tensor]) -> Result<Tensor> {
    let blocks = promoted(tensors)?;
    let blocks: Vec<Tensor> = blocks
        .iter()
        .map(|x| match *x.dims() {
            [] => x.reshape((1, 1)),
            [columns] => x.reshape((1, columns)),
            _ => Ok(x.clone()),
        })
        .collect::<Result<_>>()?;
    let mut width = 0;
    for block in &blocks {
        width += block.dims2()?.1;
    }
    let mut before = 0;
    let mut bands = Vec::new();
    for block in &blocks {
        let (rows, columns) = block.dims2()?;
        let zeros = |count| Tensor::zeros((rows, count), block.dtype(), block.device());
        let after = width - before - columns;
        bands.push(Tensor::cat(&[&zeros(before)?, block, &zeros(after)?], 1)?);
        before += columns;
    }
    Tensor::cat(&bands, 0)
}

/// `torch.cartesian_prod`: a row for each choice of one element of every vector.
pub fn cartesian_prod(tensors: &[&Tensor]) -> Result<Tensor> {
    let sizes: Vec<usize> = tensors.iter().map(|x| x.elem_count()).collect();
    let columns = tensors
        .iter()
        .enumerate()
        .map(|(axis, x)| {
            let mut dims = vec![1; sizes.len()];
            dims[axis] = sizes[axis];
            x.reshape(dims)?.broadcast_as(&sizes[..])?.flatten_all()
        })
        .collect::<Result<Vec<_>>>()?;
    stack(&columns.iter().collect::<Vec<_>>(), 1)
}

/// `torch.combinations`: a row for each choice of `r` elements of a vector, in order.
pub fn combinations(x: &Tensor, r: usize, with_replacement: bool) -> Result<Tensor> {
    let size = x.dims1()?;
    if r == 0 {
        return x.narrow(0, 0, 0);
    }
    let mut rows: Vec<Vec<i64>> = vec![Vec::new()];
    for _ in 0..r {
        rows = rows
            .into_iter()
            .flat_map(|row| {
                let next = row
                    .last()
                    .map_or(0, |&last| last + i64::from(!with_replacement));
                (next..size as i64).map(move |place| [&row[..], &[place]].concat())
            })
            .collect();
    }
    pick_slices(x, &rows.concat(), 0)?.reshape((rows.len(), r))
}

fn promoted<T: AsRef<Tensor>>(tensors: &[T]) -> Result<Vec<Tensor>> {
    let tensors = tensors.iter().map(AsRef::as_ref);
    let dtype = tensors.clone().map(Tensor::dtype).reduce(promote_types);
    let dtype: DType = dtype.ok_or_else(|| Error::Msg("nothing to join".to_string()))?;
    tensors.map(|x| x.to_dtype(dtype)).collect()
}
