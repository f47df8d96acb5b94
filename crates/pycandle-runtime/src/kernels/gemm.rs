//! Matrix products with a right side in [panels](super::panels), of any number of rows from one up.
//!
//! A tile of the result stays in registers while a column of the left side and a row of the right
//! side after the other are multiplied into it. Tiles are lower and wider for few rows, where
//! reading the right side takes the time.

use super::epilogue::{Activation, Epilogue};
use super::isa::{Isa, Kernel, dispatch};
use super::panels::{PANEL, Panels};
use super::simd::Simd;
use super::threads::parallel;

/// So many rows of the left side stay in the cache of a core.
const CACHED_ROWS: usize = 126;
/// After so many products a sum starts anew, and the sums are added up: one long sum would lose
/// more digits than PyTorch's.
const SUMMED: usize = 128;
/// Nanoseconds of a multiplication and an addition, about.
const NANOSECONDS: f64 = 0.015;

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
    let work = left.rows as f64 * right.columns() as f64 * depth as f64 * NANOSECONDS;
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
        let highest = count.div_ceil(count.div_ceil(S::TILE_ROWS));
        let mut panel = self.panels.0;
        while panel < self.panels.1 {
            let next = (panel + width::<S>(highest) * S::LANES / PANEL).min(self.panels.1);
            for (start, stop) in cut(count, S::TILE_ROWS) {
                let rows = stop - start;
                let tile = Tile {
                    // SAFETY: the rows lie within `values`.
                    left: unsafe { left.values.as_ptr().add(start * left.stride) },
                    stride: left.stride,
                    // SAFETY: the panel is one of the right side's.
                    right: unsafe { self.right.as_ptr().add(panel * self.right.panel_stride()) },
                    panel_stride: self.right.panel_stride(),
                    panels: next - panel,
                    depth,
                    row: first + start,
                    column: panel * PANEL,
                    columns: self.right.columns().min(next * PANEL) - panel * PANEL,
                    epilogue: self.epilogue,
                    target: self.target,
                };
                tile.of_rows::<S>(rows);
                if let Some(activation) = self.epilogue.activation {
                    tile.activate::<S>(activation, rows);
                }
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

/// How many vectors wide tiles of so many rows are: what the registers hold, a power of two.
#[inline(always)]
const fn width<S: Simd>(rows: usize) -> usize {
    let mut width = 8;
    while width * rows > S::TILE_ROWS * S::TILE_VECTORS {
        width /= 2;
    }
    width
}

/// One tile of the result.
struct Tile<'a> {
    left: *const f32,
    stride: usize,
    right: *const f32,
    panel_stride: usize,
    /// How many panels there are; the tile may be wider, and computes the last ones twice then.
    panels: usize,
    depth: usize,
    row: usize,
    column: usize,
    columns: usize,
    epilogue: &'a Epilogue<'a>,
    target: Target,
}

impl Tile<'_> {
    /// Tiles are compiled for each number of rows, with the width that goes with it.
    #[inline(always)]
    fn of_rows<S: Simd>(&self, rows: usize) {
        macro_rules! tiles {
            ($($rows:literal),+) => {
                match rows {
                    $($rows => self.of_width::<S, $rows>(),)+
                    // `cut` makes no others.
                    _ => {}
                }
            };
        }
        tiles!(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
    }

    #[inline(always)]
    fn of_width<S: Simd, const ROWS: usize>(&self) {
        // There are no more than the registers hold.
        if ROWS > S::TILE_ROWS {
            return;
        }
        match const { width::<S>(ROWS) } {
            8 => self.run::<S, ROWS, 8>(),
            4 => self.run::<S, ROWS, 4>(),
            2 => self.run::<S, ROWS, 2>(),
            _ => self.run::<S, ROWS, 1>(),
        }
    }

    /// Multiplies, and stores what the epilogue makes of it.
    #[inline(always)]
    fn run<S: Simd, const ROWS: usize, const WIDTH: usize>(&self) {
        let mut right = [self.right; WIDTH];
        for (v, right) in right.iter_mut().enumerate() {
            let lane = v * S::LANES;
            let panel = (lane / PANEL).min(self.panels - 1);
            *right = right.wrapping_add(panel * self.panel_stride + lane % PANEL);
        }
        let mut totals = [[S::splat(0.0); WIDTH]; ROWS];
        let mut first = 0;
        while first < self.depth {
            let end = self.depth.min(first + SUMMED);
            let mut sums = [[S::splat(0.0); WIDTH]; ROWS];
            for k in first..end {
                let mut row = [S::splat(0.0); WIDTH];
                for v in 0..WIDTH {
                    // SAFETY: each panel has `depth` rows of sixteen elements.
                    row[v] = unsafe { S::load(right[v].add(k * PANEL)) };
                }
                for r in 0..ROWS {
                    // SAFETY: the left side has `depth` elements in each of its rows.
                    let factor = S::splat(unsafe { *self.left.add(r * self.stride + k) });
                    for v in 0..WIDTH {
                        sums[r][v] = factor.mul_add(row[v], sums[r][v]);
                    }
                }
            }
            for r in 0..ROWS {
                for v in 0..WIDTH {
                    totals[r][v] = totals[r][v] + sums[r][v];
                }
            }
            first = end;
        }
        for (r, totals) in totals.iter().enumerate() {
            for (v, &sum) in totals.iter().enumerate() {
                let place = v * S::LANES;
                if place < self.columns {
                    let count = (self.columns - place).min(S::LANES);
                    self.store(sum, self.row + r, self.column + place, count);
                }
            }
        }
    }

    /// Applies a function to what was stored. It does so after all tiles' sizes, so that its code
    /// is there once.
    #[inline(always)]
    fn activate<S: Simd>(&self, activation: Activation, rows: usize) {
        for row in 0..rows {
            for place in (0..self.columns).step_by(S::LANES) {
                let to = self.target.at(self.row + row, self.column + place);
                let count = (self.columns - place).min(S::LANES);
                // SAFETY: the target has this row, and `count` columns from here.
                unsafe {
                    if count == S::LANES {
                        activation.apply(S::load(to)).store(to);
                    } else {
                        activation
                            .apply(S::load_first(to, count))
                            .store_first(to, count);
                    }
                }
            }
        }
    }

    #[inline(always)]
    fn store<S: Simd>(&self, sum: S, row: usize, column: usize, count: usize) {
        let to = self.target.at(row, column);
        // SAFETY: the target has this row, and `count` columns from here; so has the residual, and
        // the epilogue has a number for each column.
        unsafe {
            let y = self
                .epilogue
                .apply(sum, column, row * self.target.stride + column, count);
            if count == S::LANES {
                y.store(to);
            } else {
                y.store_first(to, count);
            }
        }
    }
}
