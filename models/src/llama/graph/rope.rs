//! Rotary position embedding (Su et al. 2021, arXiv 2104.09864) in Hugging Face's convention: coordinate i of a head is paired
//! with coordinate i + head_dim / 2.

use burn::tensor::Device;
use tiller_kernels::rope::Angles;

use crate::llama::config::{LlamaConfig, RopeScaling};

/// The angle by which each pair rotates per position, `[head_dim / 2]`.
#[derive(Debug, Clone)]
pub(super) struct Frequencies(Vec<f64>);

impl Frequencies {
    pub fn new(config: &LlamaConfig) -> Self {
        let width = config.head_dim as f64;
        let unscaled = (0..config.head_dim / 2).map(|i| config.rope_theta.powf(-2.0 * i as f64 / width));
        Self(match &config.rope_scaling {
            RopeScaling::None => unscaled.collect(),
            RopeScaling::Linear { factor } => unscaled.map(|frequency| frequency / factor).collect(),
            RopeScaling::Divisors(divisors) => unscaled.zip(divisors).map(|(f, d)| f / f64::from(*d)).collect(),
            RopeScaling::Llama3 { factor, low_freq_factor, high_freq_factor, original_max_positions } => {
                let original = *original_max_positions as f64;
                unscaled
                    .map(|frequency| {
                        // How often the pair turns within the original length decides: 0 divides, 1 keeps.
                        let turns = original * frequency / std::f64::consts::TAU;
                        let keep = ((turns - low_freq_factor) / (high_freq_factor - low_freq_factor)).clamp(0.0, 1.0);
                        frequency * (keep + (1.0 - keep) / factor)
                    })
                    .collect()
            }
        })
    }

    /// The angles of tokens at `positions`.
    pub fn angles(&self, positions: &[u32], device: &Device) -> Angles {
        Angles::new(positions, &self.0, device)
    }
}

impl LlamaConfig {
    /// The divisors of the frequencies in GGUF files, `[head_dim / 2]`; `None` if they need no such tensor.
    pub(crate) fn rope_divisors(&self) -> Option<Vec<f32>> {
        match &self.rope_scaling {
            RopeScaling::None | RopeScaling::Linear { .. } => None,
            RopeScaling::Divisors(divisors) => Some(divisors.clone()),
            RopeScaling::Llama3 { .. } => {
                let Frequencies(unscaled) = Frequencies::new(&Self { rope_scaling: RopeScaling::None, ..self.clone() });
                let Frequencies(scaled) = Frequencies::new(self);
                Some(unscaled.iter().zip(scaled).map(|(unscaled, scaled)| (unscaled / scaled) as f32).collect())
            }
        }
    }

    /// cos and sin of every position's angles, `[positions, head_dim / 2, 2]`, computed in f64.
    pub(crate) fn rope_table(&self, positions: usize) -> Vec<f32> {
        let Frequencies(frequencies) = Frequencies::new(self);
        let angles = (0..positions).flat_map(|position| frequencies.iter().map(move |f| position as f64 * f));
        angles.flat_map(|angle| [angle.cos() as f32, angle.sin() as f32]).collect()
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Tensor, TensorData};
    use tiller_kernels::rope;

    use super::*;
    use crate::llama::testing::tiny_config;

    fn frequencies(rope_scaling: RopeScaling) -> Vec<f64> {
        Frequencies::new(&LlamaConfig { rope_scaling, head_dim: 8, rope_theta: 10_000.0, ..tiny_config() }).0
    }

    #[test]
    fn frequencies_fall_from_one_by_powers_of_theta() {
        for (found, expected) in frequencies(RopeScaling::None).iter().zip([1.0, 0.1, 0.01, 0.001]) {
            assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
        }
    }

    #[test]
    fn llama3_keeps_high_frequencies_divides_low_ones_and_blends_between() {
        let scaling = RopeScaling::Llama3 {
            factor: 8.0,
            low_freq_factor: 1.0,
            high_freq_factor: 4.0,
            original_max_positions: 1000,
        };
        let found = frequencies(scaling);
        // Turns within 1000 positions: 159, 15.9, 1.59, 0.159.
        assert_eq!(found[0], 1.0);
        assert!((found[1] - 0.1).abs() < 1e-12);
        let keep = (10.0 / std::f64::consts::TAU - 1.0) / 3.0;
        assert!((found[2] - 0.01 * (keep + (1.0 - keep) / 8.0)).abs() < 1e-12);
        assert!((found[3] - 0.001 / 8.0).abs() < 1e-12);
    }

    #[test]
    fn a_rotation_keeps_lengths_and_depends_on_distance_alone() {
        let dot = |a: Vec<f32>, b: Vec<f32>| a.iter().zip(&b).map(|(a, b)| a * b).sum::<f32>();

        let (q, k) = ([0.3, -1.2, 0.8, 0.5], [1.0, 0.4, -0.7, 0.2]);
        let near = dot(rotated(q, 7), rotated(k, 4));
        let far = dot(rotated(q, 1007), rotated(k, 1004));
        assert!((near - far).abs() < 1e-4, "{near} and {far} should agree");
        assert!((dot(rotated(q, 9), rotated(q, 9)) - dot(q.to_vec(), q.to_vec())).abs() < 1e-5);
    }

    #[test]
    fn coordinate_i_is_paired_with_the_one_half_a_head_on() {
        let rotated = rotated([1.0, 0.0, 0.0, 0.0], 1);
        let expected = [1f32.cos(), 0.0, 1f32.sin(), 0.0];
        assert!(rotated.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6), "{rotated:?}");
    }

    /// A head of four at a position.
    fn rotated(values: [f32; 4], position: u32) -> Vec<f32> {
        let device = Device::flex();
        let frequencies = Frequencies::new(&LlamaConfig { head_dim: 4, ..tiny_config() });
        let x = Tensor::from_data(TensorData::new(values.to_vec(), [1, 1, 4]), &device);
        rope(x, &frequencies.angles(&[position], &device)).try_into_vec_as().unwrap()
    }
}
