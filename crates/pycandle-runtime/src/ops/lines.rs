//! The elements along chosen axes as rows of plain numbers on the CPU.
//!
//! What Candle has no operator for loops over these rows. Floats are widened to f64 and integers to
//! i64, neither of which loses anything, so that two element types stand for all of them.

use candle_core::{DType, Device, Result, Tensor, WithDType};

/// The numbers of a tensor.
pub(crate) enum Values {
    Floats(Vec<f64>),
    Integers(Vec<i64>),
}

/// A tensor as lines along some of its axes, one line for each index of the other axes.
pub(crate) struct Lines<'a> {
    source: &'a Tensor,
    /// The axes of the tensor, those of a line last.
    order: Vec<usize>,
    /// How many axes are not those of a line.
    kept: usize,
    /// How many elements a line has.
    pub width: usize,
    /// How many lines there are.
    pub count: usize,
}

impl<'a> Lines<'a> {
    /// Lines along `dims`, in row-major order of these axes; no axes mean all of them.
    ///
    /// # Errors
    /// If an axis is not one of the tensor's, or occurs twice.
    pub(crate) fn new(source: &'a Tensor, dims: &[usize]) -> Result<Self> {
        let dims = axes(source, dims)?;
        let mut order: Vec<usize> = (0..source.rank()).filter(|d| !dims.contains(d)).collect();
        let kept = order.len();
        order.extend(dims);
        let sizes = |axes: &[usize]| axes.iter().map(|&dim| source.dims()[dim]).product();
        Ok(Self {
            width: sizes(&order[kept..]),
            count: sizes(&order[..kept]),
            source,
            kept,
            order,
        })
    }

    /// All elements, line after line.
    pub(crate) fn values(&self) -> Result<Values> {
        let flat = self.source.permute(self.order.clone())?.flatten_all()?;
        numbers(&flat)
    }

    /// All elements as floats, line after line.
    pub(crate) fn floats(&self) -> Result<Vec<f64>> {
        Ok(match self.values()? {
            Values::Floats(values) => values,
            Values::Integers(values) => values.into_iter().map(|x| x as f64).collect(),
        })
    }

    /// The lines of what `values` gave.
    pub(crate) fn rows<'v, T>(&self, values: &'v [T]) -> impl Iterator<Item = &'v [T]> {
        let width = self.width;
        (0..self.count).map(move |line| &values[line * width..(line + 1) * width])
    }

    /// A tensor of one number a line; `keepdim` keeps the axes of a line with size one.
    pub(crate) fn reduced<T: WithDType>(
        &self,
        values: Vec<T>,
        keepdim: bool,
        dtype: DType,
    ) -> Result<Tensor> {
        let lines = &self.order[self.kept..];
        let dims = self.source.dims().iter().enumerate();
        let sizes = dims.filter_map(|(dim, &size)| match lines.contains(&dim) {
            true => keepdim.then_some(1),
            false => Some(size),
        });
        tensor(values, sizes.collect(), dtype, self.source.device())
    }

    /// A tensor of lines of `width` elements, along the one axis where the source has its lines.
    pub(crate) fn along<T: WithDType>(
        &self,
        values: Vec<T>,
        width: usize,
        dtype: DType,
    ) -> Result<Tensor> {
        let mut sizes: Vec<usize> = self.order.iter().map(|&d| self.source.dims()[d]).collect();
        if let Some(last) = sizes.last_mut()
            && self.kept + 1 == self.order.len()
        {
            *last = width;
        }
        let mut back = vec![0; self.order.len()];
        for (place, &dim) in self.order.iter().enumerate() {
            back[dim] = place;
        }
        let lines = tensor(values, sizes, dtype, self.source.device())?;
        lines.permute(back)?.contiguous()
    }
}

/// The axes in ascending order; no axes mean all. A tensor without axes has axis 0, as in PyTorch.
///
/// # Errors
/// If an axis is not one of the tensor's, or occurs twice.
pub(crate) fn axes(x: &Tensor, dims: &[usize]) -> Result<Vec<usize>> {
    if let Some(dim) = dims.iter().find(|dim| **dim >= x.rank().max(1)) {
        candle_core::bail!("there is no axis {dim} in a tensor of rank {}", x.rank())
    }
    let chosen: Vec<usize> = (0..x.rank())
        .filter(|dim| dims.is_empty() || dims.contains(dim))
        .collect();
    if x.rank() > 0 && !dims.is_empty() && chosen.len() < dims.len() {
        candle_core::bail!("an axis occurs twice in {dims:?}")
    }
    Ok(chosen)
}

/// The elements of a tensor in row-major order.
pub(crate) fn numbers(x: &Tensor) -> Result<Values> {
    let flat = x.flatten_all()?.to_device(&Device::Cpu)?;
    Ok(if x.dtype().is_float() {
        Values::Floats(flat.to_dtype(DType::F64)?.to_vec1()?)
    } else {
        Values::Integers(flat.to_dtype(DType::I64)?.to_vec1()?)
    })
}

/// The elements of a tensor in row-major order, as floats.
pub(crate) fn floats(x: &Tensor) -> Result<Vec<f64>> {
    let flat = x.flatten_all()?.to_device(&Device::Cpu)?;
    flat.to_dtype(DType::F64)?.to_vec1()
}

/// The elements of an integer tensor in row-major order.
///
/// # Errors
/// For floats.
pub(crate) fn integers(x: &Tensor) -> Result<Vec<i64>> {
    match numbers(x)? {
        Values::Integers(values) => Ok(values),
        Values::Floats(_) => candle_core::bail!("takes integers, not {:?}", x.dtype()),
    }
}

/// A tensor of these numbers, rounded once to its dtype.
pub(crate) fn tensor<T: WithDType>(
    values: Vec<T>,
    sizes: Vec<usize>,
    dtype: DType,
    device: &Device,
) -> Result<Tensor> {
    Tensor::from_vec(values, sizes, &Device::Cpu)?
        .to_dtype(dtype)?
        .to_device(device)
}
