//! The reverse of max pools: elements back at the places that they were taken from.

use candle_core::{DType, Result, Tensor};

use super::window::Axes;

/// `torch.nn.functional.max_unpool2d`, with the indices of a max pool of two axes.
///
/// # Errors
/// For an index outside the output.
pub fn max_unpool2d(
    x: &Tensor,
    indices: &Tensor,
    output_size: impl Into<Axes<2>>,
) -> Result<Tensor> {
    unpool("max_unpool2d", x, indices, output_size.into())
}

/// `torch.nn.functional.max_unpool3d`, with the indices of a max pool of three axes.
///
/// # Errors
/// For an index outside the output.
pub fn max_unpool3d(
    x: &Tensor,
    indices: &Tensor,
    output_size: impl Into<Axes<3>>,
) -> Result<Tensor> {
    unpool("max_unpool3d", x, indices, output_size.into())
}

fn unpool<const N: usize>(
    name: &str,
    x: &Tensor,
    indices: &Tensor,
    Axes(output): Axes<N>,
) -> Result<Tensor> {
    if x.dims() != indices.dims() || x.rank() < N {
        candle_core::bail!(
            "{name}: indices of {:?} for {:?}",
            indices.shape(),
            x.shape()
        )
    }
    let (planes, window) = x.dims().split_at(x.rank() - N);
    let (count, from): (usize, usize) = (planes.iter().product(), window.iter().product());
    let to: usize = output.iter().product();
    let shape = [planes, &output[..]].concat();
    let places = indices
        .to_dtype(DType::I64)?
        .flatten_all()?
        .to_vec1::<i64>()?;
    // Where each output element comes from: one past the input for a zero.
    let mut sources = vec![(count * from) as u32; count * to];
    for (index, &place) in places.iter().enumerate() {
        let Some(place) = usize::try_from(place).ok().filter(|place| *place < to) else {
            candle_core::bail!("{name}: index {place} is outside an output of {to} elements")
        };
        sources[index / from * to + place] = index as u32;
    }
    let zero = Tensor::zeros(1, x.dtype(), x.device())?;
    let values = Tensor::cat(&[x.flatten_all()?, zero], 0)?;
    values
        .index_select(&Tensor::new(sources, x.device())?, 0)?
        .reshape(shape)
}
