//! Losses over classes: negative log-likelihood, cross-entropy, and margins between classes.

use candle_core::{Result, Tensor};

use super::lines::{Lines, floats, integers, tensor};
use super::loss::{Reduction, positive};

/// `torch.nn.functional.nll_loss`: minus the log-probability of each target class.
///
/// `x` is `(classes,)` or `(batch, classes, ...)`, `target` has its shape without the classes. The
/// mean is weighted; targets equal to `ignore_index` count nothing.
///
/// # Errors
/// If a target is no class.
pub fn nll_loss(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: Reduction,
    ignore_index: i64,
) -> Result<Tensor> {
    Ok(nll_loss_forward(x, target, weight, reduction, ignore_index)?.0)
}

/// [`nll_loss`], and the sum of the weights, which is zero without a reduction
/// of a batch.
pub fn nll_loss_forward(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: Reduction,
    ignore_index: i64,
) -> Result<(Tensor, Tensor)> {
    let classes = Classes::new(x, target, weight, ignore_index)?;
    let values = classes.lines.floats()?;
    let losses = classes.each(&values, |row, class, weight| -row[class] * weight);
    classes.finished(x, target, losses, reduction)
}

/// `torch.nn.functional.cross_entropy`: [`nll_loss`] of the logarithm of softmax.
///
/// A floating `target` has the shape of `x` and holds probabilities. `label_smoothing` is the part
/// of the probability that all classes share.
pub fn cross_entropy_loss(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: Reduction,
    ignore_index: i64,
    label_smoothing: f64,
) -> Result<Tensor> {
    if target.dtype().is_float() {
        return probable_cross_entropy(x, target, weight, reduction, label_smoothing);
    }
    let classes = Classes::new(x, target, weight, ignore_index)?;
    let mut values = classes.lines.floats()?;
    log_softmax(&mut values, classes.lines.width);
    let share = label_smoothing / classes.lines.width as f64;
    let losses = classes.each(&values, |row, class, weight| {
        let loss = -row[class] * weight;
        if label_smoothing == 0.0 {
            return loss;
        }
        let all: f64 = row.iter().zip(&classes.weights).map(|(x, w)| -x * w).sum();
        (1.0 - label_smoothing) * loss + share * all
    });
    Ok(classes.finished(x, target, losses, reduction)?.0)
}

fn probable_cross_entropy(
    x: &Tensor,
    target: &Tensor,
    weight: Option<&Tensor>,
    reduction: Reduction,
    label_smoothing: f64,
) -> Result<Tensor> {
    if x.dims() != target.dims() {
        let (a, b) = (x.shape(), target.shape());
        candle_core::bail!("cross_entropy: probabilities of shape {b:?} for logits of {a:?}")
    }
    let dim = class_axis(x);
    let lines = Lines::new(x, &[dim])?;
    let mut values = lines.floats()?;
    log_softmax(&mut values, lines.width);
    let chances = Lines::new(target, &[dim])?.floats()?;
    let weights = class_weights(weight, lines.width)?;
    let share = label_smoothing / lines.width as f64;
    let rows = lines.rows(&values).zip(lines.rows(&chances));
    let losses: Vec<f64> = rows
        .map(|(row, chances)| {
            let parts = row.iter().zip(chances).zip(&weights);
            let smooth = |chance: f64| chance * (1.0 - label_smoothing) + share;
            parts.map(|((x, p), w)| -x * smooth(*p) * w).sum()
        })
        .collect();
    let sizes = lines
        .reduced(vec![0u8; lines.count], false, candle_core::DType::U8)?
        .dims()
        .to_vec();
    reduction.of(losses, sizes, x.dtype(), x.device())
}

/// `torch.nn.functional.multi_margin_loss`: for each class but the target, how far its score comes
/// within `margin` of the target's, to the power `p`; the mean over the classes.
pub fn multi_margin_loss(
    x: &Tensor,
    target: &Tensor,
    p: f64,
    margin: f64,
    weight: Option<&Tensor>,
    reduction: Reduction,
) -> Result<Tensor> {
    let classes = Classes::new(x, target, weight, i64::MIN)?;
    let values = classes.lines.floats()?;
    let losses = classes.each(&values, |row, class, weight| {
        let others = row.iter().enumerate().filter(|(other, _)| *other != class);
        let total: f64 = others
            .map(|(_, x)| positive(margin - row[class] + x).powf(p) * weight)
            .sum();
        total / row.len() as f64
    });
    reduction.of(losses, target.dims().to_vec(), x.dtype(), x.device())
}

/// `torch.nn.functional.multilabel_margin_loss`: how far scores of other classes come within one of
/// the targets', which end at the first negative one; the mean over the classes.
pub fn multilabel_margin_loss(x: &Tensor, target: &Tensor, reduction: Reduction) -> Result<Tensor> {
    if x.dims() != target.dims() || x.rank() > 2 {
        let (a, b) = (x.shape(), target.shape());
        candle_core::bail!("multilabel_margin_loss: targets of shape {b:?} for scores of {a:?}")
    }
    let lines = Lines::new(x, &[x.rank().saturating_sub(1)])?;
    let (values, targets) = (lines.floats()?, integers(target)?);
    let mut losses = Vec::with_capacity(lines.count);
    for (row, targets) in lines.rows(&values).zip(lines.rows(&targets)) {
        let chosen: Vec<i64> = targets.iter().copied().take_while(|t| *t >= 0).collect();
        if let Some(class) = chosen.iter().find(|t| **t as usize >= row.len()) {
            candle_core::bail!("class {class} is out of range, there are {}", row.len())
        }
        let rest: Vec<f64> = (0..row.len())
            .filter(|class| !chosen.contains(&(*class as i64)))
            .map(|class| row[class])
            .collect();
        let against = |&class: &i64| -> f64 {
            let score = row[class as usize];
            rest.iter().map(|x| positive(1.0 - score + x)).sum()
        };
        losses.push(chosen.iter().map(against).sum::<f64>() / row.len() as f64);
    }
    let sizes = target.dims().iter().take(target.rank().saturating_sub(1));
    reduction.of(losses, sizes.copied().collect(), x.dtype(), x.device())
}

/// Scores of classes and the target of each line of them.
struct Classes<'a> {
    lines: Lines<'a>,
    /// The target class of each line, if it is not ignored.
    targets: Vec<Option<usize>>,
    weights: Vec<f64>,
}

impl<'a> Classes<'a> {
    fn new(
        x: &'a Tensor,
        target: &Tensor,
        weight: Option<&Tensor>,
        ignore_index: i64,
    ) -> Result<Self> {
        let lines = Lines::new(x, &[class_axis(x)])?;
        let targets = integers(target)?;
        if targets.len() != lines.count {
            let (a, b) = (x.shape(), target.shape());
            candle_core::bail!("targets of shape {b:?} do not fit scores of {a:?}")
        }
        let class = |target: i64| match usize::try_from(target) {
            _ if target == ignore_index => Ok(None),
            Ok(class) if class < lines.width => Ok(Some(class)),
            _ => candle_core::bail!("class {target} is out of range, there are {}", lines.width),
        };
        let targets = targets.into_iter().map(class).collect::<Result<_>>()?;
        let weights = class_weights(weight, lines.width)?;
        Ok(Self {
            lines,
            targets,
            weights,
        })
    }

    /// The loss of each line by its scores, target and weight; zero where the target is ignored.
    fn each(&self, values: &[f64], loss: impl Fn(&[f64], usize, f64) -> f64) -> Vec<f64> {
        let rows = self.lines.rows(values).zip(&self.targets);
        rows.map(|(row, target)| target.map_or(0.0, |class| loss(row, class, self.weights[class])))
            .collect()
    }

    /// The losses, or their sum or weighted mean, and the sum of the weights.
    fn finished(
        &self,
        x: &Tensor,
        target: &Tensor,
        losses: Vec<f64>,
        reduction: Reduction,
    ) -> Result<(Tensor, Tensor)> {
        let weights = self.targets.iter().flatten().map(|&c| self.weights[c]);
        let weight: f64 = weights.sum();
        let scalar = |value: f64| tensor(vec![value], vec![], x.dtype(), x.device());
        let total: f64 = losses.iter().sum();
        Ok(match reduction {
            Reduction::None => (
                tensor(losses, target.dims().to_vec(), x.dtype(), x.device())?,
                scalar(if target.rank() == 0 { weight } else { 0.0 })?,
            ),
            Reduction::Mean => (scalar(total / weight)?, scalar(weight)?),
            Reduction::Sum => (scalar(total)?, scalar(weight)?),
        })
    }
}

/// A number is the score of the only class.
fn class_axis(x: &Tensor) -> usize {
    usize::from(x.rank() > 1)
}

fn class_weights(weight: Option<&Tensor>, classes: usize) -> Result<Vec<f64>> {
    let weights = match weight {
        Some(weight) => floats(weight)?,
        None => vec![1.0; classes],
    };
    if weights.len() != classes {
        candle_core::bail!("{} weights for {classes} classes", weights.len())
    }
    Ok(weights)
}

fn log_softmax(values: &mut [f64], width: usize) {
    for row in values.chunks_mut(width.max(1)) {
        let most = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let total: f64 = row.iter().map(|x| (x - most).exp()).sum();
        for x in row {
            *x = (*x - most) - total.ln();
        }
    }
}
