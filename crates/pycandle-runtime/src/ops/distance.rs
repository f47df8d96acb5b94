//! Norms of vectors, and distances between them. Sums are in f64.

use candle_core::{D, Result, Tensor};

use super::compare::{isfinite, where_};
use super::linear::matmul;
use super::lines::{Lines, floats, tensor};
use super::promote::{float_type, in_dtype, result_type, sum_dtype};
use super::reduce::{amax, amin, by_rows, sum};
use super::rows;

/// `torch.linalg.vector_norm` over axes of floats: the `ord`-th root of the sum of `|x| ** ord`.
///
/// Zero counts what is not zero, infinity takes the largest magnitude and minus infinity the
/// smallest. No axes mean all.
///
/// # Errors
/// For a negative or infinite `ord` of nothing, as in PyTorch.
pub fn linalg_vector_norm(x: &Tensor, ord: f64, dims: &[usize], keepdim: bool) -> Result<Tensor> {
    if !x.dtype().is_float() {
        candle_core::bail!("a norm takes floats, not {:?}", x.dtype())
    }
    if (ord < 0.0 || ord.is_infinite()) && Lines::new(x, dims)?.width == 0 {
        candle_core::bail!("nothing has no norm of order {ord}")
    }
    if let Some(norms) = by_rows(x, dims, keepdim, |row| row_norm(row, ord)) {
        return norms;
    }
    let wide = x.to_dtype(sum_dtype(x.dtype(), x.device()))?;
    let total = |x: &Tensor| sum(x, dims, keepdim);
    let norm = if ord == 0.0 {
        total(&wide.ne(0f64)?.to_dtype(wide.dtype())?)?
    } else if ord == 1.0 {
        total(&wide.abs()?)?
    } else if ord == 2.0 {
        total(&wide.sqr()?)?.sqrt()?
    } else if ord == f64::INFINITY {
        amax(&wide.abs()?, dims, keepdim)?
    } else if ord == f64::NEG_INFINITY {
        amin(&wide.abs()?, dims, keepdim)?
    } else {
        total(&wide.abs()?.powf(ord)?)?.powf(1.0 / ord)?
    };
    norm.to_dtype(x.dtype())
}

fn row_norm(row: &[f32], ord: f64) -> f32 {
    let norm = if ord == 0.0 {
        rows::sum(row, |x| f64::from(u8::from(x != 0.0)))
    } else if ord == 1.0 {
        rows::sum(row, f64::abs)
    } else if ord == 2.0 {
        rows::sum(row, |x| x * x).sqrt()
    } else if ord == f64::INFINITY {
        f64::from(rows::best(row, |a, b| a.abs() > b.abs()).abs())
    } else if ord == f64::NEG_INFINITY {
        f64::from(rows::best(row, |a, b| a.abs() < b.abs()).abs())
    } else {
        rows::sum(row, |x| x.abs().powf(ord)).powf(1.0 / ord)
    };
    norm as f32
}

/// `torch.dist`: the norm of the difference of two tensors, which broadcast.
pub fn dist(a: &Tensor, b: &Tensor, p: f64) -> Result<Tensor> {
    along(a, b, None, false, |a, b| norm(differences(a, b, 0.0), p))
}

/// `torch.nn.functional.pairwise_distance`: the norm of `a - b + eps` over the last axis.
pub fn pairwise_distance(
    a: &Tensor,
    b: &Tensor,
    p: f64,
    eps: f64,
    keepdim: bool,
) -> Result<Tensor> {
    let last = a.rank().max(b.rank()).saturating_sub(1);
    along(a, b, Some(last), keepdim, |a, b| {
        norm(differences(a, b, eps), p)
    })
}

/// `torch.nn.functional.cosine_similarity` along an axis; norms are at least `eps`.
pub fn cosine_similarity(a: &Tensor, b: &Tensor, dim: usize, eps: f64) -> Result<Tensor> {
    along(a, b, Some(dim), false, |a, b| {
        let length = |row: &[f64]| norm(row.iter().copied(), 2.0).max(eps);
        let product: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
        product / (length(a) * length(b))
    })
}

/// `aten._euclidean_dist`: Euclidean distances between all rows of `a` and of `b`, as [`cdist`].
///
/// PyTorch takes them from `|a|² + |b|² - 2ab`: where that is infinite or NaN, so is the distance.
pub fn euclidean_dist(a: &Tensor, b: &Tensor) -> Result<Tensor> {
    let turned = |x: &Tensor| x.transpose(D::Minus2, D::Minus1);
    let squares = |x: &Tensor| sum(&x.sqr()?, &[x.rank() - 1], true);
    let both = squares(a)?.broadcast_add(&turned(&squares(b)?)?)?;
    let total = (both - (matmul(a, &turned(b)?)? * 2.0)?)?;
    where_(&isfinite(&total)?, &cdist(a, b, 2.0)?, &total)
}

/// `torch.cdist`: distances between all rows of `a`, `(..., n, width)`, and of `b`, `(..., m,
/// width)`, as `(..., n, m)`.
pub fn cdist(a: &Tensor, b: &Tensor, p: f64) -> Result<Tensor> {
    let [a, b] = floating(a, b)?;
    let ([batch_a @ .., n, width], [batch_b @ .., m, other]) = (a.dims(), b.dims()) else {
        candle_core::bail!(
            "cdist takes matrices, not {:?} and {:?}",
            a.shape(),
            b.shape()
        )
    };
    if width != other {
        candle_core::bail!("cdist of rows of {width} and of {other} elements")
    }
    let (n, m, width) = (*n, *m, *width);
    let batch = candle_core::Shape::from(batch_a)
        .broadcast_shape_binary_op(&candle_core::Shape::from(batch_b), "cdist")?;
    let spread =
        |x: &Tensor, rows: usize| floats(&x.broadcast_as([batch.dims(), &[rows, width]].concat())?);
    let (left, right) = (spread(&a, n)?, spread(&b, m)?);
    let mut distances = Vec::with_capacity(batch.elem_count() * n * m);
    for i in 0..batch.elem_count() * n {
        let row = &left[i * width..(i + 1) * width];
        let first = (i / n) * m;
        for j in first..first + m {
            let other = &right[j * width..(j + 1) * width];
            distances.push(norm(differences(row, other, 0.0), p));
        }
    }
    let shape = [batch.dims(), &[n, m]].concat();
    tensor(distances, shape, a.dtype(), a.device())
}

/// `torch.nn.functional.pdist`: distances between each two rows of a matrix, the upper triangle of
/// [`cdist`] in order.
pub fn pdist(x: &Tensor, p: f64) -> Result<Tensor> {
    let (count, width) = x.dims2()?;
    let values = floats(x)?;
    let row = |i: usize| &values[i * width..(i + 1) * width];
    let pairs = (0..count).flat_map(|i| (i + 1..count).map(move |j| (i, j)));
    let distances: Vec<f64> = pairs
        .map(|(i, j)| norm(differences(row(i), row(j), 0.0), p))
        .collect();
    let length = distances.len();
    tensor(distances, vec![length], x.dtype(), x.device())
}

/// `torch.renorm`: parts along `dim` whose `p`-norm is above `maxnorm` are scaled down to it.
pub fn renorm(x: &Tensor, p: f64, dim: usize, maxnorm: f64) -> Result<Tensor> {
    let others: Vec<usize> = (0..x.rank()).filter(|&axis| axis != dim).collect();
    if others.is_empty() {
        candle_core::bail!("renorm takes a tensor of at least two axes")
    }
    let wide = x.to_dtype(sum_dtype(x.dtype(), x.device()))?;
    let norms = linalg_vector_norm(&wide, p, &others, true)?;
    let scale = (&norms + 1e-7)?.recip()?.affine(maxnorm, 0.0)?;
    let scale = norms.gt(maxnorm)?.where_cond(&scale, &norms.ones_like()?)?;
    wide.broadcast_mul(&scale)?.to_dtype(x.dtype())
}

/// Both tensors in the floating dtype of the result.
pub(crate) fn floating(a: &Tensor, b: &Tensor) -> Result<[Tensor; 2]> {
    let operands = [a.into(), b.into()];
    in_dtype(operands, float_type(result_type(&operands)))
}

/// A number for each two lines, along an axis or all, of two tensors that broadcast.
fn along(
    a: &Tensor,
    b: &Tensor,
    dim: Option<usize>,
    keepdim: bool,
    f: impl Fn(&[f64], &[f64]) -> f64,
) -> Result<Tensor> {
    let [a, b] = floating(a, b)?;
    let shape = a.shape().broadcast_shape_binary_op(b.shape(), "distance")?;
    let (a, b) = (a.broadcast_as(&shape)?, b.broadcast_as(&shape)?);
    let dims: Vec<usize> = dim.into_iter().collect();
    let lines = Lines::new(&a, &dims)?;
    let (left, right) = (lines.floats()?, Lines::new(&b, &dims)?.floats()?);
    let rows = lines.rows(&left).zip(lines.rows(&right));
    lines.reduced(rows.map(|(a, b)| f(a, b)).collect(), keepdim, a.dtype())
}

fn differences(a: &[f64], b: &[f64], eps: f64) -> impl Iterator<Item = f64> {
    a.iter().zip(b).map(move |(a, b)| a - b + eps)
}

/// The `p`-norm of a vector; NaN if one element is.
fn norm(vector: impl Iterator<Item = f64>, p: f64) -> f64 {
    let nan_wins = |best: f64, x: f64, pick: fn(f64, f64) -> f64| {
        if x.is_nan() || best.is_nan() {
            f64::NAN
        } else {
            pick(best, x)
        }
    };
    let mut sizes = vector.map(f64::abs);
    if p == 0.0 {
        sizes.filter(|&x| x != 0.0).count() as f64
    } else if p == 1.0 {
        sizes.sum()
    } else if p == 2.0 {
        sizes.map(|x| x * x).sum::<f64>().sqrt()
    } else if p == f64::INFINITY {
        sizes.fold(0.0, |best, x| nan_wins(best, x, f64::max))
    } else if p == f64::NEG_INFINITY {
        let first = sizes.next().unwrap_or(f64::INFINITY);
        sizes.fold(first, |best, x| nan_wins(best, x, f64::min))
    } else {
        sizes.map(|x| x.powf(p)).sum::<f64>().powf(1.0 / p)
    }
}
