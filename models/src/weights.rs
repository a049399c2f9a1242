//! The trainable weights of a module by name: the path of their fields, such as "items" or "blocks.0.query.weight".

use burn::module::{Module, Param};
use burn::tensor::{Tensor, TensorData};

use crate::archive::NamedTensors;
use crate::named::{MapNamed, VisitNamed, map_named, visit_named};
use crate::{Error, Result};

/// All weights of a module that can be trained.
pub fn weights_of(module: &impl Module) -> NamedTensors {
    visit_named(module, Collector::default()).weights
}

/// The module with each weight that can be trained replaced by the tensor of its name; `place` names their file in errors.
///
/// # Errors
/// A tensor that is missing, or whose shape is another.
pub fn with_weights<M: Module>(module: M, weights: NamedTensors, place: &str) -> Result<M> {
    let mut loader = Loader { weights, place, failure: None };
    let module = map_named(module, &mut loader);
    loader.failure.map_or(Ok(module), Err)
}

/// Returns true if a parameter can be trained, which burn shows only of one in training.
fn is_trained<const D: usize>(param: &Param<Tensor<D>>) -> bool {
    param.clone().train().is_require_grad()
}

#[derive(Default)]
struct Collector {
    weights: NamedTensors,
}

impl VisitNamed for Collector {
    fn visit<const D: usize>(&mut self, name: String, param: &Param<Tensor<D>>) {
        if is_trained(param) {
            self.weights.insert(name, param.val().into_data());
        }
    }
}

struct Loader<'a> {
    weights: NamedTensors,
    place: &'a str,
    failure: Option<Error>,
}

impl Loader<'_> {
    fn take(&mut self, name: &str, expected: &[usize]) -> Result<TensorData> {
        let place = format!("{} tensor {name}", self.place);
        let next = "use the checkpoint of a run with this configuration";
        let Some(weight) = self.weights.remove(name) else {
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

impl MapNamed for Loader<'_> {
    fn map<const D: usize>(&mut self, name: String, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if !is_trained(&param) {
            return param;
        }
        match self.take(&name, &param.dims()) {
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
