//! Pooling over the last axis.

use candle_core::{DType, Result, Tensor};

use super::create::full;
use super::reduce::{amax, mean, sum};

/// `torch.nn.functional.max_pool1d`: padding never wins, NaN always does.
pub fn max_pool1d(
    x: &Tensor,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    ceil_mode: bool,
) -> Result<Tensor> {
    let windows = Windows::new(x, kernel, stride, padding, dilation, ceil_mode)?;
    amax(&windows.of(x, f64::NEG_INFINITY)?, &[x.rank()], false)
}

/// `torch.nn.functional.avg_pool1d`.
///
/// With `count_include_pad`, padding counts as zeros; what `ceil_mode` adds beyond it never counts.
pub fn avg_pool1d(
    x: &Tensor,
    kernel: usize,
    stride: usize,
    padding: usize,
    ceil_mode: bool,
    count_include_pad: bool,
) -> Result<Tensor> {
    let windows = Windows::new(x, kernel, stride, padding, 1, ceil_mode)?;
    let total = sum(&windows.of(x, 0.0)?, &[x.rank()], false)?;
    let counts = Tensor::new(windows.counts(count_include_pad), x.device())?.to_dtype(x.dtype())?;
    total.broadcast_div(&counts)
}

/// `torch.nn.functional.adaptive_avg_pool1d`: means of `output_size` windows of nearly equal size.
pub fn adaptive_avg_pool1d(x: &Tensor, output_size: usize) -> Result<Tensor> {
    let last = axis(x)?;
    let length = x.dims()[last];
    let window = |i: usize| {
        let start = i * length / output_size;
        let end = ((i + 1) * length).div_ceil(output_size);
        mean(&x.narrow(last, start, end - start)?, &[last], true)
    };
    if output_size == 0 {
        return x.narrow(last, 0, 0);
    }
    Tensor::cat(
        &(0..output_size).map(window).collect::<Result<Vec<_>>>()?,
        last,
    )
}

/// Where a pooling window starts, step by step, on a padded axis.
struct Windows {
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    length: usize,
    count: usize,
}

impl Windows {
    fn new(
        x: &Tensor,
        kernel: usize,
        stride: usize,
        padding: usize,
        dilation: usize,
        ceil_mode: bool,
    ) -> Result<Self> {
        let length = x.dims()[axis(x)?];
        if kernel == 0 || stride == 0 || dilation == 0 || 2 * padding > kernel {
            candle_core::bail!(
                "pooling: kernel, stride and dilation must be positive and padding at most half the \
                 kernel, got {kernel}, {stride}, {dilation} and {padding}"
            )
        }
        let reach = dilation * (kernel - 1) + 1;
        let padded = length + 2 * padding;
        if padded < reach {
            candle_core::bail!("pooling: a window of {reach} does not fit a length of {padded}")
        }
        let mut count = (padded - reach) / stride + 1;
        if ceil_mode {
            count = (padded - reach).div_ceil(stride) + 1;
            // The last window must start inside the input or its left padding.
            if (count - 1) * stride >= length + padding {
                count -= 1;
            }
        }
        Ok(Self {
            kernel,
            stride,
            padding,
            dilation,
            length,
            count,
        })
    }

    /// The windows as a new last axis, with `fill` outside the input.
    fn of(&self, x: &Tensor, fill: f64) -> Result<Tensor> {
        let last = axis(x)?;
        let end = (self.count - 1) * self.stride + self.dilation * (self.kernel - 1) + 1;
        let beyond = end.saturating_sub(self.padding + self.length);
        let side = |width: usize| {
            let mut shape = x.dims().to_vec();
            shape[last] = width;
            full(&shape, fill, x.dtype(), x.device())
        };
        let padded = match (self.padding, beyond) {
            (0, 0) => x.clone(),
            _ => Tensor::cat(&[side(self.padding)?, x.clone(), side(beyond)?], last)?,
        };
        let starts = (0..self.count).map(|i| i * self.stride);
        let places =
            starts.flat_map(|start| (0..self.kernel).map(move |k| start + k * self.dilation));
        let places: Vec<u32> = places.map(|place| place as u32).collect();
        let places = Tensor::new(places, x.device())?.to_dtype(DType::U32)?;
        let shape = [&x.dims()[..last], &[self.count, self.kernel]].concat();
        padded
            .contiguous()?
            .index_select(&places, last)?
            .reshape(shape)
    }

    /// How many elements each window's mean divides by.
    fn counts(&self, include_padding: bool) -> Vec<f64> {
        let (first, end) = if include_padding {
            (0, self.length + 2 * self.padding)
        } else {
            (self.padding, self.padding + self.length)
        };
        let count = |i: usize| {
            let start = i * self.stride;
            (start + self.kernel)
                .min(end)
                .saturating_sub(start.max(first)) as f64
        };
        (0..self.count).map(count).collect()
    }
}

fn axis(x: &Tensor) -> Result<usize> {
    match x.rank() {
        rank @ (2 | 3) => Ok(rank - 1),
        rank => candle_core::bail!("pooling takes two or three axes, not {rank}"),
    }
}
