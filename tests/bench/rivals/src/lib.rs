//! What the runners share. Nothing here depends on any library, so that the machine can be measured
//! without building the rivals.

pub mod protocol;
#[cfg(feature = "tensors")]
pub mod tensors;
