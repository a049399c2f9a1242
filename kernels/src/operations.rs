//! The operations of a model's graph, with what the file of each offers: its kernels, what there is to measure of them, and how they are tried.
//!
//! What is listed here is translated for every graphics API by the tests, measured by `tiller bench kernels`, and tried by `tiller doctor
//! --selftest`; with it go the kernels of decoding and the products of training, which are launched by shapes of their own.

use crate::bench::{self, Entry, Op, Size, Sizes};
use crate::device::Gpu;
use crate::kernel::Kernel;
use crate::quant::Scheme;
use crate::trial::{Finding, Trial, Try};
use crate::{decode, matmul};

/// What the file of an operation offers.
struct Operation {
    /// That of its module.
    name: &'static str,
    /// Every variant of its kernels.
    kernels: fn() -> Vec<Kernel>,
    /// What there is to measure, in a model of these sizes.
    entries: fn(&Sizes) -> Vec<Entry>,
    /// Holds every variant against the reference.
    trial: Try,
}

macro_rules! operations {
    ($($module:ident),*) => {
        [$(Operation {
            name: stringify!($module),
            kernels: crate::$module::kernels,
            entries: crate::$module::entries,
            trial: crate::$module::trial,
        }),*]
    };
}

static OPERATIONS: &[Operation] =
    &operations![adamw, attention, embedding, gelu, layer_norm, rms_norm, rope, swiglu, token_scores];

/// Every variant of every kernel: what is translated offline to the shading languages of all graphics APIs.
pub fn kernels() -> Vec<Kernel> {
    let of_graph = OPERATIONS.iter().flat_map(|operation| (operation.kernels)());
    of_graph.chain(matmul::kernels()).chain(decode::kernels()).chain(bench::kernels()).collect()
}

/// What there is to measure on a device: the operations of decoding, with weights of each of `schemes`, and those of a model's graph around
/// its products, every variant that the device runs.
pub fn to_measure(gpu: &Gpu, size: Size, schemes: &[Scheme]) -> Vec<Op> {
    let entries = entries(&Sizes::of(size), schemes).into_iter();
    entries.filter(|entry| gpu.ability.contains(entry.kernel.needs())).map(Op).collect()
}

fn entries(sizes: &Sizes, schemes: &[Scheme]) -> Vec<Entry> {
    let of_graph = OPERATIONS.iter().flat_map(|operation| (operation.entries)(sizes));
    decode::bench::entries(sizes, schemes).into_iter().chain(of_graph).collect()
}

/// The operations that can be tried.
pub fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.name)
}

/// Tries every variant of an operation's kernels that the device can run.
///
/// # Panics
/// A name that is none of [`names`], a device that is lost.
pub fn try_out(name: &str, gpu: &Gpu) -> Vec<Finding> {
    let operation = OPERATIONS.iter().find(|operation| operation.name == name).expect("an operation");
    let mut trial = Trial::on(gpu.clone());
    (operation.trial)(&mut trial);
    trial.findings
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
        let entries = entries(&Sizes::TINY, &[Scheme::F16, Scheme::Q8]);
        let names: BTreeSet<String> = entries.iter().map(|e| Op(e.clone()).to_string()).collect();
        assert_eq!(names.len(), entries.len());
        // One of every shader is measured here: a moment each.
        let mut measured = BTreeSet::new();
        for entry in entries.into_iter().filter(|entry| gpu.ability.contains(entry.kernel.needs())) {
            if measured.insert(entry.kernel.shader()) {
                let row = measure_op(&mut pipelines, Size::Software, Op(entry.clone()));
                assert!(row.us.min > 0.0, "{row:?}");
                assert!((row.gb_per_s * row.us.median * 1e3 / entry.bytes - 1.0).abs() < 1e-9, "{row:?}");
            }
        }
    }

    #[test]
    fn every_shader_that_computes_is_measured() {
        let entries = entries(&Sizes::TINY, &[Scheme::F16, Scheme::Q8]);
        let measured: BTreeSet<&str> = entries.iter().map(|entry| entry.kernel.shader()).collect();
        // The products of training are measured by their shapes, with what runs before; ceilings are what is measured against.
        let apart = ["ceiling_copy", "ceiling_fma", "lora_linear", "row_ranges"];
        for kernel in kernels() {
            assert!(measured.contains(kernel.shader()) || apart.contains(&kernel.shader()), "{}", kernel.shader());
        }
    }
}
