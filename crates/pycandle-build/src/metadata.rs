//! `[package.metadata.pycandle]` of a user's `Cargo.toml`, read strictly.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Error;
use crate::names::{is_identifier, module_name, nearest};

const KEYS: [&str; 4] = ["manifests", "generated", "python", "models"];
const MODEL_KEYS: [&str; 1] = ["model"];

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
    /// The line of `Cargo.toml` that lists it.
    pub line: usize,
    /// The Rust module: the manifest's file name without `_manifest.json`.
    pub module: String,
    /// The name of the root struct; empty for the class's own.
    pub model: String,
}

impl Model {
    /// The options that shape the generated code, as sorted `key=value` lines.
    ///
    /// They are part of the digest and are given to the generator.
    pub fn options(&self) -> String {
        format!(
            "manifest={}\nmodel={}\nmodule={}\n",
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
    /// Reads the `Cargo.toml` of the crate in `crate_dir`.
    ///
    /// # Errors
    /// If it cannot be read, or anything in the table is unknown, of a wrong type or ambiguous.
    pub fn read(crate_dir: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(crate_dir.join("Cargo.toml"))
            .map_err(|error| Error::read("Cargo.toml", &error))?;
        Self::parse(&text)
    }

    /// Reads the text of a `Cargo.toml`.
    ///
    /// # Errors
    /// As [`Metadata::read`].
    pub fn parse(text: &str) -> Result<Self, Error> {
        let source = Source { text };
        let document = DeTable::parse(text).map_err(|error| Error::Toml {
            line: source.line(error.span().map_or(0, |span| span.start)),
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

        let mut models = match table.get("manifests") {
            Some(value) => source.models(value)?,
            None => return Err(Error::NoTable),
        };
        if let Some(value) = table.get("models") {
            source.options(source.table("models", value)?, &mut models)?;
        }
        let generated = match table.get("generated") {
            Some(value) => source.folder("generated", value)?,
            None => "src/generated".to_owned(),
        };
        let python = match table.get("python") {
            Some(value) => Some(source.path("python", value)?.into()),
            None => None,
        };
        Ok(Self {
            models,
            generated,
            python,
        })
    }
}

/// The text of a `Cargo.toml`, to tell in which line a value stands.
struct Source<'a> {
    text: &'a str,
}

type Value<'a> = Spanned<DeValue<'a>>;

impl Source<'_> {
    fn line(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().iter().take(offset);
        1 + before.filter(|&&byte| byte == b'\n').count()
    }

    fn wrong_type(&self, key: &str, value: &Value, expected: &'static str) -> Error {
        Error::WrongType {
            key: key.to_owned(),
            line: self.line(value.span().start),
            expected,
            found: value.get_ref().type_str(),
        }
    }

    fn table<'t, 'v>(&self, key: &str, value: &'t Value<'v>) -> Result<&'t DeTable<'v>, Error> {
        let table = value.get_ref().as_table();
        table.ok_or_else(|| self.wrong_type(key, value, "a table"))
    }

    fn string<'t>(&self, key: &str, value: &'t Value) -> Result<&'t str, Error> {
        let text = value.get_ref().as_str();
        text.ok_or_else(|| self.wrong_type(key, value, "a string"))
    }

    /// A path that can be written into one line for cargo.
    fn path(&self, key: &str, value: &Value) -> Result<String, Error> {
        let path = self.string(key, value)?;
        if path.is_empty() || path.chars().any(char::is_control) {
            let (key, line) = (key.to_owned(), self.line(value.span().start));
            return Err(Error::BadPath {
                key,
                line,
                path: path.to_owned(),
            });
        }
        Ok(path.to_owned())
    }

    /// A folder inside the crate: `pycandle sync` writes there, and cargo must package it.
    fn folder(&self, key: &str, value: &Value) -> Result<String, Error> {
        let path = self.path(key, value)?;
        let inside = Path::new(&path)
            .components()
            .all(|component| matches!(component, Component::Normal(_)));
        if !inside {
            let (key, line) = (key.to_owned(), self.line(value.span().start));
            return Err(Error::OutsideCrate { key, line, path });
        }
        Ok(path.trim_end_matches(['/', '\\']).to_owned())
    }

    fn only(&self, table: &DeTable, place: &str, known: &'static [&str]) -> Result<(), Error> {
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if !known.contains(&name) {
                return Err(Error::UnknownKey {
                    key: name.to_owned(),
                    place: place.to_owned(),
                    line: self.line(key.span().start),
                    nearest: nearest(name, known.iter().copied()),
                    known: known.join("`, `"),
                });
            }
        }
        Ok(())
    }

    fn models(&self, value: &Value) -> Result<Vec<Model>, Error> {
        let expected = "an array of strings";
        let array = value.get_ref().as_array();
        let array = array.ok_or_else(|| self.wrong_type("manifests", value, expected))?;
        let mut models = Vec::new();
        let mut names = BTreeMap::new();
        for item in array.iter() {
            if !item.get_ref().is_str() {
                return Err(self.wrong_type("manifests", item, expected));
            }
            let manifest = self.path("manifests", item)?;
            let line = self.line(item.span().start);
            let module = module_name(&manifest).ok_or_else(|| Error::BadModule {
                manifest: manifest.clone(),
                line,
            })?;
            let model = Model {
                manifest,
                line,
                module,
                model: String::new(),
            };
            for file in model.files() {
                // Folders of macOS and Windows take `A.rs` and `a.rs` for the same file.
                let other = names.insert(file.to_lowercase(), model.manifest.clone());
                if let Some(other) = other {
                    let manifest = model.manifest;
                    return Err(Error::SameFile {
                        file,
                        line,
                        manifest,
                        other,
                    });
                }
            }
            models.push(model);
        }
        if models.is_empty() {
            Err(Error::NoTable)
        } else {
            Ok(models)
        }
    }

    fn options(&self, table: &DeTable, models: &mut [Model]) -> Result<(), Error> {
        for (key, value) in table {
            let module = key.get_ref().as_ref();
            let known: Vec<&str> = models.iter().map(|model| model.module.as_str()).collect();
            let Some(index) = known.iter().position(|name| *name == module) else {
                return Err(Error::UnknownKey {
                    key: module.to_owned(),
                    place: "package.metadata.pycandle.models".to_owned(),
                    line: self.line(key.span().start),
                    nearest: nearest(module, known.iter().copied()),
                    known: known.join("`, `"),
                });
            };
            let place = format!("package.metadata.pycandle.models.{module}");
            let options = self.table(module, value)?;
            self.only(options, &place, &MODEL_KEYS)?;
            if let Some(value) = options.get("model") {
                let name = self.string("model", value)?.to_owned();
                let line = self.line(value.span().start);
                if !is_identifier(&name) {
                    return Err(Error::BadStruct { name, line });
                }
                models[index].model = name;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `table` is what stands below `[package.metadata.pycandle]`, which is line 3.
    fn parse(table: &str) -> Result<Metadata, Error> {
        Metadata::parse(&format!(
            "[package]\nname = 'x'\n[package.metadata.pycandle]\n{table}"
        ))
    }

    #[test]
    fn everything_that_can_be_written_is_read() {
        let metadata = parse(
            "manifests = ['models/toy_manifest.json',\n'../big.json']\ngenerated = 'gen/rust/'\n\
             python = '../.venv/bin/python'\nmodels.toy.model = 'Toy'\n[package.metadata.other]\n",
        );
        let model = |manifest: &str, line, module: &str, model: &str| Model {
            manifest: manifest.into(),
            line,
            module: module.into(),
            model: model.into(),
        };
        let expected = Metadata {
            models: vec![
                model("models/toy_manifest.json", 4, "toy", "Toy"),
                model("../big.json", 5, "big", ""),
            ],
            generated: "gen/rust".into(),
            python: Some("../.venv/bin/python".into()),
        };
        assert_eq!(metadata, Ok(expected));
    }

    #[test]
    fn defaults() {
        let metadata = parse("manifests = ['toy_manifest.json']").unwrap();
        assert_eq!(metadata.generated, "src/generated");
        assert_eq!(metadata.python, None);
        assert_eq!(
            metadata.models[0].options(),
            "manifest=toy_manifest.json\nmodel=\nmodule=toy\n"
        );
        assert_eq!(metadata.models[0].files(), ["toy.rs", "toy_parity.rs"]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let check = |table: &str, expected: &[&str]| {
            let error = parse(table).unwrap_err().to_string();
            let found: Vec<&str> = error.lines().collect();
            assert_eq!(found, expected, "{table}");
        };
        let toy = "manifests = ['models/toy_manifest.json']";
        check(
            "manifest = ['toy_manifest.json']",
            &[
                "unknown key `manifest`",
                "  where: Cargo.toml:4, [package.metadata.pycandle]",
                "  fix:   did you mean `manifests`?",
            ],
        );
        check(
            &format!("{toy}\noutput = 'x'"),
            &[
                "unknown key `output`",
                "  where: Cargo.toml:5, [package.metadata.pycandle]",
                "  fix:   known are `manifests`, `generated`, `python`, `models`",
            ],
        );
        check(
            "manifests = 'models/toy_manifest.json'",
            &[
                "`manifests` must be an array of strings, and is a string",
                "  where: Cargo.toml:4",
                "  fix:   write `manifests = [\"models/minilm_manifest.json\"]`",
            ],
        );
        check(
            "manifests = ['a_manifest.json',\n 3]",
            &[
                "`manifests` must be an array of strings, and is an integer",
                "  where: Cargo.toml:5",
                "  fix:   write `manifests = [\"models/minilm_manifest.json\"]`",
            ],
        );
        check(
            &format!("{toy}\npython = true"),
            &[
                "`python` must be a string, and is a boolean",
                "  where: Cargo.toml:5",
                "  fix:   write `python = \"../.venv/bin/python\"`",
            ],
        );
        check(
            &format!("{toy}\nmodels.toi.model = 'Toy'"),
            &[
                "unknown key `toi`",
                "  where: Cargo.toml:5, [package.metadata.pycandle.models]",
                "  fix:   did you mean `toy`?",
            ],
        );
        check(
            &format!("{toy}\nmodels.toy.modle = 'Toy'"),
            &[
                "unknown key `modle`",
                "  where: Cargo.toml:5, [package.metadata.pycandle.models.toy]",
                "  fix:   did you mean `model`?",
            ],
        );
        check(
            &format!("{toy}\nmodels.toy.model = 'Toy{{}}'"),
            &[
                "`Toy{}` cannot be the name of a Rust struct",
                "  where: Cargo.toml:5",
                "  fix:   use ASCII letters, digits and `_`, and no keyword",
            ],
        );
        check(
            "manifests = ['models/mini-lm_manifest.json']",
            &[
                "no Rust module can be named after `models/mini-lm_manifest.json`",
                "  where: Cargo.toml:4",
                "  fix:   rename the file as in `minilm_manifest.json`: ASCII letters, digits and \
                 `_`, and no keyword",
            ],
        );
        check(
            "manifests = ['a/toy_manifest.json', 'b/Toy_manifest.json']",
            &[
                "`a/toy_manifest.json` and `b/Toy_manifest.json` would both generate `Toy.rs`",
                "  where: Cargo.toml:4",
                "  fix:   rename one of them",
            ],
        );
        check(
            &format!("{toy}\ngenerated = '../elsewhere'"),
            &[
                "`generated` must be a folder inside the crate, and is `../elsewhere`",
                "  where: Cargo.toml:5",
                "  fix:   write a path such as `src/generated`",
            ],
        );
        check(
            "manifests = [\"a\\nb.json\"]",
            &[
                "`manifests` holds a path that is empty or has a control character: `a\\nb.json`",
                "  where: Cargo.toml:4",
                "  fix:   rename the file",
            ],
        );
    }

    #[test]
    fn a_crate_without_manifests_is_told_how_to_list_one() {
        let check = |text: &str| assert_eq!(Metadata::parse(text), Err(Error::NoTable), "{text}");
        check("[package]\nname = 'x'");
        check("[package.metadata.pycandle]\n");
        check("[package.metadata.pycandle]\nmanifests = []");
    }
}
