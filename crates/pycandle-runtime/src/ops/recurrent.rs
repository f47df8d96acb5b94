//! Recurrent networks: LSTM, GRU and the plain ones, of many layers and both directions.
//!
//! The inputs of all steps are projected in one matrix product for each layer and direction; a step
//! is then the product with the state, and the gates. Halves are computed in f32 and rounded once.

use candle_core::{CpuStorage, CustomOp3, DType, Layout, Result, Shape, Tensor, bail};

use super::activation::{relu, sigmoid};
use super::linear::{linear, matmul};
use super::math::tanh;

/// `torch.nn.LSTM`: the output of every step, and the last hidden and cell states.
///
/// `x` has shape `(steps, batch, input)`, or `(batch, steps, input)` if `batch_first`; `hx` is the
/// hidden state `(layers * directions, batch, output)` and the cell state `(…, batch, hidden)`.
/// `params` are those of each layer and direction in turn: `weight_ih`, `weight_hh`, then `bias_ih`
/// and `bias_hh` if there are biases, then `weight_hr` if there is a projection.
///
/// # Errors
/// For mixed dtypes, no steps, and shapes or a number of parameters that do not fit together.
pub fn lstm(
    x: &Tensor,
    hx: &[&Tensor],
    params: &[&Tensor],
    num_layers: usize,
    bidirectional: bool,
    batch_first: bool,
) -> Result<(Tensor, Tensor, Tensor)> {
    with_cell_state(over_batch(
        Cell::Lstm,
        x,
        hx,
        params,
        (num_layers, bidirectional),
        batch_first,
    )?)
}

/// `torch.nn.LSTM` of a packed sequence: `data` has the rows of all steps, the first `batch_sizes`
/// those of the first step, and so on; `batch_sizes` never grow.
///
/// # Errors
/// As [`lstm`], and for batch sizes that do not fit the data.
pub fn lstm_data(
    data: &Tensor,
    batch_sizes: &Tensor,
    hx: &[&Tensor],
    params: &[&Tensor],
    num_layers: usize,
    bidirectional: bool,
) -> Result<(Tensor, Tensor, Tensor)> {
    with_cell_state(packed(
        Cell::Lstm,
        data,
        batch_sizes,
        hx,
        params,
        (num_layers, bidirectional),
    )?)
}

macro_rules! without_cell_state {
    ($($(#[$doc:meta])+ $name:ident, $data:ident, $cell:ident => $step:ident;)+) => {$(
        $(#[$doc])+
        ///
        /// The output of every step and the last state; arguments are those of [`lstm`].
        ///
        /// # Errors
        /// As [`lstm`].
        pub fn $name(
            x: &Tensor,
            hx: &Tensor,
            params: &[&Tensor],
            num_layers: usize,
            bidirectional: bool,
            batch_first: bool,
        ) -> Result<(Tensor, Tensor)> {
            let depth = (num_layers, bidirectional);
            let (output, h, _) = over_batch(Cell::$step, x, &[hx], params, depth, batch_first)?;
            Ok((output, h))
        }

        $(#[$doc])+
        ///
        /// Of a packed sequence, as [`lstm_data`] takes it.
        ///
        /// # Errors
        /// As [`lstm_data`].
        pub fn $data(
            data: &Tensor,
            batch_sizes: &Tensor,
            hx: &Tensor,
            params: &[&Tensor],
            num_layers: usize,
            bidirectional: bool,
        ) -> Result<(Tensor, Tensor)> {
            let depth = (num_layers, bidirectional);
            let (output, h, _) = packed(Cell::$step, data, batch_sizes, &[hx], params, depth)?;
            Ok((output, h))
        }

        $(#[$doc])+
        ///
        /// One step: `x` of shape `(batch, input)` to the new state.
        ///
        /// # Errors
        /// For mixed dtypes, and shapes that do not fit together.
        pub fn $cell(
            x: &Tensor,
            hx: &Tensor,
            w_ih: &Tensor,
            w_hh: &Tensor,
            b_ih: Option<&Tensor>,
            b_hh: Option<&Tensor>,
        ) -> Result<Tensor> {
            let weights = Weights::new([w_ih, w_hh], [b_ih, b_hh], None)?;
            Ok(one_step(Cell::$step, x, &[hx], &weights)?.0)
        }
    )+};
}

without_cell_state! {
    /// `torch.nn.GRU`
    gru, gru_data, gru_cell => Gru;
    /// `torch.nn.RNN(nonlinearity="tanh")`
    rnn_tanh, rnn_tanh_data, rnn_tanh_cell => Tanh;
    /// `torch.nn.RNN(nonlinearity="relu")`
    rnn_relu, rnn_relu_data, rnn_relu_cell => Relu;
}

/// `torch.nn.LSTMCell`: one step of `x` of shape `(batch, input)` to the new hidden and cell
/// states.
///
/// # Errors
/// For mixed dtypes, and shapes that do not fit together.
pub fn lstm_cell(
    x: &Tensor,
    hx: &[&Tensor],
    w_ih: &Tensor,
    w_hh: &Tensor,
    b_ih: Option<&Tensor>,
    b_hh: Option<&Tensor>,
) -> Result<(Tensor, Tensor)> {
    let weights = Weights::new([w_ih, w_hh], [b_ih, b_hh], None)?;
    match one_step(Cell::Lstm, x, hx, &weights)? {
        (h, Some(c)) => Ok((h, c)),
        (_, None) => bail!("an LSTM takes two states"),
    }
}

/// What a step does with its gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Lstm,
    Gru,
    Tanh,
    Relu,
}

/// The output of every step, the last hidden state, and the last cell state if there is one.
type Outcome = (Tensor, Tensor, Option<Tensor>);

fn with_cell_state((output, h, c): Outcome) -> Result<(Tensor, Tensor, Tensor)> {
    match c {
        Some(c) => Ok((output, h, c)),
        None => bail!("an LSTM takes two states"),
    }
}

fn over_batch(
    cell: Cell,
    x: &Tensor,
    hx: &[&Tensor],
    params: &[&Tensor],
    depth: (usize, bool),
    batch_first: bool,
) -> Result<Outcome> {
    if x.rank() != 3 {
        bail!("a recurrent network takes 3 axes, not {:?}", x.dims())
    }
    let x = if batch_first {
        x.transpose(0, 1)?
    } else {
        x.clone()
    };
    let (steps, batch, width) = x.dims3()?;
    let rows = x.reshape((steps * batch, width))?;
    let (rows, h, c) = layers(cell, &rows, &vec![batch; steps], hx, params, depth)?;
    let output = rows.reshape((steps, batch, rows.dim(1)?))?;
    let output = if batch_first {
        output.transpose(0, 1)?
    } else {
        output
    };
    Ok((output, h, c))
}

fn packed(
    cell: Cell,
    data: &Tensor,
    batch_sizes: &Tensor,
    hx: &[&Tensor],
    params: &[&Tensor],
    depth: (usize, bool),
) -> Result<Outcome> {
    let sizes = batch_sizes.to_dtype(DType::I64)?.to_vec1::<i64>()?;
    if data.rank() != 2
        || sizes.iter().any(|&size| size < 1)
        || !sizes.is_sorted_by(|a, b| a >= b)
        || sizes.iter().map(|&size| i128::from(size)).sum::<i128>() != data.dim(0)? as i128
    {
        bail!(
            "a packed sequence of {:?} with batch sizes {sizes:?}",
            data.dims()
        )
    }
    let sizes: Vec<usize> = sizes.into_iter().map(|size| size as usize).collect();
    layers(cell, data, &sizes, hx, params, depth)
}

/// Runs all layers over the rows of all steps, of which each step has as many as `sizes` says.
fn layers(
    cell: Cell,
    rows: &Tensor,
    sizes: &[usize],
    hx: &[&Tensor],
    params: &[&Tensor],
    (num_layers, bidirectional): (usize, bool),
) -> Result<Outcome> {
    let dtype = rows.dtype();
    let states = hx.len();
    let directions = if bidirectional { 2 } else { 1 };
    let runs = num_layers * directions;
    check(cell, rows, sizes, hx, params, runs)?;
    let weights = params.chunks(params.len() / runs).map(Weights::of);
    let weights: Vec<Weights> = weights.collect::<Result<_>>()?;
    let (mut rows, hx) = (in_f32(rows)?, all_in_f32(hx)?);
    let mut last: Vec<Vec<Tensor>> = vec![Vec::with_capacity(runs); states];
    for layer in 0..num_layers {
        let mut outputs = Vec::with_capacity(directions);
        for direction in 0..directions {
            let run = layer * directions + direction;
            let states = hx
                .iter()
                .map(|state| state.get(run))
                .collect::<Result<Vec<_>>>()?;
            let step = Step::new(cell, &weights[run])?;
            let (output, states) = step.over(&rows, sizes, states, direction == 1)?;
            outputs.push(output);
            last.iter_mut()
                .zip(states)
                .for_each(|(last, state)| last.push(state));
        }
        rows = Tensor::cat(&outputs, 1)?;
    }
    let mut last = last
        .iter()
        .map(|states| Tensor::stack(states, 0)?.to_dtype(dtype));
    let (Some(h), c) = (last.next().transpose()?, last.next().transpose()?) else {
        bail!("a recurrent network takes a state")
    };
    Ok((rows.to_dtype(dtype)?, h, c))
}

fn check(
    cell: Cell,
    rows: &Tensor,
    sizes: &[usize],
    hx: &[&Tensor],
    params: &[&Tensor],
    runs: usize,
) -> Result<()> {
    let dtype = rows.dtype();
    if !dtype.is_float() || hx.iter().chain(params).any(|t| t.dtype() != dtype) {
        bail!("a recurrent network of {dtype:?} takes states and weights of that dtype")
    }
    let per_run = params.len().checked_div(runs).unwrap_or(0);
    if params.len() != per_run * runs || per_run == 0 {
        bail!("{} weights for {runs} runs over a sequence", params.len())
    }
    let Some(&batch) = sizes.first() else {
        bail!("a recurrent network takes one step or more")
    };
    if hx.len() != cell.states() {
        bail!("{} states for {cell:?}", hx.len())
    }
    for state in hx {
        if state.rank() != 3 || state.dims()[..2] != [runs, batch] {
            bail!(
                "a state of {:?} for {runs} runs over a batch of {batch}",
                state.dims()
            )
        }
    }
    Ok(())
}

fn one_step(
    cell: Cell,
    x: &Tensor,
    hx: &[&Tensor],
    weights: &Weights,
) -> Result<(Tensor, Option<Tensor>)> {
    let dtype = x.dtype();
    if !dtype.is_float() || hx.iter().any(|state| state.dtype() != dtype) {
        bail!("a cell of {dtype:?} takes states of that dtype")
    }
    let (batch, _) = x.dims2()?;
    if hx.len() != cell.states() || hx.iter().any(|h| h.rank() != 2 || h.dims()[0] != batch) {
        bail!(
            "{} states for {cell:?} that do not fit {:?}",
            hx.len(),
            x.dims()
        )
    }
    let (_, states) =
        Step::new(cell, weights)?.over(&in_f32(x)?, &[batch], all_in_f32(hx)?, false)?;
    let mut states = states.iter().map(|state| state.to_dtype(dtype));
    match (states.next().transpose()?, states.next().transpose()?) {
        (Some(h), c) => Ok((h, c)),
        (None, _) => bail!("a cell takes a state"),
    }
}

/// The weights of one layer and direction, halves in f32.
struct Weights {
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Option<Tensor>,
    b_hh: Option<Tensor>,
    w_hr: Option<Tensor>,
}

impl Weights {
    fn new(
        [w_ih, w_hh]: [&Tensor; 2],
        [b_ih, b_hh]: [Option<&Tensor>; 2],
        w_hr: Option<&Tensor>,
    ) -> Result<Self> {
        let mut all = [w_hh].into_iter().chain(b_ih).chain(b_hh).chain(w_hr);
        if all.any(|weight| weight.dtype() != w_ih.dtype()) {
            bail!("a recurrent network takes weights of one dtype")
        }
        Ok(Self {
            w_ih: in_f32(w_ih)?,
            w_hh: in_f32(w_hh)?,
            b_ih: b_ih.map(in_f32).transpose()?,
            b_hh: b_hh.map(in_f32).transpose()?,
            w_hr: w_hr.map(in_f32).transpose()?,
        })
    }

    /// From two to five parameters, in PyTorch's order.
    fn of(params: &[&Tensor]) -> Result<Self> {
        match *params {
            [w_ih, w_hh] => Self::new([w_ih, w_hh], [None; 2], None),
            [w_ih, w_hh, w_hr] => Self::new([w_ih, w_hh], [None; 2], Some(w_hr)),
            [w_ih, w_hh, b_ih, b_hh] => Self::new([w_ih, w_hh], [Some(b_ih), Some(b_hh)], None),
            [w_ih, w_hh, b_ih, b_hh, w_hr] => {
                Self::new([w_ih, w_hh], [Some(b_ih), Some(b_hh)], Some(w_hr))
            }
            _ => bail!("{} weights of a layer and direction", params.len()),
        }
    }
}

/// One layer and direction, ready to step.
struct Step<'a> {
    cell: Cell,
    w_ih: &'a Tensor,
    /// What is added to the projected inputs.
    b_ih: Option<Tensor>,
    w_hh: Tensor,
    /// What is added to the projected state: the reset gate of a GRU comes after it.
    b_hh: Option<&'a Tensor>,
    w_hr: Option<Tensor>,
}

impl<'a> Step<'a> {
    fn new(cell: Cell, weights: &'a Weights) -> Result<Self> {
        let (b_ih, b_hh) = match (&weights.b_ih, &weights.b_hh) {
            (Some(b_ih), Some(b_hh)) if cell != Cell::Gru => (Some((b_ih + b_hh)?), None),
            (b_ih, b_hh) => (b_ih.clone(), b_hh.as_ref()),
        };
        Ok(Self {
            cell,
            w_ih: &weights.w_ih,
            b_ih,
            w_hh: weights.w_hh.t()?,
            b_hh,
            w_hr: weights.w_hr.as_ref().map(Tensor::t).transpose()?,
        })
    }

    /// Every step's output as rows in the order of the inputs, and the last states.
    ///
    /// `states` are those of the whole batch. Forwards, sequences that end leave the batch;
    /// backwards, they enter it with their first states.
    fn over(
        &self,
        rows: &Tensor,
        sizes: &[usize],
        states: Vec<Tensor>,
        reverse: bool,
    ) -> Result<(Tensor, Vec<Tensor>)> {
        let inputs = linear(rows, self.w_ih, self.b_ih.as_ref())?;
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
            states = self.step(&inputs.narrow(0, begin, size)?, states)?;
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

    fn step(&self, input: &Tensor, states: Vec<Tensor>) -> Result<Vec<Tensor>> {
        let mut hidden = matmul(&states[0], &self.w_hh)?;
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
    /// How many states a step hands on.
    fn states(self) -> usize {
        if self == Self::Lstm { 2 } else { 1 }
    }

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

    /// How many gates the projections hold.
    fn count(self) -> usize {
        match self {
            Self::Lstm => 4,
            Self::Gru => 3,
            Self::Tanh | Self::Relu => 1,
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
fn in_f32(x: &Tensor) -> Result<Tensor> {
    match x.dtype() {
        DType::F16 | DType::BF16 => x.to_dtype(DType::F32),
        _ => Ok(x.clone()),
    }
}

fn all_in_f32(tensors: &[&Tensor]) -> Result<Vec<Tensor>> {
    tensors.iter().map(|x| in_f32(x)).collect()
}
