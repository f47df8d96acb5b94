//! Names that a user writes: whether Rust can have them, and what a wrong one meant.

/// What a manifest is called: its file name without `_manifest.json`.
pub fn stem(manifest: &str) -> &str {
    let name = manifest.rsplit(['/', '\\']).next().unwrap_or(manifest);
    let stem = name.strip_suffix(".json").unwrap_or(name);
    stem.strip_suffix("_manifest").unwrap_or(stem)
}

/// Whether `name` can be written into Rust as it is: ASCII, and no keyword of any edition.
pub fn is_identifier(name: &str) -> bool {
    const KEYWORDS: &str = " abstract as async await become box break const continue crate do dyn \
        else enum extern false final fn for gen if impl in let loop macro match mod move mut \
        override priv pub ref return self Self static struct super trait true try type typeof \
        unsafe unsized use virtual where while yield ";
    let starts = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
    let continues = name
        .chars()
        .all(|next| next.is_ascii_alphanumeric() || next == '_');
    starts && continues && name != "_" && !KEYWORDS.contains(&format!(" {name} "))
}

/// The known name that a typing error most likely meant, if any is near.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| distance * 2 < candidate.len())
        .min()
        .map(|(_, candidate)| candidate.to_owned())
}

/// The edit distance of Levenshtein, row by row.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = index;
        row[0] = index + 1;
        for (column, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_named_after_files() {
        let check = |manifest: &str, expected: &str| {
            assert_eq!(stem(manifest), expected, "{manifest}");
        };
        check("models/toy_manifest.json", "toy");
        check("models\\toy_manifest.json", "toy");
        check("toy.json", "toy");
        check("mini-lm_manifest.json", "mini-lm");
        check("toy_manifest.toml", "toy_manifest.toml");
        check("_manifest.json", "");
        check("models/", "");
        check("", "");
    }

    #[test]
    fn identifiers() {
        for name in ["toy", "_x", "Toy2", "type_"] {
            assert!(is_identifier(name), "{name}");
        }
        for name in [
            "", "_", "2d", "type", "crate", "Self", "naïve", "a b", "a\n", "as async",
        ] {
            assert!(!is_identifier(name), "{name}");
        }
    }

    #[test]
    fn only_near_names_are_suggested() {
        let known = ["manifests", "generated", "python", "models"];
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(
                nearest(name, known.into_iter()).as_deref(),
                expected,
                "{name}"
            );
        };
        check("manifest", Some("manifests"));
        check("pyhton", Some("python"));
        check("generate", Some("generated"));
        check("model", Some("models"));
        check("x", None);
        check("features", None);
    }
}
