//! Convolutions of 3×3 windows, one place after another, with 2.25 times fewer products.
//!
//! Winograd's F(2×2, 3×3): of each 4×4 patch of the input, which overlap by two, sixteen sums of
//! elements are made; each is a channel of a matrix product of its own with the same sums of the
//! weight; and sums of its sixteen results are the 2×2 outputs (Lavin and Gray, "Fast Algorithms for
//! Convolutional Neural Networks", 2015). All factors are 1 and 1/2, so that next to nothing is lost
//! by rounding, where the larger tiles of the same paper lose digits.

use std::cell::Cell;
use std::ops::Range;

use super::epilogue::Epilogue;
use super::gemm::{Left, Target, multiply_here};
use super::isa::{Isa, Kernel, dispatch};
use super::panels::Panels;
use super::simd::Simd;
use super::threads::parallel;

/// How many elements of a patch there are, and so of products.
const PATCH: usize = 16;
/// So many sums of inputs and of outputs stay in the cache of a core.
const CACHED: usize = 64 * 1024;
/// So many tiles are one block in any case: each block reads the whole weight, which is in no cache
/// where there are many channels.
const FEWEST: usize = 28;
/// Nanoseconds of a multiplication and an addition, about.
const NANOSECONDS: f64 = 0.015;

/// A weight's sums, one matrix `(in, out)` for each element of a patch.
#[derive(Debug, Clone)]
pub struct Transformed {
    matrices: Vec<Panels>,
    channels: usize,
    out: usize,
}

/// One image and its output, both with their channels beside each other.
#[derive(Debug, Clone, Copy)]
pub struct Plane<'a> {
    /// `(height, width, in)`
    pub image: &'a [f32],
    pub height: usize,
    pub width: usize,
    /// Zeros above and to the left; below and to the right there are as many as the output needs.
    pub padding: (usize, usize),
    /// Height and width of the output.
    pub output: (usize, usize),
}

impl Transformed {
    /// From a weight `(out, in, 3, 3)` in order.
    pub fn new(weight: &[f32], out: usize, channels: usize) -> Self {
        let mut sums = vec![0.0; PATCH * channels * out];
        for (filter, taps) in weight.chunks_exact(9).enumerate() {
            let (o, c) = (filter / channels, filter % channels);
            // In f64, and rounded once.
            let taps: [f64; 9] = std::array::from_fn(|k| f64::from(taps[k]));
            let row = |k: usize| [taps[3 * k], taps[3 * k + 1], taps[3 * k + 2]];
            let tall = expand([row(0), row(1), row(2)]);
            for (y, line) in tall.into_iter().enumerate() {
                let [a, b, c_] = line;
                let wide = expand([[a], [b], [c_]]);
                for (x, [value]) in wide.into_iter().enumerate() {
                    sums[((y * 4 + x) * channels + c) * out + o] = value as f32;
                }
            }
        }
        let matrices = sums
            .chunks_exact((channels * out).max(1))
            .map(|matrix| Panels::pack(matrix, (channels, out), (out, 1)))
            .collect();
        Self {
            matrices,
            channels,
            out,
        }
    }
}

/// `G g`: three lines become four.
fn expand<const N: usize>([a, b, c]: [[f64; N]; 3]) -> [[f64; N]; 4] {
    let half = |sign: f64| std::array::from_fn(|k| (a[k] + sign * b[k] + c[k]) / 2.0);
    [a, half(1.0), half(-1.0), c]
}

/// The convolution of one image, and what comes after it.
///
/// The epilogue's residual lies as the output does. Threads share the tiles.
///
/// # Safety
/// `target` must have a row of `out` elements for each pixel of the output.
pub unsafe fn convolve(
    isa: Isa,
    plane: &Plane,
    weight: &Transformed,
    epilogue: &Epilogue,
    target: Target,
) {
    let (rows, columns) = (plane.output.0.div_ceil(2), plane.output.1.div_ceil(2));
    let tiles = rows * columns;
    let (channels, out) = (weight.channels, weight.out);
    if tiles == 0 || channels == 0 || out == 0 {
        return;
    }
    assert!(plane.image.len() >= plane.height * plane.width * channels);
    // Blocks of tiles are as many as stay in the cache, and even.
    let most = (CACHED / (PATCH * channels.max(out))).max(FEWEST);
    let blocks = tiles.div_ceil(most);
    let work = (tiles * PATCH * channels * out) as f64 * NANOSECONDS;
    let block = |block: usize| {
        let (first, end) = (block * tiles / blocks, (block + 1) * tiles / blocks);
        let tiles = Tiles {
            plane,
            columns,
            first,
            count: end - first,
        };
        tiles.convolve(isa, weight, epilogue, target, |of| match blocks {
            // Too small to be cut: threads share the products.
            1 => parallel(PATCH, work, of),
            _ => of(0..PATCH),
        });
    };
    match blocks {
        1 => block(0),
        _ => parallel(blocks, work, |range| range.for_each(block)),
    }
}

thread_local! {
    static SUMS: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Neighbouring tiles of an output, of `columns` in a row.
struct Tiles<'a> {
    plane: &'a Plane<'a>,
    columns: usize,
    first: usize,
    count: usize,
}

impl Tiles<'_> {
    /// All three steps; `share` calls what makes a range of the products for all of them.
    fn convolve(
        &self,
        isa: Isa,
        weight: &Transformed,
        epilogue: &Epilogue,
        target: Target,
        share: impl FnOnce(&(dyn Fn(Range<usize>) + Sync)),
    ) {
        let (count, channels, out) = (self.count, weight.channels, weight.out);
        let mut sums = SUMS.take();
        let size = count * PATCH;
        if sums.len() < size * (channels + out) {
            sums = vec![0.0; size * (channels + out)];
        }
        let (before, after) = sums.split_at_mut(size * channels);
        let gather = Gather {
            tiles: self,
            channels,
            to: before,
        };
        dispatch(isa, gather);
        // SAFETY: each product has `count` rows of `out` elements.
        let products = unsafe { Target::new(after.as_mut_ptr(), out) };
        let before = &*before;
        share(&|range| {
            for k in range {
                let left = Left {
                    values: &before[k * count * channels..],
                    rows: count,
                    stride: channels,
                };
                let to = products.part(k * count, 0);
                // SAFETY: as above.
                unsafe { multiply_here(isa, left, &weight.matrices[k], (channels, out), to) };
            }
        });
        let scatter = Scatter {
            tiles: self,
            out,
            from: after,
            epilogue,
            target,
        };
        dispatch(isa, scatter);
        SUMS.set(sums);
    }

    /// Row and column of the first output pixel of a tile.
    #[inline(always)]
    fn pixel(&self, tile: usize) -> (usize, usize) {
        let tile = self.first + tile;
        (tile / self.columns * 2, tile % self.columns * 2)
    }
}

/// The sums of every tile's patch: `(16, tiles, channels)`.
struct Gather<'a> {
    tiles: &'a Tiles<'a>,
    channels: usize,
    to: &'a mut [f32],
}

impl Kernel for Gather<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Tiles { plane, count, .. } = *self.tiles;
        assert!(self.to.len() >= PATCH * count * self.channels);
        for tile in 0..count {
            let (y, x) = self.tiles.pixel(tile);
            // Where each element of the patch lies; outside it is zero.
            let mut places = [None; PATCH];
            for (k, place) in places.iter_mut().enumerate() {
                let y = (y + k / 4).wrapping_sub(plane.padding.0);
                let x = (x + k % 4).wrapping_sub(plane.padding.1);
                if y < plane.height && x < plane.width {
                    *place = Some((y * plane.width + x) * self.channels);
                }
            }
            let inside = places.iter().all(Option::is_some);
            let mut channel = 0;
            while channel < self.channels {
                let width = (self.channels - channel).min(S::LANES);
                let mut patch = [S::splat(0.0); PATCH];
                for k in 0..PATCH {
                    // SAFETY: the pixel is one of the image, which has `width` channels from here.
                    unsafe {
                        if inside && width == S::LANES {
                            let from = places[k].unwrap_or_default() + channel;
                            patch[k] = S::load(plane.image.as_ptr().add(from));
                        } else if let Some(place) = places[k] {
                            let from = plane.image.as_ptr().add(place + channel);
                            patch[k] = S::load_first(from, width);
                        }
                    }
                }
                let sums = both_ways(patch);
                for k in 0..PATCH {
                    let place = (k * count + tile) * self.channels + channel;
                    // SAFETY: the assertion above; `width` channels are left.
                    unsafe {
                        let to = self.to.as_mut_ptr().add(place);
                        if width == S::LANES {
                            sums[k].store(to);
                        } else {
                            sums[k].store_first(to, width);
                        }
                    }
                }
                channel += S::LANES;
            }
        }
    }
}

/// `Bᵀ d B`
#[inline(always)]
fn both_ways<S: Simd>(patch: [S; PATCH]) -> [S; PATCH] {
    let mut tall = patch;
    for x in 0..4 {
        let line = differences([patch[x], patch[4 + x], patch[8 + x], patch[12 + x]]);
        for y in 0..4 {
            tall[y * 4 + x] = line[y];
        }
    }
    let mut sums = tall;
    for y in 0..4 {
        let line = differences([
            tall[y * 4],
            tall[y * 4 + 1],
            tall[y * 4 + 2],
            tall[y * 4 + 3],
        ]);
        for x in 0..4 {
            sums[y * 4 + x] = line[x];
        }
    }
    sums
}

#[inline(always)]
fn differences<S: Simd>([a, b, c, d]: [S; 4]) -> [S; 4] {
    [a - c, b + c, c - b, b - d]
}

/// The outputs of every tile from its products: `(16, tiles, out)`.
struct Scatter<'a> {
    tiles: &'a Tiles<'a>,
    out: usize,
    from: &'a [f32],
    epilogue: &'a Epilogue<'a>,
    target: Target,
}

impl Kernel for Scatter<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Tiles { plane, count, .. } = *self.tiles;
        assert!(self.from.len() >= PATCH * count * self.out);
        for tile in 0..count {
            let (y, x) = self.tiles.pixel(tile);
            let mut channel = 0;
            while channel < self.out {
                let width = (self.out - channel).min(S::LANES);
                let mut products = [S::splat(0.0); PATCH];
                for k in 0..PATCH {
                    // SAFETY: the assertion above; `width` channels are left.
                    unsafe {
                        let place = (k * count + tile) * self.out + channel;
                        let from = self.from.as_ptr().add(place);
                        products[k] = if width == S::LANES {
                            S::load(from)
                        } else {
                            S::load_first(from, width)
                        };
                    }
                }
                let sums = back(products);
                for dy in 0..2 {
                    for dx in 0..2 {
                        if y + dy < plane.output.0 && x + dx < plane.output.1 {
                            let pixel = (y + dy) * plane.output.1 + x + dx;
                            self.store(sums[dy * 2 + dx], pixel, channel, width);
                        }
                    }
                }
                channel += S::LANES;
            }
        }
    }
}

impl Scatter<'_> {
    #[inline(always)]
    fn store<S: Simd>(&self, sum: S, pixel: usize, channel: usize, width: usize) {
        // SAFETY: the target has this pixel, and `width` channels from here; so has the residual,
        // and the epilogue has numbers for each channel.
        unsafe {
            let mut y = self
                .epilogue
                .apply(sum, channel, pixel * self.out + channel, width);
            if let Some(activation) = self.epilogue.activation {
                y = activation.apply(y);
            }
            let to = self.target.part(pixel, channel).row(0);
            if width == S::LANES {
                y.store(to);
            } else {
                y.store_first(to, width);
            }
        }
    }
}

/// `Aᵀ m A`
#[inline(always)]
fn back<S: Simd>(products: [S; PATCH]) -> [S; 4] {
    let mut lines = [[S::splat(0.0); 4]; 2];
    for x in 0..4 {
        let [upper, lower] = pair([
            products[x],
            products[4 + x],
            products[8 + x],
            products[12 + x],
        ]);
        lines[0][x] = upper;
        lines[1][x] = lower;
    }
    let ([a, b], [c, d]) = (pair(lines[0]), pair(lines[1]));
    [a, b, c, d]
}

#[inline(always)]
fn pair<S: Simd>([a, b, c, d]: [S; 4]) -> [S; 2] {
    [a + b + c, b - c - d]
}
