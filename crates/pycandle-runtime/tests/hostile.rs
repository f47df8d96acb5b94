//! Traces, weights and manifests that were cut, bent or made up: an error in words, never a panic and
//! never an allocation of what a header claims.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use candle_core::{Device, Result, Tensor};
use pycandle_runtime::PyChecker;
use pycandle_runtime::store::Store;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/parity");

/// Numbers that look random and are the same in every run, by Vigna's splitmix64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit.max(1) as u64) as usize
    }
}

/// How many of each are tried; `nox -s fuzz` says more.
fn tries() -> usize {
    let variable = std::env::var("PYCANDLE_FUZZ");
    variable
        .ok()
        .and_then(|text| text.parse().ok())
        .unwrap_or(300)
}

/// The same bytes with a few of them changed, most of these in the header.
fn bent(bytes: &[u8], header: usize, numbers: &mut Numbers) -> Vec<u8> {
    const PIECES: [&[u8]; 9] = [
        b"[18446744073709551615]",
        b"-1",
        b"1e400",
        b"null",
        b"\"F64\"",
        b"\"I4\"",
        b"9223372036854775807",
        b"0",
        b"{",
    ];
    let mut bent = bytes.to_vec();
    for _ in 0..=numbers.below(3) {
        let place = match numbers.below(8) {
            0 => numbers.below(bent.len()),
            1 => numbers.below(8),
            _ => 8 + numbers.below(header),
        };
        let place = place.min(bent.len().saturating_sub(1));
        match numbers.below(5) {
            0 => bent.truncate(place),
            1 => bent[place] = numbers.below(256) as u8,
            2 => {
                bent.remove(place);
            }
            3 => bent[place] = b'0' + numbers.below(10) as u8,
            _ => {
                let piece = PIECES[numbers.below(PIECES.len())];
                let end = (place + piece.len()).min(bent.len());
                bent.splice(place..end, piece.iter().copied());
            }
        }
        if bent.is_empty() {
            break;
        }
    }
    bent
}

fn header(bytes: &[u8]) -> usize {
    u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
}

/// Reads all that a file says it has.
fn read_all(path: &Path, keys: &[String]) -> Result<Vec<Tensor>> {
    let store = Store::open(path, "Bring it")?;
    let tensors = keys.iter().map(|key| {
        store
            .tensor(key, &Device::Cpu)
            .or_else(|_| Tensor::new(0u8, &Device::Cpu))
    });
    tensors.collect()
}

#[test]
fn broken_traces_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let trace = std::fs::read(format!("{FOLDER}/tagger_trace.safetensors")).unwrap();
    let manifest = std::fs::read(format!("{FOLDER}/tagger_manifest.json")).unwrap();
    let known = safetensors::SafeTensors::deserialize(&trace).unwrap();
    let keys: Vec<String> = known.names().into_iter().map(str::to_owned).collect();
    let (trace_file, manifest_file) = (
        folder.path().join("tagger_trace.safetensors"),
        folder.path().join("tagger_manifest.json"),
    );
    let mut numbers = Numbers(7);
    let mut refused = 0;
    for _ in 0..tries() {
        std::fs::write(&trace_file, bent(&trace, header(&trace), &mut numbers)).unwrap();
        std::fs::write(&manifest_file, &manifest).unwrap();
        let _ = read_all(&trace_file, &keys);
        refused += usize::from(PyChecker::load("tagger", folder.path(), &Device::Cpu).is_err());
        std::fs::write(&trace_file, &trace).unwrap();
        let broken = bent(&manifest, manifest.len() - 8, &mut numbers);
        std::fs::write(&manifest_file, broken).unwrap();
        // The trace has the hash of the whole one.
        let loaded = PyChecker::load("tagger", folder.path(), &Device::Cpu);
        let same = std::fs::read(&manifest_file).unwrap() == manifest;
        assert_eq!(loaded.is_ok(), same);
    }
    assert!(refused > tries() / 4, "{refused} were refused");
}

#[test]
fn a_header_that_lies_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.safetensors");
    let check = |header: &str, data: usize| {
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.resize(bytes.len() + data, 0);
        std::fs::write(&path, bytes).unwrap();
        let read = Store::open(&path, "Bring it").and_then(|s| s.tensor("a", &Device::Cpu));
        assert!(read.is_err(), "{header}");
    };
    check(
        r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#,
        4,
    );
    check(
        r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#,
        0,
    );
    check(
        r#"{"a":{"dtype":"F32","shape":[1099511627776],"data_offsets":[0,4398046511104]},"b":{"dtype":"F32","shape":[1],"data_offsets":[1,4]}}"#,
        4,
    );
    check(
        r#"{"a":{"dtype":"F32","shape":[9223372036854775807,8],"data_offsets":[0,4]}}"#,
        4,
    );
    check(
        r#"{"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        4,
    );
}
