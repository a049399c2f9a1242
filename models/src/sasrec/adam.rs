//! Adam: D. P. Kingma and J. Ba, Adam: A Method for Stochastic Optimization, ICLR 2015, with its published defaults.

use std::collections::BTreeMap;

use burn::module::{Module, ModuleMapper, Param};
use burn::tensor::{Device, Tensor, TensorData};

use super::archive::NamedTensors;
use super::gradient::Gradient;
use super::weights::weights_of;
use crate::{Error, Result};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// The optimiser's memory: the steps taken, and two moments of the gradient of every weight, flat and by its name.
#[derive(Debug, Clone, Default)]
pub struct Adam {
    steps: u32,
    first: BTreeMap<String, Tensor<1>>,
    second: BTreeMap<String, Tensor<1>>,
}

impl Adam {
    /// The optimiser after `steps` steps with the moments of [`Adam::moments`], for the weights of `model`.
    ///
    /// # Errors
    /// A weight without moments or with moments of another size; `place` names their file.
    pub fn resume(
        model: &impl Module,
        steps: u32,
        moments: [NamedTensors; 2],
        device: &Device,
        place: &str,
    ) -> Result<Self> {
        let device = device.clone().without_autodiff();
        let weights = weights_of(model);
        let load = |mut moments: NamedTensors| {
            let load = |(name, weight): (&String, &TensorData)| {
                let (expected, moment) = (weight.num_elements(), moments.remove(name));
                match moment.filter(|moment| moment.shape().as_slice() == [expected]) {
                    Some(moment) => Ok((name.clone(), Tensor::from_data(moment, &device))),
                    None => Err(Error::bad_input(format!("{place} moments of {name}"))
                        .expected(format!("{expected} values"))
                        .found("none of that length")
                        .next("train again without --resume")),
                }
            };
            weights.iter().map(load).collect::<Result<BTreeMap<_, _>, _>>()
        };
        let [first, second] = moments;
        Ok(Self { steps, first: load(first)?, second: load(second)? })
    }

    /// The number of steps taken.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// The first and the second moments.
    pub fn moments(&self) -> [NamedTensors; 2] {
        [&self.first, &self.second].map(|moments| moments.iter().map(|(name, m)| (name.clone(), m.to_data())).collect())
    }

    /// The model after one step of learning rate `lr` against `gradient`.
    pub fn step<M: Module>(&mut self, model: M, gradient: Gradient, lr: f64) -> M {
        self.steps += 1;
        model.map(&mut Step { adam: self, gradient, lr, path: Vec::new() })
    }

    /// Where a weight moves to, per unit of learning rate.
    fn direction(&mut self, weight: &str, gradient: Tensor<1>) -> Tensor<1> {
        let last = |moments: &mut BTreeMap<_, _>| moments.remove(weight).unwrap_or_else(|| gradient.zeros_like());
        let first = last(&mut self.first) * BETA_1 + gradient.clone() * (1.0 - BETA_1);
        let second = last(&mut self.second) * BETA_2 + gradient.clone().square() * (1.0 - BETA_2);
        let [bias_1, bias_2] = [BETA_1, BETA_2].map(|beta| 1.0 - beta.powi(self.steps as i32));
        let deviation = (second.clone() / bias_2).sqrt() + EPSILON;
        let direction = (first.clone() / bias_1) / deviation;
        self.first.insert(weight.to_owned(), first);
        self.second.insert(weight.to_owned(), second);
        direction
    }
}

struct Step<'a> {
    adam: &'a mut Adam,
    gradient: Gradient,
    lr: f64,
    path: Vec<String>,
}

impl ModuleMapper for Step<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let Some(gradient) = self.gradient.of_weight.remove(&name) else { return param };
        let step = self.adam.direction(&name, gradient) * self.lr;
        param.map(|weight| {
            let shape = weight.dims();
            weight - step.reshape(shape)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Module, Debug)]
    struct Point {
        at: Param<Tensor<1>>,
    }

    fn point(at: [f32; 2]) -> Point {
        Point { at: Param::from_data(at, &Device::flex()) }
    }

    fn step(point: Point, adam: &mut Adam, slope: [f32; 2], lr: f64) -> Point {
        let slope = Tensor::from_data(slope, &Device::flex());
        adam.step(point, Gradient { loss: 0.0, of_weight: [("at".to_owned(), slope)].into() }, lr)
    }

    #[test]
    fn two_steps_are_those_of_the_paper() {
        let mut adam = Adam::default();
        let mut moved = point([1.0, -2.0]);
        let (mut expected, mut m, mut v) = ([1.0f64, -2.0], [0.0; 2], [0.0; 2]);
        for (t, slope) in [[0.3f64, -4.0], [-0.1, 2.0]].into_iter().enumerate() {
            moved = step(moved, &mut adam, slope.map(|s| s as f32), 0.1);
            for i in 0..2 {
                m[i] = 0.9 * m[i] + 0.1 * slope[i];
                v[i] = 0.999 * v[i] + 0.001 * slope[i] * slope[i];
                let bias = |beta: f64| 1.0 - beta.powi(t as i32 + 1);
                expected[i] -= 0.1 * (m[i] / bias(0.9)) / ((v[i] / bias(0.999)).sqrt() + 1e-8);
            }
        }
        let found = moved.at.val().into_data().try_to_vec::<f32>().unwrap();
        for (found, expected) in found.iter().zip(expected) {
            assert!((f64::from(*found) - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn a_resumed_optimiser_goes_on_as_if_it_had_never_stopped() {
        let mut adam = Adam::default();
        let before = step(point([0.5, 0.5]), &mut adam, [1.0, -3.0], 0.1);
        let at: [f32; 2] = before.at.val().into_data().try_to_vec::<f32>().unwrap().try_into().unwrap();
        let device = Device::flex();
        let mut resumed = Adam::resume(&before, adam.steps(), adam.moments(), &device, "test").unwrap();
        let [on, again] = [step(before, &mut adam, [2.0, 2.0], 0.1), step(point(at), &mut resumed, [2.0, 2.0], 0.1)];
        assert_eq!(on.at.val().into_data(), again.at.val().into_data());

        let short = [(String::from("at"), TensorData::new(vec![0f32], [1]))];
        let moments = [short.clone().into(), short.into()];
        let error = Adam::resume(&on, 1, moments, &device, "last.safetensors").unwrap_err();
        assert!(error.to_string().contains("moments of at"), "{error}");
    }
}
