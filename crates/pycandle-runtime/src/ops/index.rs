//! Picking parts of tensors by position.

use candle_core::{DType, Error, Result, Tensor};

/// `torch.nn.functional.embedding`: rows of `weight`, `(rows, width)`, by ids of any shape.
///
/// # Errors
/// If an id is negative or not below `rows`.
pub fn embedding(weight: &Tensor, ids: &Tensor) -> Result<Tensor> {
    let (rows, width) = weight.dims2()?;
    let flat = ids.flatten_all()?.to_dtype(DType::I64)?;
    let values = flat.to_vec1::<i64>()?;
    if let Some(id) = values.iter().find(|id| **id < 0 || **id >= rows as i64) {
        candle_core::bail!("embedding: id {id} is out of range, the table has {rows} rows")
    }
    let shape = [ids.dims(), &[width]].concat();
    if flat.elem_count() == 0 {
        return Tensor::zeros(shape, weight.dtype(), weight.device());
    }
    weight.contiguous()?.index_select(&flat, 0)?.reshape(shape)
}

/// `x[start:end:step]` along an axis, with Python's meaning of negative and overlarge bounds.
pub fn slice(x: &Tensor, dim: usize, start: i64, end: i64, step: usize) -> Result<Tensor> {
    let size = x.dim(dim)? as i64;
    if step == 0 {
        candle_core::bail!("slice: the step must be positive")
    }
    let bound = |place: i64| {
        if place < 0 {
            place.saturating_add(size)
        } else {
            place
        }
        .clamp(0, size)
    };
    let start = bound(start);
    let length = (bound(end) - start).max(0) as usize;
    let start = start as usize;
    if step == 1 || length == 0 {
        return x.narrow(dim, start.min(size as usize), length);
    }
    let places: Vec<u32> = (start..start + length)
        .step_by(step)
        .map(|place| place as u32)
        .collect();
    take(x, &Tensor::new(places, x.device())?, dim)
}

/// `x[index]` along an axis, which goes away; negative indices count from the end.
pub fn select(x: &Tensor, dim: usize, index: i64) -> Result<Tensor> {
    let size = x.dim(dim)?;
    let place = wrap(index, size, dim)?;
    x.narrow(dim, place as usize, 1)?.squeeze(dim)
}

/// `aten.index.Tensor`: NumPy's advanced indexing by integer tensors, `None` for a whole axis.
///
/// The indices broadcast to one shape. It stands where the indexed axes were, or in front if a whole
/// axis lies between them. Negative indices count from the end.
///
/// # Errors
/// If an index is out of range. A bool mask, whose result has no static shape, is no index.
pub fn index(x: &Tensor, indices: &[Option<&Tensor>]) -> Result<Tensor> {
    let indexed: Vec<usize> = (0..indices.len())
        .filter(|&dim| indices[dim].is_some())
        .collect();
    let (Some(&first), Some(&last)) = (indexed.first(), indexed.last()) else {
        return Ok(x.clone());
    };
    if indices.len() > x.rank() {
        candle_core::bail!("{} indices are too many for {:?}", indices.len(), x.shape())
    }
    let whole: Vec<usize> = (0..x.rank()).filter(|dim| !indexed.contains(dim)).collect();
    let mut shape = candle_core::Shape::from(());
    for index in indices.iter().flatten() {
        shape = shape.broadcast_shape_binary_op(index.shape(), "index")?;
    }
    let places = places(x, indices, &shape)?;
    let rest: Vec<usize> = whole.iter().map(|&dim| x.dims()[dim]).collect();
    let rows: usize = indexed.iter().map(|&dim| x.dims()[dim]).product();
    let order = [&indexed[..], &whole[..]].concat();
    let table = x
        .permute(order)?
        .contiguous()?
        .reshape([&[rows], &rest[..]].concat())?;
    let picked = take(&table, &places, 0)?.reshape([shape.dims(), &rest[..]].concat())?;
    if last - first + 1 != indexed.len() || first == 0 {
        return Ok(picked);
    }
    // The indexed axes stood together behind `first` whole ones.
    let rank = shape.rank();
    let before = rank..rank + first;
    let order: Vec<usize> = before
        .chain(0..rank)
        .chain(rank + first..picked.rank())
        .collect();
    picked.permute(order)
}

/// Row-major places, among the indexed axes alone, that the indices name together.
fn places(x: &Tensor, indices: &[Option<&Tensor>], shape: &candle_core::Shape) -> Result<Tensor> {
    let mut places = vec![0i64; shape.elem_count()];
    for (dim, index) in indices.iter().enumerate() {
        let Some(index) = index else { continue };
        if index.dtype() == DType::U8 || index.dtype().is_float() {
            candle_core::bail!("index: takes integer tensors, not {:?}", index.dtype())
        }
        let size = x.dims()[dim];
        let values = index
            .broadcast_as(shape)?
            .flatten_all()?
            .to_dtype(DType::I64)?;
        for (place, value) in places.iter_mut().zip(values.to_vec1::<i64>()?) {
            *place = *place * size as i64 + wrap(value, size, dim)?;
        }
    }
    Tensor::from_vec(places, shape.elem_count(), x.device())
}

/// `index_select`, of nothing too.
fn take(x: &Tensor, places: &Tensor, dim: usize) -> Result<Tensor> {
    if places.elem_count() == 0 || x.elem_count() == 0 {
        let mut shape = x.dims().to_vec();
        shape[dim] = places.elem_count();
        return Tensor::zeros(shape, x.dtype(), x.device());
    }
    x.contiguous()?.index_select(places, dim)
}

/// An index from the front.
fn wrap(index: i64, size: usize, dim: usize) -> Result<i64> {
    let place = if index < 0 {
        index.saturating_add(size as i64)
    } else {
        index
    };
    if place < 0 || place >= size as i64 {
        return Err(Error::Msg(format!(
            "index {index} is out of range for axis {dim} of size {size}"
        )));
    }
    Ok(place)
}
