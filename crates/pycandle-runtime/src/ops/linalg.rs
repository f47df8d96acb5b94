//! Determinants, inverses, linear systems, factorisations and powers (`torch.linalg`).

use candle_core::{DType, Result, Tensor};

use super::dense::{Dense, Lu, Matrix, batched};
use super::linear::matmul;
use super::scan::cumprod;
use super::shape::cat;

/// Determinant of each matrix.
pub fn linalg_det(x: &Tensor) -> Result<Tensor> {
    let dense = Dense::read_square(x)?;
    let determinant = |lu: Lu| lu.sign() * lu.diagonal().product::<f64>();
    let values = dense.matrices().map(|a| determinant(a.lu())).collect();
    batched(&dense.batch, &[], values, x)
}

/// Sign of each determinant, and the logarithm of its size.
pub fn linalg_slogdet(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let dense = Dense::read_square(x)?;
    let (mut signs, mut logs) = (Vec::new(), Vec::new());
    for lu in dense.matrices().map(Matrix::lu) {
        let sign: f64 = lu.diagonal().map(sign_of).product();
        signs.push(lu.sign() * sign);
        logs.push(lu.diagonal().map(|d| d.abs().ln()).sum());
    }
    let tensor = |values| batched(&dense.batch, &[], values, x);
    Ok((tensor(signs)?, tensor(logs)?))
}

fn sign_of(x: f64) -> f64 {
    if x == 0.0 { 0.0 } else { x.signum() }
}

/// Logarithm of each determinant; NaN where it is negative.
pub fn logdet(x: &Tensor) -> Result<Tensor> {
    let dense = Dense::read_square(x)?;
    let values = dense.matrices().map(|a| {
        let lu = a.lu();
        let sign = lu.sign() * lu.diagonal().map(sign_of).product::<f64>();
        let log: f64 = lu.diagonal().map(|d| d.abs().ln()).sum();
        if sign < 0.0 { f64::NAN } else { log }
    });
    batched(&dense.batch, &[], values.collect(), x)
}

/// Inverse of each matrix.
///
/// # Errors
/// If one has none, as in PyTorch.
pub fn linalg_inv(x: &Tensor) -> Result<Tensor> {
    let (inverse, info) = linalg_inv_ex(x)?;
    regular("linalg_inv", &info)?;
    Ok(inverse)
}

/// Inverse of each matrix, and for each the number of a pivot that is zero, or zero, as i32.
pub fn linalg_inv_ex(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let size = x.dims().last().copied().unwrap_or(0);
    let identity = batched(&[], &[size, size], Matrix::identity(size).values, x)?;
    linalg_solve_ex(x, &identity.broadcast_as(x.shape())?, true)
}

/// Solves `a x = b`, or `x a = b` if not `left`; batches broadcast, and `b` may be vectors.
///
/// # Errors
/// If a matrix has no inverse, as in PyTorch.
pub fn linalg_solve(a: &Tensor, b: &Tensor, left: bool) -> Result<Tensor> {
    let (x, info) = linalg_solve_ex(a, b, left)?;
    regular("linalg_solve", &info)?;
    Ok(x)
}

/// [`linalg_solve`], and for each matrix the number of a pivot that is zero, or zero, as i32.
pub fn linalg_solve_ex(a: &Tensor, b: &Tensor, left: bool) -> Result<(Tensor, Tensor)> {
    let vectors = b.rank() == 1 || (b.rank() + 1 == a.rank() && a.dims().starts_with(b.dims()));
    if vectors {
        let (x, info) = linalg_solve_ex(a, &b.unsqueeze(b.rank())?, left)?;
        return Ok((x.squeeze(x.rank() - 1)?, info));
    }
    if !left {
        let (x, info) = linalg_solve_ex(&turned(a)?, &turned(b)?, true)?;
        return Ok((turned(&x)?, info));
    }
    let (a_spread, b_spread) = spread(a, b)?;
    let systems = Dense::read_square(a)?;
    let zeros = systems.matrices().map(|a| a.lu().zero);
    let info = zeros
        .map(|zero| zero.map_or(0, |k| k as i32 + 1))
        .collect::<Vec<_>>();
    let info = Tensor::from_vec(info, &systems.batch[..], a.device())?;
    let (left, right) = (Dense::read_square(&a_spread)?, Dense::read(&b_spread)?);
    let solved = left.matrices().zip(right.matrices());
    let values = solved.flat_map(|(a, b)| a.lu().solve(&b).values).collect();
    let x = batched(&left.batch, &[right.rows, right.columns], values, b)?;
    Ok((x, info))
}

/// Solves `a x = b`, or `x a = b` if not `left`, for triangular matrices; the other triangle is not
/// read, nor is the diagonal if `unitriangular`.
pub fn linalg_solve_triangular(
    a: &Tensor,
    b: &Tensor,
    upper: bool,
    left: bool,
    unitriangular: bool,
) -> Result<Tensor> {
    if !left {
        let (a, b) = (turned(a)?, turned(b)?);
        return turned(&linalg_solve_triangular(
            &a,
            &b,
            !upper,
            true,
            unitriangular,
        )?);
    }
    let (a_spread, b_spread) = spread(a, b)?;
    let (left, right) = (Dense::read_square(&a_spread)?, Dense::read(&b_spread)?);
    let pairs = left.matrices().zip(right.matrices());
    let values = pairs.flat_map(|(a, b)| a.solve_triangular(&b, upper, unitriangular).values);
    batched(
        &left.batch,
        &[right.rows, right.columns],
        values.collect(),
        a,
    )
}

/// Cholesky factor of each matrix, of which only one triangle is read.
///
/// # Errors
/// If one is not positive definite, as in PyTorch.
pub fn linalg_cholesky(x: &Tensor, upper: bool) -> Result<Tensor> {
    let (factor, info) = linalg_cholesky_ex(x, upper)?;
    if info
        .flatten_all()?
        .to_vec1::<i32>()?
        .iter()
        .any(|&i| i != 0)
    {
        candle_core::bail!("linalg_cholesky: a matrix is not positive definite")
    }
    Ok(factor)
}

/// Cholesky factor of each matrix, and the order of its first minor that is not positive, or zero,
/// as i32; the factor is zero where there is such a minor.
pub fn linalg_cholesky_ex(x: &Tensor, upper: bool) -> Result<(Tensor, Tensor)> {
    let read = if upper { turned(x)? } else { x.clone() };
    let dense = Dense::read_square(&read)?;
    let size = dense.rows;
    let (mut values, mut info) = (Vec::new(), Vec::new());
    for factor in dense.matrices().map(|a| a.cholesky()) {
        info.push(factor.as_ref().err().map_or(0, |&order| order as i32));
        values.extend(factor.unwrap_or_else(|_| Matrix::zeros(size, size)).values);
    }
    let factor = batched(&dense.batch, &[size, size], values, x)?;
    let info = Tensor::from_vec(info, &dense.batch[..], x.device())?;
    Ok((if upper { turned(&factor)? } else { factor }, info))
}

/// Solves `a x = b` for matrices that are given by their Cholesky factor.
pub fn cholesky_solve(b: &Tensor, factor: &Tensor, upper: bool) -> Result<Tensor> {
    let lower = if upper {
        turned(factor)?
    } else {
        factor.clone()
    };
    let y = linalg_solve_triangular(&lower, b, false, true, false)?;
    linalg_solve_triangular(&turned(&lower)?, &y, true, true, false)
}

/// Inverse of matrices that are given by their Cholesky factor.
pub fn cholesky_inverse(factor: &Tensor, upper: bool) -> Result<Tensor> {
    let size = factor.dims().last().copied().unwrap_or(0);
    let identity = batched(&[], &[size, size], Matrix::identity(size).values, factor)?;
    cholesky_solve(&identity, factor, upper)
}

/// LU factors in one matrix, and the rows that were swapped, counted from one, as i32.
pub fn linalg_lu_factor(x: &Tensor) -> Result<(Tensor, Tensor)> {
    let dense = Dense::read(x)?;
    let (mut values, mut pivots) = (Vec::new(), Vec::new());
    for lu in dense.matrices().map(Matrix::lu) {
        pivots.extend(lu.pivots.iter().map(|&row| row as i32 + 1));
        values.extend(lu.factors.values);
    }
    let (rows, columns) = (dense.rows, dense.columns);
    let count = [&dense.batch[..], &[rows.min(columns)]].concat();
    Ok((
        batched(&dense.batch, &[rows, columns], values, x)?,
        Tensor::from_vec(pivots, count, x.device())?,
    ))
}

/// The factors of `x = p l u`.
pub fn linalg_lu(x: &Tensor) -> Result<(Tensor, Tensor, Tensor)> {
    let dense = Dense::read(x)?;
    let (rows, columns) = (dense.rows, dense.columns);
    let rank = rows.min(columns);
    let (mut p, mut l, mut u) = (Vec::new(), Vec::new(), Vec::new());
    for lu in dense.matrices().map(Matrix::lu) {
        let order = lu.swapped(Matrix::identity(rows));
        p.extend(order.transposed().values);
        for i in 0..rows {
            l.extend((0..rank).map(|j| match i.cmp(&j) {
                std::cmp::Ordering::Greater => lu.factors.at(i, j),
                std::cmp::Ordering::Equal => 1.0,
                std::cmp::Ordering::Less => 0.0,
            }));
        }
        for i in 0..rank {
            u.extend((0..columns).map(|j| if i <= j { lu.factors.at(i, j) } else { 0.0 }));
        }
    }
    Ok((
        batched(&dense.batch, &[rows, rows], p, x)?,
        batched(&dense.batch, &[rows, rank], l, x)?,
        batched(&dense.batch, &[rank, columns], u, x)?,
    ))
}

/// The factors of `x = q r`; `complete` gives all columns of `q`, else as many as `x` has.
pub fn linalg_qr(x: &Tensor, complete: bool) -> Result<(Tensor, Tensor)> {
    let dense = Dense::read(x)?;
    let (rows, columns) = (dense.rows, dense.columns);
    let kept = if complete { rows } else { rows.min(columns) };
    let (mut q, mut r) = (Vec::new(), Vec::new());
    for (whole, triangle) in dense.matrices().map(|a| a.qr()) {
        for i in 0..rows {
            q.extend((0..kept).map(|j| whole.at(i, j)));
        }
        r.extend(&triangle.values[..kept * columns]);
    }
    Ok((
        batched(&dense.batch, &[rows, kept], q, x)?,
        batched(&dense.batch, &[kept, columns], r, x)?,
    ))
}

/// The exponential of each matrix, by scaling, a Taylor series and squaring.
pub fn linalg_matrix_exp(x: &Tensor) -> Result<Tensor> {
    let dense = Dense::read_square(x)?;
    let size = dense.rows;
    let values = dense.matrices().flat_map(|a| {
        let sums = (0..size).map(|j| (0..size).map(|i| a.at(i, j).abs()).sum::<f64>());
        let norm = sums.fold(0.0, f64::max);
        let halvings = if norm.is_finite() && norm > 0.25 {
            (norm * 4.0).log2().ceil() as i32
        } else {
            0
        };
        let a = a.scaled(0.5f64.powi(halvings));
        // Sixteen terms leave less than 1e-20 of a norm up to a quarter.
        let mut sum = Matrix::identity(size);
        let mut term = Matrix::identity(size);
        for k in 1..=16 {
            term = term.times(&a).scaled(1.0 / f64::from(k));
            sum.values
                .iter_mut()
                .zip(&term.values)
                .for_each(|(sum, x)| *sum += x);
        }
        for _ in 0..halvings {
            sum = sum.times(&sum);
        }
        sum.values
    });
    batched(&dense.batch, &[size, size], values.collect(), x)
}

/// Each matrix multiplied with itself; the inverse is taken for a negative exponent.
pub fn matrix_power(x: &Tensor, exponent: i64) -> Result<Tensor> {
    let [.., rows, columns] = *x.dims() else {
        candle_core::bail!("matrix_power takes matrices, not {:?}", x.shape())
    };
    if rows != columns {
        candle_core::bail!("matrix_power takes square matrices, not {:?}", x.shape())
    }
    if exponent < 0 {
        return matrix_power(&linalg_inv(x)?, exponent.saturating_neg());
    }
    if exponent == 0 {
        let identity = Tensor::eye(rows, DType::F32, x.device())?.to_dtype(x.dtype())?;
        return identity.broadcast_as(x.shape())?.contiguous();
    }
    if exponent == 1 {
        return Ok(x.clone());
    }
    let half = matrix_power(x, exponent / 2)?;
    let even = matmul(&half, &half)?;
    if exponent % 2 == 0 {
        Ok(even)
    } else {
        matmul(&even, x)
    }
}

/// `torch.linalg.vander`: the first `n` powers of each element along a new last axis, from the
/// zeroth on; integers give i64, and a single number is a vector.
///
/// # Errors
/// If `n` is not greater than 1, as in PyTorch.
pub fn linalg_vander(x: &Tensor, n: usize) -> Result<Tensor> {
    if n < 2 {
        candle_core::bail!("linalg_vander takes at least 2 powers, not {n}")
    }
    let column = match x.rank() {
        0 => x.reshape((1, 1))?,
        rank => x.unsqueeze(rank)?,
    };
    let axis = column.rank() - 1;
    let mut sizes = column.dims().to_vec();
    sizes[axis] = n - 1;
    let factors = column.broadcast_as(sizes)?;
    cumprod(&cat(&[&column.ones_like()?, &factors], axis)?, axis)
}

fn turned(x: &Tensor) -> Result<Tensor> {
    match x.rank() {
        0 | 1 => candle_core::bail!("{:?} is no matrix, nor a batch of them", x.shape()),
        rank => x.transpose(rank - 2, rank - 1),
    }
}

/// Both with their common batch.
fn spread(a: &Tensor, b: &Tensor) -> Result<(Tensor, Tensor)> {
    let (Some(first), Some(second)) = (a.rank().checked_sub(2), b.rank().checked_sub(2)) else {
        candle_core::bail!("{:?} and {:?} are no matrices", a.shape(), b.shape())
    };
    let (a_batch, a_matrix) = a.dims().split_at(first);
    let (b_batch, b_matrix) = b.dims().split_at(second);
    if a_matrix[1] != b_matrix[0] {
        candle_core::bail!("{:?} and {:?} are no linear system", a.shape(), b.shape())
    }
    let shape = |dims: &[usize]| candle_core::Shape::from(dims);
    let batch = shape(a_batch).broadcast_shape_binary_op(&shape(b_batch), "linalg")?;
    Ok((
        a.broadcast_as([batch.dims(), a_matrix].concat())?,
        b.broadcast_as([batch.dims(), b_matrix].concat())?,
    ))
}

fn regular(name: &str, info: &Tensor) -> Result<()> {
    if info
        .flatten_all()?
        .to_vec1::<i32>()?
        .iter()
        .any(|&i| i != 0)
    {
        candle_core::bail!("{name}: a matrix is singular")
    }
    Ok(())
}
