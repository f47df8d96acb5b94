//! Padding. Widths stand as in PyTorch: before and after the last axis, then the one before it, …
//! Negative widths crop.

use candle_core::{Result, Tensor};

use super::index::pick_slices;

/// `aten.constant_pad_nd`: padded with `value`, a tensor without axes.
///
/// # Errors
/// If more is cropped than there is.
pub fn constant_pad_nd(x: &Tensor, pad: &[i64], value: &Tensor) -> Result<Tensor> {
    each_axis(x, pad, |x, dim, before, after| {
        let kept = crop(x, dim, before, after)?;
        let filled = |count: i64| {
            let mut dims = kept.dims().to_vec();
            dims[dim] = count.max(0) as usize;
            value.broadcast_as(dims)?.contiguous()
        };
        match (before > 0, after > 0) {
            (false, false) => Ok(kept.clone()),
            (true, false) => Tensor::cat(&[&filled(before)?, &kept], dim),
            (false, true) => Tensor::cat(&[&kept, &filled(after)?], dim),
            (true, true) => Tensor::cat(&[&filled(before)?, &kept, &filled(after)?], dim),
        }
    })
}

/// `aten.reflection_pad1d`, 2d and 3d: mirrored at the first and at the last element.
///
/// # Errors
/// If a width is not below the axis's size.
pub fn reflection_pad(x: &Tensor, pad: &[i64]) -> Result<Tensor> {
    by_place(x, pad, |place, size| {
        let place = place.abs();
        (place < 2 * size - 1).then(|| (size - 1) - (size - 1 - place).abs())
    })
}

/// `aten.replication_pad1d`, 2d and 3d: the first and the last element repeated.
///
/// # Errors
/// If the axis is empty.
pub fn replication_pad(x: &Tensor, pad: &[i64]) -> Result<Tensor> {
    by_place(x, pad, |place, size| {
        (size > 0).then(|| place.clamp(0, size - 1))
    })
}

/// `aten._pad_circular`: round the end to the start, of what is left after cropping.
///
/// # Errors
/// If a width exceeds the axis's size.
pub fn pad_circular(x: &Tensor, pad: &[i64]) -> Result<Tensor> {
    let cropped = each_axis(x, pad, crop)?;
    let pad: Vec<i64> = pad.iter().map(|width| *width.max(&0)).collect();
    by_place(&cropped, &pad, |place, size| {
        (place >= -size && place < 2 * size).then(|| place.rem_euclid(size))
    })
}

/// Without as many elements at both ends as the negative widths say.
fn crop(x: &Tensor, dim: usize, before: i64, after: i64) -> Result<Tensor> {
    let size = x.dim(dim)?;
    let start = before.min(0).unsigned_abs() as usize;
    let dropped = start.saturating_add(after.min(0).unsigned_abs() as usize);
    if dropped > size {
        candle_core::bail!("pad: {dropped} cannot be cropped from an axis of size {size}")
    }
    x.narrow(dim, start, size - dropped)
}

/// Reads each element of a padded axis from the place that `source(place, size)` gives.
fn by_place(x: &Tensor, pad: &[i64], source: impl Fn(i64, i64) -> Option<i64>) -> Result<Tensor> {
    each_axis(x, pad, |x, dim, before, after| {
        let size = x.dim(dim)? as i64;
        let places: Option<Vec<i64>> = (before.saturating_neg()..size.saturating_add(after))
            .map(|place| source(place, size))
            .collect();
        match places {
            Some(places) => pick_slices(x, &places, dim),
            None => candle_core::bail!(
                "pad: an axis of size {size} is too short for a padding of {before} and {after}"
            ),
        }
    })
}

fn each_axis(
    x: &Tensor,
    pad: &[i64],
    pad_axis: impl Fn(&Tensor, usize, i64, i64) -> Result<Tensor>,
) -> Result<Tensor> {
    if !pad.len().is_multiple_of(2) || pad.len() / 2 > x.rank() {
        candle_core::bail!(
            "pad: {} widths for a tensor of rank {}",
            pad.len(),
            x.rank()
        )
    }
    let mut padded = x.clone();
    for (k, widths) in pad.chunks_exact(2).enumerate() {
        if widths != [0, 0] {
            padded = pad_axis(&padded, x.rank() - 1 - k, widths[0], widths[1])?;
        }
    }
    Ok(padded)
}
