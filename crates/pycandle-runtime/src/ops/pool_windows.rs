//! Reductions of the windows of each plane, which all pools are.
//!
//! A window is a span on each of three axes, so a plane is reduced one axis after the other: whole
//! planes by depth, whole rows by height, and elements by width.

use candle_core::{DType, Result, Tensor, WithDType};

use super::slices::{Number, with_slice};
use super::window::three;
pub(crate) use crate::kernels::pool::Span;
use crate::kernels::pool::{Of, pool};

/// The spans of one axis, place after place.
pub(crate) type Spans = Vec<Span>;

/// A pool over the last `N` axes of `x`: `f` makes the spans of an axis of the given size.
pub(crate) struct Pool {
    pub input: [usize; 3],
    pub spans: [Spans; 3],
    /// The shape of the result.
    pub shape: Vec<usize>,
    /// How many axes are pooled.
    axes: usize,
}

impl Pool {
    pub fn new<const N: usize>(
        name: &str,
        x: &Tensor,
        mut spans: impl FnMut(usize, usize) -> Result<Spans>,
    ) -> Result<Self> {
        let Some(first) = x
            .rank()
            .checked_sub(N)
            .filter(|first| (1..=2).contains(first))
        else {
            candle_core::bail!(
                "{name} takes {} or {} axes, not those of {:?}",
                N + 1,
                N + 2,
                x.shape()
            )
        };
        let mut input = [1; N];
        input.copy_from_slice(&x.dims()[first..]);
        let mut all = [1; 3].map(|size| vec![Span::whole(size)]);
        for (axis, &size) in input.iter().enumerate() {
            all[3 - N + axis] = spans(axis, size)?;
        }
        let places = all[3 - N..].iter().map(Vec::len);
        let shape = x.dims()[..first].iter().copied().chain(places).collect();
        Ok(Self {
            input: three(input, 1),
            spans: all,
            shape,
            axes: N,
        })
    }

    /// What a kernel makes of the windows, if there is one for the tensor.
    fn fast(&self, x: &Tensor, of: Of) -> Result<Option<Tensor>> {
        let [_, heights, widths] = &self.spans;
        let batched = x.rank() == self.axes + 2;
        let images = if batched { x.clone() } else { x.unsqueeze(0)? };
        let y = match self.axes {
            1 => pool(&images.unsqueeze(2)?, heights, widths, of)?,
            2 => pool(&images, heights, widths, of)?,
            _ => None,
        };
        let Some(mut y) = y else { return Ok(None) };
        if self.axes == 1 {
            y = y.squeeze(2)?;
        }
        if batched {
            Ok(Some(y))
        } else {
            y.squeeze(0).map(Some)
        }
    }

    /// The largest element of each window; NaN if there is one.
    pub fn largest(&self, x: &Tensor) -> Result<Tensor> {
        if let Some(y) = self.fast(x, Of::Largest)? {
            return Ok(y);
        }
        match x.dtype() {
            DType::F64 => self.reduce(x, f64::LEAST, |x: f64| x, larger, |best, _| best),
            DType::F32 => self.reduce(x, f32::LEAST, |x: f32| x, larger, |best, _| best),
            dtype if dtype.is_float() => self.largest(&x.to_dtype(DType::F32)?)?.to_dtype(dtype),
            dtype => self
                .reduce(
                    &x.to_dtype(DType::I64)?,
                    i64::MIN,
                    |x: i64| x,
                    larger,
                    |best, _| best,
                )?
                .to_dtype(dtype),
        }
    }

    /// The largest elements, and where in its plane each lies: the first of equal ones, the last NaN.
    pub fn largest_with_indices(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let (values, indices) = match x.dtype() {
            DType::F64 => self.arg_largest::<f64>(x)?,
            DType::F32 => self.arg_largest::<f32>(x)?,
            dtype if dtype.is_float() => self.arg_largest::<f32>(&x.to_dtype(DType::F32)?)?,
            _ => self.arg_largest::<i64>(&x.to_dtype(DType::I64)?)?,
        };
        Ok((values.to_dtype(x.dtype())?, indices))
    }

    /// The mean of each window: its sum by `divisor`, or by what it counts; of nothing, zero.
    ///
    /// Integers are divided towards zero.
    pub fn means(&self, x: &Tensor, divisor: Option<i64>) -> Result<Tensor> {
        if let Some(y) = self.fast(x, Of::Mean(divisor))? {
            return Ok(y);
        }
        let by = |count: usize| divisor.unwrap_or(count as i64);
        let mean = |sum: f64, count: usize| {
            if count == 0 {
                0.0
            } else {
                sum / by(count) as f64
            }
        };
        match x.dtype() {
            DType::F64 => self.reduce(x, 0.0, |x: f64| x, f64::plus, mean),
            DType::F32 => {
                let mean = |sum, count| mean(sum, count) as f32;
                self.reduce(x, 0.0, |x: f32| f64::from(x), f64::plus, mean)
            }
            dtype if dtype.is_float() => self
                .means(&x.to_dtype(DType::F32)?, divisor)?
                .to_dtype(dtype),
            _ => {
                let mean = |sum: i64, count| match by(count) {
                    0 => 0,
                    by => sum.wrapping_div(by),
                };
                self.reduce(&x.to_dtype(DType::I64)?, 0, |x: i64| x, i64::plus, mean)?
                    .to_dtype(x.dtype())
            }
        }
    }

    /// `finish(join(… join(start, load(x))), count)` over each window.
    fn reduce<T: Number, A: Copy, U: WithDType>(
        &self,
        x: &Tensor,
        start: A,
        load: impl Fn(T) -> A,
        join: impl Fn(A, A) -> A,
        finish: impl Fn(A, usize) -> U,
    ) -> Result<Tensor> {
        let [_, height, width] = self.input;
        let [depths, heights, widths] = &self.spans;
        let mut result = Vec::with_capacity(self.shape.iter().product());
        let (mut plane, mut row) = (vec![start; height * width], vec![start; width]);
        with_slice::<T, _>(x, |x| {
            for volume in x.chunks_exact(self.input.iter().product::<usize>().max(1)) {
                for depth in depths {
                    plane.fill(start);
                    for z in (depth.start..depth.end).step_by(depth.step) {
                        let slice = &volume[z * height * width..][..height * width];
                        for (to, from) in plane.iter_mut().zip(slice) {
                            *to = join(*to, load(*from));
                        }
                    }
                    for line in heights {
                        row.fill(start);
                        for y in (line.start..line.end).step_by(line.step) {
                            for (to, from) in row.iter_mut().zip(&plane[y * width..]) {
                                *to = join(*to, *from);
                            }
                        }
                        result.extend(widths.iter().map(|span| {
                            let values = row[span.start..span.end].iter().step_by(span.step);
                            let joined = values.fold(start, |a, b| join(a, *b));
                            finish(joined, depth.count * line.count * span.count)
                        }));
                    }
                }
            }
            Ok(())
        })?;
        Tensor::from_vec(result, &self.shape[..], x.device())
    }

    fn arg_largest<T: Number>(&self, x: &Tensor) -> Result<(Tensor, Tensor)> {
        let [_, height, width] = self.input;
        let [depths, heights, widths] = &self.spans;
        let count = self.shape.iter().product();
        let (mut values, mut indices) = (Vec::with_capacity(count), Vec::with_capacity(count));
        let size = self.input.iter().product::<usize>();
        with_slice::<T, _>(x, |x| {
            for volume in x.chunks_exact(size.max(1)) {
                for (depth, line, span) in products(depths, heights, widths) {
                    let (mut best, mut place) = (T::LEAST, None);
                    for z in (depth.start..depth.end).step_by(depth.step) {
                        for y in (line.start..line.end).step_by(line.step) {
                            for x in (span.start..span.end).step_by(span.step) {
                                let index = (z * height + y) * width + x;
                                let value = volume[index];
                                if value > best || is_nan(value) || place.is_none() {
                                    (best, place) = (value, Some(index));
                                }
                            }
                        }
                    }
                    values.push(best);
                    indices.push(place.unwrap_or(0) as i64);
                }
            }
            Ok(())
        })?;
        let tensor = |length| (length == count).then_some(&self.shape[..]);
        match tensor(values.len()) {
            Some(shape) => Ok((
                Tensor::from_vec(values, shape, x.device())?,
                Tensor::from_vec(indices, shape, x.device())?,
            )),
            None => candle_core::bail!("pooling of an empty tensor of {:?}", x.shape()),
        }
    }
}

fn products<'a>(
    depths: &'a Spans,
    heights: &'a Spans,
    widths: &'a Spans,
) -> impl Iterator<Item = (&'a Span, &'a Span, &'a Span)> {
    depths.iter().flat_map(move |depth| {
        heights
            .iter()
            .flat_map(move |line| widths.iter().map(move |span| (depth, line, span)))
    })
}

fn larger<T: Number>(best: T, x: T) -> T {
    if x > best || is_nan(x) { x } else { best }
}

/// Only NaN differs from itself.
fn is_nan<T: Number>(x: T) -> bool {
    x.partial_cmp(&x).is_none()
}
