//! One batch's loss and gradient.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Gradients, Tensor};

use super::groups::by_length;
use super::{Noise, SasRec};

/// What the model learns from: after this history came this item.
#[derive(Debug, Clone, Copy)]
pub struct Example<'a> {
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
    /// The gradient of each weight, flat, by the weight's name.
    pub(super) of_weight: BTreeMap<String, Tensor<1>>,
}

impl SasRec {
    /// Mean loss and gradient over `examples` with dropout at `rate`; steps of a training take different seeds.
    ///
    /// The same for a seed on one device, however many cores it has.
    pub fn gradient(&self, examples: &[Example], rate: f64, seed: u64) -> Gradient {
        let lengths: Vec<usize> = examples.iter().map(|example| example.history.len()).collect();
        let parts = by_length(&lengths, &self.device(), |index, group| {
            let group: Vec<Example> = group.iter().map(|&at| examples[at]).collect();
            // Its own leaves make its graph its own, which burn then differentiates beside the others'.
            let model = self.clone().train();
            model.group_gradient(&group, examples.len(), &mut Noise::new(rate, seed, index as u64))
        });
        parts.into_iter().reduce(Gradient::plus).unwrap_or_else(|| Gradient { loss: 0.0, of_weight: BTreeMap::new() })
    }

    /// The part of `group` in the mean over a batch of `batch` examples.
    fn group_gradient(&self, group: &[Example], batch: usize, noise: &mut Noise) -> Gradient {
        let histories: Vec<&[u32]> = group.iter().map(|example| example.history).collect();
        let targets: Vec<u32> = group.iter().map(|example| example.target).collect();
        let loss = self.losses(self.users(&histories, noise), &targets).sum() / batch as f64;
        let mut collector = Collector { gradients: loss.backward(), path: Vec::new(), of_weight: BTreeMap::new() };
        self.visit(&mut collector);
        Gradient { loss: loss.into_scalar::<f32>().into(), of_weight: collector.of_weight }
    }
}

impl Gradient {
    fn plus(mut self, other: Gradient) -> Gradient {
        self.loss += other.loss;
        for (name, part) in other.of_weight {
            let sum = match self.of_weight.remove(&name) {
                Some(sum) => sum + part,
                None => part,
            };
            self.of_weight.insert(name, sum);
        }
        self
    }
}

struct Collector {
    gradients: Gradients,
    path: Vec<String>,
    of_weight: BTreeMap<String, Tensor<1>>,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad_remove(&mut self.gradients) {
            let size = gradient.shape().num_elements();
            self.of_weight.insert(self.path.join("."), gradient.reshape([size]));
        }
    }
}
