//! Matrix products with a right side in [panels](super::panels), of any number of rows from one up.
//!
//! A tile of the result stays in registers while a column of the left side and a row of the right
//! side after the other are multiplied into it. Tiles are lower and wider for few rows, where
//! reading the right side takes the time.

use super::epilogue::Epilogue;
use super::isa::{Isa, Kernel, dispatch};
use super::panels::{PANEL, Panels};
use super::simd::Simd;
use super::threads::parallel;
use super::tile::{self, Ahead, Rows, Taps, Tile, width};

/// So many rows of the left side stay in the cache of a core.
const CACHED_ROWS: usize = 126;
/// After so many products a sum starts anew, and the sums are added up: one long sum would lose
/// more digits than PyTorch's.
const SUMMED: usize = 128;
/// A product of fewer rows reads the right side as fast as memory gives it, without asking for it.
const ASKING_ROWS: usize = 7;
/// Nanoseconds of a multiplication and an addition, about.
const NANOSECONDS: f64 = 0.015;
/// Nanoseconds in which an element of the right side is read, about, if it is not in the nearest
/// caches: few rows take no less than that.
const READ: f64 = 0.06;

/// The left side of a product: `rows` rows of elements that lie next to each other.
#[derive(Debug, Clone, Copy)]
pub struct Left<'a> {
    pub values: &'a [f32],
    pub rows: usize,
    /// From one row's first element to the next one's.
    pub stride: usize,
}

impl Left<'_> {
    #[inline(always)]
    fn part(self, first: usize, end: usize) -> Self {
        Left {
            values: &self.values[first * self.stride..],
            rows: end - first,
            ..self
        }
    }

    fn check(&self, depth: usize) {
        assert!(self.values.len() >= (self.rows - 1) * self.stride + depth);
    }
}

/// Where a product goes: rows of `columns` elements, from one to the next `stride`.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    to: *mut f32,
    stride: usize,
}

// SAFETY: threads write disjoint parts of it.
unsafe impl Send for Target {}
// SAFETY: as above.
unsafe impl Sync for Target {}

impl Target {
    /// # Safety
    /// All rows must be writable while the target is used.
    pub unsafe fn new(to: *mut f32, stride: usize) -> Self {
        Self { to, stride }
    }

    /// The part from a row and a column on.
    pub fn part(self, row: usize, column: usize) -> Self {
        let to = self.at(row, column);
        Self { to, ..self }
    }

    /// The first element of a row.
    pub fn row(self, row: usize) -> *mut f32 {
        self.at(row, 0)
    }

    fn at(self, row: usize, column: usize) -> *mut f32 {
        self.to.wrapping_add(row * self.stride + column)
    }
}

/// `left` times `right`, and what comes after it, on several threads where that pays.
///
/// The epilogue's channels are the columns; its residual lies as the target does.
///
/// # Safety
/// `target` must have as many rows as `left` and as many columns as `right`.
pub unsafe fn multiply(isa: Isa, left: Left, right: &Panels, epilogue: &Epilogue, target: Target) {
    let (panels, depth) = (right.columns().div_ceil(PANEL), right.depth());
    if left.rows == 0 || panels == 0 {
        return;
    }
    left.check(depth);
    let each = (left.rows as f64 * NANOSECONDS).max(READ);
    let work = right.columns() as f64 * depth as f64 * each;
    // Threads share the columns while there are enough of them, and the rows of large matrices.
    let blocks = left.rows.div_ceil(CACHED_ROWS);
    if blocks > 3 {
        let height = left.rows.div_ceil(blocks);
        parallel(blocks, work, |range| {
            let product = Product {
                left,
                right,
                depth,
                epilogue,
                target,
                rows: (range.start * height, (range.end * height).min(left.rows)),
                panels: (0, panels),
            };
            dispatch(isa, product);
        });
        return;
    }
    // Neighbouring panels belong to one tile.
    let groups = panels.div_ceil(2);
    parallel(groups, work, |range| {
        let product = Product {
            left,
            right,
            depth,
            epilogue,
            target,
            rows: (0, left.rows),
            panels: (range.start * 2, (range.end * 2).min(panels)),
        };
        dispatch(isa, product);
    });
}

/// [`multiply`] on this thread, of the first `depth` rows and `columns` columns of the right side.
///
/// # Safety
/// As [`multiply`]; the target needs no more than `columns` columns, rounded up to a panel's or the
/// right side's.
pub unsafe fn multiply_here(
    isa: Isa,
    left: Left,
    right: &Panels,
    (depth, columns): (usize, usize),
    target: Target,
) {
    if left.rows == 0 || columns == 0 {
        return;
    }
    left.check(depth);
    assert!(depth <= right.depth() && columns <= right.columns());
    let product = Product {
        left,
        right,
        depth,
        epilogue: &Epilogue::default(),
        target,
        rows: (0, left.rows),
        panels: (0, columns.div_ceil(PANEL)),
    };
    dispatch(isa, product);
}

/// A part of a product: ranges of rows and of panels.
struct Product<'a> {
    left: Left<'a>,
    right: &'a Panels,
    depth: usize,
    epilogue: &'a Epilogue<'a>,
    target: Target,
    rows: (usize, usize),
    panels: (usize, usize),
}

impl Kernel for Product<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let (first, end) = self.rows;
        let (left, depth) = (self.left.part(first, end), self.depth);
        let count = left.rows;
        let tiles = count.div_ceil(S::TILE_ROWS);
        let highest = count.div_ceil(tiles);
        let mut panel = self.panels.0;
        while panel < self.panels.1 {
            let next = (panel + width::<S>(highest) * S::LANES / PANEL).min(self.panels.1);
            let after = (next - panel).min(self.panels.1 - next);
            let soon = Ahead {
                first: self
                    .right
                    .as_ptr()
                    .wrapping_add(next * self.right.panel_stride()),
                lines: if tiles > 1 || highest >= ASKING_ROWS {
                    after * self.right.depth()
                } else {
                    0
                },
            };
            for (number, (start, stop)) in cut(count, S::TILE_ROWS).enumerate() {
                let (row, rows) = (first + start, stop - start);
                // SAFETY: the rows lie within `values`, and the panel is one of the right side's.
                let (from, right) = unsafe {
                    (
                        left.values.as_ptr().add(start * left.stride),
                        self.right.as_ptr().add(panel * self.right.panel_stride()),
                    )
                };
                let tile = Tile {
                    rows: Rows::even(from, left.stride, rows),
                    taps: Taps {
                        places: &[0],
                        length: depth,
                        summed: SUMMED,
                    },
                    right,
                    panel: self.right.panel_stride(),
                    ahead: soon.part(number, tiles),
                    target: tile::Target {
                        at: self.target.at(row, panel * PANEL),
                        step: self.target.stride,
                        index: row * self.target.stride + panel * PANEL,
                        column: panel * PANEL,
                        columns: self.right.columns().min(next * PANEL) - panel * PANEL,
                    },
                    epilogue: self.epilogue,
                };
                // SAFETY: the target has these rows and columns.
                unsafe { tile.compute::<S>(rows) };
            }
            panel = next;
        }
    }
}

/// How `count` rows are cut into tiles of at most `most` rows: as even as can be.
#[inline(always)]
fn cut(count: usize, most: usize) -> impl Iterator<Item = (usize, usize)> {
    let tiles = count.div_ceil(most).max(1);
    (0..tiles).map(move |tile| (tile * count / tiles, (tile + 1) * count / tiles))
}
