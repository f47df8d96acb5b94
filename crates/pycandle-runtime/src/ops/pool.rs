//! Pools over the last one, two or three axes, with windows of one size.

use candle_core::{Result, Tensor};

use super::pool_windows::{Pool, Span, Spans};
use super::window::Axes;

macro_rules! pools {
    ($n:literal, $max:ident, $max_with_indices:ident) => {
        #[doc = concat!("`torch.nn.functional.", stringify!($max), "`: padding never wins, NaN always does.")]
        ///
        /// Takes `(batch, channels, spatial…)` or `(channels, spatial…)`.
        pub fn $max(
            x: &Tensor,
            kernel_size: impl Into<Axes<$n>>,
            stride: impl Into<Axes<$n>>,
            padding: impl Into<Axes<$n>>,
            dilation: impl Into<Axes<$n>>,
            ceil_mode: bool,
        ) -> Result<Tensor> {
            let sizes = [kernel_size.into(), stride.into(), padding.into(), dilation.into()];
            pool(stringify!($max), x, sizes, ceil_mode, true)?.largest(x)
        }

        #[doc = concat!("[`", stringify!($max), "`], and where each element was among the spatial elements, as i64.")]
        pub fn $max_with_indices(
            x: &Tensor,
            kernel_size: impl Into<Axes<$n>>,
            stride: impl Into<Axes<$n>>,
            padding: impl Into<Axes<$n>>,
            dilation: impl Into<Axes<$n>>,
            ceil_mode: bool,
        ) -> Result<(Tensor, Tensor)> {
            let sizes = [kernel_size.into(), stride.into(), padding.into(), dilation.into()];
            pool(stringify!($max), x, sizes, ceil_mode, true)?.largest_with_indices(x)
        }
    };
}

pools!(1, max_pool1d, max_pool1d_with_indices);
pools!(2, max_pool2d, max_pool2d_with_indices);
pools!(3, max_pool3d, max_pool3d_with_indices);

/// `torch.nn.functional.avg_pool1d` of `(batch, channels, length)` or `(channels, length)`.
///
/// With `count_include_pad`, padding counts as zeros; what `ceil_mode` adds beyond it never counts.
pub fn avg_pool1d(
    x: &Tensor,
    kernel_size: usize,
    stride: usize,
    padding: usize,
    ceil_mode: bool,
    count_include_pad: bool,
) -> Result<Tensor> {
    let sizes = [kernel_size.into(), stride.into(), padding.into(), 1.into()];
    pool::<1>("avg_pool1d", x, sizes, ceil_mode, count_include_pad)?.means(x, None)
}

/// `torch.nn.functional.avg_pool2d` of `(batch, channels, height, width)` or without a batch.
///
/// With `count_include_pad`, padding counts as zeros; what `ceil_mode` adds beyond it never counts.
/// `divisor_override` divides the sums of all windows.
pub fn avg_pool2d(
    x: &Tensor,
    kernel_size: impl Into<Axes<2>>,
    stride: impl Into<Axes<2>>,
    padding: impl Into<Axes<2>>,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Option<i64>,
) -> Result<Tensor> {
    let sizes = [kernel_size.into(), stride.into(), padding.into(), 1.into()];
    let pool = pool("avg_pool2d", x, sizes, ceil_mode, count_include_pad)?;
    pool.means(x, divisor_override)
}

/// `torch.nn.functional.avg_pool3d` of `(batch, channels, depth, height, width)` or without a batch;
/// for the rest see [`avg_pool2d`].
pub fn avg_pool3d(
    x: &Tensor,
    kernel_size: impl Into<Axes<3>>,
    stride: impl Into<Axes<3>>,
    padding: impl Into<Axes<3>>,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor_override: Option<i64>,
) -> Result<Tensor> {
    let sizes = [kernel_size.into(), stride.into(), padding.into(), 1.into()];
    let pool = pool("avg_pool3d", x, sizes, ceil_mode, count_include_pad)?;
    pool.means(x, divisor_override)
}

/// `sizes`: kernel, stride, padding, dilation.
fn pool<const N: usize>(
    name: &str,
    x: &Tensor,
    sizes: [Axes<N>; 4],
    ceil_mode: bool,
    count_padding: bool,
) -> Result<Pool> {
    Pool::new::<N>(name, x, |axis, size| {
        spans(
            name,
            size,
            sizes.map(|Axes(each)| each[axis]),
            ceil_mode,
            count_padding,
        )
    })
}

fn spans(
    name: &str,
    size: usize,
    [kernel, stride, padding, dilation]: [usize; 4],
    ceil_mode: bool,
    count_padding: bool,
) -> Result<Spans> {
    let reach = dilation * kernel.saturating_sub(1) + 1;
    if kernel == 0 || stride == 0 || dilation == 0 || 2 * padding > reach {
        candle_core::bail!(
            "{name}: kernel, stride and dilation must be positive and padding at most half the \
             kernel, got {kernel}, {stride}, {dilation} and {padding}"
        )
    }
    // A last window may end outside, but must start inside the input or its left padding.
    let outside = if ceil_mode { stride - 1 } else { 0 };
    let places = match (size + 2 * padding + outside).checked_sub(reach) {
        Some(free) if ceil_mode && free / stride * stride >= size + padding => free / stride,
        Some(free) => free / stride + 1,
        None => 0,
    };
    if places == 0 {
        candle_core::bail!("{name}: a window of {reach} does not fit {size} padded by {padding}")
    }
    let span = |place: usize| {
        let first = place * stride;
        let end = first + reach;
        // Padding is passed over in whole steps.
        let skipped = padding.saturating_sub(first).div_ceil(dilation) * dilation;
        let stop = end.saturating_sub(padding).min(size);
        let start = (first + skipped - padding).min(stop);
        let count = if count_padding {
            end.min(size + 2 * padding) - first
        } else {
            stop - start
        };
        Span {
            start,
            end: stop,
            step: dilation,
            count,
        }
    };
    Ok((0..places).map(span).collect())
}
