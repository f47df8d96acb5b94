//! Masks of attention that are functions of positions.

use candle_core::{Device, Result, Tensor};

/// Which keys each query may see: its own and those before it, as u8 of shape `(1, 1, queries, keys)`.
///
/// The queries are the last of the positions, as where the first keys come from a cache.
pub fn causal_mask(queries: usize, keys: usize, device: &Device) -> Result<Tensor> {
    seen(queries, keys, device, |query, key| key <= query)
}

/// [`causal_mask`] of the last `window` keys up to each query's own.
pub fn sliding_window_mask(
    queries: usize,
    keys: usize,
    window: usize,
    device: &Device,
) -> Result<Tensor> {
    seen(queries, keys, device, |query, key| {
        key <= query && query - key < window as i128
    })
}

fn seen(
    queries: usize,
    keys: usize,
    device: &Device,
    sees: impl Fn(i128, i128) -> bool,
) -> Result<Tensor> {
    let before = keys as i128 - queries as i128;
    let mut mask: Vec<u8> = Vec::with_capacity(queries * keys);
    for query in 0..queries as i128 {
        mask.extend((0..keys as i128).map(|key| u8::from(sees(query + before, key))));
    }
    Tensor::from_vec(mask, (1, 1, queries, keys), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(mask: Tensor) -> Vec<Vec<u8>> {
        mask.squeeze(0)
            .unwrap()
            .squeeze(0)
            .unwrap()
            .to_vec2()
            .unwrap()
    }

    #[test]
    fn the_last_query_sees_every_key() {
        let mask = rows(causal_mask(2, 3, &Device::Cpu).unwrap());
        assert_eq!(mask, [[1, 1, 0], [1, 1, 1]]);
    }

    #[test]
    fn a_query_before_all_keys_sees_none() {
        let mask = rows(causal_mask(3, 2, &Device::Cpu).unwrap());
        assert_eq!(mask, [[0, 0], [1, 0], [1, 1]]);
    }

    #[test]
    fn a_window_counts_the_query_itself() {
        let mask = rows(sliding_window_mask(3, 4, 2, &Device::Cpu).unwrap());
        assert_eq!(mask, [[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]);
    }
}
