//! Reads `{name}_manifest.json`, the contract that `pycandle record` writes.
//!
//! Only what the parity check needs is read; the graph itself is the code generator's business.

use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{DType, Error, Result};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The manifest format that this runtime understands.
const FORMAT: u32 = 1;

/// A recorded model: its module calls in call order, and the cases it was run on.
#[derive(Debug, Clone, Deserialize)]
pub struct Manifest {
    format: u32,
    pub name: String,
    #[serde(default)]
    pub parameters: Vec<Parameter>,
    pub regions: Vec<Region>,
    pub cases: Vec<Case>,
    /// SHA-256 of the file's bytes, in hexadecimal; what a trace must carry to belong to it.
    #[serde(skip)]
    pub hash: String,
}

/// A weight of the model.
#[derive(Debug, Clone, Deserialize)]
pub struct Parameter {
    pub dtype: String,
    /// What a checkpoint may call it.
    #[serde(default)]
    pub names: Vec<String>,
    /// No checkpoint holds it.
    #[serde(default)]
    pub constant: bool,
}

/// One module call. The first region of a manifest is the root, with an empty path.
#[derive(Debug, Clone, Deserialize)]
pub struct Region {
    pub path: String,
    pub call: usize,
    pub class: String,
    /// Where the class's `forward` stands, Python file and line; empty if unknown.
    #[serde(default)]
    pub source: String,
    /// Where it is called from; empty for the root.
    #[serde(default)]
    pub site: String,
    #[serde(default)]
    pub inputs: Vec<Golden>,
    #[serde(default)]
    pub outputs: Vec<Golden>,
}

/// A recorded tensor that enters or leaves a module call; none for a size.
#[derive(Debug, Clone, Deserialize)]
pub struct Golden {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub golden: Option<String>,
}

/// One run of the model on inputs of some size.
#[derive(Debug, Clone, Deserialize)]
pub struct Case {
    pub name: String,
    #[serde(default)]
    pub symbols: BTreeMap<String, usize>,
}

impl Manifest {
    /// Reads and validates a manifest.
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(&read_bytes(path)?, path)
    }

    /// Parses a manifest's bytes; `path` is named in errors.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self> {
        let wrong = |why: String| {
            Error::Msg(format!(
                "{} is not a manifest of format {FORMAT}: {why}. Record the model again with `pycandle record`.",
                path.display()
            ))
        };
        let mut manifest: Self =
            serde_json::from_slice(bytes).map_err(|error| wrong(error.to_string()))?;
        if manifest.format != FORMAT {
            return Err(wrong(format!("its format is {}", manifest.format)));
        }
        if !manifest
            .regions
            .first()
            .is_some_and(|root| root.path.is_empty())
        {
            return Err(wrong("its first region is not the root".to_string()));
        }
        if manifest.cases.is_empty() {
            return Err(wrong("it has no case".to_string()));
        }
        manifest.hash = sha256(bytes);
        Ok(manifest)
    }

    /// The dtype to load weights in: that of the first floating one, or of the parts of a complex one.
    pub fn weight_dtype(&self) -> DType {
        let float = |parameter: &Parameter| match parameter.dtype.as_str() {
            "f64" | "c128" => Some(DType::F64),
            "f32" | "c64" => Some(DType::F32),
            "f16" => Some(DType::F16),
            "bf16" => Some(DType::BF16),
            _ => None,
        };
        let mut weights = self.parameters.iter().filter(|p| !p.constant);
        weights.find_map(float).unwrap_or(DType::F32)
    }

    /// The recorded call of a module.
    pub fn region(&self, path: &str, call: usize) -> Option<&Region> {
        self.regions
            .iter()
            .find(|region| region.path == path && region.call == call)
    }
}

impl Region {
    /// Path and call as reports print them: `encoder.layer.0`, `shared (call 1)`, `(root)`.
    pub fn label(&self) -> String {
        label(&self.path, self.call)
    }

    /// The class without its Python module.
    pub fn short_class(&self) -> &str {
        self.class.rsplit('.').next().unwrap_or(&self.class)
    }
}

/// Path and call as reports print them; the first call goes without a number.
pub fn label(path: &str, call: usize) -> String {
    let path = if path.is_empty() { "(root)" } else { path };
    if call == 0 {
        path.to_string()
    } else {
        format!("{path} (call {call})")
    }
}

/// The digest that ties generated Rust to a manifest, the generator and its options.
pub fn digest(options: &str, manifest: &[u8]) -> String {
    let mut hash = Sha256::new();
    for part in ["pycandle\0", crate::VERSION, "\0", options, "\0"] {
        hash.update(part.as_bytes());
    }
    hash.update(manifest);
    format!("sha256:{}", hex(&hash.finalize()))
}

/// Reads a file that `pycandle record` makes; the error says so.
pub(crate) fn read_bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        Error::Msg(format!(
            "cannot read {}: {error}. `pycandle record` writes it.",
            path.display()
        ))
    })
}

/// The SHA-256 of a file's content in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
