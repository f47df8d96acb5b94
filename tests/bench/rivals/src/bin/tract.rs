//! `tract MODEL INPUTS OUTPUT THREADS`: an ONNX file in tract.

use std::path::Path;
use std::process::ExitCode;

use bench_protocol::{Output, ended, in_words, serve};
use bench_rivals::{Input, inputs};
use tract_onnx::prelude::*;
use tract_linalg::multithread::{Executor, set_default_executor};

fn main() -> ExitCode {
    ended(run())
}

fn run() -> Result<(), String> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, given, output, threads] = &arguments[..] else {
        return Err("MODEL INPUTS OUTPUT THREADS".into());
    };
    let threads: usize = threads.parse().map_err(in_words)?;
    if threads > 1 {
        set_default_executor(Executor::multithread(threads));
    }
    let given: Vec<Tensor> = inputs(Path::new(given))?
        .into_iter()
        .map(|input| match input {
            Input::Floats(shape, data) => Tensor::from_shape(&shape, &data),
            Input::Integers(shape, data) => Tensor::from_shape(&shape, &data),
        })
        .collect::<TractResult<_>>()
        .map_err(full)?;
    let mut model = tract_onnx::onnx().model_for_path(model).map_err(full)?;
    for (place, tensor) in given.iter().enumerate() {
        let fact = InferenceFact::dt_shape(tensor.datum_type(), tensor.shape());
        model.set_input_fact(place, fact).map_err(full)?;
    }
    let plan = model
        .into_optimized()
        .and_then(|model| model.into_runnable())
        .map_err(full)?;
    let given: TVec<TValue> = given.into_iter().map(Into::into).collect();
    serve(
        Path::new(output),
        || plan.run(given.clone()).map_err(full),
        |results| results.iter().map(plain).collect(),
    )
}

fn plain(value: &TValue) -> Result<Output, String> {
    let tensor = value.cast_to::<f32>().map_err(full)?;
    let view = tensor.to_plain_array_view::<f32>().map_err(full)?;
    Ok((tensor.shape().to_vec(), view.iter().copied().collect()))
}

/// Its errors are chains, of which the first link says little.
fn full(error: TractError) -> String {
    format!("{error:#}")
}
