//! Covariance and correlation. Sums are in f64.

use candle_core::{Result, Tensor};

use super::lines::{floats, tensor};

/// `torch.cov` of floats, variables in rows, observations in columns; a single variable gives a number.
///
/// `fweights` says how often each observation counts, `aweights` how much.
///
/// # Errors
/// For more than two axes, or weights of another length.
pub fn cov(
    x: &Tensor,
    correction: i64,
    fweights: Option<&Tensor>,
    aweights: Option<&Tensor>,
) -> Result<Tensor> {
    let (count, values) = covariances(x, correction, fweights, aweights)?;
    shaped(values, count, x)
}

/// `torch.corrcoef` of floats, variables in rows, observations in columns, within -1 and 1.
///
/// # Errors
/// For more than two axes.
pub fn corrcoef(x: &Tensor) -> Result<Tensor> {
    let (count, exact) = covariances(x, 1, None, None)?;
    // PyTorch's covariances are of the dtype, and what is too large or too small for it stays so.
    let rounded = floats(&shaped(exact.clone(), count, x)?)?;
    let kept = |(exact, rounded): (f64, f64)| {
        let fits = rounded.is_finite() && rounded != 0.0;
        if fits { exact } else { rounded }
    };
    let values: Vec<f64> = exact.into_iter().zip(rounded).map(kept).collect();
    let deviation = |i: usize| values[i * count + i].sqrt();
    let scaled = |place: usize| {
        let (i, j) = (place / count, place % count);
        if count == 1 {
            let varies = values[place].is_finite() && values[place] != 0.0;
            return if varies { 1.0 } else { f64::NAN };
        }
        (values[place] / deviation(i) / deviation(j)).clamp(-1.0, 1.0)
    };
    shaped((0..count * count).map(scaled).collect(), count, x)
}

fn shaped(values: Vec<f64>, count: usize, x: &Tensor) -> Result<Tensor> {
    let sizes = if count == 1 {
        vec![]
    } else {
        vec![count, count]
    };
    tensor(values, sizes, x.dtype(), x.device())
}

/// How many variables there are, and the covariance of each two.
fn covariances(
    x: &Tensor,
    correction: i64,
    fweights: Option<&Tensor>,
    aweights: Option<&Tensor>,
) -> Result<(usize, Vec<f64>)> {
    let (count, width) = match *x.dims() {
        [] => (1, 1),
        [width] => (1, width),
        [count, width] => (count, width),
        _ => candle_core::bail!("cov takes at most two axes, not {:?}", x.shape()),
    };
    let given = |weights: Option<&Tensor>| match weights {
        Some(weights) => floats(weights),
        None => Ok(vec![1.0; width]),
    };
    let (often, much) = (given(fweights)?, given(aweights)?);
    if often.len() != width || much.len() != width {
        candle_core::bail!("cov: there are {width} observations, and not as many weights")
    }
    let weights: Vec<f64> = often.iter().zip(&much).map(|(f, a)| f * a).collect();
    let total: f64 = weights.iter().sum();
    let squares: f64 = weights.iter().zip(&much).map(|(w, a)| w * a).sum();
    let lost = if aweights.is_some() {
        squares / total
    } else {
        1.0
    };
    let freedom = (total - correction as f64 * lost).max(0.0);
    let mut values = floats(x)?;
    for row in values.chunks_mut(width.max(1)) {
        let mean: f64 = row.iter().zip(&weights).map(|(x, w)| x * w).sum::<f64>() / total;
        row.iter_mut().for_each(|x| *x -= mean);
    }
    let row = |i: usize| &values[i * width..(i + 1) * width];
    let product = |place: usize| {
        let pairs = row(place / count)
            .iter()
            .zip(row(place % count))
            .zip(&weights);
        pairs.map(|((a, b), w)| a * b * w).sum::<f64>() / freedom
    };
    Ok((count, (0..count * count).map(product).collect()))
}
