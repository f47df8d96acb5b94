//! A tile of a product in registers: some rows of the left side by some columns of the right one.

use super::epilogue::{Activation, Epilogue};
use super::isa::Kernel;
use super::panels::PANEL;
use super::simd::Simd;

/// Rows of a left side, whose elements lie beside each other; they are two runs, of which the first
/// has half of them, rounded down.
#[derive(Clone, Copy)]
pub struct Rows {
    pub first: *const f32,
    pub second: *const f32,
    /// From one row of a run to the next.
    pub step: usize,
}

impl Rows {
    /// So many rows, all of them `step` from each other.
    #[inline(always)]
    pub fn even(first: *const f32, step: usize, count: usize) -> Self {
        Self {
            first,
            second: first.wrapping_add(count / 2 * step),
            step,
        }
    }
}

/// What each row reads: `length` elements from each of these places on.
#[derive(Clone, Copy)]
pub struct Taps<'a> {
    pub places: &'a [usize],
    pub length: usize,
    /// After about so many products a sum starts anew, and the sums are added up.
    pub summed: usize,
}

/// A tile, and where it goes.
#[derive(Clone, Copy)]
pub struct Tile<'a> {
    pub rows: Rows,
    pub taps: Taps<'a>,
    /// The first panel of the right side.
    pub right: *const f32,
    /// From a panel to the next.
    pub panel: usize,
    /// What is read soon of the right side: while rows are computed memory has time to bring it,
    /// which saves a tenth of a product whose right side is in no cache.
    pub ahead: Ahead,
    /// Its columns are no more than are as wide as [`width`] says.
    pub target: Target,
    pub epilogue: &'a Epilogue<'a>,
}

/// Lines of panels, one behind the other.
#[derive(Clone, Copy)]
pub struct Ahead {
    pub first: *const f32,
    pub lines: usize,
}

/// After so many rows of the right side a tile asks for its next lines of what is read soon. Where it
/// asks for more at once, what it needs itself waits behind them: a product of 28 rows took 1.8
/// times as long with 128.
const ASKING: usize = 8;

impl Ahead {
    pub const NOTHING: Self = Self {
        first: std::ptr::null(),
        lines: 0,
    };

    /// What one of several tiles asks for.
    #[inline(always)]
    pub fn part(self, number: usize, tiles: usize) -> Self {
        let start = self.lines * number / tiles;
        let end = self.lines * (number + 1) / tiles;
        Self {
            first: self.first.wrapping_add(start * PANEL),
            lines: end - start,
        }
    }
}

/// How far a tile is in asking for lines, as many after each of its rows of the right side.
struct Asking {
    from: *const f32,
    /// Lines in parts of 2¹⁶: those of a row, and those that are due but were not asked for.
    lines: usize,
    due: usize,
}

impl Asking {
    #[inline(always)]
    fn new(ahead: Ahead, rows: usize) -> Self {
        Self {
            from: ahead.first,
            lines: (ahead.lines << 16) / rows.max(1),
            due: 0,
        }
    }

    /// Asks for the lines that go with the next rows.
    #[inline(always)]
    fn ask<S: Simd>(&mut self, rows: usize) {
        self.due += self.lines * rows;
        for _ in 0..self.due >> 16 {
            S::prefetch(self.from);
            self.from = self.from.wrapping_add(PANEL);
        }
        self.due &= 0xffff;
    }
}

/// How many panels a tile reads side by side at most. Memory brings one row of numbers in 1.15 times
/// as long from eight places as from four.
const SIDE_BY_SIDE: usize = 4;

/// How many vectors wide tiles of so many rows are: what the registers hold with a row of the right
/// side, a power of two.
#[inline(always)]
pub const fn width<S: Simd>(rows: usize) -> usize {
    let mut width = 8;
    while width * S::LANES > SIDE_BY_SIDE * PANEL {
        width /= 2;
    }
    while width * (rows + 1) > S::TILE_VECTORS * (S::TILE_ROWS + 1) {
        width /= 2;
    }
    width
}

impl Tile<'_> {
    /// Computes so many rows, which are the instruction set's `TILE_ROWS` at most.
    ///
    /// Tiles are compiled for each number of rows with the width that goes with it, and with half of
    /// it, each in a function of its own.
    ///
    /// # Safety
    /// All elements that the tile names must be there.
    #[inline(always)]
    pub unsafe fn compute<S: Simd>(self, rows: usize) {
        macro_rules! tiles {
            ($($rows:literal),+) => {
                match rows {
                    $($rows => self.of_rows::<S, $rows>(),)+
                    _ => {}
                }
            };
        }
        tiles!(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14);
    }

    #[inline(always)]
    fn of_rows<S: Simd, const R: usize>(self) {
        // There are no more than the registers hold.
        if R > S::TILE_ROWS {
            return;
        }
        let half = 2 * self.target.columns.div_ceil(S::LANES) <= const { width::<S>(R) };
        match (const { width::<S>(R) }, half) {
            (8, false) => S::apart(Sized::<R, 8>(self)),
            (8, true) | (4, false) => S::apart(Sized::<R, 4>(self)),
            (4, true) | (2, false) => S::apart(Sized::<R, 2>(self)),
            _ => S::apart(Sized::<R, 1>(self)),
        }
    }
}

/// A tile of `R` rows and `V` vectors, the last of which may be wider than the columns.
struct Sized<'a, const R: usize, const V: usize>(Tile<'a>);

impl<const R: usize, const V: usize> Kernel for Sized<'_, R, V> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        // SAFETY: `compute`, which alone makes such tiles, has the caller's promise.
        unsafe {
            let sums = sums::<S, R, V>(&self.0);
            finish::<S, R, V>(sums, self.0.target, self.0.epilogue);
        }
    }
}

/// # Safety
/// See [`Tile::compute`].
#[inline(always)]
unsafe fn sums<S: Simd, const R: usize, const V: usize>(tile: &Tile<'_>) -> [[S; V]; R] {
    let mut right = [tile.right; V];
    for v in 0..V {
        // Where the tile is wider than what is there, the last panel is computed again.
        let lane = v * S::LANES;
        let panel = (lane / PANEL).min((tile.target.columns - 1) / PANEL);
        right[v] = tile.right.wrapping_add(panel * tile.panel + lane % PANEL);
    }
    // Totals are in memory, so that sums have all registers.
    let mut totals = [[S::splat(0.0); V]; R];
    let totals = std::hint::black_box(&raw mut totals);
    let mut sums = [[S::splat(0.0); V]; R];
    let (mut row, mut summed, mut long) = (0, 0, false);
    let mut asking = Asking::new(tile.ahead, tile.taps.places.len() * tile.taps.length);
    for &place in tile.taps.places {
        let mut first = tile.rows.first.wrapping_add(place);
        let mut second = tile.rows.second.wrapping_add(place);
        let mut left = tile.taps.length;
        while left > 0 {
            let count = left.min(ASKING);
            asking.ask::<S>(count);
            for _ in 0..count {
                let mut line = [S::splat(0.0); V];
                for v in 0..V {
                    // SAFETY: the caller's promise, here and below.
                    line[v] = unsafe { S::load(right[v].wrapping_add(row)) };
                }
                for r in 0..R {
                    let at = if r < R / 2 {
                        first.wrapping_add(r * tile.rows.step)
                    } else {
                        second.wrapping_add((r - R / 2) * tile.rows.step)
                    };
                    // SAFETY: as above.
                    let factor = S::splat(unsafe { *at });
                    for v in 0..V {
                        sums[r][v] = factor.mul_add(line[v], sums[r][v]);
                    }
                }
                first = first.wrapping_add(1);
                second = second.wrapping_add(1);
                row += PANEL;
            }
            left -= count;
            summed += count;
            if summed >= tile.taps.summed {
                (summed, long) = (0, true);
                // SAFETY: nothing else refers to the totals, which live as long as this function.
                unsafe { add(&mut *totals, &sums) };
                sums = [[S::splat(0.0); V]; R];
            }
        }
    }
    if long {
        // SAFETY: as above.
        unsafe { add(&mut sums, &*totals) };
    }
    sums
}

#[inline(always)]
fn add<S: Simd, const R: usize, const V: usize>(totals: &mut [[S; V]; R], sums: &[[S; V]; R]) {
    for r in 0..R {
        for v in 0..V {
            totals[r][v] = totals[r][v] + sums[r][v];
        }
    }
}

/// Where sums go.
#[derive(Clone, Copy)]
pub struct Target {
    /// The first element.
    pub at: *mut f32,
    /// From one row to the next.
    pub step: usize,
    /// Which element of the result `at` is, for the residual.
    pub index: usize,
    /// The first column, for the numbers of the epilogue.
    pub column: usize,
    /// How many columns are stored.
    pub columns: usize,
}

/// Does what the epilogue says, and stores.
///
/// # Safety
/// The target must be writable, and the epilogue's slices have its columns and elements.
#[inline(always)]
pub unsafe fn finish<S: Simd, const R: usize, const V: usize>(
    sums: [[S; V]; R],
    target: Target,
    epilogue: &Epilogue<'_>,
) {
    // SAFETY: the caller's promise.
    unsafe {
        if target.columns == V * S::LANES {
            stored::<S, R, V, true>(sums, target, epilogue);
        } else {
            stored::<S, R, V, false>(sums, target, epilogue);
        }
    }
}

/// # Safety
/// See [`finish`]; with `FULL` all columns of all vectors are stored.
#[inline(always)]
unsafe fn stored<S: Simd, const R: usize, const V: usize, const FULL: bool>(
    mut sums: [[S; V]; R],
    target: Target,
    epilogue: &Epilogue<'_>,
) {
    // SAFETY of all blocks below: the caller's promise; vectors reach no further than the columns.
    if let Some(scale) = epilogue.scale {
        let scale = scale.as_ptr().wrapping_add(target.column);
        for v in 0..V {
            // SAFETY: see above.
            let scale = unsafe { load::<S, FULL>(scale, v, target.columns) };
            for r in 0..R {
                sums[r][v] = sums[r][v] * scale;
            }
        }
    }
    if let Some(shift) = epilogue.shift {
        let shift = shift.as_ptr().wrapping_add(target.column);
        for v in 0..V {
            // SAFETY: see above.
            let shift = unsafe { load::<S, FULL>(shift, v, target.columns) };
            for r in 0..R {
                sums[r][v] = sums[r][v] + shift;
            }
        }
    }
    if let Some(residual) = epilogue.residual {
        let residual = residual.as_ptr().wrapping_add(target.index);
        for r in 0..R {
            let row = residual.wrapping_add(r * target.step);
            for v in 0..V {
                // SAFETY: see above.
                let residual = unsafe { load::<S, FULL>(row, v, target.columns) };
                sums[r][v] = sums[r][v] + residual;
            }
        }
    }
    // Only what takes few instructions is repeated for each register of each size of a tile.
    let later = match epilogue.activation {
        Some(Activation::Relu) => each(&mut sums, Activation::Relu),
        Some(Activation::Relu6) => each(&mut sums, Activation::Relu6),
        Some(Activation::Hardswish) => each(&mut sums, Activation::Hardswish),
        activation => activation,
    };
    for r in 0..R {
        for v in 0..V {
            let to = target.at.wrapping_add(r * target.step + v * S::LANES);
            // SAFETY: see above.
            unsafe {
                if FULL {
                    sums[r][v].store(to);
                } else {
                    sums[r][v].store_first(to, count::<S>(v, target.columns));
                }
            }
        }
    }
    if let Some(activation) = later {
        S::apart(Activate {
            activation,
            target,
            rows: R,
        });
    }
}

/// How many of so many columns a vector has.
#[inline(always)]
fn count<S: Simd>(vector: usize, columns: usize) -> usize {
    columns.saturating_sub(vector * S::LANES).min(S::LANES)
}

/// A vector of a row of so many columns.
///
/// # Safety
/// Its columns must be readable, which with `FULL` are all.
#[inline(always)]
unsafe fn load<S: Simd, const FULL: bool>(row: *const f32, vector: usize, columns: usize) -> S {
    let from = row.wrapping_add(vector * S::LANES);
    // SAFETY: the caller's promise.
    unsafe {
        if FULL {
            S::load(from)
        } else {
            S::load_first(from, count::<S>(vector, columns))
        }
    }
}

/// Applies a function to all sums, so that none is left to apply.
#[inline(always)]
fn each<S: Simd, const R: usize, const V: usize>(
    sums: &mut [[S; V]; R],
    activation: Activation,
) -> Option<Activation> {
    for r in 0..R {
        for v in 0..V {
            sums[r][v] = activation.apply(sums[r][v]);
        }
    }
    None
}

/// Applies a function to what was just stored, which the cache still has: the longer functions are
/// not compiled for each size of a tile.
struct Activate {
    activation: Activation,
    target: Target,
    rows: usize,
}

impl Kernel for Activate {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let target = self.target;
        for row in 0..self.rows {
            for place in (0..target.columns).step_by(S::LANES) {
                let at = target.at.wrapping_add(row * target.step + place);
                let count = (target.columns - place).min(S::LANES);
                // SAFETY: the tile has just stored them.
                unsafe {
                    let y = self.activation.apply(S::load_some(at, count));
                    y.store_some(at, count);
                }
            }
        }
    }
}
