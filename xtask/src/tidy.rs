//! `cargo xtask tidy`: the rules of the tree that no compiler or linter holds.
//!
//! Every rule is a function over all text files, so that a test can hand it two lines.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

const MOST_LINES: usize = 500;
const BANNED_NAMES: [&str; 6] = ["common", "helper", "helpers", "misc", "util", "utils"];
/// Folders that hold what is built, not what is written.
const BUILT: [&str; 3] = ["__pycache__", "dist", "target"];
const HIDDEN: [&str; 3] = [".cargo", ".ci", ".github"];
const MAP: &str = "ARCHITECTURE.md";

/// A text file of the repository; the path has forward slashes and starts at the root.
struct Source {
    path: String,
    text: String,
}

type Rule = fn(&[Source]) -> Vec<String>;

const RULES: [Rule; 6] = [
    files_are_short,
    names_say_what_is_inside,
    modules_are_on_the_map,
    invariants_name_a_test,
    versions_agree,
    no_addresses,
];

/// Prints every breach and fails if there is one.
pub fn run(root: &Path) -> Result<()> {
    let sources = sources(root)?;
    let breaches = breaches(&sources);
    for breach in &breaches {
        println!("{breach}");
    }
    if !breaches.is_empty() {
        bail!("{} things to tidy, listed above", breaches.len());
    }
    println!("tidy: {} files follow the rules", sources.len());
    Ok(())
}

fn breaches(sources: &[Source]) -> Vec<String> {
    RULES.iter().flat_map(|rule| rule(sources)).collect()
}

fn files_are_short(sources: &[Source]) -> Vec<String> {
    let written = sources.iter().filter(|source| {
        (source.path.ends_with(".py") || source.path.ends_with(".rs")) && !is_generated(source)
    });
    let long = written.map(|source| (source, source.text.lines().count()));
    long.filter(|(_, lines)| *lines > MOST_LINES)
        .map(|(source, lines)| {
            format!(
                "{}: {lines} lines, at most {MOST_LINES}; split it by meaning",
                source.path
            )
        })
        .collect()
}

fn is_generated(source: &Source) -> bool {
    let golden = source
        .path
        .strip_prefix("tests/golden/")
        .is_some_and(|rest| rest.contains('/'));
    golden || source.text.starts_with("// @generated")
}

fn names_say_what_is_inside(sources: &[Source]) -> Vec<String> {
    let mut breaches = BTreeSet::new();
    for source in sources {
        for part in source.path.split('/') {
            let stem = part.split('.').next().unwrap_or(part);
            if BANNED_NAMES.contains(&stem) {
                breaches.insert(format!(
                    "{}: `{stem}` says nothing; name it by content",
                    source.path
                ));
            }
        }
    }
    breaches.into_iter().collect()
}

/// Every module has one entry, a list item that starts with its path in backticks, and every entry a module.
fn modules_are_on_the_map(sources: &[Source]) -> Vec<String> {
    let Some(map) = find(sources, MAP) else {
        return Vec::new();
    };
    let entries: Vec<&str> = map.text.lines().filter_map(map_entry).collect();
    let mut breaches = Vec::new();
    for source in sources.iter().filter(|source| is_module(&source.path)) {
        let count = entries
            .iter()
            .filter(|entry| **entry == source.path)
            .count();
        if count != 1 {
            breaches.push(format!(
                "{MAP}: {count} entries for {path}, exactly one is wanted; write a line `- `{path}` ...`",
                path = source.path
            ));
        }
    }
    let stale = entries.iter().filter(|entry| {
        let folder = format!("{}/", entry.trim_end_matches('/'));
        !sources
            .iter()
            .any(|source| source.path == **entry || source.path.starts_with(&folder))
    });
    breaches.extend(stale.map(|entry| format!("{MAP}: {entry} does not exist; remove its entry")));
    breaches
}

fn map_entry(line: &str) -> Option<&str> {
    let item = line.trim_start().strip_prefix("- `")?;
    let (path, _) = item.split_once('`')?;
    path.contains('/').then_some(path)
}

fn is_module(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let python = path.starts_with("pycandle/") && file.ends_with(".py");
    let rust = path.starts_with("crates/") && path.contains("/src/") && file.ends_with(".rs");
    (python && !file.starts_with("__"))
        || (rust && !["lib.rs", "main.rs", "mod.rs"].contains(&file))
}

/// An invariant that no test holds is a wish: its line must name one in backticks.
fn invariants_name_a_test(sources: &[Source]) -> Vec<String> {
    let Some(map) = find(sources, MAP) else {
        return Vec::new();
    };
    let lines = map
        .text
        .lines()
        .enumerate()
        .filter(|(_, line)| line.contains("Invariant:"));
    let unheld = lines.filter(|(_, line)| {
        !line
            .split('`')
            .skip(1)
            .step_by(2)
            .any(|name| is_test(name, sources))
    });
    unheld
        .map(|(number, _)| {
            format!(
                "{MAP}:{}: no test in backticks that exists; name the one that holds it",
                number + 1
            )
        })
        .collect()
}

/// `name` is a test function, `path::name`, or the path of a file of tests.
fn is_test(name: &str, sources: &[Source]) -> bool {
    let (path, function) = name
        .rsplit_once("::")
        .map_or(("", name), |(path, function)| (path, function));
    let (python, rust) = (format!("def {function}("), format!("fn {function}("));
    let holds = |source: &Source| {
        let defines = source.text.contains(&python) || source.text.contains(&rust);
        let tests = source.path.contains("tests/") || source.text.contains("#[test]");
        defines && tests && source.path.ends_with(path)
    };
    let is_file = name.contains("test") && name.contains('/') && find(sources, name).is_some();
    is_file || (!function.is_empty() && sources.iter().any(holds))
}

/// The workspace, its crates' requirements on each other and the Python package carry one version.
fn versions_agree(sources: &[Source]) -> Vec<String> {
    let (Some(cargo), Some(python)) = (
        table(sources, "Cargo.toml"),
        table(sources, "pyproject.toml"),
    ) else {
        return vec!["Cargo.toml and pyproject.toml must be at the root and be TOML".into()];
    };
    let Some(version) = at(&cargo, &["workspace", "package", "version"]) else {
        return vec!["Cargo.toml: workspace.package.version is missing; write it".into()];
    };
    let mut breaches = Vec::new();
    let mut expect = |place: String, found: Option<&str>| {
        if found != Some(version) {
            let found = found.unwrap_or("none");
            breaches.push(format!(
                "{place} is {found}, Cargo.toml says {version}; make them equal"
            ));
        }
    };
    expect(
        "pyproject.toml: project.version".into(),
        at(&python, &["project", "version"]),
    );
    let dependencies = cargo
        .get("workspace")
        .and_then(|workspace| workspace.get("dependencies"));
    for (name, requirement) in dependencies
        .and_then(toml::Value::as_table)
        .into_iter()
        .flatten()
    {
        if requirement.get("path").is_some() {
            let found = requirement.get("version").and_then(toml::Value::as_str);
            expect(format!("Cargo.toml: the version of {name}"), found);
        }
    }
    for source in sources
        .iter()
        .filter(|source| source.path.starts_with("pycandle/"))
    {
        for name in ["VERSION", "__version__"] {
            if let Some(found) = literal(&source.text, name) {
                expect(format!("{}: {name}", source.path), Some(found));
            }
        }
    }
    breaches
}

/// The string that a Python file assigns to `name` at its top level, with or without a type.
fn literal<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let rest = line.strip_prefix(name)?;
        let (kind, value) = rest.split_once('=')?;
        let assigned = kind.trim().is_empty() || kind.trim_start().starts_with(':');
        let value = value.trim().strip_prefix('"')?;
        assigned.then(|| value.split_once('"').map(|(value, _)| value))?
    })
}

/// Where packages come from and where this tree lies are settings of a machine, not of the project.
fn no_addresses(sources: &[Source]) -> Vec<String> {
    let mut banned: Vec<String> = [
        concat!("index", ".crates.io"),
        concat!("static", ".crates.io"),
        concat!("pypi.org", "/simple"),
        concat!("files.python", "hosted.org"),
        concat!("download.py", "torch.org"),
        concat!("registry.npm", "js.org"),
        concat!("--index", "-url"),
        concat!("--extra-index", "-url"),
        concat!("--find", "-links"),
        concat!("/ro", "ot/"),
        concat!("/ho", "me/"),
        concat!("/Us", "ers/"),
    ]
    .map(String::from)
    .into();
    if let Some(root) = Path::new(env!("CARGO_MANIFEST_DIR")).parent() {
        banned.push(root.to_string_lossy().into_owned());
    }
    let mut breaches = Vec::new();
    for source in sources {
        for (number, line) in source.text.lines().enumerate() {
            for word in banned.iter().filter(|word| line.contains(word.as_str())) {
                breaches.push(format!(
                    "{}:{}: `{word}` is a registry address or a path of one machine; remove it",
                    source.path,
                    number + 1
                ));
            }
        }
    }
    breaches
}

fn find<'a>(sources: &'a [Source], path: &str) -> Option<&'a Source> {
    sources.iter().find(|source| source.path == path)
}

fn table(sources: &[Source], path: &str) -> Option<toml::Value> {
    find(sources, path).and_then(|source| toml::from_str(&source.text).ok())
}

fn at<'a>(value: &'a toml::Value, path: &[&str]) -> Option<&'a str> {
    path.iter()
        .try_fold(value, |value, key| value.get(key))
        .and_then(toml::Value::as_str)
}

/// Every text file of the repository, in order of its path.
fn sources(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    read_folder(root, "", &mut sources)?;
    sources.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(sources)
}

fn read_folder(folder: &Path, prefix: &str, sources: &mut Vec<Source>) -> Result<()> {
    let unreadable = || format!("{} cannot be read", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().with_context(unreadable)?;
        if kind.is_dir() && is_written(prefix, &name) {
            read_folder(&entry.path(), &format!("{path}/"), sources)?;
        } else if kind.is_file()
            && !name.ends_with(".safetensors")
            && let Ok(text) = String::from_utf8(fs::read(entry.path())?)
        {
            sources.push(Source { path, text });
        }
    }
    Ok(())
}

/// Whether a folder holds what people write: nothing built, hidden or fetched.
fn is_written(prefix: &str, name: &str) -> bool {
    let hidden = name.starts_with('.') && !HIDDEN.contains(&name);
    let fetched = prefix.starts_with("examples/") && prefix.ends_with("/models/");
    !hidden && !fetched && !BUILT.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: Rule, files: &[(&str, &str)], expected: &[&str]) {
        let sources = files.iter().map(|(path, text)| Source {
            path: (*path).into(),
            text: (*text).into(),
        });

        assert_eq!(rule(&sources.collect::<Vec<_>>()), expected);
    }

    #[test]
    fn this_repository_is_tidy() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .expect("xtask has a parent");
        let sources = sources(root).expect("the repository can be read");

        assert_eq!(breaches(&sources), Vec::<String>::new());
    }

    #[test]
    fn a_long_file_is_named_unless_it_is_generated() {
        let long = "x\n".repeat(MOST_LINES + 1);
        let generated = format!("// @generated\n{long}");
        let files = [
            ("pycandle/cli.py", long.as_str()),
            ("examples/a/src/generated/a.rs", generated.as_str()),
            ("tests/golden/a/model.rs", long.as_str()),
            ("docs/long.md", long.as_str()),
        ];

        let expected = ["pycandle/cli.py: 501 lines, at most 500; split it by meaning"];
        check(files_are_short, &files, &expected);
    }

    #[test]
    fn an_empty_name_is_named() {
        let files = [
            ("pycandle/utils.py", ""),
            ("pycandle/helpers/a.py", ""),
            ("pycandle/ir.py", ""),
        ];

        let expected = [
            "pycandle/helpers/a.py: `helpers` says nothing; name it by content",
            "pycandle/utils.py: `utils` says nothing; name it by content",
        ];
        check(names_say_what_is_inside, &files, &expected);
    }

    #[test]
    fn the_map_and_the_tree_agree() {
        let map = "- `pycandle/a.py` does a\n- `pycandle/gone.py` did\n- `pycandle/` is a folder\n";
        let files = [
            (MAP, map),
            ("pycandle/a.py", ""),
            ("crates/c/src/b.rs", ""),
            ("crates/c/src/lib.rs", ""),
        ];

        let expected = [
            "ARCHITECTURE.md: 0 entries for crates/c/src/b.rs, exactly one is wanted; \
             write a line `- `crates/c/src/b.rs` ...`",
            "ARCHITECTURE.md: pycandle/gone.py does not exist; remove its entry",
        ];
        check(modules_are_on_the_map, &files, &expected);
    }

    #[test]
    fn an_invariant_without_a_test_is_named() {
        let map = "Invariant: held (`test_it`).\nInvariant: held (`tests/unit/test_a.py::test_it`).\n\
                   Invariant: not held (`test_gone`).\nInvariant: not held.\n";
        let files = [(MAP, map), ("tests/unit/test_a.py", "def test_it():\n")];

        let expected = [
            "ARCHITECTURE.md:3: no test in backticks that exists; name the one that holds it",
            "ARCHITECTURE.md:4: no test in backticks that exists; name the one that holds it",
        ];
        check(invariants_name_a_test, &files, &expected);
    }

    #[test]
    fn versions_that_differ_are_named() {
        let cargo = "[workspace.package]\nversion = \"1.2.3\"\n\
                     [workspace.dependencies]\na = { path = \"a\", version = \"1.2.2\" }\nb = \"4\"\n";
        let python = "[project]\nversion = \"1.2.4\"\n";
        let files = [
            ("Cargo.toml", cargo),
            ("pyproject.toml", python),
            ("pycandle/a.py", "VERSION: Final = \"1.2.5\"\n"),
        ];

        let expected = [
            "pyproject.toml: project.version is 1.2.4, Cargo.toml says 1.2.3; make them equal",
            "Cargo.toml: the version of a is 1.2.2, Cargo.toml says 1.2.3; make them equal",
            "pycandle/a.py: VERSION is 1.2.5, Cargo.toml says 1.2.3; make them equal",
        ];
        check(versions_agree, &files, &expected);
    }

    #[test]
    fn addresses_and_machine_paths_are_named() {
        let text = concat!("fine\nrun /ho", "me/me/bin/python\n");

        let expected = [concat!(
            "a.toml:2: `/ho",
            "me/` is a registry address or a path of one machine; remove it"
        )];
        check(no_addresses, &[("a.toml", text)], &expected);
    }
}
