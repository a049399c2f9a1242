//! `cargo bench --bench training`: tokens per second of a language model's training steps on this machine's processor.
//!
//! A small Llama learns whole, and one of its size by low-rank parts; some steps to warm up, then the median of the others.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use tiller_models::llama::{Llama, LlamaConfig, RopeScaling};
use tiller_models::lora::Recipe;
use tiller_models::optim::{AdamW, AdamWConfig, Gradients};
use tiller_models::train::{Forward, Sample};

/// Sequences of a step, their tokens, and how many of these are the answer.
const BATCH: usize = 16;
const TOKENS: usize = 192;
const SCORED: usize = 128;
const STEPS: usize = 12;

fn main() -> tiller::Result<()> {
    let device = Device::flex();
    println!("{BATCH} sequences of {TOKENS} tokens, {SCORED} of them scored; median of {STEPS} steps");
    let fresh = Llama::fresh(&config(), 1, &device)?;
    measure("whole", fresh.clone().trainable().train());
    let recipe = Recipe { rank: 16, alpha: 8.0, dropout: 0.0, targets: vec!["all-linear".into(), "lm_head".into()] };
    let adapter = recipe.adapter(fresh.linears(), 1, &device)?;
    measure("LoRA", fresh.with_adapter(&adapter)?.train());
    Ok(())
}

fn config() -> LlamaConfig {
    LlamaConfig {
        vocab_size: 1536,
        d_model: 128,
        d_ff: 384,
        n_layers: 4,
        n_heads: 4,
        n_kv_heads: 4,
        head_dim: 32,
        max_positions: 1024,
        rms_eps: 1e-5,
        rope_theta: 10_000.0,
        rope_scaling: RopeScaling::None,
        tied_embeddings: true,
    }
}

fn measure(what: &str, mut model: Llama) {
    let token = |row: usize, at: usize| ((row * 7919 + at * 104_729) % config().vocab_size) as u32;
    let sample =
        |row| Sample { tokens: (0..TOKENS).map(|at| token(row, at)).collect(), scored: TOKENS - SCORED..TOKENS };
    let samples: Vec<Sample> = (0..BATCH).map(sample).collect();
    let mut adamw = AdamW::new(AdamWConfig::default());
    let mut parts: [Vec<f64>; 3] = Default::default();
    for step in 0..STEPS + 3 {
        let mut clock = Instant::now();
        let mut lap = || std::mem::replace(&mut clock, Instant::now()).elapsed().as_secs_f64();
        let loss = model.score(&samples, &Forward::default()).nll();
        assert!(loss.clone().into_scalar::<f32>().is_finite());
        let forward = lap();
        let gradients = Gradients::of(loss, &model);
        let backward = lap();
        model = adamw.step(model, gradients, 1e-4).0;
        if step >= 3 {
            [forward, backward, lap()].into_iter().zip(&mut parts).for_each(|(seconds, part)| part.push(seconds));
        }
    }
    let [forward, backward, optimiser] = parts.map(median);
    let rate = (BATCH * TOKENS) as f64 / (forward + backward + optimiser);
    println!(
        "{what:6} {rate:6.0} tokens/s: forward {forward:.3} s, backward {backward:.3} s, optimiser {optimiser:.3} s"
    );
}

fn median(mut seconds: Vec<f64>) -> f64 {
    seconds.sort_by(f64::total_cmp);
    seconds[seconds.len() / 2]
}
