//! A value that a user wrote, in `Cargo.toml` or in an environment variable, and where it stands.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Error;
use crate::names::nearest;

pub type Value<'a> = Spanned<DeValue<'a>>;

/// What settings are read from: the text of a `Cargo.toml`, and the variables that override it.
pub struct Source<'a> {
    pub text: &'a str,
    pub variables: &'a BTreeMap<String, String>,
}

/// One setting; its methods name the key and the place if it is not what it should be.
pub struct Setting<'a> {
    key: &'static str,
    pub place: String,
    given: Given<'a>,
}

enum Given<'a> {
    Toml(&'a DeValue<'a>),
    /// A list is separated by commas.
    Variable(&'a str),
}

impl<'a> Source<'a> {
    /// `Cargo.toml:LINE`
    pub fn place(&self, offset: usize) -> String {
        let before = self.text.as_bytes().iter().take(offset);
        let line = 1 + before.filter(|&&byte| byte == b'\n').count();
        format!("Cargo.toml:{line}")
    }

    /// The setting of `key`: the variable if it is set, else what the table has.
    pub fn setting(
        &'a self,
        table: Option<&'a DeTable<'a>>,
        key: &'static str,
        variable: &str,
    ) -> Option<Setting<'a>> {
        if let Some((name, text)) = self.variables.get_key_value(variable) {
            return Some(Setting {
                key,
                place: format!("the environment variable {name}"),
                given: Given::Variable(text),
            });
        }
        let value = table?.get(key)?;
        Some(Setting {
            key,
            place: self.place(value.span().start),
            given: Given::Toml(value.get_ref()),
        })
    }

    /// # Errors
    /// If the value is no table.
    pub fn table<'t, 'v>(&self, key: &str, value: &'t Value<'v>) -> Result<&'t DeTable<'v>, Error> {
        value.get_ref().as_table().ok_or_else(|| Error::WrongType {
            key: key.to_owned(),
            place: self.place(value.span().start),
            expected: "a table",
            found: value.get_ref().type_str(),
        })
    }

    /// # Errors
    /// If the table `name` has a key that is not `known`.
    pub fn only(&self, table: &DeTable, name: &str, known: &[&str]) -> Result<(), Error> {
        for key in table.keys() {
            let written = key.get_ref().as_ref();
            if !known.contains(&written) {
                return Err(Error::UnknownKey {
                    key: written.to_owned(),
                    table: name.to_owned(),
                    place: self.place(key.span().start),
                    nearest: nearest(written, known.iter().copied()),
                    known: known.join("`, `"),
                });
            }
        }
        Ok(())
    }
}

impl Setting<'_> {
    fn wrong_type(&self, value: &DeValue, expected: &'static str) -> Error {
        Error::WrongType {
            key: self.key.to_owned(),
            place: self.place.clone(),
            expected,
            found: value.type_str(),
        }
    }

    /// # Errors
    /// If it is no string.
    pub fn string(&self) -> Result<&str, Error> {
        match self.given {
            Given::Variable(text) => Ok(text),
            Given::Toml(value) => value
                .as_str()
                .ok_or_else(|| self.wrong_type(value, "a string")),
        }
    }

    /// # Errors
    /// If it is neither `true` nor `false`.
    pub fn boolean(&self) -> Result<bool, Error> {
        match self.given {
            Given::Variable("true") => Ok(true),
            Given::Variable("false") => Ok(false),
            Given::Variable(_) => Err(Error::WrongType {
                key: self.key.to_owned(),
                place: self.place.clone(),
                expected: "`true` or `false`",
                found: "string",
            }),
            Given::Toml(value) => value
                .as_bool()
                .ok_or_else(|| self.wrong_type(value, "`true` or `false`")),
        }
    }

    /// A list of strings, each with its place.
    ///
    /// # Errors
    /// If it is something else.
    pub fn strings(&self, source: &Source) -> Result<Vec<(String, String)>, Error> {
        const EXPECTED: &str = "an array of strings";
        let value = match self.given {
            Given::Variable(text) => {
                let items = text.split(',').map(str::trim);
                let items = items.filter(|item| !item.is_empty());
                return Ok(items
                    .map(|item| (item.to_owned(), self.place.clone()))
                    .collect());
            }
            Given::Toml(value) => value,
        };
        let array = value
            .as_array()
            .ok_or_else(|| self.wrong_type(value, EXPECTED))?;
        let mut items = Vec::new();
        for item in array.iter() {
            let place = source.place(item.span().start);
            let Some(text) = item.get_ref().as_str() else {
                return Err(Error::WrongType {
                    key: self.key.to_owned(),
                    place,
                    expected: EXPECTED,
                    found: item.get_ref().type_str(),
                });
            };
            items.push((text.to_owned(), place));
        }
        Ok(items)
    }

    /// A path that can be written into one line for cargo.
    ///
    /// # Errors
    /// If it is no string, is empty or has a control character.
    pub fn path(&self) -> Result<String, Error> {
        let path = self.string()?;
        one_line(self.key, path, &self.place)?;
        Ok(path.to_owned())
    }

    /// A folder inside the crate: `pycandle sync` writes there, and cargo must package it.
    ///
    /// # Errors
    /// As [`Setting::path`], or if it could be outside.
    pub fn folder(&self) -> Result<String, Error> {
        let path = self.path()?;
        let inside = Path::new(&path)
            .components()
            .all(|component| matches!(component, Component::Normal(_)));
        if !inside {
            return Err(Error::OutsideCrate {
                key: self.key.to_owned(),
                place: self.place.clone(),
                path,
            });
        }
        Ok(path.trim_end_matches(['/', '\\']).to_owned())
    }
}

/// # Errors
/// If the path is empty or has a control character.
pub fn one_line(key: &str, path: &str, place: &str) -> Result<(), Error> {
    if path.is_empty() || path.chars().any(char::is_control) {
        return Err(Error::BadPath {
            key: key.to_owned(),
            place: place.to_owned(),
            path: path.to_owned(),
        });
    }
    Ok(())
}
