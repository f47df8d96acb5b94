//! `rten MODEL INPUTS OUTPUT`: an ONNX file in rten, which reads the threads from its environment.

use std::path::Path;
use std::process::ExitCode;

use bench_protocol::{Output, ended, in_words, serve};
use bench_rivals::{Input, inputs};
use rten::{ModelOptions, NodeId, Value, ValueOrView};
use rten_tensor::Tensor;
use rten_tensor::prelude::*;

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, given, output] = &arguments[..] else {
        return Err("MODEL INPUTS OUTPUT".into());
    };
    let model = ModelOptions::with_all_ops()
        .prepack_weights(true)
        .load_file(model)
        .map_err(in_words)?;
    let values: Vec<Value> = inputs(Path::new(given))?
        .into_iter()
        .map(|input| match input {
            Input::Floats(shape, data) => Tensor::from_data(&shape, data).into(),
            // It has no 64-bit integers, and takes narrower ones in their place.
            Input::Integers(shape, data) => {
                let narrow: Vec<i32> = data.into_iter().map(|x| x as i32).collect();
                Tensor::from_data(&shape, narrow).into()
            }
        })
        .collect();
    let ids: Vec<NodeId> = model.input_ids().to_vec();
    let outputs: Vec<NodeId> = model.output_ids().to_vec();
    serve(
        Path::new(output),
        || {
            let given: Vec<(NodeId, ValueOrView)> = ids
                .iter()
                .copied()
                .zip(values.iter().map(|value| value.as_view().into()))
                .collect();
            model.run(given, &outputs, None).map_err(in_words)
        },
        |results| results.into_iter().map(plain).collect(),
    )
}

fn plain(value: Value) -> Result<Output, String> {
    let tensor: Tensor<f32> = value.try_into().map_err(|_| "an output that is no f32")?;
    Ok((tensor.shape().to_vec(), tensor.to_vec()))
}
