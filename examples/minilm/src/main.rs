//! Embeds sentences in Rust and shows the result beside PyTorch's.

mod pytorch;
mod timing;

use std::path::PathBuf;
use std::process::ExitCode;

use candle_core::{Device, Error, Result};
use pycandle_runtime::PyChecker;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokenizers::Tokenizer;

use minilm::minilm::BertModel;

const USAGE: &str = "\
Usage: minilm [--json | --time | --bench] [SENTENCE]...

  --json   print the similarities that Rust computes, as JSON
  --time   print the seconds of one forward with the threads at hand, as JSON
  --bench  compare the speed with PyTorch's on one thread, and nothing else";

const SENTENCES: [&str; 3] = [
    "a cat sits on the mat",
    "a kitten rests on a rug",
    "stock markets fell today",
];

fn main() -> ExitCode {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let option = arguments
        .first()
        .filter(|first| first.starts_with("--"))
        .cloned();
    if option.is_some() {
        arguments.remove(0);
    }
    if arguments.is_empty() {
        arguments = SENTENCES.map(String::from).into();
    }
    match run(option.as_deref(), &arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(option: Option<&str>, sentences: &[String]) -> Result<ExitCode> {
    match option {
        None => return report(sentences),
        Some("--help") => println!("{USAGE}"),
        Some("--json") => println!(
            "{}",
            json!({ "similarity": Port::load()?.similarity(sentences)? })
        ),
        Some("--time") => println!(
            "{}",
            json!({ "seconds": timing::fastest(&Port::load()?, sentences)? })
        ),
        Some("--bench") => {
            let reference = pytorch::run(sentences).map_err(Error::Msg)?;
            print_speed(timing::on_one_thread(sentences)?, &reference);
        }
        Some(option) => {
            return Err(Error::Msg(format!("there is no option {option}\n{USAGE}")));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything: similarities in both, the parity of every module, the speed of both.
fn report(sentences: &[String]) -> Result<ExitCode> {
    let rust = Port::load()?.similarity(sentences)?;
    let reference = pytorch::run(sentences);
    for (number, sentence) in sentences.iter().enumerate() {
        println!("{:>3}  {sentence}", number + 1);
    }
    println!("\ncosine similarity in Rust");
    print_matrix(&rust);
    match &reference {
        Ok(reference) => {
            println!("cosine similarity in PyTorch {}", reference.version);
            print_matrix(&reference.similarity);
            println!(
                "largest difference: {:.1e}\n",
                difference(&rust, &reference.similarity)
            );
        }
        Err(reason) => println!("PyTorch was not run: {reason}\n"),
    }
    let matches = print_parity()?;
    if let Ok(reference) = &reference {
        print_speed(timing::on_one_thread(sentences)?, reference);
    }
    Ok(if matches {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print_matrix(matrix: &[Vec<f32>]) {
    for row in matrix {
        let cells: String = row.iter().map(|cosine| format!("{cosine:>8.4}")).collect();
        println!("   {cells}");
    }
    println!();
}

/// A matrix of another shape differs infinitely, and so does a NaN.
fn difference(rust: &[Vec<f32>], torch: &[Vec<f32>]) -> f32 {
    let (rust, torch) = (rust.concat(), torch.concat());
    if rust.len() != torch.len() {
        return f32::INFINITY;
    }
    let distances = rust
        .iter()
        .zip(&torch)
        .map(|(rust, torch)| (rust - torch).abs());
    distances.fold(
        0.0,
        |most, distance| if distance <= most { most } else { distance },
    )
}

/// Runs the recorded inputs, judges every module by its golden tensors, and tells whether all match.
fn print_parity() -> Result<bool> {
    let checker = PyChecker::load("minilm", models(), &Device::Cpu)?.collecting();
    let weights = models().join("all-minilm-l6-v2/model.safetensors");
    let model = minilm::load(&weights, Some(checker.clone()), &Device::Cpu)?;
    let input = |name| checker.input(name);
    model.forward(
        &input("input_ids")?,
        &input("attention_mask")?,
        &input("token_type_ids")?,
    )?;
    let report = checker.report();
    print!("{report}");
    let verdict = report.verdict();
    match &verdict {
        Ok(()) => {
            println!("parity holds; `cargo test` also tries other sizes and each module alone\n")
        }
        Err(difference) => println!("parity is broken: {difference}\n"),
    }
    Ok(verdict.is_ok())
}

fn print_speed(rust: f64, reference: &pytorch::Reference) {
    println!(
        "one forward on one thread, the fastest of many: Rust {:.2} ms, PyTorch {:.2} ms, \
         PyTorch / Rust = {:.2}",
        rust * 1e3,
        reference.seconds * 1e3,
        reference.seconds / rust
    );
}

/// The model in Rust, with its tokenizer.
pub struct Port {
    pub model: BertModel,
    pub tokenizer: Tokenizer,
}

impl Port {
    fn load() -> Result<Self> {
        let folder = models().join("all-minilm-l6-v2");
        Ok(Self {
            model: minilm::load(&folder.join("model.safetensors"), None, &Device::Cpu)?,
            tokenizer: minilm::tokenizer(&folder.join("tokenizer.json"))?,
        })
    }

    fn similarity(&self, sentences: &[String]) -> Result<Vec<Vec<f32>>> {
        let embeddings = minilm::embed(&self.model, &self.tokenizer, sentences)?;
        embeddings.matmul(&embeddings.t()?)?.to_vec2()
    }
}

fn models() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// One field of what a child process printed.
fn field<T: DeserializeOwned>(printed: &Value, name: &str) -> Result<T> {
    serde_json::from_value(printed[name].clone()).map_err(Error::wrap)
}
