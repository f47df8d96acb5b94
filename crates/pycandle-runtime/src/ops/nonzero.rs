//! Where tensors hold what: coordinates, membership, classes.

use candle_core::{DType, Result, Tensor};

use super::index::{integers, strides};
use super::promote::promote_types;

/// `torch.nonzero` and `torch.argwhere`: the coordinates of what is not zero, one row each, i64.
///
/// NaN is not zero.
pub fn nonzero(x: &Tensor) -> Result<Tensor> {
    let axes = coordinates(x)?;
    rows_of(&axes, count_nonzero(x)?, x)
}

/// `torch.nonzero_static`: the first `size` of those rows, and rows of `fill_value` after them.
pub fn nonzero_static(x: &Tensor, size: usize, fill_value: i64) -> Result<Tensor> {
    let mut axes = coordinates(x)?;
    for places in &mut axes {
        places.resize(size, fill_value);
    }
    rows_of(&axes, size, x)
}

fn rows_of(axes: &[Vec<i64>], count: usize, x: &Tensor) -> Result<Tensor> {
    let mut rows = Vec::with_capacity(count * axes.len());
    for row in 0..count {
        rows.extend(axes.iter().map(|places| places[row]));
    }
    Tensor::from_vec(rows, (count, axes.len()), x.device())
}

fn count_nonzero(x: &Tensor) -> Result<usize> {
    Ok(held(x)?.iter().filter(|&&held| held != 0).count())
}

/// The coordinates of what is not zero, in row-major order: a vector for each axis.
pub(crate) fn coordinates(x: &Tensor) -> Result<Vec<Vec<i64>>> {
    let held = held(x)?;
    let strides = strides(x.dims());
    let mut axes = vec![Vec::new(); x.rank()];
    for (place, _) in held.iter().enumerate().filter(|(_, held)| **held != 0) {
        let mut rest = place;
        for (axis, stride) in axes.iter_mut().zip(&strides) {
            axis.push((rest / stride) as i64);
            rest %= stride;
        }
    }
    Ok(axes)
}

/// Whether each element is not zero, in row-major order.
pub(crate) fn held(x: &Tensor) -> Result<Vec<u8>> {
    let flat = x.flatten_all()?;
    if flat.elem_count() == 0 {
        return Ok(Vec::new());
    }
    if flat.dtype() == DType::U8 {
        return flat.to_vec1();
    }
    flat.ne(&flat.zeros_like()?)?.to_vec1()
}

/// `torch.isin`: whether each element is one of the test elements; with `invert`, whether it is none.
///
/// Both are compared in their common dtype; NaN is nowhere.
pub fn isin(elements: &Tensor, test_elements: &Tensor, invert: bool) -> Result<Tensor> {
    let dtype = promote_types(elements.dtype(), test_elements.dtype());
    let found: Vec<bool> = if dtype.is_float() {
        let read = |x: &Tensor| -> Result<Vec<f64>> {
            x.flatten_all()?
                .to_dtype(dtype)?
                .to_dtype(DType::F64)?
                .to_vec1()
        };
        let mut tests = read(test_elements)?;
        tests.retain(|x| !x.is_nan());
        tests.sort_by(f64::total_cmp);
        // Adding zero makes zero of minus zero, which equals it.
        tests.iter_mut().for_each(|x| *x += 0.0);
        read(elements)?
            .into_iter()
            .map(|x| {
                tests
                    .binary_search_by(|test| test.total_cmp(&(x + 0.0)))
                    .is_ok()
            })
            .collect()
    } else {
        let mut tests = integers(test_elements)?;
        tests.sort_unstable();
        integers(elements)?
            .iter()
            .map(|x| tests.binary_search(x).is_ok())
            .collect()
    };
    let found: Vec<u8> = found
        .into_iter()
        .map(|found| u8::from(found != invert))
        .collect();
    Tensor::from_vec(found, elements.shape(), elements.device())
}

/// `torch.nn.functional.one_hot`: i64, with an axis of `num_classes` behind all others.
///
/// # Errors
/// If a class is negative or not below `num_classes`.
pub fn one_hot(x: &Tensor, num_classes: usize) -> Result<Tensor> {
    let classes = integers(x)?;
    let mut hot = vec![0i64; classes.len() * num_classes];
    for (row, &class) in classes.iter().enumerate() {
        if class < 0 || class >= num_classes as i64 {
            candle_core::bail!("one_hot: class {class} is not among {num_classes}")
        }
        hot[row * num_classes + class as usize] = 1;
    }
    Tensor::from_vec(hot, [x.dims(), &[num_classes]].concat(), x.device())
}
