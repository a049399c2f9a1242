//! Rotary position embedding (Su et al. 2021, arXiv 2104.09864) in Hugging Face's convention: coordinate i of a head is paired
//! with coordinate i + head_dim / 2.

use burn::tensor::{Device, Tensor, TensorData};

use super::config::{LlamaConfig, RopeScaling};

/// The angle by which each pair turns per position, `[head_dim / 2]`.
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

    /// The rotation of every token of a batch; `positions` is `[batch, seq]`, row by row.
    ///
    /// Angles are computed here in f64: shaders promise little about the sine of a large angle.
    pub fn rotation(&self, positions: &[u32], [batch, seq]: [usize; 2], device: &Device) -> Rotation {
        // Rows in step, as in training, share one row of angles.
        let in_step = positions.chunks_exact(seq).all(|row| row == &positions[..seq]);
        let rows = if in_step { 1 } else { batch };
        let angles = || positions[..rows * seq].iter().flat_map(|p| self.0.iter().map(|f| f64::from(*p) * f));
        let upload =
            |values: Vec<f32>| Tensor::from_data(TensorData::new(values, [rows, 1, seq, self.0.len()]), device);
        Rotation {
            cos: upload(angles().map(|angle| angle.cos() as f32).collect()),
            sin: upload(angles().map(|angle| angle.sin() as f32).collect()),
        }
    }
}

/// cos and sin of every token's angles, `[batch or 1, 1, seq, head_dim / 2]`.
#[derive(Debug, Clone)]
pub(super) struct Rotation {
    cos: Tensor<4>,
    sin: Tensor<4>,
}

impl Rotation {
    /// Turns each pair (x₁, x₂) of `x`, `[batch, heads, seq, head_dim]`, by its token's angle.
    pub fn apply(&self, x: Tensor<4>) -> Tensor<4> {
        let half = x.dims()[3] / 2;
        let x1 = x.clone().narrow(3, 0, half);
        let x2 = x.narrow(3, half, half);
        let (cos, sin) = (self.cos.clone(), self.sin.clone());
        let turned1 = x1.clone() * cos.clone() - x2.clone() * sin.clone();
        let turned2 = x2 * cos + x1 * sin;
        Tensor::cat(vec![turned1, turned2], 3)
    }
}

#[cfg(test)]
mod tests {
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
        let device = Device::flex();
        let frequencies = Frequencies::new(&LlamaConfig { head_dim: 4, ..tiny_config() });
        let vector = |values: [f32; 4]| Tensor::<4>::from_data(TensorData::new(values.to_vec(), [1, 1, 1, 4]), &device);
        let turned = |values: [f32; 4], position: u32| -> Vec<f32> {
            frequencies.rotation(&[position], [1, 1], &device).apply(vector(values)).try_into_vec_as().unwrap()
        };
        let dot = |a: Vec<f32>, b: Vec<f32>| a.iter().zip(&b).map(|(a, b)| a * b).sum::<f32>();

        let (q, k) = ([0.3, -1.2, 0.8, 0.5], [1.0, 0.4, -0.7, 0.2]);
        let near = dot(turned(q, 7), turned(k, 4));
        let far = dot(turned(q, 1007), turned(k, 1004));
        assert!((near - far).abs() < 1e-4, "{near} and {far} should agree");
        assert!((dot(turned(q, 9), turned(q, 9)) - dot(q.to_vec(), q.to_vec())).abs() < 1e-5);
    }

    #[test]
    fn coordinate_i_is_paired_with_the_one_half_a_head_on() {
        let device = Device::flex();
        let frequencies = Frequencies::new(&LlamaConfig { head_dim: 4, ..tiny_config() });
        let x = Tensor::<4>::from_data(TensorData::new(vec![1.0f32, 0.0, 0.0, 0.0], [1, 1, 1, 4]), &device);
        let turned: Vec<f32> = frequencies.rotation(&[1], [1, 1], &device).apply(x).try_into_vec_as().unwrap();
        let expected = [1f32.cos(), 0.0, 1f32.sin(), 0.0];
        assert!(turned.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-6), "{turned:?}");
    }
}
