//! `[package.metadata.pycandle]` of a user's `Cargo.toml`, read strictly.
//!
//! Every key has an environment variable that overrides it: `PYCANDLE_GENERATED`, and
//! `PYCANDLE_MODELS_TOY_MODULE` for `models.toy.module`. `pycandle/crate.py` reads the same.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::error::Error;
use crate::names::{is_identifier, nearest, stem};
use crate::settings::{Source, one_line};

const KEYS: [&str; 4] = ["manifests", "generated", "python", "models"];
const MODEL_KEYS: [&str; 7] = [
    "model", "module", "features", "checker", "stateful", "dtype", "fuse",
];
const DTYPES: [&str; 4] = ["f64", "f32", "f16", "bf16"];

/// What a crate asks of PyCandle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// One for each entry of `manifests`, in that order.
    pub models: Vec<Model>,
    /// The folder of the checked-in files, relative to the crate.
    pub generated: String,
    /// The interpreter to use, relative to the crate.
    pub python: Option<PathBuf>,
}

/// One recorded model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// The manifest, relative to the crate.
    pub manifest: String,
    /// What lists it: a line of `Cargo.toml`, or a variable.
    pub place: String,
    /// The Rust module: the manifest's file name without `_manifest.json`, unless one is named.
    pub module: String,
    /// The name of the root struct; empty for the class's own.
    pub model: String,
    /// The crate's features without which the model is left out.
    pub features: Vec<String>,
    /// Whether the code compares itself with a recording where it is given one.
    pub checker: bool,
    /// Whether there is a struct that keeps the model's state between calls.
    pub stateful: bool,
    /// What the weights are loaded in; empty for what the caller asks for.
    pub dtype: String,
    /// Whether a layer and what is done to its result are one call.
    pub fuse: bool,
}

impl Model {
    /// The options that shape the generated code, as sorted `key=value` lines.
    ///
    /// They are part of the digest and are given to the generator.
    pub fn options(&self) -> String {
        let checker = if self.checker { "" } else { "checker=false\n" };
        let dtype = match &*self.dtype {
            "" => String::new(),
            dtype => format!("dtype={dtype}\n"),
        };
        let fuse = if self.fuse { "" } else { "fuse=false\n" };
        let stateful = if self.stateful { "stateful=true\n" } else { "" };
        format!(
            "{checker}{dtype}{fuse}manifest={}\nmodel={}\nmodule={}\n{stateful}",
            self.manifest, self.model, self.module
        )
    }

    /// The generated files: the model, then its parity tests.
    pub fn files(&self) -> [String; 2] {
        [
            format!("{}.rs", self.module),
            format!("{}_parity.rs", self.module),
        ]
    }
}

impl Metadata {
    /// Reads the `Cargo.toml` of the crate in `crate_dir`, and the variables that override it.
    ///
    /// # Errors
    /// If it cannot be read, or anything in the table is unknown, of a wrong type or ambiguous.
    pub fn read(crate_dir: &Path, variables: &BTreeMap<String, String>) -> Result<Self, Error> {
        let text = std::fs::read_to_string(crate_dir.join("Cargo.toml"))
            .map_err(|error| Error::read("Cargo.toml", &error))?;
        Self::parse(&text, variables)
    }

    /// Reads the text of a `Cargo.toml`.
    ///
    /// # Errors
    /// As [`Metadata::read`].
    pub fn parse(text: &str, variables: &BTreeMap<String, String>) -> Result<Self, Error> {
        let source = Source { text, variables };
        let document = DeTable::parse(text).map_err(|error| Error::Toml {
            place: source.place(error.span().map_or(0, |span| span.start)),
            message: error.message().to_owned(),
        })?;
        let mut table = document.get_ref();
        for name in ["package", "metadata", "pycandle"] {
            let Some(value) = table.get(name) else {
                return Err(Error::NoTable);
            };
            table = source.table(name, value)?;
        }
        source.only(table, "package.metadata.pycandle", &KEYS)?;
        let setting = |key, variable| source.setting(Some(table), key, variable);
        let generated = setting("generated", "PYCANDLE_GENERATED");
        let python = setting("python", "PYCANDLE_PYTHON");
        Ok(Self {
            models: models(&source, table)?,
            generated: match generated {
                Some(generated) => generated.folder()?,
                None => "src/generated".to_owned(),
            },
            python: match python {
                Some(python) => Some(python.path()?.into()),
                None => None,
            },
        })
    }
}

/// The variables that override what `Cargo.toml` says of the model in a file of this stem.
pub fn model_variables(stem: &str) -> [String; 7] {
    let capital = |letter: char| match letter.to_ascii_uppercase() {
        letter @ ('A'..='Z' | '0'..='9') => letter,
        _ => '_',
    };
    let stem: String = stem.chars().map(capital).collect();
    MODEL_KEYS.map(|key| format!("PYCANDLE_MODELS_{stem}_{}", key.to_uppercase()))
}

fn models(source: &Source, table: &DeTable) -> Result<Vec<Model>, Error> {
    let manifests = source.setting(Some(table), "manifests", "PYCANDLE_MANIFESTS");
    let Some(manifests) = manifests else {
        return Err(Error::NoTable);
    };
    let manifests = manifests.strings(source)?;
    let stems: Vec<&str> = manifests.iter().map(|(path, _)| stem(path)).collect();
    let options = match table.get("models") {
        Some(value) => Some(source.table("models", value)?),
        None => None,
    };
    for key in options.into_iter().flat_map(DeTable::keys) {
        let name = key.get_ref().as_ref();
        if !stems.contains(&name) {
            return Err(Error::UnknownKey {
                key: name.to_owned(),
                table: "package.metadata.pycandle.models".to_owned(),
                place: source.place(key.span().start),
                nearest: nearest(name, stems.iter().copied()),
                known: stems.join("`, `"),
            });
        }
    }
    let mut models = Vec::new();
    let mut names = BTreeMap::new();
    for ((manifest, place), stem) in manifests.iter().zip(stems) {
        one_line("manifests", manifest, place)?;
        let own = match options.and_then(|options| options.get(stem)) {
            Some(value) => Some(source.table(stem, value)?),
            None => None,
        };
        let model = model(source, own, manifest, place, stem)?;
        for file in model.files() {
            // Folders of macOS and Windows take `A.rs` and `a.rs` for the same file.
            let other = names.insert(file.to_lowercase(), manifest);
            if let Some(other) = other {
                return Err(Error::SameFile {
                    file,
                    place: place.clone(),
                    manifest: manifest.clone(),
                    other: other.clone(),
                });
            }
        }
        models.push(model);
    }
    Ok(models)
}

fn model(
    source: &Source,
    own: Option<&DeTable>,
    manifest: &str,
    place: &str,
    stem: &str,
) -> Result<Model, Error> {
    if let Some(own) = own {
        let name = format!("package.metadata.pycandle.models.{stem}");
        source.only(own, &name, &MODEL_KEYS)?;
    }
    let [model, module, features, checker, stateful, dtype, fuse] = model_variables(stem);
    let model = match source.setting(own, "model", &model) {
        Some(model) => {
            let name = model.string()?;
            if !is_identifier(name) {
                return Err(Error::BadStruct {
                    name: name.to_owned(),
                    place: model.place,
                });
            }
            name.to_owned()
        }
        None => String::new(),
    };
    let (module, named) = match source.setting(own, "module", &module) {
        Some(module) => (module.string()?.to_owned(), module.place),
        None => (stem.to_owned(), place.to_owned()),
    };
    if !is_identifier(&module) {
        return Err(Error::BadModule {
            module,
            manifest: manifest.to_owned(),
            place: named,
        });
    }
    let features = match source.setting(own, "features", &features) {
        Some(features) => features.strings(source)?,
        None => Vec::new(),
    };
    let checker = match source.setting(own, "checker", &checker) {
        Some(checker) => checker.boolean()?,
        None => true,
    };
    let stateful = match source.setting(own, "stateful", &stateful) {
        Some(stateful) => stateful.boolean()?,
        None => false,
    };
    let dtype = match source.setting(own, "dtype", &dtype) {
        Some(dtype) => {
            let name = dtype.string()?.to_owned();
            if !DTYPES.contains(&&*name) {
                return Err(Error::BadDType {
                    name,
                    place: dtype.place,
                    known: DTYPES.join("`, `"),
                });
            }
            name
        }
        None => String::new(),
    };
    let fuse = match source.setting(own, "fuse", &fuse) {
        Some(fuse) => fuse.boolean()?,
        None => true,
    };
    Ok(Model {
        manifest: manifest.to_owned(),
        place: place.to_owned(),
        module,
        model,
        features: features.into_iter().map(|(name, _)| name).collect(),
        checker,
        stateful,
        dtype,
        fuse,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tinyjson::JsonValue;

    use super::*;

    type Object = HashMap<String, JsonValue>;

    /// What a case has at `key`, or nothing.
    fn strings(case: &Object, key: &str) -> Option<Vec<String>> {
        let values: &Vec<JsonValue> = case.get(key)?.get()?;
        let texts = values.iter().map(|value| value.get::<String>().cloned());
        texts.collect()
    }

    fn check(case: &Object) {
        let table: &String = case["table"].get().unwrap();
        let given = case
            .get("variables")
            .and_then(|value| value.get::<Object>());
        let variables = given.into_iter().flatten();
        let variables = variables.map(|(key, value)| (key.clone(), value.get().cloned().unwrap()));
        let text = format!("[package]\nname = 'x'\n[package.metadata.pycandle]\n{table}\n");
        let metadata = Metadata::parse(&text, &variables.collect());
        if let Some(error) = strings(case, "error") {
            let [what, place, fix] = error.try_into().unwrap();
            let expected = format!("{what}\n  where: {place}\n  fix:   {fix}");
            assert_eq!(metadata.unwrap_err().to_string(), expected, "{table}");
            return;
        }
        let metadata = metadata.unwrap();
        let options: Vec<String> = metadata.models.iter().map(Model::options).collect();
        assert_eq!(Some(options), strings(case, "options"), "{table}");
        let generated = case
            .get("generated")
            .and_then(|value| value.get::<String>());
        let generated = generated.map_or("src/generated", String::as_str);
        assert_eq!(metadata.generated, generated, "{table}");
        let features = case.get("features").and_then(|value| value.get::<Vec<_>>());
        for (model, features) in metadata.models.iter().zip(features.into_iter().flatten()) {
            let expected: Vec<String> = features
                .get::<Vec<JsonValue>>()
                .unwrap()
                .iter()
                .map(|feature| feature.get().cloned().unwrap())
                .collect();
            assert_eq!(model.features, expected, "{table}");
        }
    }

    /// The Python side is held to the same cases.
    #[test]
    fn cases_of_the_bridge_tests() {
        let text = include_str!("../../../tests/bridge/metadata.json");
        let cases: JsonValue = text.parse().unwrap();
        for case in cases.get::<Vec<_>>().unwrap() {
            check(case.get().unwrap());
        }
    }

    #[test]
    fn a_model_gives_two_files() {
        let text = "[package.metadata.pycandle]\nmanifests = ['toy.json']\npython = '../python'\n";
        let metadata = Metadata::parse(text, &BTreeMap::new()).unwrap();
        assert_eq!(metadata.models[0].files(), ["toy.rs", "toy_parity.rs"]);
        assert_eq!(metadata.models[0].place, "Cargo.toml:2");
        assert_eq!(metadata.python, Some("../python".into()));
    }
}
