//! Finding a Python that can generate code: each candidate is run and asked, never assumed.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::digest::VERSION;

/// The oldest Python that PyCandle runs on.
pub const MINIMUM: (u32, u32) = (3, 11);

/// Where to look, in this order.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// `PYCANDLE_PYTHON`. An interpreter that the user names is the only candidate.
    pub variable: Option<&'a Path>,
    /// `python` in `[package.metadata.pycandle]`, likewise the only candidate.
    pub metadata: Option<&'a Path>,
    /// The folder that relative paths start from; it and all above it may hold a `.venv`, or a
    /// `.pycandle/venv`.
    pub directory: &'a Path,
    /// `VIRTUAL_ENV`; used only if `conda_prefix` is not set, since neither wins over the other.
    pub virtual_env: Option<&'a Path>,
    /// `CONDA_PREFIX`; used only if `virtual_env` is not set.
    pub conda_prefix: Option<&'a Path>,
}

/// A Python that answered: new enough, and with this version of `pycandle` installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interpreter {
    /// A path, or a name to be looked up in `PATH`.
    pub program: PathBuf,
    /// Its version, as `3.11.9`.
    pub version: String,
}

/// No candidate can be used; each with its reason, in the order of the search.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotFound {
    pub tried: Vec<Rejected>,
}

/// A candidate that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    pub candidate: Candidate,
    pub reason: String,
}

/// An interpreter to be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub program: PathBuf,
    /// What made it a candidate: a variable, `Cargo.toml`, `.venv` or `PATH`.
    pub origin: &'static str,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Candidate { program, origin } = &self.candidate;
        write!(f, "{} (from {origin}): {}", program.display(), self.reason)
    }
}

/// The first candidate that can be used.
///
/// # Errors
/// If there is none, with the reason for each.
pub fn find(search: &Search) -> Result<Interpreter, NotFound> {
    let mut tried = Vec::new();
    for candidate in candidates(search) {
        match ask(&candidate, search.directory) {
            Ok(interpreter) => return Ok(interpreter),
            Err(reason) => tried.push(Rejected { candidate, reason }),
        }
    }
    Err(NotFound { tried })
}

/// What [`find`] asks, in order.
pub fn candidates(search: &Search) -> Vec<Candidate> {
    let named = |program: &Path, origin| Candidate {
        // A bare name such as `python3.12` is for PATH; anything longer is relative to the folder.
        program: if program.components().count() == 1 && !program.is_absolute() {
            program.to_owned()
        } else {
            search.directory.join(program)
        },
        origin,
    };
    if let Some(program) = search.variable {
        return vec![named(program, "PYCANDLE_PYTHON")];
    }
    if let Some(program) = search.metadata {
        let program = search.directory.join(program);
        return vec![Candidate {
            program,
            origin: "Cargo.toml",
        }];
    }
    let beside = search
        .directory
        .ancestors()
        // The first is what `pycandle init` makes.
        .flat_map(|folder| [".pycandle/venv", ".venv"].map(|origin| (folder, origin)))
        .map(|(folder, origin)| Candidate {
            program: in_environment(&folder.join(origin)),
            origin,
        })
        // A dangling link is a broken environment that the user should hear of.
        .filter(|candidate| candidate.program.symlink_metadata().is_ok());
    let active = match (search.virtual_env, search.conda_prefix) {
        (Some(prefix), None) => Some(Candidate {
            program: in_environment(prefix),
            origin: "VIRTUAL_ENV",
        }),
        (None, Some(prefix)) => Some(Candidate {
            program: in_conda(prefix),
            origin: "CONDA_PREFIX",
        }),
        _ => None,
    };
    let on_path = ["python3", "python"].map(|name| Candidate {
        program: name.into(),
        origin: "PATH",
    });
    beside.chain(active).chain(on_path).collect()
}

fn in_environment(prefix: &Path) -> PathBuf {
    prefix.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    })
}

fn in_conda(prefix: &Path) -> PathBuf {
    prefix.join(if cfg!(windows) {
        "python.exe"
    } else {
        "bin/python"
    })
}

/// Prints its version before anything that an old Python or a missing package could fail on.
const QUESTION: &str = "\
import sys
print('%d.%d.%d' % tuple(sys.version_info[:3]))
sys.stdout.flush()
import pycandle
print(pycandle.__version__)
";

/// Runs the candidate; the reason if it cannot be used.
fn ask(candidate: &Candidate, directory: &Path) -> Result<Interpreter, String> {
    let output = Command::new(&candidate.program)
        .args(["-I", "-c", QUESTION])
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| match error.kind() {
            ErrorKind::NotFound if candidate.origin == "PATH" => "not in PATH".to_owned(),
            ErrorKind::NotFound => "does not exist".to_owned(),
            _ => format!("cannot be run: {error}"),
        })?;
    let answer = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    let version = judge(&answer, &complaint)?;
    Ok(Interpreter {
        program: candidate.program.clone(),
        version,
    })
}

/// Judges what a candidate answered to [`QUESTION`]: its version, or why it cannot be used.
fn judge(answer: &str, complaint: &str) -> Result<String, String> {
    let mut lines = answer.lines().map(str::trim);
    let version = lines.next().unwrap_or_default();
    let Some(numbers) = version_numbers(version) else {
        return Err("did not answer as a Python does".to_owned());
    };
    if numbers < MINIMUM {
        let (major, minor) = MINIMUM;
        return Err(format!("Python {version} is older than {major}.{minor}"));
    }
    match lines.next() {
        Some(VERSION) => Ok(version.to_owned()),
        Some(other) => Err(format!(
            "Python {version} has pycandle {other}, and {VERSION} is needed"
        )),
        None => {
            let last = complaint
                .lines()
                .map(str::trim)
                .rfind(|line| !line.is_empty());
            let cause = last.unwrap_or("it said nothing");
            Err(format!("Python {version} cannot import pycandle ({cause})"))
        }
    }
}

fn version_numbers(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split('.').map(|number| number.parse().ok());
    Some((numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_judged() {
        let check = |answer: &str, complaint: &str, expected: Result<&str, &str>| {
            let found = judge(answer, complaint);
            assert_eq!(
                found.as_deref().map_err(String::as_str),
                expected,
                "{answer:?}"
            );
        };
        let missing = "Traceback:\n  x\nModuleNotFoundError: No module named 'pycandle'\n";
        check(&format!("3.11.9\n{VERSION}\n"), "", Ok("3.11.9"));
        check(&format!("3.14.0\r\n{VERSION}\r\n"), "", Ok("3.14.0"));
        check(&format!("4.0.0\n{VERSION}\n"), "", Ok("4.0.0"));
        check("3.10.1\n", missing, Err("Python 3.10.1 is older than 3.11"));
        check("2.7.18\n", missing, Err("Python 2.7.18 is older than 3.11"));
        check(
            "3.12.1\n",
            missing,
            Err("Python 3.12.1 cannot import pycandle \
                 (ModuleNotFoundError: No module named 'pycandle')"),
        );
        check(
            "3.12.1\n",
            "",
            Err("Python 3.12.1 cannot import pycandle (it said nothing)"),
        );
        check(
            "3.12.1\n99.0.0\n",
            "",
            Err(&format!(
                "Python 3.12.1 has pycandle 99.0.0, and {VERSION} is needed"
            )),
        );
        check(
            "",
            "Python was not found",
            Err("did not answer as a Python does"),
        );
        check("hello\n", "", Err("did not answer as a Python does"));
    }

    #[test]
    fn candidates_come_in_order() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("workspace/crate");
        let inner = in_environment(&root.path().join("workspace/.venv"));
        let outer = in_environment(&root.path().join(".venv"));
        let managed = in_environment(&directory.join(".pycandle/venv"));
        std::fs::create_dir_all(&directory).unwrap();
        for program in [&inner, &outer, &managed] {
            std::fs::create_dir_all(program.parent().unwrap()).unwrap();
            std::fs::write(program, "").unwrap();
        }
        let check = |change: &dyn Fn(&mut Search<'_>), expected: &[(&str, &Path)]| {
            let mut search = Search {
                variable: None,
                metadata: None,
                directory: &directory,
                virtual_env: None,
                conda_prefix: None,
            };
            change(&mut search);
            let found = candidates(&search);
            let found: Vec<_> = found
                .iter()
                .map(|found| (found.origin, found.program.as_path()))
                .collect();
            // A `.venv` above the temporary folder is none of this test's.
            let found: Vec<_> = found
                .into_iter()
                .filter(|(origin, path)| *origin != ".venv" || path.starts_with(root.path()))
                .collect();
            assert_eq!(found, expected);
        };
        let venvs = [
            (".pycandle/venv", managed.as_path()),
            (".venv", inner.as_path()),
            (".venv", outer.as_path()),
        ];
        let path = [
            ("PATH", Path::new("python3")),
            ("PATH", Path::new("python")),
        ];
        let env = Path::new("/env");
        check(&|_| (), &[&venvs[..], &path].concat());
        check(
            &|search| search.virtual_env = Some(env),
            &[&venvs[..], &[("VIRTUAL_ENV", &in_environment(env))], &path].concat(),
        );
        check(
            &|search| search.conda_prefix = Some(env),
            &[&venvs[..], &[("CONDA_PREFIX", &in_conda(env))], &path].concat(),
        );
        check(
            &|search| (search.virtual_env, search.conda_prefix) = (Some(env), Some(env)),
            &[&venvs[..], &path].concat(),
        );
        check(
            &|search| search.metadata = Some(Path::new("../python")),
            &[("Cargo.toml", &directory.join("../python"))],
        );
        check(
            &|search| {
                search.metadata = Some(Path::new("../python"));
                search.variable = Some(Path::new("python3.12"));
            },
            &[("PYCANDLE_PYTHON", Path::new("python3.12"))],
        );
        check(
            &|search| search.variable = Some(Path::new("./python")),
            &[("PYCANDLE_PYTHON", &directory.join("./python"))],
        );
    }
}
