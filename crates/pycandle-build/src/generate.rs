//! Running the Python side of the bridge, `python -I -m pycandle.bridge`.

use std::collections::HashMap;
use std::process::{Command, Output, Stdio};

use tinyjson::JsonValue;

use crate::digest;
use crate::environment::Environment;
use crate::error::{Error, Finding};
use crate::metadata::Model;
use crate::output;
use crate::python::Interpreter;

/// The status by which the Python side says that its stdout holds findings for the user.
const REFUSED: i32 = 3;

/// How much of a traceback is shown; the log has the rest.
const SHOWN_LINES: usize = 5;

/// Has the files of `model` generated into `OUT_DIR`, and checks that they carry `digest`.
pub fn generate(
    environment: &Environment,
    interpreter: &Interpreter,
    model: &Model,
    digest: &str,
) -> Result<(), Error> {
    let mut command = Command::new(&interpreter.program);
    command
        // Apart from the user's surroundings: no PYTHONPATH, and no module of the working
        // directory in place of a real one.
        .args(["-I", "-m", "pycandle.bridge", "--manifest"])
        .arg(environment.crate_dir.join(&model.manifest))
        .args([
            "--module",
            &model.module,
            "--options",
            &model.options(),
            "--out",
        ])
        .arg(environment.generated_dir())
        .current_dir(&environment.crate_dir)
        .stdin(Stdio::null());
    let shown = format!("{} -I -m pycandle.bridge", interpreter.program.display());
    match command.output() {
        Ok(output) if output.status.success() => verify(environment, model, digest),
        Ok(output) => Err(refusal(&output).map_or_else(
            || broken(environment, model, shown, &output),
            Error::Refused,
        )),
        Err(error) => Err(Error::NotStarted {
            command: shown,
            reason: error.to_string(),
        }),
    }
}

/// The findings of a generator that says why it cannot do it: `{"errors": [{what, where, fix}]}`.
fn refusal(output: &Output) -> Option<Vec<Finding>> {
    if output.status.code() != Some(REFUSED) {
        return None;
    }
    let answer: JsonValue = std::str::from_utf8(&output.stdout).ok()?.parse().ok()?;
    let object: &HashMap<String, JsonValue> = answer.get()?;
    let errors: &Vec<JsonValue> = object.get("errors")?.get()?;
    let findings: Vec<Finding> = errors.iter().map(finding).collect::<Option<_>>()?;
    if findings.is_empty() {
        None
    } else {
        Some(findings)
    }
}

fn finding(value: &JsonValue) -> Option<Finding> {
    let object: &HashMap<String, JsonValue> = value.get()?;
    let text = |key: &str| object.get(key)?.get::<String>();
    Some(Finding {
        what: text("what")?.clone(),
        places: text("where")?.lines().map(str::to_owned).collect(),
        fix: text("fix")?.clone(),
    })
}

/// A generator that ended in another way: its last words, and a log beside the generated files.
fn broken(environment: &Environment, model: &Model, command: String, output: &Output) -> Error {
    let log = environment
        .out_dir
        .join(format!("pycandle-{}.log", model.module));
    if let Err(error) = output::write_if_changed(&log, &output.stderr) {
        return error;
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let mut said: Vec<String> = stderr
        .lines()
        .rev()
        .map(|line| line.trim_end().to_owned())
        .filter(|line| !line.is_empty())
        .take(SHOWN_LINES)
        .collect();
    said.reverse();
    Error::Broken {
        command,
        status: output.status.to_string(),
        said,
        log: log.display().to_string(),
    }
}

/// Trusts no exit status: the files must be there and be made from this manifest. They become what
/// is compiled.
fn verify(environment: &Environment, model: &Model, expected: &str) -> Result<(), Error> {
    for file in model.files() {
        let path = environment.generated_dir().join(&file);
        let content = std::fs::read(&path).unwrap_or_default();
        let found = digest::recorded(&content);
        if found != Some(expected) {
            return Err(Error::WrongOutput {
                file,
                manifest: model.manifest.clone(),
                found: found.map(str::to_owned),
                expected: expected.to_owned(),
            });
        }
        output::write_if_changed(&path, &environment.handed_out(content))?;
    }
    Ok(())
}
