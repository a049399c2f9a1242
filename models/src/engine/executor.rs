//! The interface between an engine and its device: what computes a step.

use tiller_kernels::decode::{LogitsRequest, Pending, RunnerStats, SampledToken, TokenSpan};

use super::adapters::Loras;
use super::options::EngineOptions;
use crate::Result;
use crate::generate::Sampling;

/// The memory of an engine beside its weights, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Footprint {
    /// The KV cache of one layer.
    pub cache_of_layer: usize,
    /// The number of layers.
    pub layers: usize,
    /// All activations, and the logits.
    pub activations: usize,
    /// The largest single buffer.
    pub largest: usize,
}

impl Footprint {
    /// The total.
    pub fn bytes(&self) -> usize {
        self.cache_of_layer * self.layers + self.activations
    }
}

/// The limits of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct StepLimits {
    /// Tokens of a step.
    pub(super) tokens: usize,
    /// Requests for the logits of the whole vocabulary that are computed at once.
    pub(super) requests: usize,
    /// Pages of the KV cache.
    pub(super) pages: usize,
}

/// Sampled tokens of a submitted step, by their slots.
pub(super) enum PendingStep {
    /// They are on their way from the GPU.
    Gpu(Pending),
    /// They are known.
    Cpu(Vec<SampledToken>),
}

/// Computes the steps of a model: weights, KV cache and activations on one device.
pub(super) trait Executor {
    /// Computes or submits one step: reads the tokens of `spans`, and samples the tokens of `requests`, those over the whole vocabulary
    /// first. `None` without requests.
    fn step(&mut self, spans: &[TokenSpan], requests: &[LogitsRequest], sampling: Sampling) -> Option<PendingStep>;

    /// Waits for the sampled tokens of all slots.
    fn wait(&mut self, pending: PendingStep) -> Result<Vec<SampledToken>>;

    /// Loads these adapters in place of those before.
    fn set_adapters(&mut self, adapters: &[Loras]) -> Result<()>;

    /// The number of adapters.
    fn adapters(&self) -> usize;

    /// Allocates cache and activations anew for these options.
    fn reserve(&mut self, options: &EngineOptions) -> Result<()>;

    /// The limits of a step.
    fn limits(&self) -> StepLimits;

    /// Bytes of the weights, as they are packed.
    fn weight_bytes(&self) -> usize;

    /// Bytes of everything beside the weights.
    fn footprint(&self) -> Footprint;

    /// Bytes of the keys and values of one token, of all layers.
    fn kv_bytes_per_token(&self) -> usize;

    /// Counters of launches, bytes and steps since the executor was made.
    fn work(&self) -> RunnerStats;
}
