//! Recurrent networks: LSTM, GRU and the plain ones, of many layers and both directions.
//!
//! The inputs of all steps are projected in one matrix product for each layer and direction; a step
//! is then the product with the state, and the gates. Halves are computed in f32 and rounded once.

use candle_core::{DType, Result, Tensor, bail};

use super::cell::{Cell, Step, Weights, all_in_f32, in_f32};
use super::weight::Weight;

/// `torch.nn.LSTM`: the output of every step, and the last hidden and cell states.
///
/// `x` has shape `(steps, batch, input)`, or `(batch, steps, input)` if `batch_first`; `hx` is the
/// hidden state `(layers * directions, batch, output)` and the cell state `(…, batch, hidden)`.
/// `params` are those of each layer and direction in turn: `weight_ih`, `weight_hh`, then `bias_ih`
/// and `bias_hh` if there are biases, then `weight_hr` if there is a projection.
///
/// # Errors
/// For mixed dtypes, no steps, and shapes or a number of parameters that do not fit together.
pub fn lstm<'a>(
    x: &Tensor,
    hx: &[&Tensor],
    params: &[impl Into<Weight<'a>> + Copy],
    num_layers: usize,
    bidirectional: bool,
    batch_first: bool,
) -> Result<(Tensor, Tensor, Tensor)> {
    with_cell_state(over_batch(
        Cell::Lstm,
        x,
        hx,
        &weights(params),
        (num_layers, bidirectional),
        batch_first,
    )?)
}

/// `torch.nn.LSTM` of a packed sequence: `data` has the rows of all steps, the first `batch_sizes`
/// those of the first step, and so on; `batch_sizes` never grow.
///
/// # Errors
/// As [`lstm`], and for batch sizes that do not fit the data.
pub fn lstm_data<'a>(
    data: &Tensor,
    batch_sizes: &Tensor,
    hx: &[&Tensor],
    params: &[impl Into<Weight<'a>> + Copy],
    num_layers: usize,
    bidirectional: bool,
) -> Result<(Tensor, Tensor, Tensor)> {
    with_cell_state(packed(
        Cell::Lstm,
        data,
        batch_sizes,
        hx,
        &weights(params),
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
        pub fn $name<'a>(
            x: &Tensor,
            hx: &Tensor,
            params: &[impl Into<Weight<'a>> + Copy],
            num_layers: usize,
            bidirectional: bool,
            batch_first: bool,
        ) -> Result<(Tensor, Tensor)> {
            let depth = (num_layers, bidirectional);
            let (output, h, _) = over_batch(Cell::$step, x, &[hx], &weights(params), depth, batch_first)?;
            Ok((output, h))
        }

        $(#[$doc])+
        ///
        /// Of a packed sequence, as [`lstm_data`] takes it.
        ///
        /// # Errors
        /// As [`lstm_data`].
        pub fn $data<'a>(
            data: &Tensor,
            batch_sizes: &Tensor,
            hx: &Tensor,
            params: &[impl Into<Weight<'a>> + Copy],
            num_layers: usize,
            bidirectional: bool,
        ) -> Result<(Tensor, Tensor)> {
            let depth = (num_layers, bidirectional);
            let (output, h, _) = packed(Cell::$step, data, batch_sizes, &[hx], &weights(params), depth)?;
            Ok((output, h))
        }

        $(#[$doc])+
        ///
        /// One step: `x` of shape `(batch, input)` to the new state.
        ///
        /// # Errors
        /// For mixed dtypes, and shapes that do not fit together.
        pub fn $cell<'a>(
            x: &Tensor,
            hx: &Tensor,
            w_ih: impl Into<Weight<'a>>,
            w_hh: impl Into<Weight<'a>>,
            b_ih: Option<&Tensor>,
            b_hh: Option<&Tensor>,
        ) -> Result<Tensor> {
            let weights = Weights::new([w_ih.into(), w_hh.into()], [b_ih, b_hh], None)?;
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
pub fn lstm_cell<'a>(
    x: &Tensor,
    hx: &[&Tensor],
    w_ih: impl Into<Weight<'a>>,
    w_hh: impl Into<Weight<'a>>,
    b_ih: Option<&Tensor>,
    b_hh: Option<&Tensor>,
) -> Result<(Tensor, Tensor)> {
    let weights = Weights::new([w_ih.into(), w_hh.into()], [b_ih, b_hh], None)?;
    match one_step(Cell::Lstm, x, hx, &weights)? {
        (h, Some(c)) => Ok((h, c)),
        (_, None) => bail!("an LSTM takes two states"),
    }
}

/// The output of every step, the last hidden state, and the last cell state if there is one.
type Outcome = (Tensor, Tensor, Option<Tensor>);

fn with_cell_state((output, h, c): Outcome) -> Result<(Tensor, Tensor, Tensor)> {
    match c {
        Some(c) => Ok((output, h, c)),
        None => bail!("an LSTM takes two states"),
    }
}

fn weights<'a>(params: &[impl Into<Weight<'a>> + Copy]) -> Vec<Weight<'a>> {
    params.iter().map(|&weight| weight.into()).collect()
}

fn over_batch(
    cell: Cell,
    x: &Tensor,
    hx: &[&Tensor],
    params: &[Weight],
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
    params: &[Weight],
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
    params: &[Weight],
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
    params: &[Weight],
    runs: usize,
) -> Result<()> {
    let dtype = rows.dtype();
    let params_of = params.iter().map(|weight| weight.tensor());
    let mut tensors = hx.iter().copied().chain(params_of);
    if !dtype.is_float() || tensors.any(|t| t.dtype() != dtype) {
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
