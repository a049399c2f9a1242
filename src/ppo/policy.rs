//! Actor, critic and reference model on one frozen model (method §7.1): each is the model with low-rank parts of its own, or with none.

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rayon::prelude::*;
use tiller_models::download;
use tiller_models::llama::Llama;
use tiller_models::lora::{Adapter, LoraConfig};
use tiller_models::memory::ComputeDevice;
use tiller_models::train::{ForwardOptions, Sample};
use tiller_models::value_head::ValueHead;

use super::config::PpoConfig;
use super::hyperparameters::Baseline;
use crate::Result;

/// The trained weights: the actor, and a critic where answers are compared with what one expects. The reference policy is the model
/// itself; it shares nothing that is trained (method B3).
#[derive(Module, Debug)]
pub struct Policy {
    /// The policy that answers.
    pub actor: Llama,
    /// The value model.
    pub critic: Option<Critic>,
    /// The temperature at which the actor is scored.
    #[module(skip)]
    pub temperature: f64,
}

/// The model with low-rank parts of its own, and a head that reads a value off its last hidden state. Both are trained and saved (method B2).
#[derive(Module, Debug)]
pub struct Critic {
    llama: Llama,
    head: ValueHead,
}

impl Policy {
    /// A policy that answers as `model` does, ready to be trained. Where the model has an adapter already, actor and critic go on from
    /// copies of it; otherwise each gets a fresh one.
    ///
    /// # Errors
    /// A recipe that does not fit the model.
    pub fn fresh(model: &Llama, config: &PpoConfig) -> Result<Self> {
        let device = model.device();
        let adapted = |recipe: LoraConfig, seed: u64| match model.linears().any(|linear| linear.lora().is_some()) {
            true => Ok(model.clone()),
            false => model.with_adapter(&recipe.adapter(model.linears(), seed, &device)?),
        };
        // Actor and critic draw from seeds of their own.
        let seed = config.seed;
        let actor = adapted(config.actor.recipe(), seed)?;
        let critic = match config.learning.baseline {
            Baseline::Rloo => None,
            Baseline::Critic => Some(Critic {
                llama: adapted(config.critic.recipe(), !seed)?,
                head: ValueHead::new(model.config().d_model, seed, &device),
            }),
        };
        let temperature = if config.learning.score_at_sampling_temperature { config.rollout.temperature } else { 1.0 };
        Ok(Self { actor, critic, temperature }.train())
    }

    /// The options with which actor and reference model are scored.
    pub fn how(&self) -> ForwardOptions {
        ForwardOptions { temperature: self.temperature, ..ForwardOptions::default() }
    }

    /// The actor's low-rank parts.
    pub fn adapter(&self) -> Adapter {
        let mut adapter =
            Adapter { loras: Default::default(), dropout: 0.0, rank_stabilised: false, base_model: None, items: None };
        adapter.take_from(self.actor.valid().linears());
        adapter
    }
}

impl Critic {
    /// V before every scored token, sample after sample: `[sum of scored]`.
    pub fn values(&self, samples: &[Sample]) -> Tensor<1> {
        self.head.forward(self.llama.hidden_of(samples, &ForwardOptions::default()))
    }
}

/// log p of the scored tokens of each sample, without gradients, `batch` samples at a time.
///
/// # Errors
/// The device fails.
pub fn log_probs(llama: &Llama, samples: &[Sample], how: &ForwardOptions, batch: usize) -> Result<Vec<Vec<f32>>> {
    let llama = llama.valid();
    of_tokens(samples, batch, &llama.device(), |samples| llama.score(samples, how).log_probs)
}

/// The values of the scored tokens of each sample, without gradients, `batch` samples at a time.
///
/// # Errors
/// The device fails.
pub fn values(critic: &Critic, samples: &[Sample], batch: usize) -> Result<Vec<Vec<f64>>> {
    let critic = critic.valid();
    let values = of_tokens(samples, batch, &critic.llama.device(), |samples| critic.values(samples))?;
    Ok(values.into_iter().map(|values| values.into_iter().map(f64::from).collect()).collect())
}

/// Numbers for the scored tokens of each sample; samples of like lengths are computed together.
fn of_tokens(
    samples: &[Sample],
    batch: usize,
    device: &Device,
    compute: impl Fn(&[Sample]) -> Tensor<1> + Sync,
) -> Result<Vec<Vec<f32>>> {
    let mut found = vec![Vec::new(); samples.len()];
    for batches in by_length(samples, batch).chunks(ComputeDevice::of(device).parallel()) {
        let of_batch = |places: &Vec<usize>| {
            let samples: Vec<Sample> = places.iter().map(|&at| samples[at].clone()).collect();
            download(compute(&samples), "the scores")
        };
        let computed = batches.par_iter().map(of_batch).collect::<Result<Vec<Vec<f32>>>>()?;
        for (places, numbers) in batches.iter().zip(computed) {
            let mut numbers = &numbers[..];
            for &place in places {
                let (of_sample, rest) = numbers.split_at(samples[place].scored.len());
                found[place] = of_sample.to_vec();
                numbers = rest;
            }
        }
    }
    Ok(found)
}

/// The places of samples in batches of like lengths.
pub(super) fn by_length(samples: &[Sample], batch: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..samples.len()).collect();
    order.sort_by_key(|&at| samples[at].tokens.len());
    order.chunks(batch).map(<[usize]>::to_vec).collect()
}
