//! Everything that can go wrong: what it is, where it is, and how to fix it.

use std::fmt;
use std::io;
use std::path::Path;

use crate::digest::VERSION;
use crate::python::NotFound;

/// A failure that the user can read and act on; [`Error::findings`] holds the texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    OutsideBuildScript {
        variable: &'static str,
    },
    Read {
        path: String,
        reason: String,
    },
    Write {
        path: String,
        reason: String,
    },
    Toml {
        place: String,
        message: String,
    },
    NoTable,
    UnknownKey {
        key: String,
        table: String,
        place: String,
        nearest: Option<String>,
        known: String,
    },
    WrongType {
        key: String,
        place: String,
        expected: &'static str,
        found: &'static str,
    },
    BadPath {
        key: String,
        place: String,
        path: String,
    },
    OutsideCrate {
        key: String,
        place: String,
        path: String,
    },
    BadModule {
        module: String,
        manifest: String,
        place: String,
    },
    BadStruct {
        name: String,
        place: String,
    },
    BadDType {
        name: String,
        place: String,
        known: String,
    },
    SameFile {
        file: String,
        place: String,
        manifest: String,
        other: String,
    },
    MissingManifest {
        manifest: String,
        module: String,
        place: String,
    },
    /// `models` are the manifests, each with the reason why its checked-in files are stale.
    Stale {
        models: Vec<(String, String)>,
        generated: String,
        blocked: Blocked,
    },
    NotStarted {
        command: String,
        reason: String,
    },
    /// The generator refused; these are its own findings.
    Refused(Vec<Finding>),
    /// The generator broke; `said` is the end of what it wrote to stderr, `log` holds all of it.
    Broken {
        command: String,
        status: String,
        said: Vec<String>,
        log: String,
    },
    /// The generator succeeded, but this file is not for the manifest that was asked for.
    WrongOutput {
        file: String,
        manifest: String,
        found: Option<String>,
        expected: String,
    },
}

/// Why Python does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Blocked {
    Offline,
    DocsRs,
    Published,
    NoPython(NotFound),
}

/// One problem, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// A sentence.
    pub what: String,
    /// Files, lines, module paths or programs; one a line.
    pub places: Vec<String>,
    /// An imperative; may be empty.
    pub fix: String,
}

impl Error {
    /// A file could not be read.
    pub fn read(path: &str, error: &io::Error) -> Self {
        Self::Read {
            path: path.to_owned(),
            reason: error.to_string(),
        }
    }

    /// A file could not be written.
    pub fn write(path: &Path, error: &io::Error) -> Self {
        Self::Write {
            path: path.to_string_lossy().into_owned(),
            reason: error.to_string(),
        }
    }

    /// The table of errors. A generator that refuses has several findings, anything else one.
    pub fn findings(&self) -> Vec<Finding> {
        let (what, places, fix) = match self {
            Self::OutsideBuildScript { variable } => (
                "this is for build scripts".to_owned(),
                vec![format!("the environment variable {variable} is not set")],
                "call it from build.rs: `fn main() { pycandle_build::compile() }`".to_owned(),
            ),
            Self::Read { path, reason } => (
                format!("`{path}` cannot be read"),
                vec![reason.clone()],
                "make it readable for the user who builds".to_owned(),
            ),
            Self::Write { path, reason } => (
                format!("`{path}` cannot be written"),
                vec![reason.clone()],
                "free disk space, or make the target folder writable".to_owned(),
            ),
            Self::Toml { place, message } => (
                format!("Cargo.toml is not valid TOML: {message}"),
                vec![place.clone()],
                "correct that line".to_owned(),
            ),
            Self::NoTable => (
                "no manifest is listed".to_owned(),
                vec!["Cargo.toml, [package.metadata.pycandle]".to_owned()],
                "list one: `manifests = [\"models/minilm_manifest.json\"]`".to_owned(),
            ),
            Self::UnknownKey {
                key,
                table,
                place,
                nearest,
                known,
            } => (
                format!("unknown key `{key}`"),
                vec![format!("{place}, [{table}]")],
                match nearest {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => format!("known are `{known}`"),
                },
            ),
            Self::WrongType {
                key,
                place,
                expected,
                found,
            } => (
                format!("`{key}` must be {expected}, and is {}", with_article(found)),
                vec![place.clone()],
                match key.as_str() {
                    "manifests" => "write `manifests = [\"models/minilm_manifest.json\"]`".into(),
                    "generated" => "write `generated = \"src/generated\"`".into(),
                    "python" => "write `python = \"../.venv/bin/python\"`".into(),
                    "model" => "write `model = \"MiniLm\"`".into(),
                    "module" => "write `module = \"minilm\"`".into(),
                    "features" => "write `features = [\"embeddings\"]`".into(),
                    "checker" => "write `checker = false`".into(),
                    "stateful" => "write `stateful = true`".into(),
                    "dtype" => "write `dtype = \"f32\"`".into(),
                    "fuse" => "write `fuse = false`".into(),
                    _ => "write `[package.metadata.pycandle.models.minilm]`".into(),
                },
            ),
            Self::BadPath { key, place, path } => (
                format!(
                    "`{key}` holds a path that is empty or has a control character: `{}`",
                    path.escape_debug()
                ),
                vec![place.clone()],
                "rename the file".to_owned(),
            ),
            Self::OutsideCrate { key, place, path } => (
                format!("`{key}` must be a folder inside the crate, and is `{path}`"),
                vec![place.clone()],
                "write a path such as `src/generated`".to_owned(),
            ),
            Self::BadModule {
                module,
                manifest,
                place,
            } => (
                format!(
                    "`{}` cannot be the name of a Rust module",
                    module.escape_debug()
                ),
                vec![place.clone()],
                format!(
                    "name one as in `module = \"minilm\"` in \
                     [package.metadata.pycandle.models.'{}']: ASCII letters, digits and `_`, and \
                     no keyword",
                    crate::names::stem(manifest).escape_debug()
                ),
            ),
            Self::BadStruct { name, place } => (
                format!("`{name}` cannot be the name of a Rust struct"),
                vec![place.clone()],
                "use ASCII letters, digits and `_`, and no keyword".to_owned(),
            ),
            Self::BadDType { name, place, known } => (
                format!("`{name}` is no dtype that weights are loaded in"),
                vec![place.clone()],
                format!("write one of `{known}`"),
            ),
            Self::SameFile {
                file,
                place,
                manifest,
                other,
            } => (
                format!("`{other}` and `{manifest}` would both generate `{file}`"),
                vec![place.clone()],
                "rename one of them".to_owned(),
            ),
            Self::MissingManifest {
                manifest,
                module,
                place,
            } => (
                format!("`{manifest}` does not exist"),
                vec![place.clone()],
                format!(
                    "record the model with `pycandle record --script SCRIPT --name {module} --out \
                     FOLDER`, or correct the path"
                ),
            ),
            Self::Stale {
                models,
                generated,
                blocked,
            } => stale(models, generated, blocked),
            Self::NotStarted { command, reason } => (
                "the code generator cannot be started".to_owned(),
                vec![command.clone(), reason.clone()],
                "name another Python in PYCANDLE_PYTHON".to_owned(),
            ),
            Self::Refused(findings) => return findings.clone(),
            Self::Broken {
                command,
                status,
                said,
                log,
            } => (
                format!("the code generator broke off: {status}"),
                [command].into_iter().chain(said).cloned().collect(),
                format!("this is a defect of PyCandle, please report it with {log}"),
            ),
            Self::WrongOutput {
                file,
                manifest,
                found,
                expected,
            } => (
                format!("the code generator did not write `{file}` for this `{manifest}`"),
                vec![match found {
                    Some(found) => format!("its digest is {found}, and {expected} is needed"),
                    None => "it has no digest of PyCandle".to_owned(),
                }],
                "if the manifest was written meanwhile, build again; if not, reinstall \
                 pycandle-rs"
                    .to_owned(),
            ),
        };
        vec![Finding { what, places, fix }]
    }

    /// All findings as lines of text, without control characters.
    pub fn lines(&self) -> Vec<String> {
        self.findings().iter().flat_map(Finding::lines).collect()
    }
}

type Texts = (String, Vec<String>, String);

fn stale(models: &[(String, String)], generated: &str, blocked: &Blocked) -> Texts {
    let why = match blocked {
        Blocked::Offline => "PYCANDLE_OFFLINE forbids to run Python",
        Blocked::DocsRs => "docs.rs has no Python",
        Blocked::Published => "a published crate must not need Python",
        Blocked::NoPython(_) => "no Python that can generate it was found",
    };
    let sync = format!("run `pycandle sync` and commit {generated}");
    let fix = match blocked {
        Blocked::Offline => format!("{sync}, or unset PYCANDLE_OFFLINE"),
        Blocked::DocsRs | Blocked::Published => format!("{sync}, then publish again"),
        Blocked::NoPython(_) => format!(
            "`pip install pycandle-rs=={VERSION}` and name that Python in PYCANDLE_PYTHON, or \
             {sync}"
        ),
    };
    let mut places: Vec<String> = models.iter().map(|(_, reason)| reason.clone()).collect();
    if let Blocked::NoPython(not_found) = blocked {
        places.extend(not_found.tried.iter().map(ToString::to_string));
    }
    let manifests: Vec<String> = models.iter().map(|(path, _)| format!("`{path}`")).collect();
    (
        format!("the code of {} is stale, and {why}", manifests.join(", ")),
        places,
        fix,
    )
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'i']) {
        "an"
    } else {
        "a"
    };
    format!("{article} {kind}")
}

impl Finding {
    /// What, where and how to fix it; one line each, so that none can pose as a line for cargo.
    pub fn lines(&self) -> Vec<String> {
        let places = self.places.iter().map(|place| ("  where: ", place));
        let fix = Some(("  fix:   ", &self.fix)).filter(|(_, fix)| !fix.is_empty());
        [("", &self.what)]
            .into_iter()
            .chain(places)
            .chain(fix)
            .map(|(label, text)| format!("{label}{}", printable(text)))
            .collect()
    }
}

/// `text` without anything that moves the cursor, ends the line or turns the writing direction.
fn printable(text: &str) -> String {
    let hidden = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().fold(String::new(), |mut line, letter| {
        if hidden(letter) {
            line.extend(letter.escape_default());
        } else {
            line.push(letter);
        }
        line
    })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines().join("\n"))
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_stays_in_its_line() {
        let finding = Finding {
            what: "a\ncargo::rustc-link-arg=evil".to_owned(),
            places: vec!["b\r\u{1b}[2J\u{202e}é".to_owned()],
            fix: String::new(),
        };
        let expected = [
            "a\\ncargo::rustc-link-arg=evil",
            "  where: b\\r\\u{1b}[2J\\u{202e}é",
        ];
        assert_eq!(finding.lines(), expected);
    }
}
