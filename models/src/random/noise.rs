//! Dropout whose masks follow from a seed alone: the same on every device, whatever runs beside it.
//!
//! burn's own random numbers come from one generator per process, so two trainings in one process would disturb each
//! other, and a resumed run would need that generator's hidden state. Here a mask is a hash of (seed, call, position).

use burn::tensor::{Tensor, TensorData};
use rayon::prelude::*;

/// Elements of a mask that one task of the thread pool fills.
const CHUNK: usize = 1 << 15;
/// Elements that one hash decides: four lanes of 16 bits.
const LANES: usize = 4;

/// The dropout of one pass through the model.
#[derive(Debug, Clone)]
pub struct Noise {
    rate: f64,
    seed: u64,
    calls: u64,
}

impl Noise {
    /// No dropout: for answering and evaluating.
    pub fn off() -> Self {
        Self::new(0.0, 0, 0)
    }

    /// Dropout at `rate` (in [0, 1), resolved to 1/65536); seeds and streams of a seed have unrelated masks.
    pub fn new(rate: f64, seed: u64, stream: u64) -> Self {
        Self { rate, seed: mix(seed ^ mix(stream)), calls: 0 }
    }

    /// Zeroes each element with probability `rate` and divides the others by `1 - rate`.
    pub fn drop<const D: usize>(&mut self, x: Tensor<D>) -> Tensor<D> {
        if self.rate == 0.0 {
            return x;
        }
        self.calls += 1;
        drop(x, self.rate, mix(self.seed ^ mix(self.calls)))
    }
}

/// Zeroes each element with probability `rate`, in [0, 1), and divides the others by `1 - rate`; `key` decides which.
pub fn drop<const D: usize>(x: Tensor<D>, rate: f64, key: u64) -> Tensor<D> {
    let shape = x.shape();
    let mask = mask(shape.num_elements(), rate, key);
    let mask = Tensor::from_data(TensorData::new(mask, shape), &x.device());
    x * mask
}

/// [`drop`] for each row of `x`, `[rows, width]`, by its own key: a row's mask does not depend on the others.
///
/// # Panics
/// Fewer keys than rows.
pub fn drop_rows(x: Tensor<2>, rate: f64, keys: &[u64]) -> Tensor<2> {
    let [rows, width] = x.dims();
    let mut mask = vec![0.0; rows * width];
    let of_row = |(row, values): (usize, &mut [f32])| fill(values, rate, keys[row]);
    mask.par_chunks_mut(width).enumerate().with_min_len(CHUNK.div_ceil(width)).for_each(of_row);
    let mask = Tensor::from_data(TensorData::new(mask, [rows, width]), &x.device());
    x * mask
}

/// `length` values, each 0 with probability `rate` and 1 / (1 - rate) otherwise.
fn mask(length: usize, rate: f64, key: u64) -> Vec<f32> {
    let mut mask = vec![0.0; length];
    let of_chunk =
        |(chunk, values): (usize, &mut [f32])| fill(values, rate, key.wrapping_add((chunk * CHUNK / LANES) as u64));
    mask.par_chunks_mut(CHUNK).enumerate().for_each(of_chunk);
    mask
}

/// Fills a mask by hashes of the keys from `key` on.
fn fill(mask: &mut [f32], rate: f64, key: u64) {
    let kept_of_65536 = ((1.0 - rate) * 65_536.0).round() as u64;
    let kept = (1.0 / (1.0 - rate)) as f32;
    let decide = |index: usize| {
        let bits = mix(key.wrapping_add(index as u64));
        // The carry decides; a branch would be mispredicted every other time at a rate of 1/2.
        let value = |lane: usize| kept * (((bits >> (16 * lane) & 0xffff) + kept_of_65536) >> 16) as f32;
        std::array::from_fn::<f32, LANES, _>(value)
    };
    let (whole, rest) = mask.as_chunks_mut::<LANES>();
    for (index, lanes) in whole.iter_mut().enumerate() {
        *lanes = decide(index);
    }
    rest.copy_from_slice(&decide(whole.len())[..rest.len()]);
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014): a bijection that scatters near inputs.
pub(crate) fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_drops_its_share_keeps_the_mean_and_repeats() {
        for rate in [0.1, 0.5, 0.9] {
            let length = 100_003;
            let values = mask(length, rate, 7);
            let dropped = values.iter().filter(|&&v| v == 0.0).count() as f64 / length as f64;
            let mean = values.iter().sum::<f32>() as f64 / length as f64;
            let deviation = (rate * (1.0 - rate) / length as f64).sqrt();
            assert!((dropped - rate).abs() < 5.0 * deviation, "dropped {dropped} at rate {rate}");
            assert!((mean - 1.0).abs() < 5.0 * deviation / (1.0 - rate), "mean {mean} at rate {rate}");
            assert_eq!(values, mask(length, rate, 7));
            assert_ne!(values, mask(length, rate, 8));
        }
    }

    #[test]
    fn successive_masks_of_one_step_are_unrelated() {
        let device = burn::tensor::Device::flex();
        let ones = Tensor::<1>::ones([10_000], &device);
        let mut noise = Noise::new(0.5, 3, 0);
        let (first, second) = (noise.drop(ones.clone()), noise.drop(ones));
        let both: f32 = (first * second).mean().into_scalar();
        // Kept in both with probability 1/4, each then worth 4.
        assert!((both - 1.0).abs() < 0.1, "{both}");
    }
}
