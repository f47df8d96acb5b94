//! Runs every case from the one that it is told to begin with, and says what became of each.

mod cases;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use candle_core::{DType, Device, Result, Tensor};
use pycandle_runtime::compare::{Status, judge};
use pycandle_runtime::values::Values;

pub type Case = fn(&[Tensor]) -> Result<Vec<Tensor>>;

#[derive(serde::Deserialize)]
struct Row {
    function: usize,
    inputs: Vec<Input>,
    outputs: Vec<Output>,
}

/// A stored tensor, and the steps to the view of it that the case is about.
#[derive(serde::Deserialize)]
struct Input {
    key: String,
    narrow: Vec<(usize, usize)>,
    squeeze: bool,
    permute: Vec<usize>,
    expand: Vec<usize>,
}

#[derive(serde::Deserialize)]
struct Output {
    key: String,
    bool: bool,
    /// Its values are whatever memory holds: only shape and dtype count.
    undefined: bool,
    /// The axis of the first input that it holds indices of, which are free among equal values.
    ties: Option<usize>,
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().ok_or("no folder given")?;
    let first: usize = arguments.next().ok_or("no first case given")?.parse()?;
    let rows: Vec<Row> = serde_json::from_slice(&std::fs::read(Path::new(&folder).join("cases.json"))?)?;
    let tensors = candle_core::safetensors::load(
        Path::new(&folder).join("tensors.safetensors"),
        &Device::Cpu,
    )?;
    std::panic::set_hook(Box::new(|_| {}));
    for row in &rows[first..] {
        let (status, reason) = outcome(row, &tensors);
        println!("{}", serde_json::json!({"status": status, "reason": reason}));
    }
    Ok(())
}

fn outcome(row: &Row, tensors: &HashMap<String, Tensor>) -> (&'static str, String) {
    // Reading what came out is part of the case: a broken tensor may panic only then.
    let run = || -> Result<(&'static str, String)> {
        let inputs: Result<Vec<_>> = row.inputs.iter().map(|i| view(i, tensors)).collect();
        let results = (cases::FUNCTIONS[row.function])(&inputs?)?;
        Ok(verdict(row, results, tensors).unwrap_or_else(|error| ("failed", error.to_string())))
    };
    match catch_unwind(AssertUnwindSafe(run)) {
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| text.to_string()));
            ("panicked", text.unwrap_or_default())
        }
        Ok(Err(error)) => {
            let text = error.to_string();
            ("refused", text.lines().next().unwrap_or_default().to_string())
        }
        Ok(Ok(verdict)) => verdict,
    }
}

fn view(input: &Input, tensors: &HashMap<String, Tensor>) -> Result<Tensor> {
    let mut x = tensors[&input.key].clone();
    for (axis, &(start, length)) in input.narrow.iter().enumerate() {
        x = x.narrow(axis, start, length)?;
    }
    if input.squeeze {
        x = x.squeeze(x.rank() - 1)?;
    }
    x.permute(input.permute.clone())?.broadcast_as(input.expand.clone())
}

fn verdict(
    row: &Row,
    results: Vec<Tensor>,
    tensors: &HashMap<String, Tensor>,
) -> Result<(&'static str, String)> {
    if results.len() != row.outputs.len() {
        return Ok(("failed", format!("{} outputs, PyTorch gives {}", results.len(), row.outputs.len())));
    }
    let mut status = "passed";
    let mut reasons = vec![];
    for (k, (result, output)) in results.iter().zip(&row.outputs).enumerate() {
        let golden = &tensors[&output.key];
        if output.undefined && result.dims() == golden.dims() && result.dtype() == golden.dtype() {
            continue;
        }
        if let Some(axis) = output.ties
            && result.dims() == golden.dims()
            && result.dtype() == golden.dtype()
            && point_alike(&view(&row.inputs[0], tensors)?, result, golden, axis)?
        {
            continue;
        }
        let mut golden = Values::of(golden)?;
        if output.bool {
            golden.dtype = "bool";
        }
        let exact = tensors.get(&format!("{}.exact", output.key));
        let exact = exact.map(Values::of).transpose()?;
        let verdict = judge(&Values::of(result)?, &golden, exact.as_ref());
        match verdict.status {
            Status::Passed => continue,
            Status::Failed => status = "failed",
            Status::Uninformative if status == "passed" => status = "uninformative",
            Status::Uninformative => {}
        }
        let shown = |x: &Tensor| -> Result<Vec<f64>> {
            let values = x.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
            Ok(values.into_iter().take(12).collect())
        };
        let (rust, torch) = (shown(result)?, shown(&tensors[&output.key])?);
        reasons.push(format!("output {k}: {}; Rust {rust:?}, PyTorch {torch:?}", verdict.reason));
    }
    Ok((status, reasons.join("; ")))
}

/// Whether two tensors of indices along an axis point to equal values.
fn point_alike(x: &Tensor, left: &Tensor, right: &Tensor, axis: usize) -> Result<bool> {
    let values = |indices: &Tensor| -> Result<Values> {
        let kept = indices.rank() == x.rank();
        let indices = if kept { indices.clone() } else { indices.unsqueeze(axis)? };
        if indices.elem_count() == 0 {
            return Values::of(&indices);
        }
        Values::of(&x.contiguous()?.gather(&indices.contiguous()?, axis)?)
    };
    let (left, right) = (values(left)?, values(right)?);
    Ok(judge(&left, &right, Some(&right)).passed())
}
