//! PyTorch models as Rust for Candle, proved against PyTorch module by module.
//!
//! This crate is the front door: all of [`pycandle_runtime`] under the name that users know, and a
//! binary `pycandle` that forwards to the Python command of the same name.
//! Generated code itself names `pycandle_runtime`, so a crate that includes it depends on that too.
//!
//! ```ignore
//! use pycandle::{PyChecker, py_check};
//!
//! let checker = PyChecker::load("my_model", "traces/", &device)?;
//! let model = MyModel::load(vb, Some(checker))?;
//! let output = model.forward(&input)?; // an error names the first module that differs
//! ```

pub use pycandle_runtime::*;
