//! The whole bridge over a crate in a temporary folder, wherever no process is needed.

use std::ffi::OsString;
use std::fs;

use super::*;

const MANIFEST: &str = "{\"format\": 1}";
const FRESH: &str = "pub const ANSWER: i64 = 1;\n";

struct Crate {
    folder: tempfile::TempDir,
}

impl Crate {
    /// A crate with one manifest and checked-in files made from `recorded`.
    fn new(recorded: &str) -> Self {
        let this = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        this.write(
            "Cargo.toml",
            "[package]\n[package.metadata.pycandle]\nmanifests = ['models/toy_manifest.json']\n",
        );
        this.write("models/toy_manifest.json", MANIFEST);
        let options = "manifest=models/toy_manifest.json\nmodel=\nmodule=toy\n";
        let digest = digest::digest(options, recorded.as_bytes());
        for file in ["toy.rs", "toy_parity.rs"] {
            let text = format!("// @generated\n// pycandle-digest: {digest}\n{FRESH}");
            this.write(&format!("src/generated/{file}"), &text);
        }
        this
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn remove(&self, path: &str) {
        fs::remove_file(self.folder.path().join(path)).unwrap();
    }

    fn output(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.folder.path().join("target/out/pycandle").join(file)).ok()
    }

    /// Runs the bridge and compares its lines for cargo, those for every crate left out.
    fn check(&self, variables: &[(&str, &str)], expected: &[&str]) {
        let cargo = [
            ("CARGO_MANIFEST_DIR", self.folder.path().to_owned()),
            ("OUT_DIR", self.folder.path().join("target/out")),
        ];
        let cargo = cargo.map(|(name, path)| (OsString::from(name), path.into_os_string()));
        let others = variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let environment = Environment::new(cargo.into_iter().chain(others));
        let lines = run(&environment.unwrap());
        let (watched, rest): (Vec<_>, Vec<_>) = lines
            .iter()
            .partition(|line| line.starts_with("cargo::rerun-if-env-changed="));
        assert!(watched.len() >= environment::WATCHED.len());
        assert_eq!(rest[0], "cargo::rerun-if-changed=Cargo.toml");
        assert_eq!(rest[1..], *expected);
    }
}

const WATCH_MANIFEST: &str = "cargo::rerun-if-changed=models/toy_manifest.json";
const WATCH_MODEL: &str = "cargo::rerun-if-changed=src/generated/toy.rs";
const WATCH_PARITY: &str = "cargo::rerun-if-changed=src/generated/toy_parity.rs";

#[test]
fn fresh_files_are_copied() {
    let toy = Crate::new(MANIFEST);
    toy.write("target/out/pycandle/renamed.rs", "");
    let watched = [WATCH_MANIFEST, WATCH_MODEL, WATCH_PARITY];
    for variables in [&[][..], &[("DOCS_RS", "1")], &[("PYCANDLE_OFFLINE", "1")]] {
        toy.check(variables, &watched);
    }
    assert!(toy.output("toy.rs").unwrap().ends_with(FRESH));
    assert!(toy.output("toy_parity.rs").unwrap().ends_with(FRESH));
    assert_eq!(toy.output("renamed.rs"), None);
}

#[test]
fn a_profile_is_made_of_a_copy() {
    let toy = Crate::new(MANIFEST);
    let path = "src/generated/toy.rs";
    let code = fs::read_to_string(toy.folder.path().join(path)).unwrap();
    let forward = "impl Toy { pub fn forward(&self) { self.fc.forward(1) } }\n";
    toy.write(path, &format!("{code}{forward}"));
    let compiled = |value: &str| {
        let watched = [WATCH_MANIFEST, WATCH_MODEL, WATCH_PARITY];
        toy.check(&[("PYCANDLE_PROFILE", value)], &watched);
        toy.output("toy.rs").unwrap()
    };
    let timed = "{ let _model = pycandle_runtime::profile::model(\"Toy\"); \
                 pycandle_runtime::profile::leave(\
                 self.fc.forward(pycandle_runtime::profile::enter(\"fc\", 1))) } }\n";
    assert!(compiled("1").ends_with(timed), "{}", compiled("1"));
    assert!(compiled("0").ends_with(forward));
    assert!(compiled("").ends_with(forward));
}

#[test]
fn stale_files_are_refused_where_python_must_not_run() {
    let toy = Crate::new("another manifest");
    let watched = [WATCH_MANIFEST, WATCH_MODEL, WATCH_PARITY];
    let place = "cargo::error=  where: src/generated/toy.rs is out of step with \
                 models/toy_manifest.json";
    let start = "cargo::error=the code of `models/toy_manifest.json` is stale, and";
    let sync = "cargo::error=  fix:   run `pycandle sync` and commit src/generated,";
    let check = |variables: &[(&str, &str)], why: &str, way_out: &str| {
        let error = [
            &format!("{start} {why}"),
            place,
            &format!("{sync} {way_out}"),
        ];
        toy.check(variables, &[watched, error].concat());
        let refused = toy.output("toy.rs").unwrap();
        assert!(
            refused.starts_with("compile_error!(\"the code of "),
            "{refused}"
        );
        assert_eq!(toy.output("toy_parity.rs"), Some(refused));
    };
    check(
        &[("PYCANDLE_OFFLINE", "1"), ("DOCS_RS", "1")],
        "PYCANDLE_OFFLINE forbids to run Python",
        "or unset PYCANDLE_OFFLINE",
    );
    check(
        &[("DOCS_RS", "1"), ("PYCANDLE_OFFLINE", "0")],
        "docs.rs has no Python",
        "then publish again",
    );
    toy.write(".cargo_vcs_info.json", "{}");
    check(
        &[],
        "a published crate must not need Python",
        "then publish again",
    );
}

#[test]
fn one_stale_file_of_two_is_enough() {
    let toy = Crate::new(MANIFEST);
    toy.remove("src/generated/toy_parity.rs");
    toy.check(
        &[("DOCS_RS", "1")],
        &[
            WATCH_MANIFEST,
            // The folder in which the missing file would appear.
            "cargo::rerun-if-changed=src/generated",
            WATCH_MODEL,
            "cargo::error=the code of `models/toy_manifest.json` is stale, and docs.rs has no \
             Python",
            "cargo::error=  where: src/generated/toy_parity.rs does not exist",
            "cargo::error=  fix:   run `pycandle sync` and commit src/generated, then publish \
             again",
        ],
    );
}

#[test]
fn a_missing_manifest_is_refused_even_if_code_is_there() {
    let toy = Crate::new(MANIFEST);
    toy.remove("models/toy_manifest.json");
    toy.check(
        &[],
        &[
            WATCH_MODEL,
            WATCH_PARITY,
            "cargo::error=`models/toy_manifest.json` does not exist",
            "cargo::error=  where: Cargo.toml:3",
            "cargo::error=  fix:   record the model with `pycandle record --script SCRIPT --name \
             toy --out FOLDER`, or correct the path",
        ],
    );
    assert!(toy.output("toy.rs").unwrap().starts_with("compile_error!"));
}

#[test]
fn wrong_metadata_leaves_nothing_to_include() {
    let toy = Crate::new(MANIFEST);
    toy.write("target/out/pycandle/toy.rs", FRESH);
    toy.write(
        "Cargo.toml",
        "[package.metadata.pycandle]\nmanifest = 'models/toy_manifest.json'",
    );
    toy.check(
        &[],
        &[
            "cargo::error=unknown key `manifest`",
            "cargo::error=  where: Cargo.toml:2, [package.metadata.pycandle]",
            "cargo::error=  fix:   did you mean `manifests`?",
        ],
    );
    assert_eq!(toy.output("toy.rs"), None);
}

#[test]
fn a_model_is_left_out_without_its_features() {
    let toy = Crate::new(MANIFEST);
    let metadata = "[package.metadata.pycandle]\nmanifests = ['models/toy_manifest.json']\n\
                    models.toy.features = ['a-b', 'c']\n";
    toy.write("Cargo.toml", metadata);
    let on = |name| (name, "1");
    let watched = [WATCH_MANIFEST, WATCH_MODEL, WATCH_PARITY];
    toy.check(&[on("CARGO_FEATURE_A_B"), on("CARGO_FEATURE_C")], &watched);
    assert!(toy.output("toy.rs").unwrap().ends_with(FRESH));
    toy.check(&[on("CARGO_FEATURE_C")], &[]);
    assert_eq!(toy.output("toy.rs"), None);
}

#[test]
fn variables_override_and_are_watched() {
    let toy = Crate::new(MANIFEST);
    let options = "manifest=models/toy_manifest.json\nmodel=\nmodule=other\n";
    let digest = digest::digest(options, MANIFEST.as_bytes());
    for file in ["other.rs", "other_parity.rs"] {
        let text = format!("// @generated\n// pycandle-digest: {digest}\n{FRESH}");
        toy.write(&format!("gen/{file}"), &text);
    }
    let module = ("PYCANDLE_MODELS_TOY_MODULE", "other");
    let watched = [
        "cargo::rerun-if-changed=gen/other.rs",
        "cargo::rerun-if-changed=gen/other_parity.rs",
        WATCH_MANIFEST,
    ];
    toy.check(&[module, ("PYCANDLE_GENERATED", "gen")], &watched);
    assert!(toy.output("other.rs").unwrap().ends_with(FRESH));
    assert_eq!(toy.output("toy.rs"), None);
}

#[test]
fn nothing_runs_outside_a_build_script() {
    let error = Environment::new(std::iter::empty()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "this is for build scripts\n  where: the environment variable CARGO_MANIFEST_DIR is not \
         set\n  fix:   call it from build.rs: `fn main() { pycandle_build::compile() }`"
    );
}
