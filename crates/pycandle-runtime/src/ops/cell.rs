//! One layer and direction of a recurrent network: its weights, its steps and their gates.

use candle_core::{CpuStorage, CustomOp3, DType, Layout, Result, Shape, Tensor, bail};

use super::activation::{relu, sigmoid};
use super::linear::{linear, matmul};
use super::math::tanh;
use super::weight::Weight;
use crate::kernels::recurrent;
pub(crate) use crate::kernels::recurrent::Cell;

/// The weights of one layer and direction, halves in f32.
pub(crate) struct Weights<'a> {
    w_ih: Projection<'a>,
    w_hh: Projection<'a>,
    b_ih: Option<Tensor>,
    b_hh: Option<Tensor>,
    w_hr: Option<Tensor>,
}

/// A weight as it is given, or in f32.
enum Projection<'a> {
    Given(Weight<'a>),
    Wide(Tensor),
}

impl<'a> Projection<'a> {
    fn new(weight: Weight<'a>) -> Result<Self> {
        Ok(match weight.tensor().dtype() {
            DType::F16 | DType::BF16 => Self::Wide(in_f32(weight.tensor())?),
            _ => Self::Given(weight),
        })
    }

    fn weight(&self) -> Weight<'_> {
        match self {
            Self::Given(weight) => *weight,
            Self::Wide(tensor) => tensor.into(),
        }
    }
}

impl<'a> Weights<'a> {
    pub(crate) fn new(
        [w_ih, w_hh]: [Weight<'a>; 2],
        [b_ih, b_hh]: [Option<&Tensor>; 2],
        w_hr: Option<&Tensor>,
    ) -> Result<Self> {
        let others = [Some(w_hh.tensor()), b_ih, b_hh, w_hr];
        let dtype = w_ih.tensor().dtype();
        if (others.into_iter().flatten()).any(|weight| weight.dtype() != dtype) {
            bail!("a recurrent network takes weights of one dtype")
        }
        Ok(Self {
            w_ih: Projection::new(w_ih)?,
            w_hh: Projection::new(w_hh)?,
            b_ih: b_ih.map(in_f32).transpose()?,
            b_hh: b_hh.map(in_f32).transpose()?,
            w_hr: w_hr.map(in_f32).transpose()?,
        })
    }

    /// From two to five parameters, in PyTorch's order.
    pub(crate) fn of(params: &[Weight<'a>]) -> Result<Self> {
        fn some(weight: Weight<'_>) -> Option<&Tensor> {
            Some(weight.tensor())
        }
        match *params {
            [w_ih, w_hh] => Self::new([w_ih, w_hh], [None; 2], None),
            [w_ih, w_hh, w_hr] => Self::new([w_ih, w_hh], [None; 2], some(w_hr)),
            [w_ih, w_hh, b_ih, b_hh] => Self::new([w_ih, w_hh], [b_ih, b_hh].map(some), None),
            [w_ih, w_hh, b_ih, b_hh, w_hr] => {
                Self::new([w_ih, w_hh], [b_ih, b_hh].map(some), some(w_hr))
            }
            _ => bail!("{} weights of a layer and direction", params.len()),
        }
    }
}

/// One layer and direction, ready to step.
pub(crate) struct Step<'a> {
    cell: Cell,
    w_ih: Weight<'a>,
    /// What is added to the projected inputs.
    b_ih: Option<Tensor>,
    w_hh: Weight<'a>,
    /// What is added to the projected state: the reset gate of a GRU comes after it.
    b_hh: Option<&'a Tensor>,
    w_hr: Option<Tensor>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(cell: Cell, weights: &'a Weights<'a>) -> Result<Self> {
        let (b_ih, b_hh) = match (&weights.b_ih, &weights.b_hh) {
            (Some(b_ih), Some(b_hh)) if cell != Cell::Gru => (Some((b_ih + b_hh)?), None),
            (b_ih, b_hh) => (b_ih.clone(), b_hh.as_ref()),
        };
        Ok(Self {
            cell,
            w_ih: weights.w_ih.weight(),
            b_ih,
            w_hh: weights.w_hh.weight(),
            b_hh,
            w_hr: weights.w_hr.as_ref().map(Tensor::t).transpose()?,
        })
    }

    /// Every step's output as rows in the order of the inputs, and the last states.
    ///
    /// `states` are those of the whole batch. Forwards, sequences that end leave the batch;
    /// backwards, they enter it with their first states.
    pub(crate) fn over(
        &self,
        rows: &Tensor,
        sizes: &[usize],
        states: Vec<Tensor>,
        reverse: bool,
    ) -> Result<(Tensor, Vec<Tensor>)> {
        if rows.dim(0)? == 0 {
            // A batch without sequences, which Candle's operators do not all take.
            return Ok((states[0].clone(), states));
        }
        let inputs = linear(rows, self.w_ih, self.b_ih.as_ref())?;
        if let (None, true) = (&self.w_hr, states.iter().all(Tensor::is_contiguous))
            && let Some(done) = recurrent::steps(
                self.cell,
                &inputs,
                self.w_hh.by_rows(),
                self.b_hh,
                sizes,
                &states,
                reverse,
            )?
        {
            return Ok(done);
        }
        let w_hh = self.w_hh.tensor().t()?;
        let first = states;
        let mut ended: Vec<Vec<Tensor>> = vec![Vec::new(); first.len()];
        let mut outputs = Vec::with_capacity(sizes.len());
        let mut begin = if reverse { rows.dim(0)? } else { 0 };
        let order: Vec<usize> = if reverse {
            sizes.iter().rev().copied().collect()
        } else {
            sizes.to_vec()
        };
        let start = order.first().copied().unwrap_or(0);
        let mut states = parts(&first, 0, start)?;
        let mut active = start;
        for size in order {
            if size < active {
                for (ended, state) in ended.iter_mut().zip(&states) {
                    ended.push(state.narrow(0, size, active - size)?);
                }
                states = parts(&states, 0, size)?;
            } else if size > active {
                let entering = parts(&first, active, size - active)?;
                let pairs = states.iter().zip(&entering);
                states = pairs
                    .map(|(a, b)| Tensor::cat(&[a, b], 0))
                    .collect::<Result<_>>()?;
            }
            active = size;
            begin = if reverse { begin - size } else { begin };
            states = self.step(&inputs.narrow(0, begin, size)?, &w_hh, states)?;
            begin = if reverse { begin } else { begin + size };
            outputs.push(states[0].clone());
        }
        if reverse {
            outputs.reverse();
        }
        let states = states.into_iter().zip(ended).map(|(state, mut ended)| {
            ended.push(state);
            ended.reverse();
            Tensor::cat(&ended, 0)
        });
        Ok((Tensor::cat(&outputs, 0)?, states.collect::<Result<_>>()?))
    }

    fn step(&self, input: &Tensor, w_hh: &Tensor, states: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let mut hidden = matmul(&states[0], w_hh)?;
        if let Some(bias) = self.b_hh {
            hidden = hidden.broadcast_add(bias)?;
        }
        let mut states = self.cell.gates(input, &hidden, &states)?;
        if let Some(w_hr) = &self.w_hr {
            states[0] = matmul(&states[0], w_hr)?;
        }
        Ok(states)
    }
}

impl Cell {
    /// The new states from the projections of the input and of the state, `(batch, gates)` each.
    fn gates(self, input: &Tensor, hidden: &Tensor, states: &[Tensor]) -> Result<Vec<Tensor>> {
        let width = hidden.dim(1)? / self.count();
        if hidden.device().is_cpu() && hidden.dtype() == DType::F32 {
            let state = states[states.len() - 1].contiguous()?;
            let both = input.apply_op3_no_bwd(hidden, &state, &Gates { cell: self, width })?;
            return (0..self.states()).map(|k| both.get(k)).collect();
        }
        let of = |t: &Tensor, k: usize| t.narrow(1, k * width, width);
        match (self, states) {
            (Self::Lstm, [_, c]) => {
                let sum = (input + hidden)?;
                let (i, f) = (sigmoid(&of(&sum, 0)?)?, sigmoid(&of(&sum, 1)?)?);
                let (g, o) = (tanh(&of(&sum, 2)?)?, sigmoid(&of(&sum, 3)?)?);
                let c = ((f * c)? + (i * g)?)?;
                Ok(vec![(o * tanh(&c)?)?, c])
            }
            (Self::Gru, [h]) => {
                let r = sigmoid(&(of(input, 0)? + of(hidden, 0)?)?)?;
                let z = sigmoid(&(of(input, 1)? + of(hidden, 1)?)?)?;
                let n = tanh(&(of(input, 2)? + (of(hidden, 2)? * r)?)?)?;
                Ok(vec![(((h - &n)? * z)? + n)?])
            }
            (Self::Tanh, _) => Ok(vec![tanh(&(input + hidden)?)?]),
            (Self::Relu, _) => Ok(vec![relu(&(input + hidden)?)?]),
            _ => bail!("{} states for {self:?}", states.len()),
        }
    }
}

/// The gates of a step in one loop over f32 on the CPU: `(states, batch, width)`.
struct Gates {
    cell: Cell,
    width: usize,
}

impl Gates {
    /// One element's new states, from its gates and its old state.
    fn element(&self, input: &[f32], hidden: &[f32], state: f32, k: usize) -> (f32, f32) {
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        let at = |gate: usize| gate * self.width + k;
        let sum = |gate: usize| input[at(gate)] + hidden[at(gate)];
        match self.cell {
            Cell::Lstm => {
                let cell = sigmoid(sum(1)) * state + sigmoid(sum(0)) * sum(2).tanh();
                (sigmoid(sum(3)) * cell.tanh(), cell)
            }
            Cell::Gru => {
                let reset = sigmoid(sum(0));
                let new = (input[at(2)] + hidden[at(2)] * reset).tanh();
                ((state - new) * sigmoid(sum(1)) + new, 0.0)
            }
            Cell::Tanh => (sum(0).tanh(), 0.0),
            // Zero below zero; NaN stays.
            Cell::Relu => (if sum(0) < 0.0 { 0.0 } else { sum(0) }, 0.0),
        }
    }
}

impl CustomOp3 for Gates {
    fn name(&self) -> &'static str {
        "gates"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        hidden: &CpuStorage,
        hidden_layout: &Layout,
        state: &CpuStorage,
        state_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let input = slice(input, input_layout)?;
        let hidden = slice(hidden, hidden_layout)?;
        let state = slice(state, state_layout)?;
        let gates = self.width * self.cell.count();
        let batch = hidden.len() / gates.max(1);
        let elements = batch * self.width;
        if input.len() != hidden.len() || state.len() != elements {
            bail!(
                "gates of {} and {} for {} states",
                input.len(),
                hidden.len(),
                state.len()
            )
        }
        let mut out = vec![0f32; self.cell.states() * elements];
        let (first, second) = out.split_at_mut(elements);
        for row in 0..batch {
            let (input, hidden) = (
                &input[row * gates..][..gates],
                &hidden[row * gates..][..gates],
            );
            for k in 0..self.width {
                let place = row * self.width + k;
                let (h, c) = self.element(input, hidden, state[place], k);
                first[place] = h;
                if let Some(second) = second.get_mut(place) {
                    *second = c;
                }
            }
        }
        let shape = Shape::from((self.cell.states(), batch, self.width));
        Ok((CpuStorage::F32(out), shape))
    }
}

fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => bail!("gates take contiguous f32 tensors"),
    }
}

fn parts(states: &[Tensor], start: usize, length: usize) -> Result<Vec<Tensor>> {
    let part = |state: &Tensor| state.narrow(0, start, length);
    states.iter().map(part).collect()
}

/// Halves in f32, everything else as it is.
pub(crate) fn in_f32(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::F16 | DType::BF16 => x.to_dtype(DType::F32),
        _ => Ok(x.clone()),
    }
}

pub(crate) fn all_in_f32(tensors: &[&Tensor]) -> Result<Vec<Tensor>> {
    tensors.iter().map(|x| in_f32(x)).collect()
}
