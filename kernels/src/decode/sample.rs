//! Choosing the next tokens on the GPU.

use super::builder::Builder;
use super::frame::ANSWER_WORDS;
use super::launch::{Costs, Launch, Over};
use crate::kernel::Kernel;

/// How answers are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Choosing {
    /// The likeliest token.
    Greedy,
    /// One drawn from the probabilities.
    Random,
    /// The same, among the likeliest alone: top-k, top-p.
    Truncated,
}

impl Choosing {
    const ALL: [Choosing; 3] = [Choosing::Greedy, Choosing::Random, Choosing::Truncated];
}

const WORKGROUP: u32 = 256;

impl Builder<'_> {
    /// Chooses an answer for every question of the step.
    ///
    /// # Shapes
    /// logits `[questions, vocabulary]`, answers `[slots, ANSWER_WORDS]`, see [`Answer`](super::Answer).
    pub fn sample(
        &mut self,
        choosing: Choosing,
        vocabulary: usize,
        logits: &wgpu::Buffer,
        answers: &wgpu::Buffer,
    ) -> Launch {
        let buffers = [logits, answers, self.frame].map(wgpu::Buffer::as_entire_binding);
        Launch::new(self.pipelines.step(&kernel(choosing, vocabulary), &buffers, 1), Over::Questions, Costs::default())
    }
}

pub(super) fn kernel(choosing: Choosing, vocabulary: usize) -> Kernel {
    let mode = match choosing {
        Choosing::Greedy => 0u32,
        Choosing::Random => 1,
        Choosing::Truncated => 2,
    };
    Kernel::new("decode_sample")
        .with("WORKGROUP", WORKGROUP)
        .with("STRIDE", vocabulary as u32)
        .with("MODE", mode)
        .with("ANSWER", ANSWER_WORDS as u32)
}

/// Every variant, for the translation test.
pub(super) fn kernels() -> Vec<Kernel> {
    Choosing::ALL.map(|choosing| kernel(choosing, 160)).to_vec()
}
