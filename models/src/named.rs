//! The float parameters of a module by name: the path of their fields, such as "items" or "blocks.0.query.weight".

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::Tensor;

/// Receives every float parameter with its name.
pub(crate) trait VisitNamed {
    /// Visits one parameter.
    fn visit<const D: usize>(&mut self, name: String, param: &Param<Tensor<D>>);
}

/// Replaces every float parameter by its name.
pub(crate) trait MapNamed {
    /// Replaces one parameter.
    fn map<const D: usize>(&mut self, name: String, param: Param<Tensor<D>>) -> Param<Tensor<D>>;
}

/// Visits all float parameters of a module, and returns the visitor.
pub(crate) fn visit_named<V: VisitNamed>(module: &impl Module, visitor: V) -> V {
    let mut walk = Walk { path: Vec::new(), inner: visitor };
    module.visit(&mut walk);
    walk.inner
}

/// Replaces the float parameters of a module.
pub(crate) fn map_named<M: Module>(module: M, mapper: &mut impl MapNamed) -> M {
    module.map(&mut Walk { path: Vec::new(), inner: mapper })
}

/// Keeps the path to the current parameter.
struct Walk<T> {
    path: Vec<String>,
    inner: T,
}

impl<V: VisitNamed> ModuleVisitor for Walk<V> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.inner.visit(self.path.join("."), param);
    }
}

impl<M: MapNamed> ModuleMapper for Walk<&mut M> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        self.inner.map(self.path.join("."), param)
    }
}
