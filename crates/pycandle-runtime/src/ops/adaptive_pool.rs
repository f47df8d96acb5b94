//! Pools into a given number of windows of nearly equal size, which cover each axis.

use candle_core::{Result, Tensor};

use super::pool_windows::{Pool, Span, Spans};
use super::window::Axes;

macro_rules! pools {
    ($n:literal, $avg:ident, $max:ident) => {
        #[doc = concat!("`torch.nn.functional.", stringify!($avg), "`: the mean of each window.")]
        ///
        /// Takes `(batch, channels, spatial…)` or `(channels, spatial…)`.
        pub fn $avg(x: &Tensor, output_size: impl Into<Axes<$n>>) -> Result<Tensor> {
            pool(stringify!($avg), x, output_size.into())?.means(x, None)
        }

        #[doc = concat!("`torch.nn.functional.", stringify!($max), "`: the largest element of each window,")]
        /// and where it was among the spatial elements, as i64.
        ///
        /// Takes `(batch, channels, spatial…)` or `(channels, spatial…)`.
        pub fn $max(x: &Tensor, output_size: impl Into<Axes<$n>>) -> Result<(Tensor, Tensor)> {
            pool(stringify!($max), x, output_size.into())?.largest_with_indices(x)
        }
    };
}

pools!(1, adaptive_avg_pool1d, adaptive_max_pool1d);
pools!(2, adaptive_avg_pool2d, adaptive_max_pool2d);
pools!(3, adaptive_avg_pool3d, adaptive_max_pool3d);

fn pool<const N: usize>(name: &str, x: &Tensor, Axes(output): Axes<N>) -> Result<Pool> {
    Pool::new::<N>(name, x, |axis, size| spans(name, size, output[axis]))
}

fn spans(name: &str, size: usize, output: usize) -> Result<Spans> {
    if size == 0 && output > 0 {
        candle_core::bail!("{name}: an axis without elements has no windows")
    }
    let span = |place: usize| {
        let (start, end) = (place * size / output, ((place + 1) * size).div_ceil(output));
        Span {
            start,
            end,
            step: 1,
            count: end - start,
        }
    };
    Ok((0..output).map(span).collect())
}
