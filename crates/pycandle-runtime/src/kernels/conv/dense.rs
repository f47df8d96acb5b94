//! Convolutions as products of pixels and packed weights.
//!
//! The pixels of a tile read the same taps, a constant step apart, so no matrix of patches is made:
//! where the input has no padding and lies well it is read as it is, else a band of it is copied
//! with its padding, and read from the cache by all output channels.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ops::Range;

use candle_core::utils::get_num_threads;

use super::images::{Geometry, Images, Part};
use crate::kernels::epilogue::Epilogue;
use crate::kernels::isa::{Isa, Kernel, dispatch};
use crate::kernels::panels::{PANEL, Panels};
use crate::kernels::simd::Simd;
use crate::kernels::threads::{Shared, parallel, parallel_fixed};
use crate::kernels::tile::{Ahead, Rows, Taps, Target, Tile, width};

/// How many elements a band has about at most, so that it stays in a core's cache.
const BAND: usize = 1 << 16;
/// About how many products a core makes in a nanosecond.
const PRODUCTS: f64 = 50.0;
/// After about so many products a sum starts anew: one long sum would lose more digits.
const SUMMED: usize = 512;
/// Pixels so many elements apart fall on the same places of the cache.
const CONFLICT: usize = 1024;
/// How many tiles a line has at most where all pixels of an image are one row.
const TILES: usize = 8;
/// So many lines at least has a thread if there are enough tiles for them.
const LINES: usize = 4;
/// A cut by columns is worth so much more where weights are more than pixels, and so much less where
/// they are not: a thread then finds what it reads in its own cache.
const NEARNESS: f64 = 1.2;

thread_local! {
    /// A band's copy, kept for the next one.
    static COPY: Cell<Vec<f32>> = const { Cell::new(Vec::new()) };
}

/// Writes the convolution to `y`, channel beside channel.
///
/// The matrices, one for each group, must be of the geometry's sizes, and `y` and the epilogue's slices too.
pub fn convolve(
    isa: Isa,
    images: &Images<'_>,
    matrices: &[Panels],
    geometry: &Geometry,
    epilogue: &Epilogue<'_>,
    y: &mut [MaybeUninit<f32>],
) {
    let plan = Plan::new(isa, images, geometry, &dispatch(isa, TileChannels));
    let y = Shared::new(y);
    let compute = |items: Range<usize>| {
        let bands = Bands {
            plan: &plan,
            matrices,
            epilogue,
            y: &y,
            items,
        };
        dispatch(isa, bands);
    };
    let work = geometry.work() / PRODUCTS;
    if plan.by_columns {
        // One range for each thread, so that it copies bands only once.
        parallel_fixed(plan.columns(), work, compute);
    } else {
        parallel(plan.all_lines(), work, compute);
    }
}

/// How many channels a tile has at most, for each number of pixels that one can have.
struct TileChannels;

impl Kernel for TileChannels {
    type Output = Vec<usize>;

    #[inline(always)]
    fn run<S: Simd>(self) -> Vec<usize> {
        let mut channels = vec![0];
        for pixels in 1..S::TILE_ROWS + 1 {
            channels.push(width::<S>(pixels) * S::LANES);
        }
        channels
    }
}

/// How the work is cut: images into bands of lines, lines into tiles, channels into columns. Threads
/// share either the lines or the columns.
struct Plan<'a> {
    isa: Isa,
    images: Images<'a>,
    geometry: Geometry,
    /// The width of an image's last row of output; others are as wide as the geometry says.
    last: usize,
    /// How many pixels a tile has at most.
    tile_rows: usize,
    /// How many channels of a group a tile has at most.
    tile_channels: usize,
    /// How many rows of output are a line, of which a tile has a part, or the whole.
    line: usize,
    /// How many lines an image has.
    lines: usize,
    /// How many lines a band has at most.
    band: usize,
    /// Whether threads share the columns.
    by_columns: bool,
    /// Whether a band is copied before it is read.
    copies: bool,
    /// From a pixel to the next, and from a row to the next, of what is read.
    pixel: usize,
    row: usize,
    places: Vec<usize>,
    length: usize,
}

impl<'a> Plan<'a> {
    fn new(isa: Isa, images: &Images<'a>, geometry: &Geometry, tile_channels: &[usize]) -> Self {
        let rows = tile_channels.len() - 1;
        let threads = get_num_threads();
        let (images, geometry, last) = simplified(*images, *geometry, rows, threads);
        let [height, width] = geometry.output;
        let step = images.pixel * geometry.stride[1];
        let padded = geometry.padding != [(0, 0); 2];
        let beside = images.channel == 1 || geometry.channels == 1;
        let copies = padded || !beside || step % CONFLICT == 0;
        let padded_width = geometry.input[1] + geometry.padding[1].0 + geometry.padding[1].1;
        let (pixel, row) = if copies {
            let apart = (geometry.channels * geometry.stride[1]) % CONFLICT == 0;
            let pixel = geometry.channels + if apart { PANEL } else { 0 };
            (pixel, pixel * padded_width)
        } else {
            (images.pixel, images.row)
        };
        let line = if 2 * width <= rows { 2.min(height) } else { 1 };
        let highest = match line {
            2 => 2 * width,
            _ => tile_height(width, rows).max(tile_height(last, rows)),
        };
        let channels = tile_channels[highest];
        let per_row = geometry.input[1] * geometry.channels * geometry.stride[0];
        let lines = height.div_ceil(line);
        let columns = geometry.groups * (geometry.out / geometry.groups).div_ceil(channels);
        // Where columns are shared each thread copies all bands.
        let elements = geometry.elements() * if copies { 2 } else { 1 };
        let near = match geometry.weights() > elements {
            true => NEARNESS,
            false => 1.0 / NEARNESS,
        };
        let by_lines = shared(geometry.images * lines, threads);
        let by_columns = threads > 1 && near * shared(columns, threads) > by_lines;
        let (places, length) = taps(&geometry, pixel, row);
        Self {
            isa,
            images,
            geometry,
            last,
            tile_rows: rows,
            tile_channels: channels,
            line,
            lines,
            band: (BAND / (line * per_row)).max(1),
            by_columns,
            copies,
            pixel,
            row,
            places,
            length,
        }
    }

    /// How many lines all images have: there may be fewer images than in the convolution itself.
    fn all_lines(&self) -> usize {
        self.geometry.images * self.lines
    }

    /// How many columns of channels there are, each as wide as a tile.
    fn columns(&self) -> usize {
        self.geometry.groups * self.columns_of_group()
    }

    fn columns_of_group(&self) -> usize {
        (self.geometry.out / self.geometry.groups).div_ceil(self.tile_channels)
    }

    /// The group of a column, and its first channel in the group.
    #[inline(always)]
    fn place(&self, column: usize) -> (usize, usize) {
        let columns = self.columns_of_group();
        (column / columns, column % columns * self.tile_channels)
    }

    /// The line at a row of a band that ends before another: whether it is two rows, how long a row
    /// is, and how many tiles the line has.
    #[inline(always)]
    fn line_at(&self, y: usize, end: usize) -> (bool, usize, usize) {
        let [height, width] = self.geometry.output;
        let pair = self.line == 2 && y + 1 < end;
        let length = if y + 1 == height { self.last } else { width };
        let tiles = match pair {
            true => 1,
            false => length.div_ceil(self.tile_rows),
        };
        (pair, length, tiles)
    }

    /// How many tiles the rows of a band have in a column.
    #[inline(always)]
    fn tiles(&self, rows: &Range<usize>) -> usize {
        let lines = rows.clone().step_by(self.line);
        lines.map(|y| self.line_at(y, rows.end).2).sum()
    }
}

/// How high the highest tile is of a row of so many pixels, of `rows` at most.
fn tile_height(length: usize, rows: usize) -> usize {
    length.div_ceil(length.div_ceil(rows))
}

/// Which part of the threads' time so many equal parts of the work take.
fn shared(parts: usize, threads: usize) -> f64 {
    parts as f64 / parts.next_multiple_of(threads) as f64
}

/// The same convolution with fewer rows or strides, and the width of its last row.
///
/// One that sees single pixels skips those between its strides, and if nothing lies between its rows
/// all pixels are one row, which is cut into lines of tiles of up to `rows` pixels.
fn simplified<'a>(
    mut images: Images<'a>,
    mut geometry: Geometry,
    rows: usize,
    threads: usize,
) -> (Images<'a>, Geometry, usize) {
    if geometry.kernel != [1, 1] || geometry.padding != [(0, 0); 2] {
        return (images, geometry, geometry.output[1]);
    }
    images.row *= geometry.stride[0];
    images.pixel *= geometry.stride[1];
    geometry.stride = [1, 1];
    geometry.input = geometry.output;
    let [height, width] = geometry.output;
    if height > 1 && images.row != width * images.pixel {
        return (images, geometry, width);
    }
    let mut pixels = height * width;
    if geometry.images > 1 && images.image == pixels * images.pixel {
        pixels *= geometry.images;
        geometry.images = 1;
    }
    let tiles = match threads {
        1 => TILES,
        _ => (pixels.div_ceil(rows) / (LINES * threads)).clamp(1, TILES),
    };
    let width = pixels.div_ceil(pixels.div_ceil(rows * tiles));
    let height = pixels.div_ceil(width);
    images.row = width * images.pixel;
    geometry.input = [height, width];
    geometry.output = [height, width];
    (images, geometry, pixels - (height - 1) * width)
}

/// Where a pixel's taps are, and how many elements each has: those of a row are one if they lie so.
fn taps(geometry: &Geometry, pixel: usize, row: usize) -> (Vec<usize>, usize) {
    let [height, width] = geometry.kernel;
    let rows = (0..height).map(|y| y * geometry.dilation[0] * row);
    let channels = geometry.channels / geometry.groups;
    if geometry.dilation[1] == 1 && pixel == channels {
        return (rows.collect(), width * channels);
    }
    let step = geometry.dilation[1] * pixel;
    let places = rows.flat_map(|row| (0..width).map(move |x| row + x * step));
    (places.collect(), channels)
}

/// Some lines or some columns, in bands one after the other.
struct Bands<'a> {
    plan: &'a Plan<'a>,
    matrices: &'a [Panels],
    epilogue: &'a Epilogue<'a>,
    y: &'a Shared<MaybeUninit<f32>>,
    items: Range<usize>,
}

impl Kernel for Bands<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let plan = self.plan;
        let mut copy = COPY.take();
        let (lines, columns) = match plan.by_columns {
            true => (0..plan.all_lines(), self.items.clone()),
            false => (self.items.clone(), 0..plan.columns()),
        };
        let mut line = lines.start;
        while line < lines.end {
            let (image, first) = (line / plan.lines, line % plan.lines);
            // Bands are as even as can be.
            let left = (lines.end - line).min(plan.lines - first);
            let count = left.div_ceil(left.div_ceil(plan.band));
            line += count;
            let end = plan.geometry.output[0].min((first + count) * plan.line);
            let rows = first * plan.line..end;
            let from = if plan.copies {
                plan.copy(image, &rows, &mut copy);
                copy.as_ptr()
            } else {
                let top = rows.start * plan.geometry.stride[0] * plan.images.row;
                plan.images.values[image * plan.images.image + top..].as_ptr()
            };
            for column in columns.clone() {
                let ahead = match column + 1 {
                    next if next < columns.end => self.right(next),
                    _ => Ahead::NOTHING,
                };
                // SAFETY: the band has all that its rows read, and no other item these columns of it.
                unsafe { self.column::<S>(image, rows.clone(), from, column, ahead) };
            }
        }
        COPY.set(copy);
    }
}

impl Plan<'_> {
    fn copy(&self, image: usize, rows: &Range<usize>, to: &mut Vec<f32>) {
        let geometry = &self.geometry;
        let reach = (geometry.kernel[0] - 1) * geometry.dilation[0] + 1;
        let [(top, _), (left, right)] = geometry.padding;
        // Single pixels without padding are read as they are written.
        let alone = geometry.kernel == [1, 1] && geometry.padding == [(0, 0); 2];
        let last = if alone { self.last } else { geometry.input[1] };
        let part = Part {
            image,
            top: rows.start * geometry.stride[0],
            rows: (rows.len() - 1) * geometry.stride[0] + reach,
            width: left + geometry.input[1] + right,
            before: [top, left],
            size: geometry.input,
            last,
            channels: geometry.channels,
        };
        let count = part.rows * part.width * self.pixel;
        if to.len() < count {
            to.resize(count, 0.0);
        }
        part.copy(self.isa, &self.images, self.pixel, to);
    }
}

impl Bands<'_> {
    /// The panels of a column of channels.
    #[inline(always)]
    fn right(&self, column: usize) -> Ahead {
        let (group, first) = self.plan.place(column);
        let panels = &self.matrices[group];
        let count = self.plan.tile_channels.min(panels.columns() - first);
        Ahead {
            first: panels
                .as_ptr()
                .wrapping_add(first / PANEL * panels.panel_stride()),
            lines: count.div_ceil(PANEL) * panels.depth(),
        }
    }

    /// # Safety
    /// `from` must be the band's first pixel, with all that the rows read.
    #[inline(always)]
    unsafe fn column<S: Simd>(
        &self,
        image: usize,
        rows: Range<usize>,
        from: *const f32,
        column: usize,
        ahead: Ahead,
    ) {
        let (plan, geometry) = (self.plan, &self.plan.geometry);
        let [height, width] = geometry.output;
        let (out, inner) = (
            geometry.out / geometry.groups,
            geometry.channels / geometry.groups,
        );
        let (group, first) = plan.place(column);
        let mut tile = Tile {
            rows: Rows {
                first: from,
                second: from,
                step: plan.pixel * geometry.stride[1],
            },
            taps: Taps {
                places: &plan.places,
                length: plan.length,
                summed: SUMMED,
            },
            right: self.right(column).first,
            panel: self.matrices[group].panel_stride(),
            ahead,
            target: Target {
                at: self.y.at(0).cast(),
                step: geometry.out,
                index: 0,
                column: group * out + first,
                columns: plan.tile_channels.min(out - first),
            },
            epilogue: self.epilogue,
        };
        let image_pixels = (height - 1) * width + plan.last;
        let (mut number, total) = (0, plan.tiles(&rows));
        for y in rows.clone().step_by(plan.line) {
            let (pair, length, tiles) = plan.line_at(y, rows.end);
            let from =
                from.wrapping_add((y - rows.start) * geometry.stride[0] * plan.row + group * inner);
            for part in 0..tiles {
                let (x, end) = (part * length / tiles, (part + 1) * length / tiles);
                let count = if pair { 2 * length } else { end - x };
                let first = from.wrapping_add(x * tile.rows.step);
                tile.rows.first = first;
                tile.rows.second = if pair {
                    first.wrapping_add(geometry.stride[0] * plan.row)
                } else {
                    first.wrapping_add(count / 2 * tile.rows.step)
                };
                let pixel = image * image_pixels + y * width + x;
                tile.target.index = pixel * geometry.out + tile.target.column;
                tile.target.at = self.y.at(tile.target.index).cast();
                tile.ahead = ahead.part(number, total);
                number += 1;
                // SAFETY: the caller's promise; the tile's pixels and channels are the output's own.
                unsafe { tile.compute::<S>(count) };
            }
        }
    }
}
