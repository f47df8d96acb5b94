//! Distinct values, and how often each occurs.

use std::cmp::Ordering;

use candle_core::{DType, Result, Tensor};

/// `torch.unique` of all elements (`aten._unique2`): the distinct ones in ascending order, NaN last
/// and each NaN on its own; for each element of `x` the place of its value; how often each occurs.
///
/// Places and counts are empty where they are not asked for.
pub fn unique(
    x: &Tensor,
    return_inverse: bool,
    return_counts: bool,
) -> Result<(Tensor, Tensor, Tensor)> {
    let groups = Groups::of(&x.flatten_all()?, 0, true)?;
    groups.tensors(
        &x.flatten_all()?,
        0,
        x.dims(),
        return_inverse,
        return_counts,
    )
}

/// `torch.unique` along an axis (`aten.unique_dim`): the distinct slices in lexicographic order,
/// the place of each slice's equal, and how often each occurs.
pub fn unique_dim(x: &Tensor, dim: usize) -> Result<(Tensor, Tensor, Tensor)> {
    let length = x.dim(dim)?;
    Groups::of(x, dim, true)?.tensors(x, dim, &[length], true, true)
}

/// `torch.unique_consecutive`: only neighbours are one; of all elements without an axis.
///
/// Places and counts of all elements are empty where they are not asked for.
pub fn unique_consecutive(
    x: &Tensor,
    return_inverse: bool,
    return_counts: bool,
    dim: Option<usize>,
) -> Result<(Tensor, Tensor, Tensor)> {
    let Some(dim) = dim else {
        let flat = x.flatten_all()?;
        let groups = Groups::of(&flat, 0, false)?;
        return groups.tensors(&flat, 0, x.dims(), return_inverse, return_counts);
    };
    let length = x.dim(dim)?;
    // Along an axis PyTorch gives both, whether they are asked for or not.
    Groups::of(x, dim, false)?.tensors(x, dim, &[length], true, true)
}

/// `torch.bincount`: how often each integer below the largest occurs, or the sum of its weights.
///
/// Without weights the result is i64; with weights it is f32 for f32 weights, else f64.
///
/// # Errors
/// If `x` is no vector, holds a negative number, or the weights are not as many.
pub fn bincount(x: &Tensor, weights: Option<&Tensor>, minlength: usize) -> Result<Tensor> {
    let values = x.to_dtype(DType::I64)?.to_vec1::<i64>()?;
    if let Some(negative) = values.iter().find(|value| **value < 0) {
        candle_core::bail!("bincount: {negative} is negative")
    }
    let most = values.iter().max().map_or(0, |most| *most as usize + 1);
    let length = most.max(minlength);
    // Of nothing PyTorch gives zeros in i64, whatever the weights.
    let Some(weights) = weights.filter(|_| !values.is_empty()) else {
        let mut counts = vec![0i64; length];
        for value in values {
            counts[value as usize] += 1;
        }
        return Tensor::from_vec(counts, length, x.device());
    };
    let held = weights.to_dtype(DType::F64)?.to_vec1::<f64>()?;
    if held.len() != values.len() {
        candle_core::bail!(
            "bincount: {} weights for {} values",
            held.len(),
            values.len()
        )
    }
    let mut sums = vec![0f64; length];
    for (value, weight) in values.into_iter().zip(held) {
        sums[value as usize] += weight;
    }
    let sums = Tensor::from_vec(sums, length, x.device())?;
    match weights.dtype() {
        DType::F32 => sums.to_dtype(DType::F32),
        _ => Ok(sums),
    }
}

/// Slices of one axis in groups of equals: the first slice of each, and each slice's group.
struct Groups {
    first: Vec<i64>,
    place: Vec<i64>,
}

impl Groups {
    /// `sorted` brings equal slices together first, wherever they stand.
    fn of(x: &Tensor, dim: usize, sorted: bool) -> Result<Self> {
        let length = x.dim(dim)?;
        let rows = x.transpose(0, dim)?.flatten_all()?;
        let width = rows.elem_count().checked_div(length).unwrap_or(0);
        if x.dtype().is_int() {
            let keys = rows.to_dtype(DType::I64)?.to_vec1::<i64>()?;
            return Ok(Self::of_keys(&keys, length, width, sorted));
        }
        let keys = rows.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        Ok(Self::of_keys(&keys, length, width, sorted))
    }

    fn of_keys<T: PartialOrd>(keys: &[T], length: usize, width: usize, sorted: bool) -> Self {
        let row = |index: usize| &keys[index * width..(index + 1) * width];
        let mut order: Vec<usize> = (0..length).collect();
        if sorted {
            order.sort_by(|&left, &right| lexicographic(row(left), row(right)));
        }
        let mut groups = Self {
            first: Vec::new(),
            place: vec![0; length],
        };
        for (rank, &index) in order.iter().enumerate() {
            // NaN equals nothing, so that each is a value of its own.
            if rank == 0 || row(order[rank - 1]) != row(index) {
                groups.first.push(index as i64);
            }
            groups.place[index] = groups.first.len() as i64 - 1;
        }
        groups
    }

    fn tensors(
        self,
        x: &Tensor,
        dim: usize,
        shape: &[usize],
        return_inverse: bool,
        return_counts: bool,
    ) -> Result<(Tensor, Tensor, Tensor)> {
        let device = x.device();
        let count = self.first.len();
        let mut kept = x.dims().to_vec();
        kept[dim] = count;
        let values = if count == 0 || x.elem_count() == 0 {
            Tensor::zeros(kept, x.dtype(), device)?
        } else {
            let first = Tensor::from_vec(self.first, count, device)?;
            x.contiguous()?.index_select(&first, dim)?
        };
        let nothing = Tensor::zeros(0, DType::I64, device)?;
        let mut counts = vec![0i64; count];
        for place in &self.place {
            counts[*place as usize] += 1;
        }
        let inverse = match return_inverse {
            true => Tensor::from_vec(self.place, shape, device)?,
            false => nothing.clone(),
        };
        let counts = match return_counts {
            true => Tensor::from_vec(counts, count, device)?,
            false => nothing,
        };
        Ok((values, inverse, counts))
    }
}

/// The order of two slices, NaN after everything.
fn lexicographic<T: PartialOrd>(left: &[T], right: &[T]) -> Ordering {
    let undefined = |value: &T| value.partial_cmp(value).is_none();
    for (a, b) in left.iter().zip(right) {
        let order = a
            .partial_cmp(b)
            .unwrap_or_else(|| undefined(a).cmp(&undefined(b)));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}
