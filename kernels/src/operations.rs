//! The registry of a model's operations: the kernels, the benchmarks and the check of each.
//!
//! The tests translate every kernel that is listed here for every graphics API, `tiller bench kernels`
//! measures it, and `tiller doctor --selftest` checks it. The kernels of decoding and the linear layers of
//! training belong to it too; they are launched by shapes of their own.

use crate::bench::{self, Bench, BenchCase, BenchDims, DeviceClass, LinearBench, LinearShape};
use crate::check::{CheckFn, CheckResult, KernelCheck};
use crate::device::Gpu;
use crate::kernel::Kernel;
use crate::quant::QuantScheme;
use crate::{decode, matmul};

/// The parts of an operation's file.
struct Operation {
    /// The module's name.
    name: &'static str,
    /// Every variant of its kernels.
    kernels: fn() -> Vec<Kernel>,
    /// The benchmarks in a model of these sizes.
    bench_cases: fn(&BenchDims) -> Vec<BenchCase>,
    /// Compares every variant with the reference.
    check: CheckFn,
}

macro_rules! operations {
    ($($module:ident),*) => {
        [$(Operation {
            name: stringify!($module),
            kernels: crate::$module::kernels,
            bench_cases: crate::$module::bench_cases,
            check: crate::$module::check,
        }),*]
    };
}

static OPERATIONS: &[Operation] =
    &operations![adamw, attention, embedding, gelu, layer_norm, rms_norm, rope, swiglu, cross_entropy];

/// Every variant of every kernel; the tests translate them to the shading languages of all graphics APIs.
pub fn kernels() -> Vec<Kernel> {
    let of_graph = OPERATIONS.iter().flat_map(|operation| (operation.kernels)());
    of_graph.chain(matmul::kernels()).chain(decode::kernels()).chain(bench::kernels()).collect()
}

/// The benchmarks: the operations of decoding with weights of each of `schemes`, those of a model's graph,
/// and the linear layers of training; every variant of each. A device runs those whose kernels need no more
/// than its features.
pub fn benches(class: DeviceClass, schemes: &[QuantScheme]) -> Vec<Bench> {
    let cases = bench_cases(&BenchDims::of(class), schemes).into_iter().map(Bench::from);
    let shapes = LinearShape::usual(class).into_iter();
    let layers = shapes.flat_map(|shape| schemes.iter().map(move |scheme| (*scheme, shape)));
    cases.chain(layers.flat_map(|(scheme, shape)| LinearBench::all(scheme, shape)).map(Bench::from)).collect()
}

fn bench_cases(dims: &BenchDims, schemes: &[QuantScheme]) -> Vec<BenchCase> {
    let of_graph = OPERATIONS.iter().flat_map(|operation| (operation.bench_cases)(dims));
    bench::decode::bench_cases(dims, schemes).into_iter().chain(of_graph).collect()
}

/// The names of the operations that [`self_check`] takes.
pub fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.name)
}

/// Checks every variant of an operation's kernels that the device can run.
///
/// # Panics
/// A name that is none of [`names`], a device that is lost.
pub fn self_check(name: &str, gpu: &Gpu) -> Vec<CheckResult> {
    let operation = OPERATIONS.iter().find(|operation| operation.name == name).expect("an operation");
    let mut check = KernelCheck::on(gpu.clone());
    (operation.check)(&mut check);
    check.results
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::pipelines::Pipelines;
    use crate::test_gpu;

    #[test]
    fn every_operation_is_measured_once_per_variant() {
        let gpu = test_gpu().gpu.unwrap();
        let mut pipelines = Pipelines::new(gpu.clone());
        let cases = bench_cases(&BenchDims::TINY, &[QuantScheme::F16, QuantScheme::Q8]);
        let names: BTreeSet<String> = cases.iter().map(|case| Bench::from(case.clone()).to_string()).collect();
        assert_eq!(names.len(), cases.len());
        // One of every shader is measured here: a moment each.
        let mut measured = BTreeSet::new();
        for case in cases.into_iter().filter(|case| gpu.features.contains(case.kernel.needs())) {
            if measured.insert(case.kernel.shader()) {
                let row = Bench::from(case.clone()).measure(&mut pipelines, DeviceClass::Software).unwrap();
                assert!(row.us.min > 0.0, "{row:?}");
                assert!((row.gb_per_s * row.us.median * 1e3 / case.bytes - 1.0).abs() < 1e-9, "{row:?}");
            }
        }
    }

    #[test]
    fn every_shader_that_computes_is_measured() {
        let cases = bench_cases(&BenchDims::TINY, &[QuantScheme::F16, QuantScheme::Q8]);
        let measured: BTreeSet<&str> = cases.iter().map(|case| case.kernel.shader()).collect();
        // Linear layers are measured by their shapes, row_scales with them; the roofline is no operation.
        let apart = ["roofline_copy", "roofline_fma", "lora_linear", "row_scales"];
        for kernel in kernels() {
            assert!(measured.contains(kernel.shader()) || apart.contains(&kernel.shader()), "{}", kernel.shader());
        }
    }
}
