//! The time of a PPO iteration with a model of a well-known shape: random weights, random prompts, answers of one length that are good
//! and bad in turns.

use std::time::Instant;

use burn::tensor::Device;
use serde::Serialize;
use tiller_kernels::quant::QuantScheme;
use tiller_models::generate::{GenerateOptions, GenerateRequest, Sampling};
use tiller_models::language_model::Backend;
use tiller_models::llama::{Llama, LlamaConfig};
use tiller_models::memory::ComputeDevice;
use tiller_models::optim::AdamW;
use tiller_models::presets::ModelPreset;
use tiller_models::train::Sample;

use crate::Result;
use crate::data::rng::SeededRng;
use crate::ppo::config::PpoConfig;
use crate::ppo::experience::Trajectory;
use crate::ppo::hyperparameters::PpoHyperparameters;
use crate::ppo::memory::PpoMemory;
use crate::ppo::policy::{Policy, log_probs, values};
use crate::ppo::rollout::{self, RolloutRecorder};
use crate::ppo::update::PpoUpdater;
use crate::train::ProcessMemory;
use crate::train::trainable_model;

/// The lengths of all sequences.
#[derive(Debug, Clone, Copy)]
pub struct SequenceLengths {
    /// Tokens of a prompt.
    pub prompt: usize,
    /// Tokens of an answer.
    pub answer: usize,
}

/// The measurements. Seconds are medians over the iterations, each part by itself.
#[derive(Debug, Clone, Serialize)]
pub struct PpoBenchRow {
    /// The shape's name.
    pub shape: String,
    /// The scheme of the frozen weights.
    pub weights: &'static str,
    /// Answers of an iteration.
    pub trajectories: usize,
    /// Tokens of a prompt.
    pub prompt_tokens: usize,
    /// Tokens of an answer.
    pub answer_tokens: usize,
    /// Passes over the answers.
    pub epochs: u32,
    /// Steps of an iteration.
    pub steps: u32,
    /// Seconds of writing the answers.
    pub answering: f64,
    /// Seconds of what the reference policy and the critic say about them.
    pub scoring: f64,
    /// Seconds of learning from them.
    pub learning: f64,
    /// Seconds of an iteration: the median, the least and the most.
    pub seconds: [f64; 3],
    /// Tokens of answers per second, by the median.
    pub tokens_per_second: f64,
    /// The most main memory that the process has held, in bytes; what a GPU holds is not in it.
    pub memory_bytes: u64,
    /// The planned memory, in bytes.
    pub planned_bytes: u64,
}

/// Times `iterations` iterations of an alignment of `shape` by `config`, all epochs of each, after a first one that is not counted.
///
/// # Errors
/// A shape that the scheme or the adapters do not fit, an alignment that does not fit into `available` bytes, a device that fails.
pub fn measure(
    shape: (&str, ModelPreset),
    config: &PpoConfig,
    lengths: SequenceLengths,
    iterations: usize,
    available: Option<u64>,
    device: &Device,
) -> Result<PpoBenchRow> {
    let config = PpoConfig {
        max_tokens: lengths.prompt + lengths.answer,
        learning: PpoHyperparameters { target_kl: f64::MAX, ..config.learning.clone() },
        ..config.clone()
    };
    let (sizes, scheme) = (shape.1.llama(), trainable_model::scheme(&config.quant)?);
    let memory_plan = PpoMemory::new(sizes.clone(), &config, ComputeDevice::of(device))?;
    let plan = memory_plan.check(available)?;
    let reference = Llama::from_scratch_quantized(&sizes, scheme, config.seed, device)?;
    let policy = Policy::fresh(&reference, &config)?;
    let mut alignment = Alignment {
        backend: rollout::backend(&policy.actor)?,
        policy,
        reference,
        adamw: AdamW::new(config.optimiser),
        lengths,
    };
    let mut memory = ProcessMemory::default();
    let mut parts = Vec::new();
    for number in 0..=iterations {
        parts.push(alignment.iteration(&config, number as u64)?);
        memory.now();
    }
    // The first iteration compiles kernels.
    let parts = &parts[1..];
    let of = |part: &dyn Fn(&Parts) -> f64| in_order(parts.iter().map(part).collect());
    let median = |part: &dyn Fn(&Parts) -> f64| of(part)[parts.len() / 2];
    let all = of(&|parts| parts.answering + parts.scoring + parts.learning);
    let trajectories = config.rollout.prompts * config.rollout.samples;
    let seconds = [all[all.len() / 2], all[0], all[all.len() - 1]];
    Ok(PpoBenchRow {
        shape: shape.0.to_owned(),
        weights: scheme.unwrap_or(QuantScheme::F32).name(),
        trajectories,
        prompt_tokens: lengths.prompt,
        answer_tokens: lengths.answer,
        epochs: config.learning.epochs,
        steps: parts[0].steps,
        answering: median(&|parts| parts.answering),
        scoring: median(&|parts| parts.scoring),
        learning: median(&|parts| parts.learning),
        seconds,
        tokens_per_second: (trajectories * lengths.answer) as f64 / seconds[0],
        memory_bytes: memory.peak,
        planned_bytes: plan.total,
    })
}

/// The parts of an iteration, in seconds, and its steps.
struct Parts {
    answering: f64,
    scoring: f64,
    learning: f64,
    steps: u32,
}

/// The parts of an iteration.
struct Alignment {
    reference: Llama,
    policy: Policy,
    backend: Backend,
    adamw: AdamW,
    lengths: SequenceLengths,
}

impl Alignment {
    fn iteration(&mut self, config: &PpoConfig, number: u64) -> Result<Parts> {
        let start = Instant::now();
        let mut last = 0.0;
        let mut lap = || {
            let now = start.elapsed().as_secs_f64();
            now - std::mem::replace(&mut last, now)
        };

        let (samples, drawn) = self.answers(config, number)?;
        let answering = lap();

        let device = ComputeDevice::of(&self.reference.device());
        let micro_batcher = PpoMemory::new(self.reference.config().clone(), config, device)?.micro_batcher(None);
        let batch = config.learning.batch.unwrap_or(config.learning.minibatch);
        let references = log_probs(&self.reference, &samples, &self.policy.how(), batch)?;
        let expected = self.policy.critic.as_ref().map(|critic| values(critic, &samples, batch)).transpose()?;
        let scoring = lap();

        let trajectory = |at: usize, sample: Sample, log_probs: Vec<f32>, references: Vec<f32>| {
            let values = expected.as_ref().map_or_else(Vec::new, |values| values[at].clone());
            let goodness = if at.is_multiple_of(2) { 1.0 } else { -1.0 };
            let advantages = vec![goodness; self.lengths.answer];
            let returns = values.iter().map(|value| value + goodness).collect();
            Trajectory { sample, log_probs, references, values, advantages, returns, item_starts: vec![0] }
        };
        let answers = samples.into_iter().zip(drawn).zip(references).enumerate();
        let trajectories: Vec<Trajectory> =
            answers.map(|(at, ((sample, drawn), reference))| trajectory(at, sample, drawn, reference)).collect();
        // The work that is compared has no supervised examples.
        let updater = PpoUpdater {
            learning: &config.learning,
            divergence_guard: &config.divergence_guard,
            lr: config.schedule.lr,
            ptx_examples: &[],
            micro_batcher,
        };
        let (policy, stats) = updater.update(self.policy.clone(), &mut self.adamw, &trajectories, number, &|| false)?;
        self.policy = policy;
        Ok(Parts { answering, scoring, learning: lap(), steps: stats.steps })
    }

    /// Answers to random prompts, with the log-probabilities of their tokens.
    fn answers(&mut self, config: &PpoConfig, number: u64) -> Result<(Vec<Sample>, Vec<Vec<f32>>)> {
        let SequenceLengths { prompt, answer } = self.lengths;
        let mut rng = SeededRng::new(config.seed, number);
        let prompts: Vec<Vec<u32>> = (0..config.rollout.prompts)
            .map(|_| random(&mut rng, self.reference.config(), prompt))
            .flat_map(|prompt| vec![prompt; config.rollout.samples])
            .collect();
        let mut recorders: Vec<RolloutRecorder> =
            (0..prompts.len() as u64).map(|stream| RolloutRecorder::new(stream, answer)).collect();
        let sampling = Sampling::Random { temperature: 1.0, top_k: 0, top_p: 1.0 };
        let options = GenerateOptions { max_new_tokens: answer, sampling, seed: number };
        let generator = self.backend.generator();
        generator.load_adapter(&self.policy.actor)?;
        generator.generate(GenerateRequest::new(&prompts, options).constrained_by(&mut recorders))?;
        let answered = prompts.into_iter().zip(recorders).map(|(mut tokens, recorder)| {
            tokens.extend(recorder.tokens);
            (Sample { scored: prompt..tokens.len(), tokens }, recorder.log_probs)
        });
        Ok(answered.unzip())
    }
}

fn random(rng: &mut SeededRng, sizes: &LlamaConfig, tokens: usize) -> Vec<u32> {
    (0..tokens).map(|_| rng.below(sizes.vocab_size as u64) as u32).collect()
}

fn in_order(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ppo::hyperparameters::Baseline;

    #[test]
    fn an_iteration_is_timed_with_a_critic_and_without() {
        for baseline in [Baseline::Rloo, Baseline::Critic] {
            let mut config = PpoConfig::default();
            config.rollout.prompts = 2;
            config.rollout.samples = 2;
            config.learning =
                PpoHyperparameters { baseline, epochs: 3, minibatch: 2, batch: Some(2), ..config.learning };
            let lengths = SequenceLengths { prompt: 9, answer: 5 };
            let of = |available| measure(("tiny", ModelPreset::Tiny), &config, lengths, 2, available, &Device::flex());
            let row = of(None).unwrap();
            assert_eq!((row.trajectories, row.steps), (4, 6));
            assert!(row.answering > 0.0 && row.scoring > 0.0 && row.learning > 0.0);
            assert_eq!(row.tokens_per_second, 20.0 / row.seconds[0]);
            assert_eq!(of(Some(1 << 10)).unwrap_err().exit_code(), 3);
        }
    }
}
