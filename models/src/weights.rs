//! The weights of a module by name: the path of its fields, such as "items" or "blocks.0.query.weight". Frozen ones are left out:
//! they are no part of what a training makes.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use crate::archive::NamedTensors;
use crate::{Error, Result};

/// All weights of a module that can be trained.
pub fn weights_of(module: &impl Module) -> NamedTensors {
    let mut collector = Collector::default();
    module.visit(&mut collector);
    collector.weights
}

/// The module with each weight that can be trained replaced by the tensor of its name; `place` names their file in errors.
///
/// # Errors
/// A tensor that is missing, or whose shape is another.
pub fn with_weights<M: Module>(module: M, weights: NamedTensors, place: &str) -> Result<M> {
    let mut loader = Loader { path: Vec::new(), weights, place, failure: None };
    let module = module.map(&mut loader);
    loader.failure.map_or(Ok(module), Err)
}

/// Whether a parameter can be trained, which burn shows only of one in training.
fn is_trained<const D: usize>(param: &Param<Tensor<D>>) -> bool {
    param.clone().train().is_require_grad()
}

#[derive(Default)]
struct Collector {
    path: Vec<String>,
    weights: NamedTensors,
}

impl ModuleVisitor for Collector {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if is_trained(param) {
            self.weights.insert(self.path.join("."), param.val().into_data());
        }
    }
}

struct Loader<'a> {
    path: Vec<String>,
    weights: NamedTensors,
    place: &'a str,
    failure: Option<Error>,
}

impl Loader<'_> {
    fn take(&mut self, expected: &[usize]) -> Result<TensorData> {
        let name = self.path.join(".");
        let place = format!("{} tensor {name}", self.place);
        let next = "use the checkpoint of a run with this configuration";
        let Some(weight) = self.weights.remove(&name) else {
            return Err(Error::bad_input(place)
                .expected(format!("{expected:?}"))
                .found("no such tensor")
                .next(next)
                .into());
        };
        if weight.shape().as_slice() != expected {
            let found = format!("{:?}", weight.shape().as_slice());
            return Err(Error::bad_input(place).expected(format!("{expected:?}")).found(found).next(next).into());
        }
        Ok(weight)
    }
}

impl ModuleMapper for Loader<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !is_trained(&param) {
            return param;
        }
        match self.take(&param.dims()) {
            Ok(weight) => param.map(|old| {
                let device = old.device();
                Tensor::from_data(weight, &device).set_require_grad(device.is_autodiff())
            }),
            Err(failure) => {
                self.failure.get_or_insert(failure);
                param
            }
        }
    }
}
