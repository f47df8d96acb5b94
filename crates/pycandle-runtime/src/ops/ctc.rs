//! Connectionist temporal classification.

use candle_core::{Result, Tensor};

use super::lines::{floats, integers};
use super::loss::Reduction;

/// `torch.nn.functional.ctc_loss`: minus the log-probability of each target sequence, summed over
/// its alignments with the input (Graves et al., 2006).
///
/// `log_probs` is `(time, batch, classes)` or `(time, classes)`; `targets` is `(batch, length)`, or
/// all targets joined. The mean divides each loss by its target's length first. With
/// `zero_infinity`, a target that does not fit counts zero.
///
/// # Errors
/// If a length or class is out of range.
pub fn ctc_loss(
    log_probs: &Tensor,
    targets: &Tensor,
    input_lengths: &[i64],
    target_lengths: &[i64],
    blank: usize,
    reduction: Reduction,
    zero_infinity: bool,
) -> Result<Tensor> {
    let (time, batch, classes) = match *log_probs.dims() {
        [time, classes] => (time, 1, classes),
        [time, batch, classes] => (time, batch, classes),
        _ => candle_core::bail!("ctc_loss takes (time, batch, classes)"),
    };
    if input_lengths.len() != batch || target_lengths.len() != batch || blank >= classes {
        candle_core::bail!("ctc_loss: the lengths or the blank do not fit {batch} by {classes}")
    }
    let (scores, labels) = (floats(log_probs)?, integers(targets)?);
    let apart = targets.rank() == 2;
    let mut start = 0;
    let mut losses = Vec::with_capacity(batch);
    for (i, (&steps, &length)) in input_lengths.iter().zip(target_lengths).enumerate() {
        let (steps, length) = (steps.max(0) as usize, length.max(0) as usize);
        let first = if apart { i * targets.dims()[1] } else { start };
        let Some(target) = labels.get(first..first + length).filter(|_| steps <= time) else {
            candle_core::bail!("ctc_loss: {steps} steps or {length} labels are too many")
        };
        start += length;
        if let Some(label) = target.iter().find(|l| **l < 0 || **l >= classes as i64) {
            candle_core::bail!("ctc_loss: class {label} is out of range, there are {classes}")
        }
        let score = |step: usize, class: usize| scores[(step * batch + i) * classes + class];
        let loss = -alignments(target, steps, blank, score);
        losses.push(if zero_infinity && loss == f64::INFINITY {
            0.0
        } else {
            loss
        });
    }
    if reduction == Reduction::Mean {
        for (loss, &length) in losses.iter_mut().zip(target_lengths) {
            *loss /= length.max(1) as f64;
        }
    }
    let sizes = if log_probs.rank() == 2 {
        vec![]
    } else {
        vec![batch]
    };
    reduction.of(losses, sizes, log_probs.dtype(), log_probs.device())
}

/// [`ctc_loss`] with lengths in tensors.
pub fn ctc_loss_tensor(
    log_probs: &Tensor,
    targets: &Tensor,
    input_lengths: &Tensor,
    target_lengths: &Tensor,
    blank: usize,
    reduction: Reduction,
    zero_infinity: bool,
) -> Result<Tensor> {
    let (inputs, lengths) = (integers(input_lengths)?, integers(target_lengths)?);
    ctc_loss(
        log_probs,
        targets,
        &inputs,
        &lengths,
        blank,
        reduction,
        zero_infinity,
    )
}

/// The logarithm of the summed probability of all alignments.
fn alignments(
    target: &[i64],
    steps: usize,
    blank: usize,
    score: impl Fn(usize, usize) -> f64,
) -> f64 {
    // A blank may stand around and between all labels.
    let states = 2 * target.len() + 1;
    let class = |state: usize| match state % 2 {
        0 => blank,
        _ => target[state / 2] as usize,
    };
    if steps == 0 {
        return if target.is_empty() {
            0.0
        } else {
            f64::NEG_INFINITY
        };
    }
    let mut sums = vec![f64::NEG_INFINITY; states];
    for (state, sum) in sums.iter_mut().enumerate().take(2) {
        *sum = score(0, class(state));
    }
    for step in 1..steps {
        let before = sums.clone();
        for (state, sum) in sums.iter_mut().enumerate() {
            let mut ways = [before[state], f64::NEG_INFINITY, f64::NEG_INFINITY];
            if state > 0 {
                ways[1] = before[state - 1];
            }
            // A blank is passed over only between different labels.
            if state > 1 && class(state) != class(state - 2) {
                ways[2] = before[state - 2];
            }
            *sum = log_sum(&ways) + score(step, class(state));
        }
    }
    log_sum(&sums[states.saturating_sub(2)..])
}

fn log_sum(logs: &[f64]) -> f64 {
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    // So that -inf alone stays so, and NaN among it counts.
    let most = if most == f64::NEG_INFINITY { 0.0 } else { most };
    logs.iter().map(|x| (x - most).exp()).sum::<f64>().ln() + most
}
