//! Picking parts of tensors by position.

use candle_core::{DType, Result, Shape, Tensor};

use crate::kernels::{self, copy::contiguous};

/// `torch.nn.functional.embedding`: rows of `weight`, `(rows, width)`, by ids of any shape.
///
/// # Errors
/// If an id is negative or not below `rows`.
pub fn embedding(weight: &Tensor, ids: &Tensor) -> Result<Tensor> {
    let (rows, width) = weight.dims2()?;
    let places = integers(ids)?;
    if let Some(id) = places.iter().find(|id| **id < 0 || **id >= rows as i64) {
        candle_core::bail!("embedding: id {id} is out of range, the table has {rows} rows")
    }
    pick_slices(weight, &places, 0)?.reshape([ids.dims(), &[width]].concat())
}

/// `x[start:end:step]` along an axis, with Python's meaning of negative and overlarge bounds.
///
/// # Errors
/// If the step is zero.
pub fn slice(x: &Tensor, dim: usize, start: i64, end: i64, step: usize) -> Result<Tensor> {
    let places = slice_places(x.dim(dim)?, start, end, step)?;
    match places[..] {
        [] => x.narrow(dim, 0, 0),
        [first, ..] if step == 1 => x.narrow(dim, first as usize, places.len()),
        _ => pick_slices(x, &places, dim),
    }
}

/// Where Python's `start:end:step` points to in an axis of some size.
pub(crate) fn slice_places(size: usize, start: i64, end: i64, step: usize) -> Result<Vec<i64>> {
    if step == 0 {
        candle_core::bail!("slice: the step must be positive")
    }
    let size = size as i64;
    let bound = |place: i64| {
        if place < 0 {
            place.saturating_add(size)
        } else {
            place
        }
        .clamp(0, size)
    };
    Ok((bound(start)..bound(end)).step_by(step).collect())
}

/// `x[index]` along an axis, which goes away; negative indices count from the end.
///
/// # Errors
/// If the index is out of range.
pub fn select(x: &Tensor, dim: usize, index: i64) -> Result<Tensor> {
    let place = wrap(index, x.dim(dim)?, dim)?;
    x.narrow(dim, place as usize, 1)?.squeeze(dim)
}

/// `aten.index_select`: the slices of one axis that a vector of indices names.
///
/// # Errors
/// If an index is negative or not below the axis's size.
pub fn index_select(x: &Tensor, dim: usize, index: &Tensor) -> Result<Tensor> {
    if x.rank() == 0 {
        return index_select(&x.reshape(1)?, 0, index)?.reshape(());
    }
    let places = integers(index)?;
    for &place in &places {
        in_range(place, x.dim(dim)?, dim)?;
    }
    pick_slices(x, &places, dim)
}

/// `aten.gather`: for each place of `index`, the element of `x` with its coordinates, but the index
/// along `dim`.
///
/// # Errors
/// If an index is negative or not below the axis's size, or `index` is larger than `x` along
/// another axis.
pub fn gather(x: &Tensor, dim: usize, index: &Tensor) -> Result<Tensor> {
    if let Some(picked) = kernels::gather::gather(x, dim, index)? {
        return Ok(picked);
    }
    let places = places_along(x.dims(), dim, index, in_range)?;
    pick(x, &places, index.shape())
}

/// `aten.take`: elements by their row-major place; negative indices count from the end.
///
/// # Errors
/// If an index is out of range.
pub fn take(x: &Tensor, index: &Tensor) -> Result<Tensor> {
    let places = integers(index)?
        .into_iter()
        .map(|place| wrap(place, x.elem_count(), 0));
    pick(x, &places.collect::<Result<Vec<_>>>()?, index.shape())
}

/// `torch.take_along_dim`: `gather` after both broadcast to each other along the other axes.
/// Indices wrap round the axis, as PyTorch's do, however far outside they are.
///
/// # Errors
/// If an axis without elements is read from.
pub fn take_along_dim(x: &Tensor, indices: &Tensor, dim: usize) -> Result<Tensor> {
    if x.rank() != indices.rank() {
        candle_core::bail!(
            "take_along_dim: {:?} and {:?} differ in rank",
            x.shape(),
            indices.shape()
        )
    }
    let with = |dims: &[usize], size: usize| {
        let mut dims = dims.to_vec();
        dims[dim] = size;
        Shape::from(dims)
    };
    let (size, count) = (x.dim(dim)?, indices.dim(dim)?);
    let common =
        with(x.dims(), 1).broadcast_shape_binary_op(&with(indices.dims(), 1), "take_along_dim")?;
    let x = x.broadcast_as(with(common.dims(), size))?;
    let indices = indices.broadcast_as(with(common.dims(), count))?;
    let round = |index: i64, size: usize, dim: usize| {
        let place = index.checked_rem_euclid(size as i64);
        place.ok_or_else(|| candle_core::Error::msg(format!("axis {dim} has no elements")))
    };
    let places = places_along(x.dims(), dim, &indices, round)?;
    pick(&x, &places, indices.shape())
}

/// `aten.index.Tensor`: NumPy's advanced indexing by integer tensors and masks (u8), `None` for a
/// whole axis.
///
/// The indices broadcast to one shape. It stands where the indexed axes were, or in front if a whole
/// axis lies between them. Negative indices count from the end. A mask counts as the vectors of the
/// coordinates at which it holds, one for each of its axes.
///
/// # Errors
/// If an index is out of range, or a mask's shape is not that of the axes that it stands for.
pub fn index(x: &Tensor, indices: &[Option<&Tensor>]) -> Result<Tensor> {
    let chosen = Selection::new(x, indices)?;
    match chosen.indexed[..] {
        [] => Ok(x.clone()),
        [dim] => pick_slices(x, &chosen.places, dim)?.reshape(chosen.result_dims(x)),
        _ => {
            let rest: Vec<usize> = chosen.whole.iter().map(|&dim| x.dims()[dim]).collect();
            let rows: usize = chosen.indexed.iter().map(|&dim| x.dims()[dim]).product();
            let table = x.permute(chosen.order())?;
            let table = table.reshape([&[rows], &rest[..]].concat())?;
            let picked = pick_slices(&table, &chosen.places, 0)?;
            let picked = picked.reshape([&chosen.dims[..], &rest].concat())?;
            chosen.put_in_place(&picked)
        }
    }
}

/// `torch.masked_select`: the elements where the mask holds, after both broadcast to each other.
pub fn masked_select(x: &Tensor, mask: &Tensor) -> Result<Tensor> {
    let shape = x
        .shape()
        .broadcast_shape_binary_op(mask.shape(), "masked_select")?;
    let held = super::nonzero::held(&mask.broadcast_as(&shape)?)?;
    let places: Vec<i64> = (0..held.len() as i64)
        .filter(|&place| held[place as usize] != 0)
        .collect();
    pick(&x.broadcast_as(&shape)?, &places, places.len())
}

/// What a list of indices picks of a tensor.
pub(crate) struct Selection {
    /// The indexed axes, and the others.
    pub(crate) indexed: Vec<usize>,
    pub(crate) whole: Vec<usize>,
    /// The common shape of the indices.
    pub(crate) dims: Vec<usize>,
    /// Row-major places among the indexed axes alone, one for each element of that shape.
    pub(crate) places: Vec<i64>,
}

impl Selection {
    pub(crate) fn new(x: &Tensor, indices: &[Option<&Tensor>]) -> Result<Self> {
        let mut axes: Vec<(usize, Tensor)> = Vec::new();
        let mut dim = 0;
        for index in indices {
            match index {
                None => dim += 1,
                Some(mask) if mask.dtype() == DType::U8 => {
                    let end = dim + mask.rank();
                    if mask.rank() == 0 || x.dims().get(dim..end) != Some(mask.dims()) {
                        candle_core::bail!(
                            "index: a mask of shape {:?} does not fit axis {dim} of {:?}",
                            mask.shape(),
                            x.shape()
                        )
                    }
                    for places in super::nonzero::coordinates(mask)? {
                        axes.push((dim, Tensor::new(places, &candle_core::Device::Cpu)?));
                        dim += 1;
                    }
                }
                Some(index) => {
                    axes.push((dim, (*index).clone()));
                    dim += 1;
                }
            }
        }
        if dim > x.rank() {
            candle_core::bail!("index: {dim} indices are too many for {:?}", x.shape())
        }
        let mut shape = Shape::from(());
        for (_, index) in &axes {
            shape = shape.broadcast_shape_binary_op(index.shape(), "index")?;
        }
        let mut places = vec![0i64; shape.elem_count()];
        for (dim, index) in &axes {
            let size = x.dims()[*dim];
            for (place, value) in places
                .iter_mut()
                .zip(integers(&index.broadcast_as(&shape)?)?)
            {
                *place = *place * size as i64 + wrap(value, size, *dim)?;
            }
        }
        let indexed: Vec<usize> = axes.into_iter().map(|(dim, _)| dim).collect();
        let whole = (0..x.rank()).filter(|dim| !indexed.contains(dim)).collect();
        Ok(Self {
            indexed,
            whole,
            dims: shape.into_dims(),
            places,
        })
    }

    /// The axes, indexed ones first.
    pub(crate) fn order(&self) -> Vec<usize> {
        [&self.indexed[..], &self.whole].concat()
    }

    /// How many whole axes stand before the indices' own in a result.
    fn ahead(&self) -> usize {
        match (self.indexed.first(), self.indexed.last()) {
            (Some(first), Some(last)) if last - first + 1 == self.indexed.len() => *first,
            _ => 0,
        }
    }

    /// The shape of the elements picked from `x`.
    pub(crate) fn result_dims(&self, x: &Tensor) -> Vec<usize> {
        let rest: Vec<usize> = self.whole.iter().map(|&dim| x.dims()[dim]).collect();
        let (before, after) = rest.split_at(self.ahead());
        [before, &self.dims, after].concat()
    }

    /// Moves the indices' axes from the front to their place in a result.
    fn put_in_place(&self, picked: &Tensor) -> Result<Tensor> {
        let (rank, ahead) = (self.dims.len(), self.ahead());
        let order = (rank..rank + ahead)
            .chain(0..rank)
            .chain(rank + ahead..picked.rank());
        picked.permute(order.collect::<Vec<_>>())
    }

    /// Moves the indices' axes of a result to the front.
    pub(crate) fn to_front(&self, result: &Tensor) -> Result<Tensor> {
        let (rank, ahead) = (self.dims.len(), self.ahead());
        let order = (ahead..ahead + rank)
            .chain(0..ahead)
            .chain(ahead + rank..result.rank());
        result.permute(order.collect::<Vec<_>>())
    }
}

/// The values of an integer tensor, in row-major order.
pub(crate) fn integers(x: &Tensor) -> Result<Vec<i64>> {
    if x.dtype().is_float() {
        candle_core::bail!("indices are integers, not {:?}", x.dtype())
    }
    x.flatten_all()?.to_dtype(DType::I64)?.to_vec1()
}

/// Slices of one axis, of nothing too. The places must be in range.
pub(crate) fn pick_slices(x: &Tensor, places: &[i64], dim: usize) -> Result<Tensor> {
    if places.is_empty() || x.elem_count() == 0 {
        let mut dims = x.dims().to_vec();
        dims[dim] = places.len();
        return Tensor::zeros(dims, x.dtype(), x.device());
    }
    let places = Tensor::new(places, x.device())?;
    contiguous(x)?.index_select(&places, dim)
}

/// Elements by their row-major places, which must be in range, in some shape.
pub(crate) fn pick(x: &Tensor, places: &[i64], shape: impl Into<Shape>) -> Result<Tensor> {
    pick_slices(&x.flatten_all()?, places, 0)?.reshape(shape.into())
}

/// Row-major places in a tensor of shape `dims`: the coordinates of each element of `index`, but
/// along `dim` the element itself, after `check`.
pub(crate) fn places_along(
    dims: &[usize],
    dim: usize,
    index: &Tensor,
    check: impl Fn(i64, usize, usize) -> Result<i64>,
) -> Result<Vec<i64>> {
    // A tensor without axes counts as a vector of one element.
    let dims = if dims.is_empty() { &[1] } else { dims };
    let own = if index.rank() == 0 {
        &[1]
    } else {
        index.dims()
    };
    let fits = |axis: usize| axis == dim || own[axis] <= dims[axis];
    if index.elem_count() == 0 {
        return Ok(Vec::new());
    }
    if own.len() != dims.len() || !(0..dims.len()).all(fits) {
        candle_core::bail!("an index of shape {own:?} does not fit a tensor of shape {dims:?}")
    }
    let strides = strides(dims);
    let mut coordinates = vec![0; own.len()];
    let mut base = 0;
    let mut places = Vec::with_capacity(index.elem_count());
    for value in integers(index)? {
        places.push(base as i64 + check(value, dims[dim], dim)? * strides[dim] as i64);
        for axis in (0..own.len()).rev() {
            let stride = if axis == dim { 0 } else { strides[axis] };
            coordinates[axis] += 1;
            base += stride;
            if coordinates[axis] < own[axis] {
                break;
            }
            base -= stride * own[axis];
            coordinates[axis] = 0;
        }
    }
    Ok(places)
}

/// How far apart in memory the neighbours along each axis are, in row-major order.
pub(crate) fn strides(dims: &[usize]) -> Vec<usize> {
    let sizes = dims.iter().rev().scan(1, |stride, &size| {
        let own = *stride;
        *stride *= size;
        Some(own)
    });
    let mut strides: Vec<usize> = sizes.collect();
    strides.reverse();
    strides
}

/// An index from the front.
pub(crate) fn wrap(index: i64, size: usize, dim: usize) -> Result<i64> {
    let place = if index < 0 {
        index.saturating_add(size as i64)
    } else {
        index
    };
    if place < 0 || place >= size as i64 {
        candle_core::bail!("index {index} is out of range for axis {dim} of size {size}")
    }
    Ok(place)
}

/// An index that may not be negative.
pub(crate) fn in_range(index: i64, size: usize, dim: usize) -> Result<i64> {
    if index < 0 || index >= size as i64 {
        candle_core::bail!("index {index} is out of range for axis {dim} of size {size}")
    }
    Ok(index)
}
