//! AdamW: Adam (D. P. Kingma and J. Ba, ICLR 2015) with decoupled weight decay (I. Loshchilov and F. Hutter, ICLR 2019).

use std::collections::BTreeMap;
use std::path::Path;

use burn::module::{Module, Param};
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};
use tiller_kernels::adamw::AdamWStep;

use super::Gradients;
use super::memory::{MomentStore, StepWeight};
use crate::archive::{Archive, NamedTensors};
use crate::named::{MapNamed, VisitNamed, map_named, visit_named};
use crate::weights::weights_of;
use crate::{Error, Result};

/// The hyperparameters of AdamW. The defaults are those of method §5.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdamWConfig {
    /// The decay rates of the first and the second moment.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Decoupled weight decay, relative to the learning rate; of matrices only.
    pub weight_decay: f64,
    /// The largest norm of all gradients together; they are scaled down to it.
    pub max_grad_norm: f64,
}

impl Default for AdamWConfig {
    fn default() -> Self {
        Self { betas: [0.9, 0.999], epsilon: 1e-5, weight_decay: 0.01, max_grad_norm: 1.0 }
    }
}

impl AdamWConfig {
    /// Adam with its published defaults: no decay, no clipping.
    pub fn adam() -> Self {
        Self { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay: 0.0, max_grad_norm: f64::INFINITY }
    }
}

/// The state of the optimizer: the steps taken, and two moments of the gradient of every weight, by its name.
#[derive(Debug, Clone)]
pub struct AdamW {
    config: AdamWConfig,
    steps: u32,
    memory: MomentStore,
}

impl AdamW {
    /// An optimizer before its first step.
    pub fn new(config: AdamWConfig) -> Self {
        Self { config, steps: 0, memory: MomentStore::default() }
    }

    /// The number of steps taken.
    pub fn steps(&self) -> u32 {
        self.steps
    }

    /// The module after one step of learning rate `lr` against `gradients`, and their norm before clipping.
    ///
    /// If that norm is not finite (a loss that overflowed), no step is taken and the module is returned unchanged.
    pub fn step<M: Module>(&mut self, module: M, gradients: Gradients, lr: f64) -> (M, f64) {
        self.moved(module, gradients, lr, Some(self.config.max_grad_norm))
    }

    /// [`AdamW::step`] without clipping, and so without a download of the norm.
    pub fn advance<M: Module>(&mut self, module: M, gradients: Gradients, lr: f64) -> M {
        self.moved(module, gradients, lr, None).0
    }

    /// All weights at once: on a GPU one launch moves them, and one computes the norm.
    fn moved<M: Module>(&mut self, module: M, mut gradients: Gradients, lr: f64, clip: Option<f64>) -> (M, f64) {
        let mut weights = visit_named(&module, Collector { gradients: &gradients, found: Vec::new() }).found;
        weights.sort_by(|one, other| one.name.cmp(&other.name));

        let AdamWConfig { betas, epsilon, weight_decay, .. } = self.config;
        let step = AdamWStep { lr, betas, epsilon, weight_decay, clip, number: self.steps + 1 };
        let gradient =
            |weight: &StepWeight| gradients.of_weight.remove(&weight.name).expect("it was asked for by name");
        let gradients = weights.iter().map(gradient).collect();
        let moments = self.memory.of(&weights);
        let (names, values): (Vec<_>, Vec<_>) = weights.into_iter().map(|weight| (weight.name, weight.values)).unzip();
        let (moved, norm) = moments.step(values, gradients, &step);
        if !norm.is_finite() {
            return (module, norm);
        }
        self.steps += 1;
        (map_named(module, &mut Replace { moved: names.into_iter().zip(moved).collect() }), norm)
    }

    /// Saves the state to `archive`, under `name`.
    pub fn save(&self, archive: &mut Archive, name: &str) {
        let (mut first, mut second) = (NamedTensors::new(), NamedTensors::new());
        for (name, moments) in self.memory.by_name() {
            let [one, other] = moments.map(|moment| moment.to_data());
            first.insert(name.clone(), one);
            second.insert(name, other);
        }
        archive.put(&format!("{name}.first"), first);
        archive.put(&format!("{name}.second"), second);
        archive.words.insert(format!("{name}.steps"), self.steps.to_string());
    }

    /// Restores a state that [`AdamW::save`] put into `archive`; further steps are those of the optimizer that was saved, to the last bit.
    ///
    /// # Errors
    /// No state under `name`, or one that does not fit the weights of `module`; `path` names the file.
    pub fn restore(
        config: AdamWConfig,
        module: &impl Module,
        archive: &mut Archive,
        name: &str,
        device: &Device,
        path: &Path,
    ) -> Result<Self> {
        let key = format!("{name}.steps");
        let word = archive.word(&key, path)?;
        let steps = word.parse().map_err(|_| {
            Error::bad_input(format!("{} metadata {key}", path.display())).expected("a number of steps").found(word)
        })?;
        let sizes = weights_of(module).into_iter().map(|(name, weight)| (name, weight.num_elements())).collect();
        let mut load = |part: &str| moments(archive.take(&format!("{name}.{part}")), &sizes, device, path);
        let (first, mut second) = (load("first")?, load("second")?);
        let pair = |(name, first): (String, Tensor<1>)| {
            let second = second.remove(&name).unwrap_or_else(|| first.zeros_like());
            (name, [first, second])
        };
        Ok(Self { config, steps, memory: MomentStore::new(first.into_iter().map(pair).collect()) })
    }
}

/// Moments as tensors, each as long as its weight. A weight that never had a gradient has none.
fn moments(
    saved: NamedTensors,
    sizes: &BTreeMap<String, usize>,
    device: &Device,
    path: &Path,
) -> Result<BTreeMap<String, Tensor<1>>> {
    let device = device.clone().without_autodiff();
    let load = |(name, moment): (String, burn::tensor::TensorData)| match sizes.get(&name) {
        Some(size) if moment.shape().as_slice() == [*size] => Ok((name, Tensor::from_data(moment, &device))),
        expected => Err(Error::bad_input(format!("{} moments of {name}", path.display()))
            .expected(expected.map_or("a weight of the model".into(), |size| format!("{size} values")))
            .found(format!("moments of {} values", moment.num_elements()))
            .next("train again without --resume")
            .into()),
    };
    saved.into_iter().map(load).collect()
}

/// Finds the weights that have a gradient.
struct Collector<'a> {
    gradients: &'a Gradients,
    found: Vec<StepWeight>,
}

impl VisitNamed for Collector<'_> {
    fn visit<const D: usize>(&mut self, name: String, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.of_weight.get(&name) {
            // A step is no part of any graph.
            let values = param.val().without_autodiff().reshape(gradient.dims());
            self.found.push(StepWeight { name, values, decays: D > 1 });
        }
    }
}

/// Puts the moved weights into their places.
struct Replace {
    moved: BTreeMap<String, Tensor<1>>,
}

impl MapNamed for Replace {
    fn map<const D: usize>(&mut self, name: String, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(moved) = self.moved.remove(&name) else { return param };
        param.map(|weight| {
            let (shape, in_training) = (weight.dims(), weight.is_require_grad());
            let moved = moved.reshape(shape);
            if in_training { Tensor::from_inner(moved).require_grad() } else { moved }
        })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::TensorData;

    use super::*;

    #[derive(Module, Debug)]
    struct Point {
        matrix: Param<Tensor<2>>,
        vector: Param<Tensor<1>>,
    }

    fn point(matrix: [f32; 2], vector: f32) -> Point {
        let device = Device::flex();
        Point { matrix: Param::from_data([matrix], &device), vector: Param::from_data([vector], &device) }
    }

    fn place(point: &Point) -> [f32; 3] {
        let matrix: Vec<f32> = point.matrix.val().into_data().try_to_vec().unwrap();
        [matrix[0], matrix[1], point.vector.val().into_scalar()]
    }

    fn slope([a, b, c]: [f32; 3]) -> Gradients {
        let of = |name: &str, values: &[f32]| (name.to_owned(), Tensor::from_data(values, &Device::flex()));
        Gradients { of_weight: [of("matrix", &[a, b]), of("vector", &[c])].into() }
    }

    /// The algorithm of the papers in f64, over plain numbers, from (1, −2, 3).
    fn expected(config: AdamWConfig, slopes: &[[f64; 3]], lr: f64) -> [f64; 3] {
        let [beta_1, beta_2] = config.betas;
        let (mut at, mut m, mut v) = ([1.0f64, -2.0, 3.0], [0.0; 3], [0.0; 3]);
        for (t, slope) in (1..).zip(slopes) {
            let norm = slope.iter().map(|s| s * s).sum::<f64>().sqrt();
            let clip = (config.max_grad_norm / (norm + 1e-6)).min(1.0);
            for i in 0..3 {
                let decays = i < 2;
                m[i] = beta_1 * m[i] + (1.0 - beta_1) * clip * slope[i];
                v[i] = beta_2 * v[i] + (1.0 - beta_2) * (clip * slope[i]).powi(2);
                let bias = |beta: f64| 1.0 - beta.powi(t);
                at[i] *= 1.0 - if decays { lr * config.weight_decay } else { 0.0 };
                at[i] -= lr * (m[i] / bias(beta_1)) / ((v[i] / bias(beta_2)).sqrt() + config.epsilon);
            }
        }
        at
    }

    #[test]
    fn steps_are_those_of_the_papers() {
        const SLOPES: [[f64; 3]; 3] = [[0.3, -4.0, 0.5], [-0.1, 2.0, 0.0], [0.01, 0.2, -0.3]];
        let decaying = AdamWConfig { weight_decay: 0.5, ..AdamWConfig::default() };
        for config in [AdamWConfig::adam(), AdamWConfig::default(), decaying] {
            let (mut adamw, mut moved) = (AdamW::new(config), point([1.0, -2.0], 3.0));
            for found in SLOPES {
                let norm = found.iter().map(|s| s * s).sum::<f64>().sqrt();
                let (next, found) = adamw.step(moved, slope(found.map(|s| s as f32)), 0.1);
                moved = next;
                assert!((found - norm).abs() < 1e-5, "{found} {norm}");
            }
            for (found, expected) in place(&moved).into_iter().zip(expected(config, &SLOPES, 0.1)) {
                assert!((f64::from(found) - expected).abs() < 2e-6, "{found} {expected}");
            }
        }
    }

    #[test]
    fn a_restored_optimizer_goes_on_as_if_it_had_never_stopped() {
        let (mut adamw, config) = (AdamW::new(AdamWConfig::default()), AdamWConfig::default());
        let (before, _) = adamw.step(point([0.5, 0.5], 0.1), slope([1.0, -3.0, 0.7]), 0.1);
        let [a, b, c] = place(&before);
        let mut archive = Archive::default();
        adamw.save(&mut archive, "adamw");
        let restore = |mut archive: Archive, module: &Point| {
            AdamW::restore(config, module, &mut archive, "adamw", &Device::flex(), Path::new("last.safetensors"))
        };
        let mut restored = restore(archive.clone(), &before).unwrap();
        let next = slope([2.0, 2.0, -0.1]);
        let [on, again] = [adamw.step(before, next.clone(), 0.1).0, restored.step(point([a, b], c), next, 0.1).0];
        assert_eq!(place(&on), place(&again));
        assert_eq!(restored.steps(), 2);

        archive.tensors.insert("adamw.first.vector".into(), TensorData::new(vec![0f32; 2], [2]));
        let error = restore(archive, &on).unwrap_err().to_string();
        assert!(error.contains("last.safetensors moments of vector") && error.contains("1 values"), "{error}");
        let error = restore(Archive::default(), &on).unwrap_err().to_string();
        assert!(error.contains("adamw.steps"), "{error}");
    }

    #[test]
    fn a_gradient_that_is_no_number_moves_nothing() {
        let mut adamw = AdamW::new(AdamWConfig::default());
        let (moved, norm) = adamw.step(point([1.0, 2.0], 3.0), slope([0.0, f32::NAN, 0.0]), 0.1);
        assert!(norm.is_nan());
        assert_eq!((place(&moved), adamw.steps()), ([1.0, 2.0, 3.0], 0));
    }

    #[test]
    fn a_module_in_training_stays_in_training() {
        let mut adamw = AdamW::new(AdamWConfig::default());
        let mut point = point([1.0, 2.0], 3.0).train();
        for _ in 0..2 {
            let loss = point.matrix.val().square().sum() + point.vector.val().square();
            let gradients = Gradients::of(loss, &point);
            point = adamw.step(point, gradients, 0.1).0;
        }
        assert!(place(&point).iter().zip([1.0, 2.0, 3.0]).all(|(found, start)| *found < start));
    }
}
