//! Whether checked-in code is what a manifest generates, by content and never by time.

use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::metadata::{Metadata, Model};

/// The version of the generator, which is that of this crate.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

const LINE_START: &str = "// pycandle-digest: ";

/// The digest that the generated files of a manifest carry: `sha256:` and 64 hexadecimal digits.
///
/// `options` is [`Model::options`].
pub fn digest(options: &str, manifest: &[u8]) -> String {
    digest_of_version(VERSION, options, manifest)
}

fn digest_of_version(version: &str, options: &str, manifest: &[u8]) -> String {
    let mut hasher = Sha256::new();
    for part in ["pycandle\0", version, "\0", options, "\0"] {
        hasher.update(part.as_bytes());
    }
    hasher.update(manifest);
    hasher
        .finalize()
        .iter()
        .fold("sha256:".to_owned(), |mut text, byte| {
            for nibble in [byte >> 4, byte & 15] {
                text.extend(char::from_digit(nibble.into(), 16));
            }
            text
        })
}

/// The digest in the header of a generated file, its second line.
pub fn recorded(file: &[u8]) -> Option<&str> {
    let line = file.split(|&byte| byte == b'\n').nth(1)?;
    std::str::from_utf8(line)
        .ok()?
        .trim_end()
        .strip_prefix(LINE_START)
}

/// The checked-in files of one model, compared with its manifest.
#[derive(Debug, PartialEq, Eq)]
pub enum Freshness {
    /// All of them are what the manifest generates; their contents, in the order of
    /// [`Model::files`].
    Fresh(Vec<Vec<u8>>),
    /// One of them isn't, for this reason; `digest` is what they should carry.
    Stale { digest: String, reason: String },
}

/// Compares the checked-in files of `model` with its manifest.
///
/// # Errors
/// If the manifest, or a checked-in file that exists, cannot be read.
pub fn freshness(crate_dir: &Path, metadata: &Metadata, model: &Model) -> Result<Freshness, Error> {
    let manifest = match std::fs::read(crate_dir.join(&model.manifest)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::MissingManifest {
                manifest: model.manifest.clone(),
                module: model.module.clone(),
                place: model.place.clone(),
            });
        }
        Err(error) => return Err(Error::read(&model.manifest, &error)),
    };
    let expected = digest(&model.options(), &manifest);
    let stale = |reason| {
        Ok(Freshness::Stale {
            digest: expected.clone(),
            reason,
        })
    };
    let mut contents = Vec::new();
    for file in model.files() {
        let path = format!("{}/{file}", metadata.generated);
        match std::fs::read(crate_dir.join(&path)) {
            Ok(content) => match recorded(&content) {
                Some(digest) if digest == expected => contents.push(content),
                Some(_) => return stale(format!("{path} is out of step with {}", model.manifest)),
                None => return stale(format!("{path} has no digest of PyCandle")),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return stale(format!("{path} does not exist"));
            }
            Err(error) => return Err(Error::read(&path, &error)),
        }
    }
    Ok(Freshness::Fresh(contents))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_the_sha256_that_other_tools_compute() {
        // printf 'pycandle\0%s\0model=\nmodule=toy\n\0{}' 0.1.0 | sha256sum
        assert_eq!(
            digest_of_version("0.1.0", "model=\nmodule=toy\n", b"{}"),
            "sha256:b752784904b9752e3c3a796c156fadd645b577b44ee030d00eb7e71c4e76edaa"
        );
    }

    #[test]
    fn recorded_reads_the_second_line_only() {
        let check = |file: &str, expected: Option<&str>| {
            assert_eq!(recorded(file.as_bytes()), expected, "{file:?}");
        };
        check(
            "// @generated\n// pycandle-digest: sha256:ab\nfn",
            Some("sha256:ab"),
        );
        check(
            "// @generated\r\n// pycandle-digest: sha256:ab\r\nfn",
            Some("sha256:ab"),
        );
        check(
            "// @generated\n// pycandle-digest: sha256:ab",
            Some("sha256:ab"),
        );
        check("// pycandle-digest: sha256:ab\n", None);
        check("// @generated\n\n// pycandle-digest: sha256:ab\n", None);
        check("", None);
    }
}
