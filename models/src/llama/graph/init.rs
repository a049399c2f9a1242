//! Random weights for training from scratch.

use burn::tensor::Device;
use tiller_kernels::quant::QuantScheme;

use super::build::LlamaBuilder;
use super::model::Llama;
use crate::Result;
use crate::llama::config::LlamaConfig;
use crate::random::Normal;

impl Llama {
    /// A model with random weights, the same for a seed on every device; train it with [`Llama::trainable`].
    ///
    /// A projection keeps the size of what goes through it, and those that end a branch are smaller by √(2 layers), so that the
    /// residual stream does not grow with the depth (GPT-2: Radford et al. 2019). An embedding has length 1: much shorter ones, such
    /// as GPT-2's, drown in what the branches add, and a small model takes long to tell its tokens apart. Norms begin as 1.
    ///
    /// # Errors
    /// None that a configuration of sound sizes could cause.
    pub fn from_scratch(config: &LlamaConfig, seed: u64, device: &Device) -> Result<Self> {
        Self::from_scratch_quantized(config, None, seed, device)
    }

    /// [`Llama::from_scratch`], with the weights of all projections packed by `scheme` where one is given: for measuring.
    ///
    /// # Errors
    /// Projections that the scheme does not fit.
    pub fn from_scratch_quantized(
        config: &LlamaConfig,
        scheme: Option<QuantScheme>,
        seed: u64,
        device: &Device,
    ) -> Result<Self> {
        let branch_end = 1.0 / (2.0 * config.n_layers as f32).sqrt();
        let mut stream = 0;
        let mut read = |module: &str, shape: &[usize]| {
            stream += 1;
            let numbers = |deviation| Normal::of_stream(seed, stream).draw(shape.iter().product(), deviation);
            Ok(match *shape {
                [width] => vec![1.0; width],
                _ if module == "model.embed_tokens" || module == "lm_head" => {
                    numbers(1.0 / (config.d_model as f32).sqrt())
                }
                [_, d_in] => {
                    let ends_branch = module.ends_with("o_proj") || module.ends_with("down_proj");
                    numbers(if ends_branch { branch_end } else { 1.0 } / (d_in as f32).sqrt())
                }
                _ => unreachable!("weights are vectors and matrices"),
            })
        };
        LlamaBuilder { config, scheme, device, read: &mut read }.build()
    }
}

#[cfg(test)]
mod tests {
    use burn::module::Module;

    use super::*;
    use crate::llama::testing::tiny_config;
    use crate::optim::{AdamW, AdamWConfig, Gradients};
    use crate::train::{ForwardOptions, Sample};

    #[test]
    fn a_fresh_model_is_as_wise_as_chance_and_its_seed_fixes_it() {
        let device = Device::flex();
        let config = LlamaConfig { vocab_size: 300, d_model: 64, d_ff: 96, head_dim: 16, ..tiny_config() };
        let of = |seed| Llama::from_scratch(&config, seed, &device).unwrap();
        let samples = [Sample { tokens: (0..40).map(|i| i * 7 % 300).collect(), scored: 1..40 }];
        let nll = |llama: &Llama| llama.score(&samples, &ForwardOptions::default()).nll().into_scalar::<f32>();
        // Logits of size 1 that mean nothing cost half a nat.
        assert!((nll(&of(1)) - 300f32.ln() - 0.5).abs() < 0.3, "{}", nll(&of(1)));
        assert_eq!(nll(&of(1)), nll(&of(1)));
        assert_ne!(nll(&of(1)), nll(&of(2)));
    }

    #[test]
    fn every_weight_of_a_trainable_model_learns() {
        for tied_embeddings in [true, false] {
            let config = LlamaConfig { tied_embeddings, ..tiny_config() };
            let mut llama = Llama::from_scratch(&config, 3, &Device::flex()).unwrap().trainable().train();
            let samples =
                [vec![1, 2, 3, 4, 5], vec![6, 2, 7, 4]].map(|tokens| Sample { scored: 1..tokens.len(), tokens });
            let mut adamw = AdamW::new(AdamWConfig::default());
            let mut losses = Vec::new();
            for _ in 0..40 {
                let loss = llama.score(&samples, &ForwardOptions::default()).nll();
                losses.push(loss.clone().into_scalar::<f32>());
                let gradients = Gradients::of(loss, &llama);
                assert_eq!(gradients.of_weight.len(), if tied_embeddings { 20 } else { 21 });
                assert!(gradients.of_weight.values().all(|g| g.clone().abs().max().into_scalar::<f32>() > 0.0));
                llama = adamw.step(llama, gradients, 0.01).0;
            }
            assert!(losses[39] < 0.1 * losses[0], "{losses:?}");
        }
    }

    #[test]
    fn a_frozen_model_has_nothing_to_train() {
        let llama = Llama::from_scratch(&tiny_config(), 3, &Device::flex()).unwrap();
        assert!(crate::weights::weights_of(&llama).is_empty());
        assert_eq!(crate::weights::weights_of(&llama.trainable()).len(), 20);
    }
}
