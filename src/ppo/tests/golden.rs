//! The gradient of the policy's loss against PyTorch's: golden states of transformers and PEFT (`models/tests/golden`, with their generator).
//!
//! They hold the gradient of the mean over samples of the mean negative log-likelihood of their tokens. Where nothing has moved yet, every
//! ratio is 1, and the gradient of the clipped loss is that of −Σ A · log π / tokens: with A = tokens / (samples · tokens of the sample)
//! it is the recorded one.

use std::path::Path;

use burn::tensor::Device;
use safetensors::SafeTensors;
use tiller_models::llama::Llama;
use tiller_models::lora::Adapter;
use tiller_models::optim::{AdamW, AdamWConfig};
use tiller_models::train::Sample;

use super::losses::first_moments;
use super::toy::updater;
use crate::ppo::PpoConfig;
use crate::ppo::experience::Trajectory;
use crate::ppo::policy::{Policy, log_probs};

const ROWS: usize = 3;
const SEQ: usize = 24;

/// The recorded tensors, as words of four bytes.
struct Golden(Vec<u8>);

impl Golden {
    fn words<T>(&self, name: &str, value: impl Fn([u8; 4]) -> T) -> Vec<T> {
        let states = SafeTensors::deserialize(&self.0).unwrap();
        let words = states.tensor(name).unwrap().data().chunks_exact(4).map(|word| value(word.try_into().unwrap()));
        words.collect()
    }

    /// The rows without their padding; what has a label is scored.
    fn samples(&self) -> Vec<Sample> {
        let [ids, seen, labels] =
            ["input_ids", "attention_mask", "labels"].map(|name| self.words(name, i32::from_le_bytes));
        let of_row = |row: usize| {
            let row = row * SEQ..(row + 1) * SEQ;
            let padding = seen[row.clone()].iter().filter(|seen| **seen == 0).count();
            let tokens: Vec<u32> = ids[row.clone()][padding..].iter().map(|id| *id as u32).collect();
            let first = labels[row][padding..].iter().position(|label| *label != -100).unwrap();
            Sample { scored: first.max(1)..tokens.len(), tokens }
        };
        (0..ROWS).map(of_row).collect()
    }
}

#[test]
fn the_gradient_of_the_clipped_loss_is_that_of_the_golden_states() {
    for name in ["gqa-tied", "mha-untied"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/tests/golden").join(name);
        let golden = Golden(std::fs::read(folder.join("golden.safetensors")).unwrap());
        let base = Llama::load(&folder, &Device::flex()).unwrap();
        let adapter = Adapter::read(&folder.join("adapter"), &base.config().projections(), &Device::flex()).unwrap();
        let mut config = PpoConfig::default();
        (config.learning.epochs, config.learning.minibatch, config.learning.batch) = (1, ROWS, Some(2));
        let policy = Policy::fresh(&base.with_adapter(&adapter).unwrap(), &config).unwrap();

        let samples = golden.samples();
        let tokens = samples.iter().map(|sample| sample.scored.len()).sum::<usize>() as f64;
        let log_probs = log_probs(&policy.actor, &samples, &policy.how(), ROWS).unwrap();
        let trajectory = |(sample, log_probs): (Sample, Vec<f32>)| Trajectory {
            advantages: vec![tokens / (ROWS * log_probs.len()) as f64; log_probs.len()],
            references: log_probs.clone(),
            log_probs,
            sample,
            values: Vec::new(),
            returns: Vec::new(),
            item_starts: vec![0],
        };
        let trajectories: Vec<Trajectory> = samples.into_iter().zip(log_probs).map(trajectory).collect();
        let mut adamw = AdamW::new(AdamWConfig::adam());
        let updater = updater(&config, 0.0);
        updater.update(policy.clone(), &mut adamw, &trajectories, 1, &|| false).unwrap();

        let gradients = first_moments(&adamw);
        assert_eq!(gradients.len(), 2 * 7 * base.config().n_layers);
        for (path, found) in gradients {
            let expected = golden.words(&format!("grad.{}.weight", recorded(&path)), f32::from_le_bytes);
            let largest = expected.iter().fold(0f32, |largest, e| largest.max(e.abs()));
            assert_eq!(found.len(), expected.len());
            let worst = found.iter().zip(&expected).map(|(f, e)| (f - e).abs()).fold(0f32, f32::max);
            assert!(worst <= 1e-4 * largest, "{name} {path}: off by {worst:.1e}, where the largest is {largest:.1e}");
        }
    }
}

/// The recorded name of a weight of the actor: "actor.blocks.0.mlp.up_proj.lora.a" is "model.layers.0.mlp.up_proj.lora_A".
fn recorded(path: &str) -> String {
    let path = path.strip_prefix("actor.blocks.").expect("all parts are within blocks");
    format!("model.layers.{path}")
        .replace(".attention.", ".self_attn.")
        .replace(".lora.a", ".lora_A")
        .replace(".lora.b", ".lora_B")
}
