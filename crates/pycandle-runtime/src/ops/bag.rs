//! Sums, means and maxima over bags of embeddings.

use candle_core::{DType, Result, Tensor};

use super::index::{embedding, integers};
use super::scatter::ScatterReduce;

/// `aten.embedding_bag`: the rows of `weight` that each bag of indices names, reduced to one row.
///
/// Bag `b` has the indices from `offsets[b]` to the next offset; with `include_last_offset` the last
/// offset is only an end. Indices equal to `padding_idx` do not count. An empty bag gives zeros.
/// Gives the result, the bag of each index, the size of each bag, and the index of each maximum,
/// where PyTorch needs them for gradients: sums have no sizes, and floats up to 32 bits no bags.
///
/// # Errors
/// If an index or an offset is out of range.
pub fn embedding_bag(
    weight: &Tensor,
    indices: &Tensor,
    offsets: &Tensor,
    mode: ScatterReduce,
    per_sample_weights: Option<&Tensor>,
    include_last_offset: bool,
    padding_idx: Option<i64>,
) -> Result<(Tensor, Tensor, Tensor, Tensor)> {
    let (rows, width) = weight.dims2()?;
    let ids = integers(indices)?;
    let mut bounds = integers(offsets)?;
    if !include_last_offset && !bounds.is_empty() {
        bounds.push(ids.len() as i64);
    }
    let fits = |pair: &[i64]| pair[0] <= pair[1];
    if bounds.first().map_or(!ids.is_empty(), |first| *first != 0)
        || bounds.last().is_some_and(|last| *last > ids.len() as i64)
        || !bounds.windows(2).all(fits)
    {
        candle_core::bail!(
            "embedding_bag: offsets go from 0 to at most {}, in order",
            ids.len()
        )
    }
    let scales = match per_sample_weights {
        Some(scales) => scales
            .flatten_all()?
            .to_dtype(DType::F64)?
            .to_vec1::<f64>()?,
        None => vec![1.0; ids.len()],
    };
    if scales.len() != ids.len() {
        candle_core::bail!(
            "embedding_bag: {} weights for {} indices",
            scales.len(),
            ids.len()
        )
    }
    let table = embedding(weight, &indices.flatten_all()?)?;
    let table = table
        .flatten_all()?
        .to_dtype(DType::F64)?
        .to_vec1::<f64>()?;
    let padding = padding_idx.map(|row| if row < 0 { row + rows as i64 } else { row });
    let bags = bounds.len().saturating_sub(1);
    let mut out = vec![0.0; bags * width];
    let mut places = vec![0i64; bags * width];
    let (mut owner, mut sizes) = (Vec::with_capacity(ids.len()), Vec::with_capacity(bags));
    for bag in 0..bags {
        let out = &mut out[bag * width..][..width];
        let mut size = 0i64;
        for k in bounds[bag] as usize..bounds[bag + 1] as usize {
            owner.push(bag as i64);
            if padding == Some(ids[k]) {
                continue;
            }
            let row = &table[k * width..][..width];
            for (column, (sum, value)) in out.iter_mut().zip(row).enumerate() {
                if mode != ScatterReduce::Amax {
                    *sum += scales[k] * value;
                } else if size == 0 || *value > *sum || value.is_nan() {
                    *sum = *value;
                    places[bag * width + column] = ids[k];
                }
            }
            size += 1;
        }
        if mode == ScatterReduce::Mean && size > 0 {
            out.iter_mut().for_each(|sum| *sum /= size as f64);
        }
        sizes.push(size);
    }
    if mode == ScatterReduce::Sum {
        sizes = vec![0; offsets.elem_count()];
        if padding.is_none() && weight.dtype() != DType::F64 {
            owner.clear();
        }
    }
    let device = weight.device();
    let out = Tensor::from_vec(out, (bags, width), &candle_core::Device::Cpu)?;
    let maxima = if mode == ScatterReduce::Amax {
        Tensor::from_vec(places, (bags, width), device)?
    } else {
        Tensor::new(&sizes[..], device)?
    };
    Ok((
        out.to_dtype(weight.dtype())?.to_device(device)?,
        Tensor::new(owner, device)?,
        Tensor::new(sizes, device)?,
        maxima,
    ))
}
