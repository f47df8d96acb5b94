//! Sums of many terms, in an order that loses few digits.

/// How many vectors are added up one by one, in each of four sums side by side, before the four go
/// into one of f64.
pub(super) const BLOCK: usize = 32;

/// The sum of the elements of `$length` terms, as f64: `$term` is the vector of so many elements from
/// a place on, with zeros after them if they are fewer than a vector has.
macro_rules! sum {
    ($vector:ty, $length:expr, |$place:ident, $count:ident| $term:expr) => {{
        let (length, lanes): (usize, usize) = ($length, <$vector>::LANES);
        let mut total = 0f64;
        let mut place = 0;
        while place < length {
            let mut sums = [<$vector>::splat(0.0); 4];
            let end = length.min(place + $crate::kernels::sums::BLOCK * 4 * lanes);
            while place + 4 * lanes <= end {
                for (k, sum) in sums.iter_mut().enumerate() {
                    let ($place, $count) = (place + k * lanes, lanes);
                    *sum = *sum + $term;
                }
                place += 4 * lanes;
            }
            while place < end {
                let ($place, $count) = (place, lanes.min(end - place));
                sums[0] = sums[0] + $term;
                place += $count;
            }
            total += f64::from(((sums[0] + sums[1]) + (sums[2] + sums[3])).sum());
        }
        total
    }};
}
pub(crate) use sum;
