//! The steps of a recurrent network: the product with the state and the gates in one pass.
//!
//! The weights are read once in each step, in blocks of units with all of their gates, whose sums
//! never leave the registers. Every other step reads the blocks from the last to the first, so that
//! it begins with those that are still in the cache.

use std::borrow::Cow;
use std::mem::MaybeUninit;
use std::ops::Range;

use candle_core::{Device, Result, Tensor};

use super::Epilogue;
use super::elements::{elements, in_order, written};
use super::gemm::{Left, Target, multiply};
use super::isa::{Isa, Kernel, dispatch, isa};
use super::math::{sigmoid, tanh};
use super::panels::{PANEL, Panels};
use super::product::Weight;
use super::simd::Simd;
use super::threads::{Shared, parallel_fixed};

/// With more rows than this in a step, a product of all of them reads the weights less often.
const FEW: usize = 3;
/// With fewer steps than this, packing weights whose packed form is not kept takes longer than it
/// saves.
const FEW_STEPS: usize = 4;
/// How many elements ahead weights are asked for.
const AHEAD: usize = 24 * PANEL;
/// How many products are added up one by one, as in other products.
const SUMMED: usize = 256;
/// Nanoseconds of a multiplication and an addition with weights from a far cache, about.
const NANOSECONDS: f64 = 0.1;

/// What a step does with its gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cell {
    Lstm,
    Gru,
    Tanh,
    Relu,
}

impl Cell {
    /// How many gates a unit has.
    pub fn count(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
            Self::Tanh | Self::Relu => 1,
        }
    }

    /// How many states a step hands on.
    pub fn states(self) -> usize {
        if self == Self::Lstm { 2 } else { 1 }
    }
}

/// All steps of one layer and direction: every step's output, in the order of `inputs`, and the last
/// states.
///
/// `inputs` are the projected inputs of all steps, `(rows, gates * width)`, of which the steps have
/// `sizes` in turn; `states` have as many rows as the largest of them. A step takes the first rows of
/// the states, and leaves the others. In reverse it begins with the last rows.
///
/// `None` for other dtypes and devices, for sizes that do not fit, and for a few steps with weights
/// whose packed form is not kept.
///
/// # Errors
/// If `PYCANDLE_KERNELS` is wrong.
pub fn steps(
    cell: Cell,
    inputs: &Tensor,
    weight: Weight,
    bias: Option<&Tensor>,
    sizes: &[usize],
    states: &[Tensor],
    reverse: bool,
) -> Result<Option<(Tensor, Vec<Tensor>)>> {
    let Some(isa) = isa()? else { return Ok(None) };
    let (&[rows, all], &[first, width]) = (inputs.dims(), weight.tensor.dims()) else {
        return Ok(None);
    };
    let batch = sizes.iter().copied().max().unwrap_or(0);
    let fits = width > 0
        && batch > 0
        && all == width * cell.count()
        && (first, rows) == (all, sizes.iter().sum())
        && states.len() == cell.states()
        && states.iter().all(|state| state.dims() == [batch, width])
        && bias.is_none_or(|bias| bias.dims() == [all]);
    if !fits || (weight.packed.is_none() && sizes.len() < FEW_STEPS) {
        return Ok(None);
    }
    let (given, bias) = (elements(inputs), bias.map(elements));
    let (Some(inputs), Some(bias)) = (given.as_ref().and_then(|x| x.in_order()), in_order(&bias))
    else {
        return Ok(None);
    };
    let mut last = Vec::new();
    for state in states {
        match elements(state).as_ref().and_then(|state| state.in_order()) {
            Some(values) => last.push(values.to_vec()),
            None => return Ok(None),
        }
    }
    let Some(packed) = packed(weight, cell.count(), width)? else {
        return Ok(None);
    };
    let panels = match &packed {
        AllOrEach::All(panels) => vec![&**panels],
        AllOrEach::Each(panels) => panels.iter().collect(),
    };
    let run = Run {
        isa,
        cell,
        width,
        inputs,
        bias,
        panels,
    };
    let write = |out: &mut [MaybeUninit<f32>]| run.all(sizes, &mut last, reverse, out);
    // SAFETY: each step writes its rows of all units.
    let outputs = unsafe { written((rows, width), write) }?;
    let states = last
        .into_iter()
        .map(|state| Tensor::from_vec(state, (batch, width), &Device::Cpu));
    Ok(Some((outputs, states.collect::<Result<_>>()?)))
}

/// The packed weights of all gates, or of each gate.
enum AllOrEach<'a> {
    All(Cow<'a, Panels>),
    Each(Vec<Panels>),
}

/// `None` if they are not of f32 on the CPU.
fn packed<'a>(weight: Weight<'a>, gates: usize, width: usize) -> Result<Option<AllOrEach<'a>>> {
    if width.is_multiple_of(PANEL) {
        // The gates of a unit are whole panels apart.
        return Ok(weight.panels()?.map(AllOrEach::All));
    }
    let each = (0..gates).map(|gate| {
        let part = weight.tensor.narrow(0, gate * width, width)?;
        let part = Weight {
            tensor: &part,
            packed: None,
            ..weight
        };
        Ok(part.panels()?.map(Cow::into_owned))
    });
    let each: Option<_> = each.collect::<Result<_>>()?;
    Ok(each.map(AllOrEach::Each))
}

/// What all steps have in common.
struct Run<'a> {
    isa: Isa,
    cell: Cell,
    width: usize,
    inputs: &'a [f32],
    bias: Option<&'a [f32]>,
    /// Those of all gates, or of each gate.
    panels: Vec<&'a Panels>,
}

impl Run<'_> {
    /// Writes the outputs of all steps, and leaves the last states in `states`.
    fn all(
        &self,
        sizes: &[usize],
        states: &mut [Vec<f32>],
        reverse: bool,
        out: &mut [MaybeUninit<f32>],
    ) {
        let (width, all) = (self.width, self.width * self.cell.count());
        let mut products = Vec::new();
        let mut begin = if reverse { out.len() / width } else { 0 };
        for k in 0..sizes.len() {
            let size = sizes[if reverse { sizes.len() - 1 - k } else { k }];
            if reverse {
                begin -= size;
            }
            let rows = begin * width..(begin + size) * width;
            let inputs = &self.inputs[begin * all..(begin + size) * all];
            let (hidden, cells) = states.split_at_mut(1);
            let hidden = &mut hidden[0][..size * width];
            let cells = cells.first_mut().map(Vec::as_mut_slice).unwrap_or_default();
            products.clear();
            if size > FEW {
                self.multiply(hidden, size, &mut products);
            }
            let step = Step {
                run: self,
                size,
                inputs,
                hidden,
                products: &products,
                cells: &Shared::new(cells),
                out: &Shared::new(&mut out[rows.clone()]),
                blocks: 0..0,
                backwards: k % 2 == 1,
            };
            let work = NANOSECONDS * (hidden.len() * all) as f64;
            parallel_fixed(width.div_ceil(PANEL), work, |blocks| {
                dispatch(self.isa, Step { blocks, ..step });
            });
            for (state, y) in hidden.iter_mut().zip(&out[rows]) {
                // SAFETY: the step has written them.
                *state = unsafe { y.assume_init() };
            }
            if !reverse {
                begin += size;
            }
        }
    }

    /// The products of many rows of the state with the weights of all gates.
    fn multiply(&self, hidden: &[f32], size: usize, products: &mut Vec<f32>) {
        let all = self.width * self.cell.count();
        products.resize(size * all, 0.0);
        let left = Left {
            values: hidden,
            rows: size,
            stride: self.width,
        };
        for (gate, panels) in self.panels.iter().enumerate() {
            let to = products[gate * self.width..].as_mut_ptr();
            // SAFETY: there is a row of all gates for each row of the state.
            unsafe {
                multiply(
                    self.isa,
                    left,
                    panels,
                    &Epilogue::default(),
                    Target::new(to, all),
                );
            }
        }
    }
}

/// A step of some blocks of units.
#[derive(Clone)]
struct Step<'a> {
    run: &'a Run<'a>,
    /// How many rows it has.
    size: usize,
    inputs: &'a [f32],
    hidden: &'a [f32],
    /// With the weights of all gates, if the step has many rows.
    products: &'a [f32],
    cells: &'a Shared<f32>,
    out: &'a Shared<MaybeUninit<f32>>,
    blocks: Range<usize>,
    backwards: bool,
}

impl Kernel for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        match self.run.cell {
            Cell::Lstm => self.blocks::<S, 4>(),
            Cell::Gru => self.blocks::<S, 3>(),
            Cell::Tanh | Cell::Relu => self.blocks::<S, 1>(),
        }
    }
}

impl Step<'_> {
    #[inline(always)]
    fn blocks<S: Simd, const GATES: usize>(&self) {
        let width = self.run.width;
        for k in 0..self.blocks.len() {
            let block = if self.backwards {
                self.blocks.end - 1 - k
            } else {
                self.blocks.start + k
            };
            for row in 0..self.size {
                for lane in (0..PANEL).step_by(S::LANES) {
                    let unit = block * PANEL + lane;
                    if unit < width {
                        self.units::<S, GATES>(row, unit, S::LANES.min(width - unit));
                    }
                }
            }
        }
    }

    /// The gates of neighbouring units.
    #[inline(always)]
    fn units<S: Simd, const GATES: usize>(&self, row: usize, unit: usize, count: usize) {
        let (width, cell) = (self.run.width, self.run.cell);
        let first = row * width * GATES + unit;
        let mut sums = if self.products.is_empty() {
            self.sums::<S, GATES>(row, unit)
        } else {
            let mut sums = [S::splat(0.0); GATES];
            for (gate, sum) in sums.iter_mut().enumerate() {
                let from = &self.products[first + gate * width..][..count];
                // SAFETY: as long as that.
                *sum = unsafe { S::load_some(from.as_ptr(), count) };
            }
            sums
        };
        let mut inputs = [S::splat(0.0); GATES];
        for gate in 0..GATES {
            let from = &self.inputs[first + gate * width..][..count];
            // SAFETY: as long as that.
            inputs[gate] = unsafe { S::load_some(from.as_ptr(), count) };
            if let Some(bias) = self.run.bias {
                let from = &bias[gate * width + unit..][..count];
                // SAFETY: as long as that.
                sums[gate] = sums[gate] + unsafe { S::load_some(from.as_ptr(), count) };
            }
        }
        let place = row * width + unit;
        let old = &self.hidden[place..][..count];
        // SAFETY: as long as that.
        let old = unsafe { S::load_some(old.as_ptr(), count) };
        let y = match cell {
            Cell::Lstm => {
                // SAFETY: no other thread has these units, which are `count` at least.
                let cell = unsafe { S::load_some(self.cells.at(place), count) };
                let input = sigmoid(inputs[0] + sums[0]) * tanh(inputs[2] + sums[2]);
                let cell = sigmoid(inputs[1] + sums[1]).mul_add(cell, input);
                // SAFETY: as above.
                unsafe { cell.store_some(self.cells.at(place), count) };
                sigmoid(inputs[3] + sums[3]) * tanh(cell)
            }
            Cell::Gru => {
                let reset = sigmoid(inputs[0] + sums[0]);
                let new = tanh(reset.mul_add(sums[2], inputs[2]));
                (old - new).mul_add(sigmoid(inputs[1] + sums[1]), new)
            }
            Cell::Tanh => tanh(inputs[0] + sums[0]),
            // NaN stays NaN.
            Cell::Relu => S::splat(0.0).max(inputs[0] + sums[0]),
        };
        // SAFETY: no other thread has these units.
        unsafe { y.store_some(self.out.at(place).cast(), count) };
    }

    /// The products of a row of the state with the weights of each gate of neighbouring units.
    #[inline(always)]
    fn sums<S: Simd, const GATES: usize>(&self, row: usize, unit: usize) -> [S; GATES] {
        let width = self.run.width;
        let state = self.hidden[row * width..][..width].as_ptr();
        let mut weights = [std::ptr::null(); GATES];
        for (gate, weights) in weights.iter_mut().enumerate() {
            let (panels, first) = match *self.run.panels {
                [all] => (all, gate * width),
                ref each => (each[gate], 0),
            };
            let panel = (first + unit) / PANEL * panels.panel_stride();
            *weights = panels.as_ptr().wrapping_add(panel + unit % PANEL);
        }
        let mut totals = [S::splat(0.0); GATES];
        for start in (0..width).step_by(SUMMED) {
            let end = width.min(start + SUMMED);
            let (mut even, mut odd) = ([S::splat(0.0); GATES], [S::splat(0.0); GATES]);
            let mut k = start;
            // SAFETY: the state has `width` elements, and each panel as many rows.
            unsafe {
                while k + 1 < end {
                    let (one, two) = (S::splat(*state.add(k)), S::splat(*state.add(k + 1)));
                    for gate in 0..GATES {
                        let from = weights[gate].add(k * PANEL);
                        S::prefetch(from.wrapping_add(AHEAD));
                        S::prefetch(from.wrapping_add(AHEAD + PANEL));
                        even[gate] = one.mul_add(S::load(from), even[gate]);
                        odd[gate] = two.mul_add(S::load(from.add(PANEL)), odd[gate]);
                    }
                    k += 2;
                }
                if k < end {
                    let one = S::splat(*state.add(k));
                    for gate in 0..GATES {
                        even[gate] = one.mul_add(S::load(weights[gate].add(k * PANEL)), even[gate]);
                    }
                }
            }
            for gate in 0..GATES {
                totals[gate] = totals[gate] + (even[gate] + odd[gate]);
            }
        }
        totals
    }
}
