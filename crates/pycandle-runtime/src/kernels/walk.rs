//! Tensors of one shape, each with its own strides, as runs that a kernel takes side by side.

use std::ops::Range;

/// The axes of `N` tensors in the order in which a kernel goes through them, as few as say the same.
#[derive(Debug, Clone)]
pub struct Walk<const N: usize> {
    /// Sizes, none of them one, and the stride of each tensor; the outermost axis first.
    axes: Vec<(usize, [usize; N])>,
}

impl<const N: usize> Walk<N> {
    /// Axes that have one stride in each tensor become one.
    pub fn new(axes: impl IntoIterator<Item = (usize, [usize; N])>) -> Self {
        let mut merged: Vec<(usize, [usize; N])> = Vec::new();
        for (size, strides) in axes.into_iter().filter(|&(size, _)| size != 1) {
            match merged.last_mut() {
                Some((outer, wide)) if *wide == strides.map(|stride| stride * size) => {
                    *outer *= size;
                    *wide = strides;
                }
                _ => merged.push((size, strides)),
            }
        }
        Self { axes: merged }
    }

    pub fn axes(&self) -> &[(usize, [usize; N])] {
        &self.axes
    }

    /// How many elements a run has, and how far apart they are in each tensor.
    pub fn run(&self) -> (usize, [usize; N]) {
        self.axes.last().copied().unwrap_or((1, [1; N]))
    }

    /// How many runs there are.
    pub fn runs(&self) -> usize {
        let (_, outer) = self.axes.split_last().unwrap_or((&(1, [1; N]), &[]));
        outer.iter().map(|(size, _)| size).product()
    }

    /// Calls `f` with where these runs begin in each tensor.
    #[inline(always)]
    pub fn each_run(&self, runs: Range<usize>, f: impl FnMut([usize; N])) {
        each_place(&self.axes[..self.axes.len().saturating_sub(1)], runs, f);
    }
}

/// Calls `f` with where these of the elements along axes, counted in row-major order, lie in each
/// tensor.
#[inline(always)]
pub fn each_place<const N: usize>(
    axes: &[(usize, [usize; N])],
    elements: Range<usize>,
    mut f: impl FnMut([usize; N]),
) {
    let (&(inner, steps), outer) = axes.split_last().unwrap_or((&(1, [0; N]), &[]));
    let mut element = elements.start;
    while element < elements.end {
        let mut places = steps.map(|step| element % inner * step);
        let mut rest = element / inner;
        for (size, strides) in outer.iter().rev() {
            for (place, stride) in places.iter_mut().zip(strides) {
                *place += rest % size * stride;
            }
            rest /= size;
        }
        let end = elements.end.min((element / inner + 1) * inner);
        for _ in element..end {
            f(places);
            for (place, step) in places.iter_mut().zip(steps) {
                *place += step;
            }
        }
        element = end;
    }
}
