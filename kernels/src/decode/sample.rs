//! Sampling of the next tokens on the GPU.

use super::builder::StepBuilder;
use super::launch::{Costs, Launch, Over};
use super::step_inputs::SAMPLED_TOKEN_WORDS;
use crate::kernel::Kernel;

/// The sampling mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SamplingMode {
    /// The likeliest token.
    Greedy,
    /// One drawn from the probabilities.
    Random,
    /// A token drawn from the likeliest alone: top-k, top-p.
    Truncated,
}

impl SamplingMode {
    const ALL: [SamplingMode; 3] = [SamplingMode::Greedy, SamplingMode::Random, SamplingMode::Truncated];
}

const WORKGROUP: u32 = 256;

impl StepBuilder<'_> {
    /// Samples a token for every request of the step.
    ///
    /// # Shapes
    /// logits `[requests, vocabulary]`, sampled tokens `[slots, SAMPLED_TOKEN_WORDS]`, see
    /// [`SampledToken`](super::SampledToken).
    pub fn sample(
        &mut self,
        sampling_mode: SamplingMode,
        vocabulary: usize,
        logits: &wgpu::Buffer,
        sampled_tokens: &wgpu::Buffer,
    ) -> Launch {
        let buffers = [logits, sampled_tokens, self.step_inputs].map(wgpu::Buffer::as_entire_binding);
        Launch::new(
            self.pipelines.step(&kernel(sampling_mode, vocabulary), &buffers, 1),
            Over::Requests,
            Costs::default(),
        )
    }
}

pub(crate) fn kernel(sampling_mode: SamplingMode, vocabulary: usize) -> Kernel {
    let mode = match sampling_mode {
        SamplingMode::Greedy => 0u32,
        SamplingMode::Random => 1,
        SamplingMode::Truncated => 2,
    };
    Kernel::new("decode_sample")
        .with("WORKGROUP", WORKGROUP)
        .with("STRIDE", vocabulary as u32)
        .with("MODE", mode)
        .with("SAMPLED_TOKEN", SAMPLED_TOKEN_WORDS as u32)
}

/// Every variant, for the translation test.
pub(super) fn kernels() -> Vec<Kernel> {
    SamplingMode::ALL.map(|sampling_mode| kernel(sampling_mode, 160)).to_vec()
}
