//! Matrices in panels of sixteen columns, the order in which products read their right side.

/// How many columns a panel has, whatever the instruction set.
pub const PANEL: usize = 16;

/// One row of a panel, a cache line.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; PANEL]);

/// A matrix of `depth` rows: panel after panel, in each row after row, the last filled up with
/// zeros.
#[derive(Debug, Clone, Default)]
pub struct Panels {
    depth: usize,
    columns: usize,
    lines: Vec<Line>,
}

impl Panels {
    /// Packs a matrix whose element `(row, column)` is `values[row * strides.0 + column * strides.1]`.
    pub fn pack(values: &[f32], (depth, columns): (usize, usize), strides: (usize, usize)) -> Self {
        let mut panels = Self::default();
        panels.pack_again(values, (depth, columns), strides);
        panels
    }

    /// [`pack`](Self::pack) into the memory of a matrix that is no longer needed.
    pub fn pack_again(
        &mut self,
        values: &[f32],
        (depth, columns): (usize, usize),
        (down, along): (usize, usize),
    ) {
        (self.depth, self.columns) = (depth, columns);
        let count = columns.div_ceil(PANEL) * depth;
        if self.lines.len() < count {
            // The old elements need not move.
            self.lines = vec![Line([0.0; PANEL]); count];
        }
        for (panel, lines) in self.lines[..count]
            .chunks_exact_mut(depth.max(1))
            .enumerate()
        {
            let first = panel * PANEL;
            let width = PANEL.min(columns - first);
            pack_panel(&values[first * along..], lines, width, (down, along));
        }
    }

    pub fn depth(&self) -> usize {
        self.depth
    }

    pub fn columns(&self) -> usize {
        self.columns
    }

    /// The elements, of which those of a panel start at a multiple of
    /// [`panel_stride`](Self::panel_stride).
    pub fn as_ptr(&self) -> *const f32 {
        self.lines.as_ptr().cast()
    }

    /// How many elements a panel has.
    pub fn panel_stride(&self) -> usize {
        self.depth * PANEL
    }
}

fn pack_panel(values: &[f32], lines: &mut [Line], width: usize, (down, along): (usize, usize)) {
    if along == 1 {
        for (row, line) in lines.iter_mut().enumerate() {
            let from = &values[row * down..][..width];
            line.0[..width].copy_from_slice(from);
            line.0[width..].fill(0.0);
        }
        return;
    }
    // Columns lie far apart: a few rows of all of them at a time stay in the cache.
    for (block, lines) in lines.chunks_mut(PANEL).enumerate() {
        let first = block * PANEL;
        if width < PANEL {
            lines.fill(Line([0.0; PANEL]));
        }
        for column in 0..width {
            let from = &values[column * along + first * down..];
            for (row, line) in lines.iter_mut().enumerate() {
                line.0[column] = from[row * down];
            }
        }
    }
}
