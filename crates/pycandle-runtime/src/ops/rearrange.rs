//! Rearranging tensors: turning, windows, diagonals, repetition.

use candle_core::{Result, Tensor};

use super::index::{integers, pick, pick_slices};
use super::scatter::index_copy;
use crate::kernels;

/// `Tensor.contiguous`, by a fast copy where one is needed.
pub fn contiguous(x: &Tensor) -> Result<Tensor> {
    kernels::copy::contiguous(x)
}

/// `torch.permute`, of any number of axes.
pub fn permute(x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    x.permute(dims)
}

/// `torch.flip`: the order along each of these axes reversed.
pub fn flip(x: &Tensor, dims: &[usize]) -> Result<Tensor> {
    dims.iter().try_fold(x.clone(), |x, &dim| {
        let places: Vec<i64> = (0..x.dim(dim)? as i64).rev().collect();
        pick_slices(&x, &places, dim)
    })
}

/// `torch.roll`: elements shifted along each of these axes, round the end to the start.
pub fn roll(x: &Tensor, shifts: &[i64], dims: &[usize]) -> Result<Tensor> {
    if shifts.len() != dims.len() {
        candle_core::bail!("roll: {} shifts for {} axes", shifts.len(), dims.len())
    }
    let mut rolled = x.clone();
    for (shift, &dim) in shifts.iter().zip(dims) {
        let size = rolled.dim(dim)?;
        let shift = shift.rem_euclid((size as i64).max(1)) as usize;
        if shift != 0 {
            let head = rolled.narrow(dim, size - shift, shift)?;
            let tail = rolled.narrow(dim, 0, size - shift)?;
            rolled = Tensor::cat(&[head, tail], dim)?;
        }
    }
    Ok(rolled)
}

/// `Tensor.unfold`: the windows of `size` along an axis, each `step` on, with their elements in a
/// new last axis.
///
/// # Errors
/// If the step is zero or the size exceeds the axis.
pub fn unfold(x: &Tensor, dim: usize, size: usize, step: usize) -> Result<Tensor> {
    if x.rank() == 0 {
        return x.reshape(1)?.narrow(0, 0, size);
    }
    let length = x.dim(dim)?;
    if step == 0 || size > length {
        candle_core::bail!("unfold: windows of {size}, {step} apart, in an axis of size {length}")
    }
    let count = (length - size) / step + 1;
    // Candle counts the windows in f32, which a remainder could mislead.
    let whole = x.narrow(dim, 0, (count - 1) * step + size)?;
    let windows = whole.unfold(dim, size, step)?;
    if windows.dim(dim)? != count {
        candle_core::bail!("unfold: {count} windows are too many")
    }
    Ok(windows)
}

/// `torch.as_strided` of a contiguous tensor.
///
/// # Errors
/// If an element lies outside the tensor.
pub fn as_strided(
    x: &Tensor,
    size: &[usize],
    stride: &[usize],
    storage_offset: usize,
) -> Result<Tensor> {
    let mut places = vec![storage_offset];
    for (&size, &stride) in size.iter().zip(stride) {
        places = places
            .iter()
            .flat_map(|place| (0..size).map(move |step| place + step * stride))
            .collect();
    }
    if let Some(place) = places.iter().find(|place| **place >= x.elem_count()) {
        candle_core::bail!("as_strided: element {place} of {}", x.elem_count())
    }
    let places: Vec<i64> = places.into_iter().map(|place| place as i64).collect();
    pick(x, &places, size)
}

/// `torch.diagonal`: the diagonal of two axes as a new last axis; `offset` counts above the main one.
pub fn diagonal(x: &Tensor, offset: i64, dim1: usize, dim2: usize) -> Result<Tensor> {
    let (flat, places) = diagonal_places(x, offset, dim1, dim2)?;
    pick_slices(&flat, &places, flat.rank() - 1)
}

/// `torch.diagonal_scatter`: `x` with `src` as that diagonal.
///
/// # Errors
/// If the shapes do not fit.
pub fn diagonal_scatter(
    x: &Tensor,
    src: &Tensor,
    offset: i64,
    dim1: usize,
    dim2: usize,
) -> Result<Tensor> {
    let (flat, places) = diagonal_places(x, offset, dim1, dim2)?;
    let places = Tensor::new(places, &candle_core::Device::Cpu)?;
    let written = index_copy(&flat, flat.rank() - 1, &places, src)?;
    let order = diagonal_order(x.rank(), dim1, dim2);
    let dims: Vec<usize> = order.iter().map(|&axis| x.dims()[axis]).collect();
    let mut back = vec![0; order.len()];
    for (place, &axis) in order.iter().enumerate() {
        back[axis] = place;
    }
    written.reshape(dims)?.permute(back)
}

/// `torch.diag_embed`: the last axis as a diagonal of two new ones.
pub fn diag_embed(x: &Tensor, offset: i64, dim1: usize, dim2: usize) -> Result<Tensor> {
    let [rest @ .., length] = x.dims() else {
        candle_core::bail!("diag_embed: a tensor without axes has no diagonal")
    };
    let size = length + offset.unsigned_abs() as usize;
    let rank = x.rank() + 1;
    let order = diagonal_order(rank, dim1, dim2);
    let mut dims = vec![size; rank];
    for (&axis, &size) in order.iter().zip(rest) {
        dims[axis] = size;
    }
    let zeros = Tensor::zeros(dims, x.dtype(), x.device())?;
    diagonal_scatter(&zeros, x, offset, dim1, dim2)
}

/// All axes, with those of the diagonal last.
fn diagonal_order(rank: usize, dim1: usize, dim2: usize) -> Vec<usize> {
    let others = (0..rank).filter(|axis| *axis != dim1 && *axis != dim2);
    others.chain([dim1, dim2]).collect()
}

/// The tensor with both axes as one last axis, and where the diagonal is in it.
fn diagonal_places(
    x: &Tensor,
    offset: i64,
    dim1: usize,
    dim2: usize,
) -> Result<(Tensor, Vec<i64>)> {
    if dim1 == dim2 {
        candle_core::bail!("a diagonal needs two axes, and both are {dim1}")
    }
    let order = diagonal_order(x.rank(), dim1, dim2);
    let (rows, columns) = (x.dim(dim1)? as i64, x.dim(dim2)? as i64);
    let mut dims: Vec<usize> = order.iter().map(|&axis| x.dims()[axis]).collect();
    dims.truncate(order.len() - 2);
    dims.push((rows * columns) as usize);
    let first_row = offset.saturating_neg().max(0);
    let places = (first_row..rows)
        .map(|row| (row, row.saturating_add(offset)))
        .take_while(|(_, column)| *column < columns)
        .map(|(row, column)| row * columns + column)
        .collect();
    Ok((x.permute(order)?.reshape(dims)?, places))
}

/// `torch.repeat` where a count may be 0, which leaves nothing; Candle 0.11.0 takes it for 1.
pub fn repeat(x: &Tensor, counts: &[usize]) -> Result<Tensor> {
    let kept: Vec<usize> = counts.iter().map(|&count| count.max(1)).collect();
    let mut repeated = x.repeat(kept)?;
    for (axis, &count) in counts.iter().enumerate() {
        if count == 0 {
            repeated = repeated.narrow(axis, 0, 0)?;
        }
    }
    Ok(repeated)
}

/// `torch.repeat_interleave` by one number: each slice of an axis that often in a row.
pub fn repeat_interleave(x: &Tensor, repeats: usize, dim: usize) -> Result<Tensor> {
    let mut dims = x.dims().to_vec();
    dims.insert(dim + 1, repeats);
    let repeated = x.unsqueeze(dim + 1)?.broadcast_as(&dims[..])?;
    dims.remove(dim + 1);
    dims[dim] *= repeats;
    repeated.reshape(dims)
}

/// `torch.repeat_interleave` by a tensor: each slice of an axis as often as said.
///
/// # Errors
/// If a count is negative, there is one for each slice only by mistake, or the result is not of the
/// size that is expected.
pub fn repeat_interleave_tensor(
    x: &Tensor,
    repeats: &Tensor,
    dim: usize,
    output_size: Option<usize>,
) -> Result<Tensor> {
    let size = x.dim(dim)?;
    let mut counts = integers(repeats)?;
    if counts.len() == 1 {
        counts = vec![counts[0]; size];
    }
    if counts.len() != size {
        candle_core::bail!(
            "repeat_interleave: {} counts for an axis of size {size}",
            counts.len()
        )
    }
    let places = repeated(&counts)?;
    if output_size.is_some_and(|size| size != places.len()) {
        candle_core::bail!(
            "repeat_interleave: the counts add up to {}, not to {output_size:?}",
            places.len()
        )
    }
    pick_slices(x, &places, dim)
}

/// `torch.repeat_interleave` of counts alone: each index as often as its count says, i64.
///
/// # Errors
/// If a count is negative.
pub fn repeat_interleave_indices(repeats: &Tensor) -> Result<Tensor> {
    Tensor::new(repeated(&integers(repeats)?)?, repeats.device())
}

fn repeated(counts: &[i64]) -> Result<Vec<i64>> {
    let mut places = Vec::new();
    for (place, &count) in counts.iter().enumerate() {
        if count < 0 {
            candle_core::bail!("repeat_interleave: {count} is not how often anything repeats")
        }
        places.extend(std::iter::repeat_n(place as i64, count as usize));
    }
    Ok(places)
}
