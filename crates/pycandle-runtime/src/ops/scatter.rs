//! Writing parts of tensors by position.
//!
//! Nothing is written in place: each function gives a new tensor. Of several writes to one place
//! the last one stays. Sums are taken in f64, or in i64 that wraps around.

use candle_core::{DType, Device, Result, Tensor, WithDType};

use super::index::{Selection, in_range, integers, places_along, slice_places, wrap};

/// Calls a function that is generic over the element with the tensor's dtype.
macro_rules! by_dtype {
    ($x:expr, $function:ident($($argument:expr),*)) => {
        match $x.dtype() {
            DType::U8 => $function::<u8>($($argument),*),
            DType::I16 => $function::<i16>($($argument),*),
            DType::I32 => $function::<i32>($($argument),*),
            DType::I64 => $function::<i64>($($argument),*),
            DType::F32 => $function::<f32>($($argument),*),
            DType::F64 => $function::<f64>($($argument),*),
            dtype => candle_core::bail!("cannot write to {dtype:?}"),
        }
    };
}

/// How values that go to one place are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScatterReduce {
    Set,
    Sum,
    Prod,
    Mean,
    Amax,
    Amin,
}

/// `aten.scatter`: writes each element of `src` where `index` says along `dim`.
///
/// # Errors
/// If an index is out of range, or larger than `src`, or than `x` along another axis.
pub fn scatter(x: &Tensor, dim: usize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
    scatter_reduce(x, dim, index, src, ScatterReduce::Set, true)
}

/// `aten.scatter_add`: adds each element of `src` where `index` says along `dim`.
///
/// # Errors
/// As those of [`scatter`].
pub fn scatter_add(x: &Tensor, dim: usize, index: &Tensor, src: &Tensor) -> Result<Tensor> {
    scatter_reduce(x, dim, index, src, ScatterReduce::Sum, true)
}

/// `aten.scatter_reduce`: reduces each element of `src` into where `index` says along `dim`.
///
/// Without `include_self` the elements of `x` that are written to do not count.
///
/// # Errors
/// As those of [`scatter`].
pub fn scatter_reduce(
    x: &Tensor,
    dim: usize,
    index: &Tensor,
    src: &Tensor,
    reduce: ScatterReduce,
    include_self: bool,
) -> Result<Tensor> {
    let places = places_along(x.dims(), dim, index, in_range)?;
    if places.is_empty() {
        return Ok(x.clone());
    }
    let mut src = src.clone();
    if index.rank() == src.rank() {
        for (axis, &size) in index.dims().iter().enumerate() {
            src = src.narrow(axis, 0, size)?;
        }
    }
    write(x, &places, &src, reduce, include_self)
}

/// `aten.index_add`: adds `alpha` times each slice of `source` to the slice that `index` names.
///
/// # Errors
/// If an index is out of range, or the shapes do not fit.
pub fn index_add(
    x: &Tensor,
    dim: usize,
    index: &Tensor,
    source: &Tensor,
    alpha: f64,
) -> Result<Tensor> {
    let source = if alpha == 1.0 {
        source.clone()
    } else {
        scaled(source, alpha)?
    };
    index_write(x, dim, index, &source, ScatterReduce::Sum, true)
}

/// `aten.index_copy`: replaces the slices that `index` names by those of `source`.
///
/// # Errors
/// If an index is out of range, or the shapes do not fit.
pub fn index_copy(x: &Tensor, dim: usize, index: &Tensor, source: &Tensor) -> Result<Tensor> {
    index_write(x, dim, index, source, ScatterReduce::Set, true)
}

/// `aten.index_reduce`: reduces the slices of `source` into those that `index` names.
///
/// # Errors
/// If an index is out of range, or the shapes do not fit.
pub fn index_reduce(
    x: &Tensor,
    dim: usize,
    index: &Tensor,
    source: &Tensor,
    reduce: ScatterReduce,
    include_self: bool,
) -> Result<Tensor> {
    index_write(x, dim, index, source, reduce, include_self)
}

/// `aten.index_fill`: writes a tensor without axes into the slices that `index` names. Negative
/// indices count from the end.
///
/// # Errors
/// If an index is out of range.
pub fn index_fill(x: &Tensor, dim: usize, index: &Tensor, value: &Tensor) -> Result<Tensor> {
    if x.rank() == 0 {
        return index_fill(&x.reshape(1)?, 0, index, value)?.reshape(());
    }
    let size = x.dim(dim)?;
    let mut chosen = vec![0u8; size];
    for place in integers(index)? {
        chosen[wrap(place, size, dim)? as usize] = 1;
    }
    let mut dims = vec![1; x.rank()];
    dims[dim] = size;
    let chosen = Tensor::from_vec(chosen, dims, x.device())?;
    replace(x, &chosen, value)
}

/// `aten.index_put`: writes `values`, broadcast, to the elements that [`index`](super::index) picks,
/// or with `accumulate` adds them.
///
/// # Errors
/// As those of [`index`](super::index); if the values do not broadcast to what is picked.
pub fn index_put(
    x: &Tensor,
    indices: &[Option<&Tensor>],
    values: &Tensor,
    accumulate: bool,
) -> Result<Tensor> {
    if let [Some(mask)] = indices
        && mask.dtype() == DType::U8
        && mask.rank() > 0
        && x.dims().starts_with(mask.dims())
        && values.elem_count() == 1
        && !accumulate
    {
        let dims = [mask.dims(), &vec![1; x.rank() - mask.rank()]].concat();
        return replace(x, &mask.reshape(dims)?, values);
    }
    let chosen = Selection::new(x, indices)?;
    let order = chosen.order();
    let front = x.permute(&order[..])?;
    let values = values.broadcast_as(chosen.result_dims(x))?;
    let values = chosen.to_front(&values)?;
    let reduce = if accumulate {
        ScatterReduce::Sum
    } else {
        ScatterReduce::Set
    };
    let written = write(&front, &chosen.places, &values, reduce, true)?;
    let mut back = vec![0; order.len()];
    for (place, &axis) in order.iter().enumerate() {
        back[axis] = place;
    }
    written.permute(back)
}

/// `aten.masked_scatter`: the elements of `source`, in order, where the mask holds.
///
/// # Errors
/// If there are fewer elements than places.
pub fn masked_scatter(x: &Tensor, mask: &Tensor, source: &Tensor) -> Result<Tensor> {
    let shape = x
        .shape()
        .broadcast_shape_binary_op(mask.shape(), "masked_scatter")?;
    let held = super::nonzero::held(&mask.broadcast_as(&shape)?)?;
    let places: Vec<i64> = (0..held.len() as i64)
        .filter(|&place| held[place as usize] != 0)
        .collect();
    if places.len() > source.elem_count() {
        candle_core::bail!(
            "masked_scatter: the mask holds at {} places, and there are {} elements",
            places.len(),
            source.elem_count()
        )
    }
    let source = source.flatten_all()?.narrow(0, 0, places.len())?;
    write(
        &x.broadcast_as(&shape)?,
        &places,
        &source,
        ScatterReduce::Set,
        true,
    )
}

/// `aten.slice_scatter`: `x` with `src` as its `start:end:step` along an axis.
///
/// # Errors
/// If the shapes do not fit.
pub fn slice_scatter(
    x: &Tensor,
    src: &Tensor,
    dim: usize,
    start: i64,
    end: i64,
    step: usize,
) -> Result<Tensor> {
    let places = slice_places(x.dim(dim)?, start, end, step)?;
    let index = Tensor::new(places, &Device::Cpu)?;
    index_copy(x, dim, &index, src)
}

/// `aten.select_scatter`: `x` with `src` as its `index` along an axis.
///
/// # Errors
/// If the index is out of range, or the shapes do not fit.
pub fn select_scatter(x: &Tensor, src: &Tensor, dim: usize, index: i64) -> Result<Tensor> {
    let place = wrap(index, x.dim(dim)?, dim)?;
    let index = Tensor::new(&[place], &Device::Cpu)?;
    index_copy(x, dim, &index, &src.unsqueeze(dim)?)
}

/// `value`, broadcast, where the mask, broadcast, holds; elsewhere `x`.
fn replace(x: &Tensor, mask: &Tensor, value: &Tensor) -> Result<Tensor> {
    if value.elem_count() != 1 {
        candle_core::bail!("one value is needed, and there are {}", value.elem_count())
    }
    let value = value.reshape(())?.broadcast_as(x.shape())?;
    mask.broadcast_as(x.shape())?.where_cond(&value, x)
}

/// Writes the slices of `source` along `dim` to those of `x` that `index` names.
fn index_write(
    x: &Tensor,
    dim: usize,
    index: &Tensor,
    source: &Tensor,
    reduce: ScatterReduce,
    include_self: bool,
) -> Result<Tensor> {
    if x.rank() == 0 {
        let written = index_write(&x.reshape(1)?, 0, index, source, reduce, include_self)?;
        return written.reshape(());
    }
    let source = if source.rank() == 0 {
        source.reshape(1)?
    } else {
        source.clone()
    };
    let mut expected = x.dims().to_vec();
    expected[dim] = index.elem_count();
    if source.dims() != expected {
        candle_core::bail!(
            "{:?} is expected for {} indices along axis {dim} of {:?}, not {:?}",
            expected,
            index.elem_count(),
            x.shape(),
            source.shape()
        )
    }
    let mut places = Vec::with_capacity(index.elem_count());
    for place in integers(index)? {
        places.push(in_range(place, x.dim(dim)?, dim)?);
    }
    let front = x.transpose(0, dim)?;
    write(
        &front,
        &places,
        &source.transpose(0, dim)?,
        reduce,
        include_self,
    )?
    .transpose(0, dim)
}

/// Writes each of as many equal parts of `src` as there are places to the row of that number.
///
/// A row of `x` has as many elements as such a part.
fn write(
    x: &Tensor,
    places: &[i64],
    src: &Tensor,
    reduce: ScatterReduce,
    include_self: bool,
) -> Result<Tensor> {
    if x.dtype() != src.dtype() {
        candle_core::bail!("values of {:?} cannot go into {:?}", src.dtype(), x.dtype())
    }
    if src.elem_count() == 0 || x.elem_count() == 0 {
        return Ok(x.clone());
    }
    if matches!(x.dtype(), DType::F16 | DType::BF16) {
        let (wide, src) = (x.to_dtype(DType::F32)?, src.to_dtype(DType::F32)?);
        return write(&wide, places, &src, reduce, include_self)?.to_dtype(x.dtype());
    }
    let width = src.elem_count() / places.len();
    if width * places.len() != src.elem_count() {
        candle_core::bail!("{:?} is not {} equal parts", src.shape(), places.len())
    }
    by_dtype!(x, written(x, places, src, width, reduce, include_self))
}

fn scaled(x: &Tensor, factor: f64) -> Result<Tensor> {
    if matches!(x.dtype(), DType::F16 | DType::BF16) {
        return scaled(&x.to_dtype(DType::F32)?, factor)?.to_dtype(x.dtype());
    }
    by_dtype!(x, times(x, factor))
}

fn times<T: Element>(x: &Tensor, factor: f64) -> Result<Tensor> {
    let values = x.flatten_all()?.to_vec1::<T>()?;
    let values = values
        .into_iter()
        .map(|value| T::narrow(value.widen().times(factor)));
    Tensor::from_vec(values.collect::<Vec<_>>(), x.shape(), x.device())
}

fn written<T: Element>(
    x: &Tensor,
    places: &[i64],
    src: &Tensor,
    width: usize,
    reduce: ScatterReduce,
    include_self: bool,
) -> Result<Tensor> {
    let mut target = x.flatten_all()?.to_vec1::<T>()?;
    let src = src.flatten_all()?.to_vec1::<T>()?;
    let parts = src.chunks_exact(width).zip(places);
    if reduce == ScatterReduce::Set {
        for (part, &place) in parts {
            target[place as usize * width..][..width].copy_from_slice(part);
        }
        return Tensor::from_vec(target, x.shape(), x.device());
    }
    let mut sums: Vec<T::Sum> = target.iter().map(|value| value.widen()).collect();
    let first = i64::from(include_self);
    let mut counts = vec![first; target.len() / width];
    for (part, &place) in parts {
        let place = place as usize;
        for (sum, value) in sums[place * width..][..width].iter_mut().zip(part) {
            let value = value.widen();
            *sum = if counts[place] == 0 {
                value
            } else {
                match reduce {
                    ScatterReduce::Sum | ScatterReduce::Mean => sum.plus(value),
                    ScatterReduce::Prod => sum.multiplied(value),
                    ScatterReduce::Amax => sum.larger(value),
                    ScatterReduce::Amin => sum.smaller(value),
                    ScatterReduce::Set => value,
                }
            };
        }
        counts[place] += 1;
    }
    let rows = target.chunks_exact_mut(width).zip(sums.chunks_exact(width));
    for ((row, sums), &count) in rows.zip(&counts).filter(|(_, count)| **count > first) {
        for (value, &sum) in row.iter_mut().zip(sums) {
            *value = T::narrow(sum);
            if reduce == ScatterReduce::Mean {
                *value = T::mean(sum, count);
            }
        }
    }
    Tensor::from_vec(target, x.shape(), x.device())
}

/// An element, and the wider number in which many of it are put together.
trait Element: WithDType {
    type Sum: Accumulator;
    fn widen(self) -> Self::Sum;
    fn narrow(sum: Self::Sum) -> Self;
    /// The mean of `count` elements; integers round towards negative infinity.
    fn mean(sum: Self::Sum, count: i64) -> Self;
}

trait Accumulator: Copy {
    fn plus(self, other: Self) -> Self;
    fn multiplied(self, other: Self) -> Self;
    fn times(self, factor: f64) -> Self;
    /// NaN is larger and smaller than any number.
    fn larger(self, other: Self) -> Self;
    fn smaller(self, other: Self) -> Self;
}

impl Accumulator for f64 {
    fn plus(self, other: Self) -> Self {
        self + other
    }
    fn multiplied(self, other: Self) -> Self {
        self * other
    }
    fn times(self, factor: f64) -> Self {
        self * factor
    }
    fn larger(self, other: Self) -> Self {
        if self.is_nan() || self > other {
            self
        } else {
            other
        }
    }
    fn smaller(self, other: Self) -> Self {
        if self.is_nan() || self < other {
            self
        } else {
            other
        }
    }
}

impl Accumulator for i64 {
    fn plus(self, other: Self) -> Self {
        self.wrapping_add(other)
    }
    fn multiplied(self, other: Self) -> Self {
        self.wrapping_mul(other)
    }
    fn times(self, factor: f64) -> Self {
        self.wrapping_mul(factor as i64)
    }
    fn larger(self, other: Self) -> Self {
        self.max(other)
    }
    fn smaller(self, other: Self) -> Self {
        self.min(other)
    }
}

macro_rules! floats {
    ($($type:ty),*) => {$(
        impl Element for $type {
            type Sum = f64;
            fn widen(self) -> f64 {
                self.to_f64()
            }
            fn narrow(sum: f64) -> Self {
                Self::from_f64(sum)
            }
            fn mean(sum: f64, count: i64) -> Self {
                Self::from_f64(sum / count as f64)
            }
        }
    )*};
}
floats!(f32, f64);

macro_rules! integers {
    ($($type:ty),*) => {$(
        impl Element for $type {
            type Sum = i64;
            fn widen(self) -> i64 {
                self.into()
            }
            fn narrow(sum: i64) -> Self {
                sum as $type
            }
            fn mean(sum: i64, count: i64) -> Self {
                // The sum is in the element's own width, as in PyTorch.
                let sum = Self::narrow(sum).widen();
                Self::narrow(sum.wrapping_div_euclid(count))
            }
        }
    )*};
}
integers!(u8, i16, i32, i64);
