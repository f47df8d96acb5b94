//! Where the modules of a generated model stand in its Rust: what a checker saw while it was handed
//! down in `load`, and where it was asked to compare.

use std::collections::HashMap;
use std::panic::Location;
use std::sync::{Mutex, PoisonError};

type Place = &'static Location<'static>;

/// The places of a model's modules, by their paths.
#[derive(Debug, Default)]
pub(crate) struct Places {
    found: Mutex<HashMap<String, Found>>,
}

#[derive(Debug, Default, Clone, Copy)]
struct Found {
    loaded: Option<Place>,
    compared: Option<Place>,
}

impl Places {
    /// A module is loaded here.
    pub(crate) fn loaded(&self, path: &str, place: Place) {
        self.note(path, |found| found.loaded = Some(place));
    }

    /// A module gives its outputs here.
    pub(crate) fn compared(&self, path: &str, place: Place) {
        self.note(path, |found| found.compared = Some(place));
    }

    /// File and line of a module: of its own `forward`, or, if that is this crate's, of where it is
    /// loaded. Empty if neither was seen.
    pub(crate) fn of(&self, path: &str) -> String {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Found { loaded, compared }) = found.get(path).copied() else {
            return String::new();
        };
        let place = compared.filter(|place| !is_own(place)).or(loaded);
        place.map_or(String::new(), |place| {
            format!("{}:{}", place.file(), place.line())
        })
    }

    fn note(&self, path: &str, change: impl FnOnce(&mut Found)) {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        change(found.entry(path.to_string()).or_default());
    }
}

/// Whether a place is in this crate, which is what its layers are in.
fn is_own(place: Place) -> bool {
    place
        .file()
        .starts_with(file!().trim_end_matches("places.rs"))
}
