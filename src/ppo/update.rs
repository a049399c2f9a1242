//! The steps that a policy takes along the trajectories of one iteration (method §7.7).

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use rayon::prelude::*;
use serde::Serialize;
use tiller_models::download;
use tiller_models::memory::StepSize;
use tiller_models::optim::{AdamW, Gradients};
use tiller_models::train::{ForwardOptions, Sample, WeightedExample};

use super::config::DivergenceGuard;
use super::experience::Trajectory;
use super::hyperparameters::{ImportanceSamplingLevel, PpoHyperparameters};
use super::policy::{Policy, by_length};
use super::units::ClippingUnits;
use super::{kl, loss};
use crate::data::rng::SeededRng;
use crate::train::gradient::gradient;
use crate::train::micro_batch::MicroBatcher;
use crate::{Error, Result};

/// The figures of an iteration's steps, as means over the tokens of its epochs.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct UpdateStats {
    /// The clipped loss of the policy.
    pub policy_loss: f64,
    /// The clipped loss of the critic, before its weight; none without a critic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_loss: Option<f64>,
    /// The minimised loss: policy, critic, entropy and supervised examples by their weights.
    pub loss: f64,
    /// The loss of the rehearsed examples, by its weight, as a mean over steps; none where nothing is rehearsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ptx_loss: Option<f64>,
    /// The entropy of the policy's next token, in nats.
    pub entropy: f64,
    /// k3 from the policy that sampled to the moving one, in the last epoch.
    pub approx_kl: f64,
    /// The part of the tokens whose ratio of probabilities, or that of their item, left 1 ± clip.
    pub clipfrac: f64,
    /// The mean ratio of probabilities in the last epoch.
    pub ratio: f64,
    /// Epochs taken before the policy had moved far enough.
    pub ppo_epochs: u32,
    /// Steps taken.
    pub steps: u32,
    /// The mean norm of the gradients before clipping.
    pub grad_norm: f64,
}

/// The stream of chance that orders the answers of an epoch.
const ORDER: u64 = 0x990;

/// Sums over the tokens of an epoch.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    tokens: f64,
    policy: f64,
    value: f64,
    entropy: f64,
    kl: f64,
    clipped: f64,
    ratio: f64,
}

/// Updates a policy along its rewarded answers.
pub struct PpoUpdater<'a> {
    /// The constants.
    pub learning: &'a PpoHyperparameters,
    /// The limits of a sound update.
    pub divergence_guard: &'a DivergenceGuard,
    /// The rate of the iteration's steps.
    pub lr: f64,
    /// The supervised examples of each step (PTX loss); empty for none.
    pub ptx_examples: &'a [Vec<WeightedExample>],
    /// The split of minibatches into micro-batches.
    pub micro_batcher: MicroBatcher,
}

impl PpoUpdater<'_> {
    /// Moves the policy along the trajectories, epoch after epoch, in orders that `seed` decides.
    ///
    /// # Errors
    /// A policy that has run away: numbers that are none any more, or ratios that show steps far too large.
    pub fn update(
        &self,
        mut policy: Policy,
        adamw: &mut AdamW,
        trajectories: &[Trajectory],
        seed: u64,
        stop: &dyn Fn() -> bool,
    ) -> Result<(Policy, UpdateStats)> {
        let mut rng = SeededRng::new(seed, ORDER);
        let mut order: Vec<&Trajectory> = trajectories.iter().collect();
        let (mut all, mut last, mut stats) = (Sums::default(), Sums::default(), UpdateStats::default());
        let mut ptx_sum = 0.0;
        for _ in 0..self.learning.epochs {
            rng.shuffle(&mut order);
            last = Sums::default();
            for minibatch in order.chunks(self.learning.minibatch) {
                let (mut gradients, sums) = self.gradients(&policy, minibatch)?;
                if let Some(weighted) = self.ptx_examples.get(stats.steps as usize) {
                    let (part, loss) = self.ptx_gradients(&policy, weighted)?;
                    gradients.add(part);
                    ptx_sum += loss;
                }
                let (moved, norm) = adamw.step(policy, gradients, self.lr);
                policy = moved;
                last.add(&sums);
                stats.steps += 1;
                stats.grad_norm += norm;
                self.check(&sums, norm)?;
                if stop() {
                    return Err(Error::Interrupted(String::new()));
                }
            }
            all.add(&last);
            stats.ppo_epochs += 1;
            if last.kl / last.tokens > self.learning.target_kl {
                break;
            }
        }
        let has_critic = policy.critic.is_some();
        let ptx_loss = ptx_sum / f64::from(stats.steps.max(1));
        let [policy_loss, value_loss, entropy] = [all.policy, all.value, all.entropy].map(|sum| sum / all.tokens);
        let stats = UpdateStats {
            policy_loss,
            value_loss: has_critic.then_some(value_loss),
            loss: policy_loss + self.learning.vf_coef * value_loss - self.learning.ent_coef * entropy + ptx_loss,
            ptx_loss: (!self.ptx_examples.is_empty()).then_some(ptx_loss),
            entropy,
            approx_kl: last.kl / last.tokens,
            clipfrac: all.clipped / all.tokens,
            ratio: last.ratio / last.tokens,
            grad_norm: stats.grad_norm / f64::from(stats.steps.max(1)),
            ..stats
        };
        Ok((policy, stats))
    }

    /// The gradients of the mean loss over a minibatch's tokens, a few answers at a time.
    fn gradients(&self, policy: &Policy, minibatch: &[&Trajectory]) -> Result<(Gradients, Sums)> {
        let samples: Vec<Sample> = minibatch.iter().map(|trajectory| trajectory.sample.clone()).collect();
        let tokens = samples.iter().map(|sample| sample.scored.len()).sum::<usize>() as f64;
        let longest = samples.iter().map(|sample| sample.tokens.len()).max().unwrap_or(1);
        let StepSize { micro_batch, parallel, .. } = self.micro_batcher.fit(samples.len(), longest)?;
        let chunks: Vec<Chunk> = by_length(&samples, micro_batch)
            .into_iter()
            .map(|places| Chunk::new(places.iter().map(|&at| minibatch[at]), self.learning.importance_sampling_level))
            .collect();
        let (mut gradients, mut sums) = (Gradients::default(), Sums::default());
        for chunks in chunks.chunks(parallel) {
            let parts = chunks.par_iter().map(|chunk| self.part(policy, chunk, tokens));
            for part in parts.collect::<Result<Vec<_>>>()? {
                gradients.add(part.0);
                sums.add(&part.1);
            }
        }
        Ok((gradients, sums))
    }

    /// The gradients of the mean loss of some examples, as many at a time as answers; and the loss.
    fn ptx_gradients(&self, policy: &Policy, examples: &[WeightedExample]) -> Result<(Gradients, f64)> {
        let split = self.micro_batcher.split(&[examples.to_vec()], |example| example.tokens.len())?;
        let (gradients, loss) = gradient(&policy.actor, &split, false, |_| ForwardOptions::default());
        Ok((gradients.within("actor"), loss))
    }

    /// The part of some answers in the gradients of a minibatch of so many tokens.
    fn part(&self, policy: &Policy, chunk: &Chunk, tokens: f64) -> Result<(Gradients, Sums)> {
        let PpoHyperparameters { clip, value_clip, vf_coef, ent_coef, .. } = *self.learning;
        // Leaves of its own make its graph its own, which burn then differentiates beside the others'.
        let policy = policy.valid().train();
        let scores = policy.actor.score(&chunk.samples, &policy.how());
        let device = scores.log_probs.device();
        let units = &chunk.units;
        let (log_probs, old) = (units.means(scores.log_probs.clone()), units.means(on(&chunk.log_probs, &device)));
        let advantages = on(&units.firsts(&chunk.advantages), &device);
        let log_ratios = download(log_probs.clone() - old.clone(), "the ratios")?;
        // A unit counts for each of its tokens.
        let losses = loss::policy_loss(log_probs, old, advantages, clip) * on(&units.lengths(), &device);
        let (policy_loss, entropy) = (losses.sum(), scores.entropies.sum());
        let mut sums = Sums { policy: number(&policy_loss)?, entropy: number(&entropy)?, ..Sums::default() };
        sums.see_units(&log_ratios, &units.lengths(), clip);
        sums.see_tokens(&download(scores.log_probs, "the scores")?, &chunk.log_probs);
        // Where the entropy has no weight, its graph is not differentiated.
        let actor_loss = if ent_coef > 0.0 { policy_loss - entropy * ent_coef } else { policy_loss };
        let mut gradients = Gradients::of(actor_loss / tokens, &policy);

        if let Some(critic) = &policy.critic {
            let (old, returns) = (on(&chunk.values, &device), on(&chunk.returns, &device));
            let value_loss = loss::value_loss(critic.values(&chunk.samples), old, returns, value_clip).sum();
            sums.value = number(&value_loss)?;
            gradients.add(Gradients::of(value_loss * (vf_coef / tokens), &policy));
        }
        Ok((gradients, sums))
    }

    fn check(&self, sums: &Sums, norm: f64) -> Result<()> {
        let ratio = sums.ratio / sums.tokens;
        let loss = sums.policy + sums.value;
        let trouble = if !(loss.is_finite() && norm.is_finite() && ratio.is_finite()) {
            "the loss or its gradient is NaN or infinite".to_owned()
        } else if ratio > self.divergence_guard.max_ratio {
            format!("the mean ratio of probabilities is {ratio:.1}, far from 1: the steps are too large")
        } else {
            return Ok(());
        };
        Err(Error::Failed(trouble))
    }
}

impl Sums {
    fn add(&mut self, other: &Self) {
        self.tokens += other.tokens;
        self.policy += other.policy;
        self.value += other.value;
        self.entropy += other.entropy;
        self.kl += other.kl;
        self.clipped += other.clipped;
        self.ratio += other.ratio;
    }

    /// Takes in the logarithms of some units' ratios.
    fn see_units(&mut self, log_ratios: &[f32], lengths: &[f32], clip: f64) {
        for (&log_ratio, &length) in log_ratios.iter().zip(lengths) {
            let (ratio, tokens) = (f64::from(log_ratio).exp(), f64::from(length));
            self.ratio += tokens * ratio;
            self.clipped += tokens * f64::from(u8::from((ratio - 1.0).abs() > clip));
        }
    }

    /// Takes in the log-probabilities of some tokens, as they are and as they were when the tokens were drawn.
    fn see_tokens(&mut self, log_probs: &[f32], old: &[f32]) {
        self.tokens += log_probs.len() as f64;
        self.kl += log_probs.iter().zip(old).map(|(&log_prob, &old)| kl::k3(old.into(), log_prob.into())).sum::<f64>();
    }
}

/// Trajectories that are computed together, token after token.
#[derive(Default)]
struct Chunk {
    samples: Vec<Sample>,
    log_probs: Vec<f32>,
    advantages: Vec<f32>,
    values: Vec<f32>,
    returns: Vec<f32>,
    units: ClippingUnits,
}

impl Chunk {
    fn new<'a>(trajectories: impl Iterator<Item = &'a Trajectory>, level: ImportanceSamplingLevel) -> Self {
        let mut chunk = Self::default();
        let narrow = |numbers: &[f64]| numbers.iter().map(|&number| number as f32).collect::<Vec<f32>>();
        for trajectory in trajectories {
            chunk.samples.push(trajectory.sample.clone());
            chunk.log_probs.extend(&trajectory.log_probs);
            chunk.advantages.extend(narrow(&trajectory.advantages));
            chunk.values.extend(narrow(&trajectory.values));
            chunk.returns.extend(narrow(&trajectory.returns));
            chunk.units.push(level, &trajectory.item_starts, trajectory.log_probs.len());
        }
        chunk
    }
}

/// Numbers on a device.
fn on(numbers: &[f32], device: &Device) -> Tensor<1> {
    Tensor::from_data(numbers, device)
}

/// The one number of a tensor, which stays in its graph.
fn number(tensor: &Tensor<1>) -> Result<f64> {
    Ok(download(tensor.clone(), "a sum")?.into_iter().map(f64::from).sum())
}
