//! Tells whether a checkpoint holds the weights that a model was recorded with, by the sums that the
//! trace has of each: of its elements, their magnitudes, their squares, and of each times a number
//! that its place decides.

use candle_core::{DType, Device, Result};

use crate::manifest::Manifest;
use crate::store::Store;
use crate::trace::Trace;

/// Of so many weights it is told what is wrong with them.
const MOST: usize = 5;

type Sketch = [f64; 4];

/// What is wrong with the weights of the module at `path`, a line each; nothing if they are those
/// that were recorded, or if the trace does not know.
pub(crate) fn differing(
    checkpoint: &Store,
    manifest: &Manifest,
    trace: &Trace,
    path: &str,
) -> Result<Vec<String>> {
    let mut recorded = Vec::new();
    for parameter in manifest.parameters.iter().filter(|p| !p.constant) {
        let Some(name) = parameter.names.first() else {
            continue;
        };
        let key = format!("weights:{name}");
        if trace.contains(&key) {
            let sums = trace.tensor(&key, &Device::Cpu)?.to_vec1::<f64>()?;
            if let Ok(sums) = Sketch::try_from(sums) {
                recorded.push((name.as_str(), parameter.dtype.as_str(), sums));
            }
        }
    }
    let mut lines = Vec::new();
    for (name, dtype, sums) in &recorded {
        let inside = path.is_empty() || name.strip_prefix(path).is_some_and(|r| r.starts_with('.'));
        if !inside || !checkpoint.contains(name) {
            continue;
        }
        let tensor = checkpoint.tensor(name, &Device::Cpu)?;
        // What was rounded to another dtype is still the same weight.
        let tolerance = if dtype_name(tensor.dtype()) == *dtype {
            1e-9
        } else {
            2f64.powi(-8)
        };
        let values = tensor
            .to_dtype(DType::F64)?
            .flatten_all()?
            .to_vec1::<f64>()?;
        let found = sketch(&values);
        if agree(&found, sums, tolerance) {
            continue;
        }
        let other = recorded
            .iter()
            .find(|(_, _, s)| agree(&found, s, tolerance));
        lines.push(match other {
            Some((other, ..)) => format!("{name} holds what was recorded as {other}"),
            None if same_numbers(&found, sums, tolerance) => format!(
                "{name} holds the recorded numbers in other places, as if it was transposed"
            ),
            None => format!("{name} holds other numbers than were recorded"),
        });
    }
    let more = lines.len().saturating_sub(MOST);
    lines.truncate(MOST);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    Ok(lines)
}

fn dtype_name(dtype: DType) -> &'static str {
    match dtype {
        DType::F64 => "f64",
        DType::F32 => "f32",
        DType::F16 => "f16",
        DType::BF16 => "bf16",
        DType::I64 => "i64",
        DType::U32 => "u32",
        DType::U8 => "u8",
        _ => "",
    }
}

/// The same sums as `pycandle/record/sketch.py` takes.
fn sketch(values: &[f64]) -> Sketch {
    let mut sums = [0.0; 4];
    for (place, value) in (0u64..).zip(values) {
        let weight = (place.wrapping_mul(2_654_435_761) % (1 << 32)) as f64 / 2f64.powi(32);
        for (sum, term) in sums
            .iter_mut()
            .zip([*value, value.abs(), value * value, value * weight])
        {
            *sum += term;
        }
    }
    sums
}

fn agree(found: &Sketch, recorded: &Sketch, tolerance: f64) -> bool {
    same_numbers(found, recorded, tolerance) && near(found, recorded, 3, tolerance)
}

/// Whether all sums agree that do not depend on places.
fn same_numbers(found: &Sketch, recorded: &Sketch, tolerance: f64) -> bool {
    (0..3).all(|sum| near(found, recorded, sum, tolerance))
}

fn near(found: &Sketch, recorded: &Sketch, sum: usize, tolerance: f64) -> bool {
    // Sums of numbers of both signs are as exact as those of their magnitudes.
    let scale = if sum == 2 { recorded[2] } else { recorded[1] };
    (found[sum] - recorded[sum]).abs() <= tolerance * scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_and_numbers_are_told_apart() {
        let recorded = sketch(&[1.0, -2.0, 3.0, 4.5]);
        assert!(agree(&sketch(&[1.0, -2.0, 3.0, 4.5]), &recorded, 1e-9));
        let turned = sketch(&[1.0, 3.0, -2.0, 4.5]);
        assert!(!agree(&turned, &recorded, 1e-9) && same_numbers(&turned, &recorded, 1e-9));
        assert!(!same_numbers(
            &sketch(&[1.0, 2.0, 3.0, 4.5]),
            &recorded,
            1e-9
        ));
        assert!(agree(
            &sketch(&[1.001, -2.0, 3.0, 4.49]),
            &recorded,
            2f64.powi(-8)
        ));
    }
}
