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
    /// Where the first of its parts is loaded.
    parts: Option<Place>,
    compared: Option<Place>,
}

impl Places {
    /// A module is loaded here, as a part of another.
    pub(crate) fn loaded(&self, path: &str, within: &str, place: Place) {
        self.note(path, |found| found.loaded = Some(place));
        self.note(within, |found| {
            found.parts.get_or_insert(place);
        });
    }

    /// A module gives its outputs here.
    pub(crate) fn compared(&self, path: &str, place: Place) {
        self.note(path, |found| found.compared = Some(place));
    }

    /// File and line of a module: of its own `forward`; if that never came to its end, of its
    /// `load`; or, if those are this crate's, of where it is loaded. Empty if none was seen.
    pub(crate) fn of(&self, path: &str) -> String {
        let found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(found) = found.get(path).copied() else {
            return String::new();
        };
        let compared = found.compared.filter(|place| !is_own(place));
        let place = compared.or(found.parts).or(found.loaded);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What a `forward` that fails leaves of its module is the `load` that made its parts.
    #[test]
    fn a_module_that_did_not_run_is_where_its_parts_are_loaded() {
        let places = Places::default();
        let block = here();
        let fc = here();
        let act = here();
        places.loaded("block", "", block);
        places.loaded("block.fc", "block", fc);
        places.loaded("block.act", "block", act);
        for (path, place) in [("", block), ("block", fc), ("block.act", act)] {
            assert_eq!(
                places.of(path),
                format!("{}:{}", place.file(), place.line())
            );
        }
        assert_eq!(places.of("nowhere"), "");
    }

    #[track_caller]
    fn here() -> Place {
        Location::caller()
    }
}
