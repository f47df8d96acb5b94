//! Windows that slide over one, two or three spatial axes: what convolutions and pools share.

use candle_core::{Result, Tensor};

/// A number for each of `N` spatial axes: `3` is that of all of them, `(1, 7)` one for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Axes<const N: usize>(pub [usize; N]);

impl<const N: usize> From<usize> for Axes<N> {
    fn from(all: usize) -> Self {
        Self([all; N])
    }
}

impl<const N: usize> From<[usize; N]> for Axes<N> {
    fn from(each: [usize; N]) -> Self {
        Self(each)
    }
}

impl From<(usize, usize)> for Axes<2> {
    fn from((height, width): (usize, usize)) -> Self {
        Self([height, width])
    }
}

impl From<(usize, usize, usize)> for Axes<3> {
    fn from((depth, height, width): (usize, usize, usize)) -> Self {
        Self([depth, height, width])
    }
}

/// How many zeros stand before and after each of `N` spatial axes.
///
/// `1` stands on both sides of all of them, `(0, 3)` on both sides of each, `[(1, 2), (1, 2)]` says
/// it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Padding<const N: usize>(pub [(usize, usize); N]);

impl<const N: usize> From<Axes<N>> for Padding<N> {
    fn from(Axes(each): Axes<N>) -> Self {
        Self(each.map(|side| (side, side)))
    }
}

impl<const N: usize> From<usize> for Padding<N> {
    fn from(all: usize) -> Self {
        Self([(all, all); N])
    }
}

impl<const N: usize> From<[(usize, usize); N]> for Padding<N> {
    fn from(sides: [(usize, usize); N]) -> Self {
        Self(sides)
    }
}

impl<const N: usize> From<[usize; N]> for Padding<N> {
    fn from(each: [usize; N]) -> Self {
        Axes(each).into()
    }
}

impl From<(usize, usize)> for Padding<2> {
    fn from(each: (usize, usize)) -> Self {
        Axes::from(each).into()
    }
}

impl From<(usize, usize, usize)> for Padding<3> {
    fn from(each: (usize, usize, usize)) -> Self {
        Axes::from(each).into()
    }
}

/// A window of a convolution over depth, height and width; missing axes have size one.
#[derive(Debug, Clone, Copy)]
pub struct Window {
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub padding: [(usize, usize); 3],
    pub dilation: [usize; 3],
}

impl Window {
    /// How many places the window has on each axis.
    ///
    /// # Errors
    /// If it does not fit the padded input.
    pub fn places(&self, input: [usize; 3]) -> Result<[usize; 3]> {
        let mut places = [0; 3];
        for (axis, count) in places.iter_mut().enumerate() {
            let padded = input[axis] + self.padding[axis].0 + self.padding[axis].1;
            let (kernel, dilation) = (self.kernel[axis], self.dilation[axis]);
            // `padded - reach`, where a kernel of nothing reaches back by a step.
            let free = (padded + dilation).checked_sub(dilation * kernel + 1);
            let (Some(free), 1..) = (free, self.stride[axis]) else {
                candle_core::bail!(
                    "a kernel of {kernel} elements, {dilation} apart, with a stride of {}, does not \
                     fit a padded size of {padded}",
                    self.stride[axis]
                )
            };
            *count = free / self.stride[axis] + 1;
        }
        Ok(places)
    }

    /// How many elements of an axis the window spans.
    pub fn reach(&self, axis: usize) -> usize {
        self.dilation[axis] * self.kernel[axis].saturating_sub(1) + 1
    }

    /// The places in `range` of an axis whose tap `k` lies inside the input, as a range, and the
    /// input position of the first of them.
    pub fn inside(
        &self,
        axis: usize,
        k: usize,
        range: std::ops::Range<usize>,
        input: usize,
    ) -> (std::ops::Range<usize>, usize) {
        let (stride, before) = (self.stride[axis], self.padding[axis].0);
        let offset = k * self.dilation[axis];
        let first = before
            .saturating_sub(offset)
            .div_ceil(stride)
            .max(range.start);
        let end = (input + before)
            .saturating_sub(offset)
            .div_ceil(stride)
            .min(range.end);
        if first >= end {
            return (first..first, 0);
        }
        (first..end, first * stride + offset - before)
    }
}

/// One value for each of three axes, where the missing leading ones have `missing`.
pub(crate) fn three<T: Copy, const N: usize>(each: [T; N], missing: T) -> [T; 3] {
    let mut all = [missing; 3];
    all[3 - N..].copy_from_slice(&each);
    all
}

/// A tensor of `(batch, channels, spatial…)` or `(channels, spatial…)` with five axes, and whether
/// it had a batch.
pub(crate) fn five_axes<const N: usize>(x: &Tensor, name: &str) -> Result<(Tensor, bool)> {
    let batched = x.rank() == N + 2;
    if !batched && x.rank() != N + 1 {
        candle_core::bail!(
            "{name} takes {} or {} axes, not those of {:?}",
            N + 1,
            N + 2,
            x.shape()
        )
    }
    // Axes are put in one by one, since that keeps a layout that a reshape would copy.
    let mut x = if batched { x.clone() } else { x.unsqueeze(0)? };
    for _ in N..3 {
        x = x.unsqueeze(2)?;
    }
    Ok((x, batched))
}

/// The reverse of [`five_axes`]: without the spatial axes, and the batch, that it added.
pub(crate) fn without_added<const N: usize>(y: &Tensor, batched: bool) -> Result<Tensor> {
    let mut y = y.clone();
    for _ in N..3 {
        y = y.squeeze(2)?;
    }
    if batched { Ok(y) } else { y.squeeze(0) }
}
