//! What is made of parameters once, for all later calls.

use std::sync::OnceLock;

use candle_core::{Result, Tensor, TensorId};

/// What was made of the first tensors and settings that it was asked for.
///
/// The fields of a layer are its user's to change, and what was made of others must not be taken for
/// theirs. Nothing is kept of a [`Var`](candle_core::Var), whose elements change in place.
#[derive(Debug)]
pub struct Kept<T, S = ()>(OnceLock<Made<T, S>>);

#[derive(Debug)]
struct Made<T, S> {
    tensors: Vec<TensorId>,
    settings: S,
    made: T,
}

impl<T, S> Default for Kept<T, S> {
    fn default() -> Self {
        Self(OnceLock::new())
    }
}

impl<T, S: PartialEq + Clone> Kept<T, S> {
    /// What `make` makes of the tensors and the settings; `None` if it makes nothing of them, others
    /// were the first, or a tensor is a variable.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn of(
        &self,
        tensors: &[&Tensor],
        settings: &S,
        make: impl FnOnce() -> Result<Option<T>>,
    ) -> Result<Option<&T>> {
        if tensors.iter().any(|tensor| tensor.is_variable()) {
            return Ok(None);
        }
        let ids = || tensors.iter().map(|tensor| tensor.id());
        let kept = match self.0.get() {
            Some(kept) => kept,
            None => {
                let Some(made) = make()? else { return Ok(None) };
                self.0.get_or_init(|| Made {
                    tensors: ids().collect(),
                    settings: settings.clone(),
                    made,
                })
            }
        };
        let same = ids().eq(kept.tensors.iter().copied()) && kept.settings == *settings;
        Ok(same.then_some(&kept.made))
    }
}
