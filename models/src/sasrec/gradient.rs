//! One batch's loss and gradient.

use burn::module::Module;

use super::SasRec;
use super::groups::by_length;
use crate::optim::Gradients;
use crate::random::Noise;

/// A training example: the item that came after a history.
#[derive(Debug, Clone, Copy)]
pub struct SasRecExample<'a> {
    /// Item numbers from 1, oldest first; may be empty.
    pub history: &'a [u32],
    /// The item number that came next.
    pub target: u32,
}

/// A batch's mean loss and the gradient of it.
#[derive(Debug)]
pub struct Gradient {
    /// Mean of logsumexp(scores) - score(target), in nats.
    pub loss: f64,
    /// The gradient of each weight.
    pub of_weights: Gradients,
}

impl SasRec {
    /// Mean loss and gradient over `examples` with dropout at `rate`; steps of a training take different seeds.
    ///
    /// The same for a seed on one device, however many cores it has.
    pub fn gradient(&self, examples: &[SasRecExample], rate: f64, seed: u64) -> Gradient {
        let lengths: Vec<usize> = examples.iter().map(|example| example.history.len()).collect();
        let parts = by_length(&lengths, &self.device(), |index, group| {
            let group: Vec<SasRecExample> = group.iter().map(|&at| examples[at]).collect();
            // Its own leaves make its graph its own, which burn then differentiates beside the others'.
            let model = self.clone().train();
            model.group_gradient(&group, examples.len(), &mut Noise::new(rate, seed, index as u64))
        });
        parts
            .into_iter()
            .reduce(Gradient::plus)
            .unwrap_or_else(|| Gradient { loss: 0.0, of_weights: Gradients::default() })
    }

    /// The part of `group` in the mean over a batch of `batch` examples.
    fn group_gradient(&self, group: &[SasRecExample], batch: usize, noise: &mut Noise) -> Gradient {
        let histories: Vec<&[u32]> = group.iter().map(|example| example.history).collect();
        let targets: Vec<u32> = group.iter().map(|example| example.target).collect();
        let loss = self.losses(self.users(&histories, noise), &targets).sum() / batch as f64;
        Gradient { loss: loss.clone().into_scalar::<f32>().into(), of_weights: Gradients::of(loss, self) }
    }
}

impl Gradient {
    fn plus(mut self, other: Gradient) -> Gradient {
        self.loss += other.loss;
        self.of_weights.add(other.of_weights);
        self
    }
}
