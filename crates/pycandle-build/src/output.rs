//! Writing under `OUT_DIR`, so that no build ever reads half a file or a file of another time.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use crate::environment::Environment;
use crate::error::Error;
use crate::metadata::Model;

/// Replaces the file's content atomically, unless it is the same already.
///
/// # Errors
/// If the folder cannot be made or the file cannot be written; the old content is then untouched.
pub fn write_if_changed(path: &Path, content: &[u8]) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    replace(path, content).map_err(|error| Error::write(path, &error))
}

fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(ErrorKind::InvalidInput.into());
    };
    fs::create_dir_all(folder)?;
    let temporary = folder.join(format!(
        ".{}.{}.tmp",
        name.to_string_lossy(),
        std::process::id()
    ));
    let written = File::create(&temporary)
        .and_then(|mut file| file.write_all(content).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        // The first error is the one to tell; a file left over is removed by the next build.
        let _ = fs::remove_file(&temporary);
    }
    written
}

/// Removes every file in `folder` that is not in `names`: cargo never empties `OUT_DIR`.
///
/// # Errors
/// If the folder cannot be listed or a file cannot be removed.
pub fn keep_only(folder: &Path, names: &BTreeSet<String>) -> Result<(), Error> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(Error::read(&folder.to_string_lossy(), &error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| Error::read(&folder.to_string_lossy(), &error))?;
        let known = entry
            .file_name()
            .to_str()
            .is_some_and(|name| names.contains(name));
        let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
        if !known && !is_folder {
            fs::remove_file(entry.path()).map_err(|error| Error::write(&entry.path(), &error))?;
        }
    }
    Ok(())
}

/// Replaces the model's files by one `compile_error!` each, so that nothing older is compiled.
///
/// Returns what went wrong while writing them, if anything.
pub fn refuse(environment: &Environment, model: &Model, error: &Error) -> Option<Error> {
    // Debug formatting of a string is a Rust literal: quotes and control characters are escaped.
    let content = format!("compile_error!({:?});\n", error.to_string());
    model.files().iter().find_map(|file| {
        write_if_changed(&environment.generated_dir().join(file), content.as_bytes()).err()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn equal_content_is_not_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pycandle/toy.rs");
        write_if_changed(&path, b"one").unwrap();
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        write_if_changed(&path, b"one").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
        write_if_changed(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(names(path.parent().unwrap()), ["toy.rs"]);
    }

    #[test]
    fn a_failure_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().unwrap();
        // A folder cannot be replaced by a file.
        let path = folder.path().join("toy.rs");
        fs::create_dir(&path).unwrap();
        let error = write_if_changed(&path, b"one").unwrap_err();
        assert!(
            error.to_string().contains("toy.rs` cannot be written"),
            "{error}"
        );
        assert_eq!(names(folder.path()), ["toy.rs"]);
    }

    #[test]
    fn keep_only_removes_what_is_not_named() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["toy.rs", "gone.rs", ".toy.rs.123.tmp"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        keep_only(folder.path(), &BTreeSet::from(["toy.rs".to_owned()])).unwrap();
        assert_eq!(names(folder.path()), ["toy.rs"]);
        keep_only(&folder.path().join("absent"), &BTreeSet::new()).unwrap();
    }
}
