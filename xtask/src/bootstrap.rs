//! The project's Python environment, `.venv`: made once from the hashed requirement files, resumed where it stopped.
//!
//! It takes packages from wherever the machine's pip is configured to take them, and from nowhere else.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::step;

const INPUTS: [&str; 3] = [
    "requirements/bootstrap.txt",
    "requirements/dev.txt",
    "pyproject.toml",
];
const OLDEST: (u32, u32) = (3, 11);
const INTERPRETERS: [&str; 6] = [
    "python3",
    "python3.14",
    "python3.13",
    "python3.12",
    "python3.11",
    "python",
];
const NETWORK: &str = "check that pip can download packages here, then run the command again";

/// Makes `.venv` hold exactly what is pinned, and returns its interpreter. Instant when it already does.
pub fn run(root: &Path) -> Result<PathBuf> {
    component("rustfmt", "fmt")?;
    let python = program(root, "python");
    let stamp = root.join(".venv/pycandle-requirements.sha256");
    let wanted = fingerprint(root)?;
    if python.exists() && fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    environment(root, &python)?;
    packages(root, &python)?;
    fs::write(&stamp, wanted).with_context(|| format!("{} cannot be written", stamp.display()))?;
    Ok(python)
}

/// Checks that a component of the Rust toolchain is there, by the Cargo command it provides.
pub fn component(name: &str, subcommand: &str) -> Result<()> {
    let answer = Command::new(cargo())
        .args([subcommand, "--version"])
        .output();
    if !answer.is_ok_and(|output| output.status.success()) {
        bail!("`cargo {subcommand}` does not run; install it with `rustup component add {name}`");
    }
    Ok(())
}

/// The Cargo that runs this command.
pub fn cargo() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// SHA-256 of everything the environment follows from. The folder counts, since the editable install points to it.
fn fingerprint(root: &Path) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(root.to_string_lossy().as_bytes());
    for input in INPUTS {
        let bytes =
            fs::read(root.join(input)).with_context(|| format!("{input} cannot be read"))?;
        hash.update(bytes);
    }
    Ok(hex(&hash.finalize()))
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn environment(root: &Path, python: &Path) -> Result<()> {
    let usable = probe(python.as_os_str().into()).is_ok();
    if usable && answers(python, &["-m", "pip", "--version"]) {
        return Ok(());
    }
    let base = find_python()?;
    let mut command = Command::new(&base);
    command.args(["-m", "venv"]);
    if !usable {
        command.arg("--clear");
    }
    command.arg(root.join(".venv"));
    let label = format!("Python environment in .venv, from {}", base.display());
    step::quiet(
        root,
        &label,
        command,
        "remove .venv and run the command again",
    )
}

fn packages(root: &Path, python: &Path) -> Result<()> {
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--require-hashes",
        "--only-binary",
        ":all:",
    ]);
    pip.args(["--requirement", "requirements/bootstrap.txt"])
        .current_dir(root);
    step::quiet(root, "package installer", pip, NETWORK)?;

    let settings = pip_settings(python)?;
    let uv = |arguments: &[&str]| {
        let mut command = Command::new(program(root, "uv"));
        command
            .current_dir(root)
            .envs(settings.iter().map(|(key, value)| (key, value)));
        command
            .arg("pip")
            .args(arguments)
            .arg("--python")
            .arg(python);
        command
    };
    let pinned = [
        "sync",
        "--require-hashes",
        "requirements/bootstrap.txt",
        "requirements/dev.txt",
    ];
    let label = "pinned Python packages (PyTorch alone is several gigabytes)";
    step::quiet(root, label, uv(&pinned), NETWORK)?;
    let project = [
        "install",
        "--no-deps",
        "--no-build-isolation",
        "--editable",
        ".",
    ];
    step::quiet(
        root,
        "pycandle itself, editable",
        uv(&project),
        "read the lines above",
    )
}

/// uv does not read pip's configuration, so a certificate or an index configured for pip is handed on.
fn pip_settings(python: &Path) -> Result<Vec<(&'static str, String)>> {
    let output = Command::new(python)
        .args(["-m", "pip", "config", "list"])
        .output();
    let output = output.context("pip's configuration cannot be read")?;
    let listing = String::from_utf8_lossy(&output.stdout);
    let wanted = [("cert", "SSL_CERT_FILE"), ("index-url", "UV_DEFAULT_INDEX")];
    let mut settings = Vec::new();
    for (setting, variable) in wanted {
        if let Some(value) = pip_setting(&listing, setting)
            && env::var_os(variable).is_none()
        {
            eprintln!("pip's setting `{setting}` also holds for uv");
            settings.push((variable, value));
        }
    }
    Ok(settings)
}

/// One value of `pip config list`; as in pip, the environment wins over a command's section, that over `global`.
fn pip_setting(listing: &str, setting: &str) -> Option<String> {
    [":env:", "install", "global"].iter().find_map(|section| {
        let prefix = format!("{section}.{setting}=");
        let value = listing
            .lines()
            .find_map(|line| line.strip_prefix(&prefix))?;
        Some(value.trim().trim_matches(['\'', '"']).to_owned())
    })
}

/// The first interpreter that can make the environment, or one line on how to get one.
fn find_python() -> Result<PathBuf> {
    if let Some(named) = env::var_os("PYCANDLE_PYTHON") {
        return probe(named).map_err(|reason| {
            anyhow::anyhow!(
                "{reason}; PYCANDLE_PYTHON must name a CPython 3.11 or later, or be unset"
            )
        });
    }
    let mut reasons = Vec::new();
    for name in INTERPRETERS {
        match probe(name.into()) {
            Ok(python) => return Ok(python),
            Err(reason) => reasons.push(reason),
        }
    }
    reasons.retain(|reason| !reason.ends_with(ABSENT));
    let seen = if reasons.is_empty() {
        String::new()
    } else {
        format!(" ({})", reasons.join("; "))
    };
    bail!(
        "no CPython 3.11 or later with venv on PATH{seen}; install one with your package manager \
         (Debian and Ubuntu: `apt install python3 python3-venv`; macOS: `brew install python`; \
         Windows: `winget install Python.Python.3.13`) or set PYCANDLE_PYTHON"
    )
}

const ABSENT: &str = "is not on PATH";

/// The interpreter's own path when it is CPython, new enough and able to make environments; else why not.
fn probe(name: OsString) -> std::result::Result<PathBuf, String> {
    let shown = name.to_string_lossy().into_owned();
    let script = "import sys; print(sys.implementation.name, *sys.version_info[:2], sys.executable, sep='\\n')";
    let output = Command::new(&name).args(["-I", "-c", script]).output();
    let Ok(output) = output else {
        return Err(format!("{shown} {ABSENT}"));
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines();
    let (implementation, major, minor, executable) =
        (lines.next(), lines.next(), lines.next(), lines.next());
    let number = |text: Option<&str>| text.and_then(|text| text.parse::<u32>().ok());
    let (Some(implementation), Some(major), Some(minor), Some(executable)) =
        (implementation, number(major), number(minor), executable)
    else {
        return Err(format!("{shown} does not answer"));
    };
    if implementation != "cpython" || (major, minor) < OLDEST {
        return Err(format!("{shown} is {implementation} {major}.{minor}"));
    }
    if !answers(Path::new(&name), &["-I", "-c", "import venv, ensurepip"]) {
        return Err(format!(
            "{shown} lacks venv: `apt install python{major}.{minor}-venv` or its like brings it"
        ));
    }
    Ok(PathBuf::from(executable))
}

fn answers(program: &Path, arguments: &[&str]) -> bool {
    Command::new(program)
        .args(arguments)
        .output()
        .is_ok_and(|output| output.status.success())
}

/// A program of the environment, wherever this platform keeps them.
fn program(root: &Path, name: &str) -> PathBuf {
    let folder = if cfg!(windows) {
        ".venv/Scripts"
    } else {
        ".venv/bin"
    };
    root.join(folder)
        .join(format!("{name}{}", env::consts::EXE_SUFFIX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_configuration_is_read_in_pips_order() {
        let listing = "global.cert='/a.pem'\n:env:.cert='/b.pem'\nglobal.index-url='https://c'\n";

        assert_eq!(pip_setting(listing, "cert"), Some("/b.pem".into()));
        assert_eq!(pip_setting(listing, "index-url"), Some("https://c".into()));
        assert_eq!(pip_setting(listing, "proxy"), None);
    }

    #[test]
    fn an_interpreter_that_is_not_there_is_refused() {
        let reason = probe("python-that-does-not-exist".into());

        assert_eq!(reason, Err(format!("python-that-does-not-exist {ABSENT}")));
    }
}
