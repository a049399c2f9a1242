//! How fast a model of a well-known shape is trained here, and what it takes of memory: random weights, random tokens.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;
use tiller_kernels::quant::Scheme;
use tiller_models::llama::{Llama, LlamaConfig, RopeScaling};
use tiller_models::optim::AdamW;
use tiller_models::train::{Forward, Sample};

use super::gradient::nll_gradient;
use super::memory::Memory;
use super::plan::Plan;
use super::scratch::Size;
use super::sft::SftConfig;
use crate::Result;
use crate::data::dice::Dice;

/// The sizes of a well-known model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Shape {
    /// The model of `tiller sft --scratch tiny`
    Tiny,
    /// The model of `tiller sft --scratch small`
    Small,
    /// SmolLM2-135M
    #[value(name = "smollm2-135m")]
    Smol,
    /// TinyLlama-1.1B
    #[value(name = "tinyllama-1.1b")]
    TinyLlama,
    /// Llama-2-7B
    #[value(name = "llama2-7b")]
    Llama2,
}

impl Shape {
    /// The sizes.
    ///
    /// # Errors
    /// None.
    pub fn llama(self) -> Result<LlamaConfig> {
        let [vocab_size, d_model, d_ff, n_layers, n_heads, n_kv_heads] = match self {
            Shape::Tiny | Shape::Small => {
                let size = if self == Shape::Tiny { Size::Tiny } else { Size::Small };
                let scratch = size.scratch();
                return scratch.llama(scratch.vocab_size);
            }
            Shape::Smol => [49_152, 576, 1536, 30, 9, 3],
            Shape::TinyLlama => [32_000, 2048, 5632, 22, 32, 4],
            Shape::Llama2 => [32_000, 4096, 11_008, 32, 32, 32],
        };
        Ok(LlamaConfig {
            vocab_size,
            d_model,
            d_ff,
            n_layers,
            n_heads,
            n_kv_heads,
            head_dim: d_model / n_heads,
            max_positions: 4096,
            rms_eps: 1e-5,
            rope_theta: 10_000.0,
            rope_scaling: RopeScaling::None,
            tied_embeddings: self == Shape::Smol,
        })
    }
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The shape's name.
    pub shape: String,
    /// How the frozen weights are kept.
    pub weights: &'static str,
    /// What is trained: "all", or the adapter's rank.
    pub trained: String,
    /// Samples of a step.
    pub batch: usize,
    /// Tokens of a sample; the second half is scored.
    pub tokens: usize,
    /// Seconds of a step: the median, the least and the most.
    pub seconds: [f64; 3],
    /// Tokens per second, by the median.
    pub tokens_per_second: f64,
    /// The most main memory that the process has held, in bytes; what a GPU holds is not in it.
    pub memory_bytes: u64,
    /// What the plan foretells, in bytes.
    pub planned_bytes: u64,
}

/// Times `steps` steps of a training of `shape` by `config`, after a first one that is not counted.
///
/// # Errors
/// A shape that the scheme or the adapter does not fit, a training that does not fit into `available` bytes.
pub fn measure(
    shape: (&str, Shape),
    config: &SftConfig,
    steps: usize,
    available: Option<u64>,
    device: &Device,
) -> Result<Row> {
    let (sizes, scheme) = (shape.1.llama()?, config.scheme()?);
    let plan = Plan::new(&sizes, scheme, config, 1);
    plan.check(available)?;
    let mut llama = student(&sizes, scheme, config, device)?;
    let (mut adamw, mut memory, mut seconds) = (AdamW::new(config.optimiser), Memory::default(), Vec::new());
    for step in 0..=steps {
        let start = Instant::now();
        let batch = samples(&sizes, config, step as u64);
        let (gradients, _) = nll_gradient(&llama, &[batch], |_| Forward::default());
        llama = adamw.step(llama, gradients, config.schedule.lr).0;
        memory.now();
        seconds.push(start.elapsed().as_secs_f64());
    }
    // The first step compiles kernels.
    let mut seconds = seconds.split_off(1);
    seconds.sort_by(f64::total_cmp);
    let median = seconds[seconds.len() / 2];
    Ok(Row {
        shape: shape.0.to_owned(),
        weights: scheme.unwrap_or(Scheme::F32).name(),
        trained: if config.full { "all".into() } else { format!("rank {}", config.lora.rank) },
        batch: config.batch,
        tokens: config.max_tokens,
        seconds: [median, seconds[0], seconds[seconds.len() - 1]],
        tokens_per_second: (config.batch * config.max_tokens) as f64 / median,
        memory_bytes: memory.peak,
        planned_bytes: plan.total,
    })
}

fn student(sizes: &LlamaConfig, scheme: Option<Scheme>, config: &SftConfig, device: &Device) -> Result<Llama> {
    let llama = Llama::fresh_as(sizes, scheme, config.seed, device)?;
    if config.full {
        return Ok(llama.trainable().train());
    }
    let adapter = config.lora.recipe().adapter(llama.linears(), config.seed, device)?;
    Ok(llama.with_adapter(&adapter)?.train())
}

/// Samples of random tokens, of which the second half is scored.
fn samples(sizes: &LlamaConfig, config: &SftConfig, step: u64) -> Vec<Sample> {
    let mut dice = Dice::new(config.seed, step);
    let mut sample = || {
        let tokens = (0..config.max_tokens).map(|_| dice.below(sizes.vocab_size as u64) as u32).collect();
        Sample { tokens, scored: config.max_tokens / 2..config.max_tokens }
    };
    (0..config.batch).map(|_| sample()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_timed_for_adapters_and_for_whole_models() {
        let small = SftConfig { batch: 2, max_tokens: 32, ..SftConfig::default() };
        for config in [small.clone(), SftConfig { full: true, ..small }] {
            let row = measure(("tiny", Shape::Tiny), &config, 3, None, &Device::flex()).unwrap();
            let [median, least, most] = row.seconds;
            assert!(0.0 < least && least <= median && median <= most);
            assert_eq!(row.tokens_per_second, 64.0 / median);
            assert!(row.planned_bytes > 0);
            let error = measure(("tiny", Shape::Tiny), &config, 1, Some(1 << 10), &Device::flex()).unwrap_err();
            assert_eq!(error.exit_code(), 3);
        }
    }

    #[test]
    fn the_shapes_have_the_sizes_of_their_names() {
        let weights = |shape: Shape| {
            let llama = shape.llama().unwrap();
            let full = SftConfig { full: true, ..SftConfig::default() };
            (Plan::new(&llama, None, &full, 1).weights / 4) as f64
        };
        for (shape, expected) in [(Shape::Smol, 134.5e6), (Shape::TinyLlama, 1.1e9), (Shape::Llama2, 6.74e9)] {
            assert!((weights(shape) / expected - 1.0).abs() < 0.01, "{}", weights(shape));
        }
    }
}
