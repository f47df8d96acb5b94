//! The verdict: does a tensor computed in Rust match what PyTorch computed?
//!
//! Pure functions over values; they know no file, no module and no device.
//! A candidate is judged by its distance from a float64 reference, measured against PyTorch's own
//! distance from it, so that no tolerance has to be chosen per model.

use serde::Serialize;

use crate::values::{Data, Values};

/// A candidate's RMS error may be this many times PyTorch's own.
const RMS_FACTOR: f64 = 4.0;
/// The RMS of few elements is chance: of `n` it may be more by `sqrt(1 + FEW / n)`. Two errors of one
/// distribution are as often four times apart at seven elements as 1.4 times at a hundred.
const FEW: f64 = 8.0;
/// A candidate's largest error may be this many times PyTorch's largest.
const MAX_FACTOR: f64 = 10.0;
/// PyTorch's own error counts as at least this part of the signal: two roundings of float32.
const ROUNDING: f64 = 2.5e-7;
/// The same for the half-precision dtypes.
const ROUNDING_F16: f64 = 1e-3;
const ROUNDING_BF16: f64 = 8e-3;
/// Errors below this are no errors: it is float32's smallest normal number, roughly.
const FLOOR: f64 = 1e-37;
/// Where PyTorch's own error is over this part of the signal, agreement says nothing. A dtype's own
/// rounding is never noise.
const NOISE: f64 = 1e-3;

/// What a comparison found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Within PyTorch's own rounding.
    Passed,
    /// Different.
    Failed,
    /// PyTorch's own rounding drowns the signal, so that agreement says nothing. Not a pass.
    Uninformative,
}

/// One tensor's comparison. Numbers that do not apply (to integers, say) are zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Verdict {
    pub status: Status,
    /// Why it did not pass, in words; empty for a pass.
    pub reason: String,
    /// Mean squared difference from PyTorch's output, over finite elements.
    pub mse: f64,
    /// Largest difference from PyTorch's output, over finite elements.
    pub max_abs: f64,
    /// RMS distance from the float64 reference.
    pub error: f64,
    /// PyTorch's own RMS distance from the float64 reference.
    pub torch_error: f64,
    /// What `error` may be at most.
    pub limit: f64,
    /// Largest distance from the float64 reference.
    pub max_error: f64,
    /// What `max_error` may be at most.
    pub max_limit: f64,
    /// The smallest factor that would pass in place of [`RMS_FACTOR`], the limit of the largest
    /// error in proportion.
    pub needs: f64,
    /// Which part of the elements is wrong: integers that differ, places of NaN and infinity that
    /// do, floats that are further from the reference than `max_limit`.
    pub over: f64,
}

impl Verdict {
    /// Whether the candidate matched.
    pub fn passed(&self) -> bool {
        self.status == Status::Passed
    }

    /// Whether the candidate differed; an uninformative comparison neither passes nor fails.
    pub fn failed(&self) -> bool {
        self.status == Status::Failed
    }

    /// Whether this says more against a module than `other`: a failure is worst, then what says
    /// nothing, then the nearest to its limit.
    pub fn is_worse_than(&self, other: &Self) -> bool {
        let rank = |verdict: &Self| match verdict.status {
            Status::Passed => 0,
            Status::Uninformative => 1,
            Status::Failed => 2,
        };
        let used = |verdict: &Self| {
            let part = |error: f64, limit: f64| if limit > 0.0 { error / limit } else { 0.0 };
            part(verdict.error, verdict.limit).max(part(verdict.max_error, verdict.max_limit))
        };
        (rank(self), used(self)) > (rank(other), used(other))
    }

    /// A failure that has no numbers.
    pub fn failure(reason: impl Into<String>) -> Self {
        Self {
            status: Status::Failed,
            reason: reason.into(),
            ..Self::exact()
        }
    }

    fn exact() -> Self {
        Self {
            status: Status::Passed,
            reason: String::new(),
            mse: 0.0,
            max_abs: 0.0,
            error: 0.0,
            torch_error: 0.0,
            limit: 0.0,
            max_error: 0.0,
            max_limit: 0.0,
            needs: 0.0,
            over: 0.0,
        }
    }
}

/// Judges `candidate` by PyTorch's output `golden`.
///
/// Shape and dtype must be equal (a bool golden asks for a u8 candidate of zeros and ones), then the
/// places of NaN and of each infinity; then, over finite elements, both nets of the rule must hold.
/// Integers must be equal. `reference` is the float64 output, needed for floats only.
pub fn judge(candidate: &Values, golden: &Values, reference: Option<&Values>) -> Verdict {
    if candidate.shape != golden.shape {
        return Verdict::failure(format!(
            "its shape is {:?}, PyTorch's {:?}",
            candidate.shape, golden.shape
        ));
    }
    let expected = if golden.dtype == "bool" {
        "u8"
    } else {
        golden.dtype
    };
    if candidate.dtype != expected {
        return Verdict::failure(format!(
            "its dtype is {}, PyTorch's {}",
            candidate.dtype, golden.dtype
        ));
    }
    match (&candidate.data, &golden.data) {
        (Data::Integer(rust), Data::Integer(torch)) => judge_integers(rust, torch),
        (Data::Float(rust), Data::Float(torch)) => {
            match reference.map(|reference| (&reference.shape, &reference.data)) {
                Some((shape, Data::Float(exact))) if *shape == golden.shape => {
                    judge_floats(rust, torch, exact, rounding(golden.dtype))
                }
                _ => Verdict::failure("the trace has no float64 reference of its shape"),
            }
        }
        _ => Verdict::failure("it mixes integers with floats"),
    }
}

fn judge_integers(rust: &[i64], torch: &[i64]) -> Verdict {
    let differing = rust.iter().zip(torch).filter(|(a, b)| a != b).count();
    if differing == 0 {
        return Verdict::exact();
    }
    let distances = || {
        rust.iter()
            .zip(torch)
            .map(|(a, b)| (*a as f64) - (*b as f64))
    };
    Verdict {
        mse: mean_square(distances()),
        max_abs: largest(distances()),
        over: part(differing, rust.len()),
        ..Verdict::failure(format!("{differing} of {} integers differ", rust.len()))
    }
}

#[expect(clippy::neg_cmp_op_on_partial_ord, reason = "a NaN must fail")]
fn judge_floats(rust: &[f64], torch: &[f64], exact: &[f64], rounding: f64) -> Verdict {
    if let Some(at) = rust
        .iter()
        .zip(torch)
        .position(|(a, b)| kind(*a) != kind(*b))
    {
        let differing = rust.iter().zip(torch);
        let differing = differing.filter(|(a, b)| kind(**a) != kind(**b)).count();
        let reason = format!("element {at} is {}, PyTorch's {}", rust[at], torch[at]);
        return Verdict {
            over: part(differing, rust.len()),
            ..Verdict::failure(reason)
        };
    }
    let finite = || (0..torch.len()).filter(|&i| torch[i].is_finite());
    if let Some(at) = finite().find(|&i| !exact[i].is_finite()) {
        return Verdict {
            status: Status::Uninformative,
            reason: format!("the float64 reference is {} at element {at}", exact[at]),
            ..Verdict::exact()
        };
    }
    let signal = || finite().map(|i| exact[i]);
    let error = || finite().map(|i| rust[i] - exact[i]);
    let torch_error = || finite().map(|i| torch[i] - exact[i]);
    let between = || finite().map(|i| rust[i] - torch[i]);
    let mut verdict = Verdict {
        mse: mean_square(between()),
        max_abs: largest(between()),
        error: rms(error()),
        torch_error: rms(torch_error()),
        limit: limit(
            RMS_FACTOR * (1.0 + FEW / finite().count().max(1) as f64).sqrt(),
            rms(torch_error()),
            rounding * rms(signal()),
        ),
        max_error: largest(error()),
        max_limit: limit(
            MAX_FACTOR,
            largest(torch_error()),
            rounding * largest(signal()),
        ),
        ..Verdict::exact()
    };
    let used = (verdict.error / verdict.limit).max(verdict.max_error / verdict.max_limit);
    verdict.needs = RMS_FACTOR * used;
    let over = error().filter(|error| error.abs() > verdict.max_limit);
    verdict.over = part(over.count(), torch.len());
    // Negated, so that a NaN fails.
    if !(verdict.error <= verdict.limit) {
        verdict.status = Status::Failed;
        verdict.reason = format!(
            "its error is {:.1e}, at most {:.1e} is allowed (PyTorch's own is {:.1e})",
            verdict.error, verdict.limit, verdict.torch_error
        );
    } else if !(verdict.max_error <= verdict.max_limit) {
        verdict.status = Status::Failed;
        verdict.reason = format!(
            "its largest error is {:.1e}, at most {:.1e} is allowed (PyTorch's own is {:.1e})",
            verdict.max_error,
            verdict.max_limit,
            largest(torch_error())
        );
    } else if verdict.torch_error > NOISE.max(rounding) * rms(signal()) {
        verdict.status = Status::Uninformative;
        verdict.reason = format!(
            "PyTorch's own error, {:.1e}, drowns a signal of {:.1e}",
            verdict.torch_error,
            rms(signal())
        );
    }
    verdict
}

fn limit(factor: f64, torch_error: f64, rounding: f64) -> f64 {
    (factor * torch_error.max(rounding)).max(FLOOR)
}

fn part(count: usize, of: usize) -> f64 {
    count as f64 / of.max(1) as f64
}

/// Two roundings of a dtype, relative to the value; float64 is judged as float32 is.
fn rounding(dtype: &str) -> f64 {
    match dtype {
        "f16" => ROUNDING_F16,
        "bf16" => ROUNDING_BF16,
        _ => ROUNDING,
    }
}

/// Finite, NaN, or an infinity with its sign.
fn kind(value: f64) -> u8 {
    match value {
        value if value.is_nan() => 1,
        f64::INFINITY => 2,
        f64::NEG_INFINITY => 3,
        _ => 0,
    }
}

/// Root of the mean square; zero for nothing.
fn rms(values: impl Iterator<Item = f64>) -> f64 {
    mean_square(values).sqrt()
}

/// Mean of the squares; zero for nothing.
fn mean_square(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0usize), |(sum, count), x| (sum + x * x, count + 1));
    sum / count.max(1) as f64
}

/// Largest magnitude of finite values; zero for nothing.
pub(crate) fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |largest: f64, x| largest.max(x.abs()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Status::{Failed, Passed, Uninformative};

    const NAN: f64 = f64::NAN;
    const INF: f64 = f64::INFINITY;

    /// Judges vectors; the golden is of dtype `dtype`, the candidate too.
    fn check(dtype: &'static str, rust: &[f64], torch: &[f64], exact: &[f64], status: Status) {
        // As often as it takes to be many elements.
        let times = 2000usize.div_ceil(rust.len().max(1));
        let [rust, torch, exact] = [rust, torch, exact].map(|data| data.repeat(times));
        judged(dtype, &rust, &torch, &exact, status);
    }

    /// Judges vectors as they are.
    fn judged(dtype: &'static str, rust: &[f64], torch: &[f64], exact: &[f64], status: Status) {
        let values = |data: &[f64]| {
            let data = match dtype {
                "i64" | "u8" => Data::Integer(data.iter().map(|&x| x as i64).collect()),
                _ => Data::Float(data.to_vec()),
            };
            Values {
                dtype,
                shape: vec![rust.len()],
                data,
            }
        };
        let reference = Values {
            dtype: "f64",
            ..values(exact)
        };
        let verdict = judge(&values(rust), &values(torch), Some(&reference));
        assert_eq!(
            verdict.status, status,
            "{rust:?} {torch:?} {exact:?}: {verdict:?}"
        );
        assert_eq!(verdict.reason.is_empty(), status == Passed);
    }

    #[test]
    fn floats() {
        let f32s = |rust: &[f64], torch: &[f64], exact: &[f64], status| {
            check("f32", rust, torch, exact, status);
        };
        f32s(&[1.0, 2.0], &[1.0, 2.0], &[1.0, 2.0], Passed);
        // Up to four times PyTorch's own error.
        f32s(&[1.0 + 3.9e-5], &[1.0 - 1e-5], &[1.0], Passed);
        f32s(&[1.0 + 4.1e-5], &[1.0 - 1e-5], &[1.0], Failed);
        // PyTorch is exact: two roundings are free, and no more.
        f32s(&[1.0 + 9.9e-7], &[1.0], &[1.0], Passed);
        f32s(&[1.0 + 1.1e-6], &[1.0], &[1.0], Failed);
        // A reference of zeros leaves the floor only.
        f32s(&[0.0], &[0.0], &[0.0], Passed);
        f32s(&[9e-38], &[0.0], &[0.0], Passed);
        f32s(&[2e-37], &[0.0], &[0.0], Failed);
        f32s(&[-0.0], &[0.0], &[0.0], Passed);
        // PyTorch's own error drowns the signal.
        f32s(&[1.002], &[1.002], &[1.0], Uninformative);
        f32s(&[1.1], &[1.002], &[1.0], Failed);
        f32s(&[1e-9], &[1e-9], &[0.0], Uninformative);
        f32s(&[1.0], &[1.0], &[INF], Uninformative);
        f32s(&[1.0], &[1.0], &[NAN], Uninformative);
    }

    #[test]
    fn the_rms_of_few_elements_is_chance() {
        let seven = |error: f64| [1.0 + error; 7];
        judged("f32", &seven(5.8e-5), &seven(1e-5), &[1.0; 7], Passed);
        judged("f32", &seven(5.9e-5), &seven(1e-5), &[1.0; 7], Failed);
        // A single one is judged by the second net.
        judged("f32", &[1.0 + 9.9e-5], &[1.0 + 1e-5], &[1.0], Passed);
        judged("f32", &[1.0 + 1.1e-4], &[1.0 + 1e-5], &[1.0], Failed);
    }

    #[test]
    fn half_precision_is_judged_by_its_own_rounding() {
        check("bf16", &[1.0], &[1.0], &[1.002], Passed);
        check("bf16", &[1.03], &[1.0], &[1.0], Passed);
        check("bf16", &[1.04], &[1.0], &[1.0], Failed);
        check("f16", &[1.0035], &[1.0], &[1.0], Passed);
        check("f16", &[1.005], &[1.0], &[1.0], Failed);
    }

    #[test]
    fn largest_error_is_a_second_net() {
        // One element of 10,000 is off: the RMS forgives it, the maximum does not.
        let exact = vec![1.0; 10_000];
        let torch: Vec<f64> = vec![1.0 + 2e-7; 10_000];
        let mut rust = torch.clone();
        check("f32", &rust, &torch, &exact, Passed);
        rust[77] = 1.0 + 5e-6;
        check("f32", &rust, &torch, &exact, Failed);
    }

    #[test]
    fn non_finite_places_must_agree() {
        let f32s = |rust: &[f64], torch: &[f64], status| {
            check("f32", rust, torch, &vec![1.0; rust.len()], status);
        };
        f32s(&[NAN, 1.0], &[NAN, 1.0], Passed);
        f32s(&[INF, -INF], &[INF, -INF], Passed);
        f32s(&[NAN, 1.0], &[1.0, 1.0], Failed);
        f32s(&[1.0, 1.0], &[NAN, 1.0], Failed);
        f32s(&[INF], &[-INF], Failed);
        f32s(&[NAN], &[INF], Failed);
        f32s(&[1e38], &[INF], Failed);
        f32s(&[NAN, 2.0], &[NAN, 1.0], Failed);
    }

    #[test]
    fn integers_are_exact() {
        check("i64", &[3.0, -4.0], &[3.0, -4.0], &[], Passed);
        check("i64", &[3.0, -4.0], &[3.0, -5.0], &[], Failed);
        check("u8", &[1.0], &[1.0], &[], Passed);
    }

    #[test]
    fn empty_tensors_compare_by_shape_and_dtype() {
        check("f32", &[], &[], &[], Passed);
        check("i64", &[], &[], &[], Passed);
        let empty = |shape: &[usize]| Values {
            dtype: "f32",
            shape: shape.to_vec(),
            data: Data::Float(vec![]),
        };
        assert!(judge(&empty(&[0, 3]), &empty(&[3, 0]), None).failed());
    }

    #[test]
    fn shape_and_dtype_come_first() {
        let values = |dtype, shape: &[usize], data: &[f64]| Values {
            dtype,
            shape: shape.to_vec(),
            data: match dtype {
                "bool" | "u8" => Data::Integer(data.iter().map(|&x| x as i64).collect()),
                _ => Data::Float(data.to_vec()),
            },
        };
        let one = values("f32", &[1], &[1.0]);
        let scalar = values("f32", &[], &[1.0]);
        assert!(judge(&scalar, &scalar, Some(&scalar)).passed());
        assert!(judge(&scalar, &one, Some(&one)).failed());
        assert!(judge(&values("f16", &[1], &[1.0]), &one, Some(&one)).failed());
        assert!(judge(&one, &one, None).failed(), "floats need a reference");
        assert!(
            judge(&one, &one, Some(&scalar)).failed(),
            "of the same shape"
        );
        let bools = values("bool", &[2], &[1.0, 0.0]);
        assert!(judge(&values("u8", &[2], &[1.0, 0.0]), &bools, None).passed());
        assert!(judge(&values("u8", &[2], &[2.0, 0.0]), &bools, None).failed());
        assert!(judge(&values("f32", &[2], &[1.0, 0.0]), &bools, None).failed());
    }

    #[test]
    fn a_failure_is_worse_than_what_says_nothing() {
        let of = |status, error| Verdict {
            status,
            error,
            limit: 1.0,
            ..Verdict::exact()
        };
        let rising = [
            Verdict::exact(),
            of(Passed, 0.2),
            of(Passed, 0.9),
            of(Uninformative, 0.1),
            of(Failed, 1.5),
            of(Failed, 3.0),
        ];
        for (i, better) in rising.iter().enumerate() {
            for (j, worse) in rising.iter().enumerate() {
                assert_eq!(worse.is_worse_than(better), j > i, "{worse:?} {better:?}");
            }
        }
    }

    #[test]
    fn numbers_of_a_verdict() {
        let values = |dtype, data: &[f64]| Values {
            dtype,
            shape: vec![2],
            data: Data::Float(data.to_vec()),
        };
        let verdict = judge(
            &values("f32", &[3.0, 4.0]),
            &values("f32", &[1.0, 4.0]),
            Some(&values("f64", &[1.0, 5.0])),
        );
        assert_eq!(verdict.mse, 2.0);
        assert_eq!(verdict.max_abs, 2.0);
        assert_eq!(verdict.error, (5.0f64 / 2.0).sqrt());
        assert_eq!(verdict.torch_error, 0.5f64.sqrt());
        assert_eq!(verdict.max_error, 2.0);
        assert_eq!(verdict.max_limit, 10.0);
    }
}
