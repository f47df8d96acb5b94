//! How long one forward takes on one thread.
//!
//! Thread pools read their size once, from the environment, so the measurement is a process of its own.

use std::process::Command;
use std::time::Instant;

use candle_core::{Device, Error, Result};
use serde_json::Value;

use crate::{Port, field};

/// As in reference.py.
const RUNS: usize = 30;

/// Seconds of the fastest forward of many, measured by this program again, on one thread.
pub fn on_one_thread(sentences: &[String]) -> Result<f64> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg("--time")
        .args(sentences)
        .env("RAYON_NUM_THREADS", "1");
    let output = command.output()?;
    if !output.status.success() {
        return Err(Error::Msg(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        ));
    }
    let printed: Value = serde_json::from_slice(&output.stdout).map_err(Error::wrap)?;
    field(&printed, "seconds")
}

/// Seconds of the fastest run of many; the first one warms up and is not counted.
pub fn fastest(port: &Port, sentences: &[String]) -> Result<f64> {
    let tokens = minilm::tokenize(&port.tokenizer, sentences, &Device::Cpu)?;
    let forward = || {
        port.model.forward(
            &tokens.input_ids,
            &tokens.attention_mask,
            &tokens.token_type_ids,
        )
    };
    forward()?;
    let mut fastest = f64::INFINITY;
    for _ in 0..RUNS {
        let start = Instant::now();
        forward()?;
        fastest = fastest.min(start.elapsed().as_secs_f64());
    }
    Ok(fastest)
}
