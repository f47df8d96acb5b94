//! Batches of small dense matrices on the host, in f64, and their factorisations.
//!
//! Loops as in a textbook: what PyTorch does in the dtype of the tensor, done in f64 and rounded
//! once.

use candle_core::{DType, Device, Result, Tensor};

/// Matrices in rows, one behind the other.
pub(crate) struct Dense {
    pub(crate) batch: Vec<usize>,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    values: Vec<f64>,
}

impl Dense {
    /// # Errors
    /// If the tensor has fewer than two axes.
    pub(crate) fn read(x: &Tensor) -> Result<Self> {
        let [batch @ .., rows, columns] = x.dims() else {
            candle_core::bail!("{:?} is no matrix, nor a batch of them", x.shape())
        };
        let values = x.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
        Ok(Self {
            batch: batch.to_vec(),
            rows: *rows,
            columns: *columns,
            values: values.flatten_all()?.to_vec1()?,
        })
    }

    /// # Errors
    /// If the matrices are not square.
    pub(crate) fn read_square(x: &Tensor) -> Result<Self> {
        let dense = Self::read(x)?;
        if dense.rows != dense.columns {
            candle_core::bail!("{:?} is not a batch of square matrices", x.shape())
        }
        Ok(dense)
    }

    /// Each matrix, as its rows.
    pub(crate) fn matrices(&self) -> impl Iterator<Item = Matrix> + '_ {
        let size = self.rows * self.columns;
        let count: usize = self.batch.iter().product();
        (0..count).map(move |k| Matrix {
            rows: self.rows,
            columns: self.columns,
            values: self.values[k * size..(k + 1) * size].to_vec(),
        })
    }
}

/// A tensor of the batch's shape and then `shape`, with the dtype and the device of another.
pub(crate) fn batched(
    batch: &[usize],
    shape: &[usize],
    values: Vec<f64>,
    like: &Tensor,
) -> Result<Tensor> {
    Tensor::from_vec(values, [batch, shape].concat(), &Device::Cpu)?
        .to_dtype(like.dtype())?
        .to_device(like.device())
}

/// One matrix, in rows.
#[derive(Clone)]
pub(crate) struct Matrix {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) values: Vec<f64>,
}

impl Matrix {
    pub(crate) fn zeros(rows: usize, columns: usize) -> Self {
        let values = vec![0.0; rows * columns];
        Self {
            rows,
            columns,
            values,
        }
    }

    pub(crate) fn identity(size: usize) -> Self {
        let mut identity = Self::zeros(size, size);
        for i in 0..size {
            identity.set(i, i, 1.0);
        }
        identity
    }

    pub(crate) fn at(&self, i: usize, j: usize) -> f64 {
        self.values[i * self.columns + j]
    }

    pub(crate) fn set(&mut self, i: usize, j: usize, value: f64) {
        self.values[i * self.columns + j] = value;
    }

    pub(crate) fn transposed(&self) -> Self {
        let mut turned = Self::zeros(self.columns, self.rows);
        for i in 0..self.rows {
            for j in 0..self.columns {
                turned.set(j, i, self.at(i, j));
            }
        }
        turned
    }

    pub(crate) fn times(&self, other: &Self) -> Self {
        let mut product = Self::zeros(self.rows, other.columns);
        for i in 0..self.rows {
            for k in 0..self.columns {
                for j in 0..other.columns {
                    let sum = product.at(i, j) + self.at(i, k) * other.at(k, j);
                    product.set(i, j, sum);
                }
            }
        }
        product
    }

    pub(crate) fn scaled(mut self, factor: f64) -> Self {
        self.values.iter_mut().for_each(|x| *x *= factor);
        self
    }

    fn swap_rows(&mut self, i: usize, j: usize) {
        for column in 0..self.columns {
            self.values
                .swap(i * self.columns + column, j * self.columns + column);
        }
    }

    /// LU factors with partial pivoting, in place of the matrix.
    pub(crate) fn lu(mut self) -> Lu {
        let mut pivots = Vec::new();
        let mut zero = None;
        for k in 0..self.rows.min(self.columns) {
            let mut pivot = k;
            for i in k + 1..self.rows {
                if self.at(i, k).abs() > self.at(pivot, k).abs() {
                    pivot = i;
                }
            }
            self.swap_rows(k, pivot);
            pivots.push(pivot);
            let head = self.at(k, k);
            if head == 0.0 {
                zero = zero.or(Some(k));
                continue;
            }
            for i in k + 1..self.rows {
                let factor = self.at(i, k) / head;
                self.set(i, k, factor);
                for j in k + 1..self.columns {
                    self.set(i, j, self.at(i, j) - factor * self.at(k, j));
                }
            }
        }
        Lu {
            factors: self,
            pivots,
            zero,
        }
    }

    /// The lower Cholesky factor, or the order of the leading minor that is not positive.
    pub(crate) fn cholesky(&self) -> std::result::Result<Self, usize> {
        let mut lower = Self::zeros(self.rows, self.rows);
        for j in 0..self.rows {
            for i in j..self.rows {
                let known: f64 = (0..j).map(|k| lower.at(i, k) * lower.at(j, k)).sum();
                let rest = self.at(i, j) - known;
                if i > j {
                    lower.set(i, j, rest / lower.at(j, j));
                } else if rest > 0.0 {
                    lower.set(j, j, rest.sqrt());
                } else {
                    return Err(j + 1);
                }
            }
        }
        Ok(lower)
    }

    /// Solves `self x = b` for a triangular matrix, of which only the triangle is read.
    pub(crate) fn solve_triangular(&self, b: &Self, upper: bool, unit: bool) -> Self {
        let mut x = b.clone();
        for step in 0..self.rows {
            let i = if upper { self.rows - 1 - step } else { step };
            let known = if upper { i + 1..self.rows } else { 0..i };
            for column in 0..b.columns {
                let sum: f64 = known.clone().map(|k| self.at(i, k) * x.at(k, column)).sum();
                let rest = x.at(i, column) - sum;
                let head = if unit { 1.0 } else { self.at(i, i) };
                x.set(i, column, rest / head);
            }
        }
        x
    }

    /// Householder QR as LAPACK has it: all of `Q`, and `R` above the diagonal.
    pub(crate) fn qr(&self) -> (Self, Self) {
        let mut r = self.clone();
        let mut q = Self::identity(self.rows);
        for k in 0..self.rows.min(self.columns) {
            let below: f64 = (k + 1..self.rows).map(|i| r.at(i, k).powi(2)).sum();
            let head = r.at(k, k);
            if below == 0.0 {
                continue;
            }
            let beta = -(head * head + below).sqrt().copysign(head);
            let mut v = vec![0.0; self.rows];
            v[k] = 1.0;
            for (i, v) in v.iter_mut().enumerate().skip(k + 1) {
                *v = r.at(i, k) / (head - beta);
            }
            let tau = (beta - head) / beta;
            r.reflect(&v, tau);
            for i in k + 1..self.rows {
                r.set(i, k, 0.0);
            }
            // Q gathers the reflections from the right: transposed, from the left.
            q = q.transposed();
            q.reflect(&v, tau);
            q = q.transposed();
        }
        (q, r)
    }

    /// `self - tau v (vᵀ self)`
    fn reflect(&mut self, v: &[f64], tau: f64) {
        for j in 0..self.columns {
            let along: f64 = (0..self.rows).map(|i| v[i] * self.at(i, j)).sum();
            for (i, v) in v.iter().enumerate() {
                self.set(i, j, self.at(i, j) - tau * v * along);
            }
        }
    }
}

/// LU factors: `L` below the diagonal, whose own is one, and `U` on it and above.
pub(crate) struct Lu {
    pub(crate) factors: Matrix,
    /// With which row each row was swapped, one after the other.
    pub(crate) pivots: Vec<usize>,
    /// The first column whose pivot is zero.
    pub(crate) zero: Option<usize>,
}

impl Lu {
    /// The sign of the determinant that the swaps leave: 1 or -1.
    pub(crate) fn sign(&self) -> f64 {
        let swaps = self.pivots.iter().enumerate().filter(|&(i, &p)| i != p);
        if swaps.count() % 2 == 0 { 1.0 } else { -1.0 }
    }

    pub(crate) fn diagonal(&self) -> impl Iterator<Item = f64> + '_ {
        (0..self.pivots.len()).map(|i| self.factors.at(i, i))
    }

    /// The matrix that the swaps make of the identity's rows.
    pub(crate) fn swapped(&self, mut x: Matrix) -> Matrix {
        for (i, &pivot) in self.pivots.iter().enumerate() {
            x.swap_rows(i, pivot);
        }
        x
    }

    /// Solves `a x = b` for the matrix that was factored.
    pub(crate) fn solve(&self, b: &Matrix) -> Matrix {
        let y = self
            .factors
            .solve_triangular(&self.swapped(b.clone()), false, true);
        self.factors.solve_triangular(&y, true, false)
    }
}
