//! The gradient of a loss with respect to every weight of a module.

use std::collections::BTreeMap;

use burn::module::{Module, Param};
use burn::tensor::{self, Tensor};

use crate::named::{VisitNamed, visit_named};

/// A gradient for each weight that the loss depends on, flat and by the weight's name.
#[derive(Debug, Clone, Default)]
pub struct Gradients {
    pub(crate) of_weight: BTreeMap<String, Tensor<1>>,
}

impl Gradients {
    /// Differentiates `loss`, `[1]`, by the weights of `module` that require a gradient.
    ///
    /// # Panics
    /// Where the loss depends on no such weight: call [`Module::train`] before computing it.
    pub fn of(loss: Tensor<1>, module: &impl Module) -> Self {
        Self::found_in(loss.backward(), module)
    }

    /// [`Gradients::of`], and the gradient of `leaf`, which the loss depends on.
    ///
    /// # Panics
    /// Where it does not.
    pub(crate) fn behind<const D: usize>(loss: Tensor<1>, module: &impl Module, leaf: &Tensor<D>) -> (Self, Tensor<D>) {
        let mut gradients = loss.backward();
        let of_leaf = leaf.grad_remove(&mut gradients).expect("the loss depends on the leaf");
        (Self::found_in(gradients, module), of_leaf)
    }

    fn found_in(gradients: tensor::Gradients, module: &impl Module) -> Self {
        visit_named(module, Collector { gradients, found: Self::default() }).found
    }

    /// Adds the gradients of another loss.
    pub fn add(&mut self, other: Self) {
        for (name, part) in other.of_weight {
            let sum = match self.of_weight.remove(&name) {
                Some(sum) => sum + part,
                None => part,
            };
            self.of_weight.insert(name, sum);
        }
    }

    /// Renames the gradients to those of a parent module, whose field `field` is the module that they are of.
    pub fn within(self, field: &str) -> Self {
        let of_weight = self.of_weight.into_iter().map(|(name, gradient)| (format!("{field}.{name}"), gradient));
        Self { of_weight: of_weight.collect() }
    }

    /// Every gradient times `factor`.
    pub fn scale(mut self, factor: f64) -> Self {
        self.of_weight.values_mut().for_each(|gradient| gradient.inplace(|gradient| gradient * factor));
        self
    }

    /// The norm of all gradients as one vector; 0 where there are none.
    pub fn norm(&self) -> f64 {
        let squares: Vec<Tensor<1>> = self.of_weight.values().map(|gradient| gradient.clone().square().sum()).collect();
        if squares.is_empty() {
            return 0.0;
        }
        // One read-back for all of them.
        Tensor::cat(squares, 0).into_data().iter::<f64>().sum::<f64>().sqrt()
    }
}

struct Collector {
    gradients: tensor::Gradients,
    found: Gradients,
}

impl VisitNamed for Collector {
    fn visit<const D: usize>(&mut self, name: String, param: &Param<Tensor<D>>) {
        if let Some(gradient) = param.val().grad_remove(&mut self.gradients) {
            let size = gradient.shape().num_elements();
            self.found.of_weight.insert(name, gradient.reshape([size]));
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::*;

    #[derive(Module, Debug)]
    struct Line {
        slope: Param<Tensor<1>>,
        offset: Param<Tensor<1>>,
        unused: Param<Tensor<1>>,
    }

    /// The gradients of (slope · x + offset)², where the parameters are 2 and 1.
    fn gradients(x: f32) -> Gradients {
        let number = |value: f32| Param::from_data([value], &Device::flex());
        let line = Line { slope: number(2.0), offset: number(1.0), unused: number(0.0) }.train();
        Gradients::of((line.slope.val() * x + line.offset.val()).square(), &line)
    }

    fn values(gradients: &Gradients) -> Vec<(&str, f32)> {
        gradients.of_weight.iter().map(|(name, g)| (name.as_str(), g.clone().into_scalar())).collect()
    }

    #[test]
    fn every_weight_of_the_loss_has_its_gradient_by_name() {
        assert_eq!(values(&gradients(3.0)), [("offset", 14.0), ("slope", 42.0)]);
        assert_eq!(Gradients::default().norm(), 0.0);
    }

    #[test]
    fn gradients_of_parts_add_up() {
        let mut sum = Gradients::default();
        sum.add(gradients(3.0));
        sum.add(gradients(0.0));
        assert_eq!(values(&sum), [("offset", 16.0), ("slope", 42.0)]);
        let halved = sum.scale(0.5);
        assert_eq!(values(&halved), [("offset", 8.0), ("slope", 21.0)]);
        assert!((halved.norm() - 505f64.sqrt()).abs() < 1e-5);
    }

    #[test]
    fn gradients_of_a_field_are_those_of_its_owner() {
        assert_eq!(values(&gradients(3.0).within("line")), [("line.offset", 14.0), ("line.slope", 42.0)]);
    }
}
