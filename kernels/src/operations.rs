//! The operations of a model's graph, with what the file of each offers: its kernels, what there is to measure of them, and how they are tried.
//!
//! What is listed here is translated for every graphics API by the tests, measured by `tiller bench kernels`, and tried by `tiller doctor
//! --selftest`; with it go the kernels of decoding and the products of training, which are launched by shapes of their own.

use crate::bench::{self, BenchCase, BenchDims, DeviceClass, Op};
use crate::check::{CheckFn, CheckResult, KernelCheck};
use crate::device::Gpu;
use crate::kernel::Kernel;
use crate::quant::QuantScheme;
use crate::{decode, matmul};

/// What the file of an operation offers.
struct Operation {
    /// That of its module.
    name: &'static str,
    /// Every variant of its kernels.
    kernels: fn() -> Vec<Kernel>,
    /// What there is to measure, in a model of these sizes.
    bench_cases: fn(&BenchDims) -> Vec<BenchCase>,
    /// Holds every variant against the reference.
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

/// Every variant of every kernel: what is translated offline to the shading languages of all graphics APIs.
pub fn kernels() -> Vec<Kernel> {
    let of_graph = OPERATIONS.iter().flat_map(|operation| (operation.kernels)());
    of_graph.chain(matmul::kernels()).chain(decode::kernels()).chain(bench::kernels()).collect()
}

/// What there is to measure on a device: the operations of decoding, with weights of each of `schemes`, and those of a model's graph around
/// its products, every variant that the device runs.
pub fn to_measure(gpu: &Gpu, class: DeviceClass, schemes: &[QuantScheme]) -> Vec<Op> {
    let entries = bench_cases(&BenchDims::of(class), schemes).into_iter();
    entries.filter(|case| gpu.features.contains(case.kernel.needs())).map(Op).collect()
}

fn bench_cases(sizes: &BenchDims, schemes: &[QuantScheme]) -> Vec<BenchCase> {
    let of_graph = OPERATIONS.iter().flat_map(|operation| (operation.bench_cases)(sizes));
    decode::bench::bench_cases(sizes, schemes).into_iter().chain(of_graph).collect()
}

/// The operations that can be tried.
pub fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.name)
}

/// Tries every variant of an operation's kernels that the device can run.
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
    use crate::bench::measure_op;
    use crate::device::test_gpu;
    use crate::pipelines::Pipelines;

    #[test]
    fn every_operation_is_measured_once_per_variant() {
        let gpu = test_gpu().gpu.unwrap();
        let mut pipelines = Pipelines::new(gpu.clone());
        let entries = bench_cases(&BenchDims::TINY, &[QuantScheme::F16, QuantScheme::Q8]);
        let names: BTreeSet<String> = entries.iter().map(|e| Op(e.clone()).to_string()).collect();
        assert_eq!(names.len(), entries.len());
        // One of every shader is measured here: a moment each.
        let mut measured = BTreeSet::new();
        for case in entries.into_iter().filter(|case| gpu.features.contains(case.kernel.needs())) {
            if measured.insert(case.kernel.shader()) {
                let row = measure_op(&mut pipelines, DeviceClass::Software, Op(case.clone()));
                assert!(row.us.min > 0.0, "{row:?}");
                assert!((row.gb_per_s * row.us.median * 1e3 / case.bytes - 1.0).abs() < 1e-9, "{row:?}");
            }
        }
    }

    #[test]
    fn every_shader_that_computes_is_measured() {
        let entries = bench_cases(&BenchDims::TINY, &[QuantScheme::F16, QuantScheme::Q8]);
        let measured: BTreeSet<&str> = entries.iter().map(|case| case.kernel.shader()).collect();
        // The products of training are measured by their shapes, with what runs before; ceilings are what is measured against.
        let apart = ["roofline_copy", "roofline_fma", "lora_linear", "row_scales"];
        for kernel in kernels() {
            assert!(measured.contains(kernel.shader()) || apart.contains(&kernel.shader()), "{}", kernel.shader());
        }
    }
}
