//! The binary of one workload: generated code alone, as a user's program would hold it.
//!
//! `BINARY isolated`, `cumulative` or `digest` runs a parity test; `BINARY WEIGHTS INPUTS OUTPUT`
//! loads a checkpoint and serves forwards on those inputs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use bench_protocol::{Output, ended, in_words, serve};
use candle_core::{DType, Device, Result, Tensor};
use candle_nn::VarBuilder;
use pycandle_runtime::parity::Inputs;


fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    ended(match arguments[..] {
        ["isolated"] => model::parity::isolated().map_err(in_words),
        ["cumulative"] => model::parity::cumulative().map_err(in_words),
        ["digest"] => model::parity::digest().map_err(in_words),
        [weights, inputs, output] => model::parity::serve(weights, inputs, output),
        _ => Err("one of isolated, cumulative, digest, or WEIGHTS INPUTS OUTPUT".into()),
    })
}

/// Serves forwards of a model without a checker.
pub fn serve_model<M>(
    [weights, inputs, output]: [&str; 3],
    load: impl FnOnce(VarBuilder<'static>) -> Result<M>,
    mut forward: impl FnMut(&M, &Inputs) -> Result<Vec<Tensor>>,
) -> std::result::Result<(), String> {
    let bytes = std::fs::read(weights).map_err(in_words)?;
    let vb = VarBuilder::from_buffered_safetensors(bytes, DType::F32, &Device::Cpu);
    let model = load(vb.map_err(in_words)?).map_err(in_words)?;
    let named = candle_core::safetensors::load(inputs, &Device::Cpu).map_err(in_words)?;
    let tensors = (0..named.len()).filter_map(|number| named.get(&number.to_string()).cloned());
    let inputs = Inputs::new(tensors.collect(), BTreeMap::new());
    serve(
        Path::new(output),
        || forward(&model, &inputs).map_err(in_words),
        |tensors| tensors.iter().map(plain).collect(),
    )
}

fn plain(tensor: &Tensor) -> std::result::Result<Output, String> {
    let flat = tensor.to_dtype(DType::F32).and_then(|x| x.flatten_all());
    let values = flat.and_then(|x| x.to_vec1()).map_err(in_words)?;
    Ok((tensor.dims().to_vec(), values))
}
