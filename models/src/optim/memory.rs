//! The moments of an optimizer, by the names of the weights.

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use tiller_kernels::adamw::{Layout, Moments};

/// A weight to be stepped.
pub(super) struct StepWeight {
    pub name: String,
    /// Its numbers, outside of any graph.
    pub values: Tensor<1>,
    /// True if it decays.
    pub decays: bool,
}

/// Two moments of the gradient of every weight that has had one.
#[derive(Debug, Clone, Default)]
pub(super) struct MomentStore {
    /// Of the weights of the last step: their names, and all of their moments one behind the other.
    stepped: Option<(Vec<String>, Moments)>,
    /// Of all others.
    resting: BTreeMap<String, [Tensor<1>; 2]>,
}

impl MomentStore {
    /// The memory of weights with the given first and second moments.
    pub fn new(moments: BTreeMap<String, [Tensor<1>; 2]>) -> Self {
        Self { stepped: None, resting: moments }
    }

    /// First and second moments of every weight.
    pub fn by_name(&self) -> BTreeMap<String, [Tensor<1>; 2]> {
        let mut all = self.resting.clone();
        if let Some((names, moments)) = &self.stepped {
            let [first, second] = moments.of_weights();
            all.extend(names.iter().cloned().zip(first.into_iter().zip(second).map(<[_; 2]>::from)));
        }
        all
    }

    /// The moments of `weights`, in their order, to be stepped. Those of weights without any are zero.
    pub fn of(&mut self, weights: &[StepWeight]) -> &mut Moments {
        let same = |(names, _): &(Vec<String>, Moments)| names.iter().eq(weights.iter().map(|weight| &weight.name));
        if !self.stepped.as_ref().is_some_and(same) {
            self.stepped = Some(self.lay_out(weights));
        }
        &mut self.stepped.as_mut().expect("they have just been laid out").1
    }

    fn lay_out(&mut self, weights: &[StepWeight]) -> (Vec<String>, Moments) {
        self.resting = self.by_name();
        let lengths: Vec<(usize, bool)> = weights.iter().map(|w| (w.values.dims()[0], w.decays)).collect();
        let of_weight = |StepWeight { name, values, .. }: &StepWeight| {
            let moments = self.resting.remove(name);
            moments.unwrap_or_else(|| [values.zeros_like(), values.zeros_like()]).into()
        };
        let (first, second): (Vec<_>, Vec<_>) = weights.iter().map(of_weight).unzip();
        let moments = Moments::from_weights(Layout::new(&lengths).into(), [first, second]);
        (weights.iter().map(|weight| weight.name.clone()).collect(), moments)
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;
    use tiller_kernels::adamw::AdamWStep;

    use super::*;

    fn weight(name: &str) -> StepWeight {
        StepWeight { name: name.to_owned(), values: Tensor::zeros([2], &Device::flex()), decays: false }
    }

    fn step(memory: &mut MomentStore, names: &[&str]) {
        let weights: Vec<StepWeight> = names.iter().map(|name| weight(name)).collect();
        let step = AdamWStep { lr: 0.1, betas: [0.5, 0.5], epsilon: 1e-5, weight_decay: 0.0, clip: None, number: 1 };
        let gradients = weights.iter().map(|weight| weight.values.ones_like()).collect();
        memory.of(&weights).step(weights.into_iter().map(|weight| weight.values).collect(), gradients, &step);
    }

    #[test]
    fn weights_come_and_go_and_keep_their_moments() {
        let mut memory = MomentStore::default();
        for names in [&["a", "b"][..], &["b", "c"], &["b", "c"], &["a"]] {
            step(&mut memory, names);
        }
        // First moments of a gradient of ones: 1 - 2⁻ⁿ after n steps.
        let first: Vec<(String, f32)> =
            memory.by_name().into_iter().map(|(name, [first, _])| (name, first.max().into_scalar())).collect();
        assert_eq!(first, [("a".into(), 0.75), ("b".into(), 0.875), ("c".into(), 0.75)]);
    }
}
