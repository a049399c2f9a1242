//! Benchmarks and profiling of single kernels: on a GPU against the roofline of the device, on a CPU beside each other.
//!
//! Steps run through plain wgpu, as in decoding, many to a submission. Weights take turns among many copies,
//! so that they come from memory and not from a cache, as they do when the layers of a model pass by. The
//! linear layers of training are measured over the shapes of several models. The file of every other
//! operation lists its own cases ([`BenchCase`]), and
//! [`operations`](crate::operations) collects them.

mod buffers;
mod case;
mod class;
mod cpu;
pub(crate) mod decode;
mod linear;
mod roofline;
mod select;
mod time;
mod work;

use std::fmt;

use crate::kernel::{Kernel, VariantTier};
use crate::pipelines::Pipelines;
use crate::quant::PackError;

pub use class::DeviceClass;
pub use cpu::CpuBench;
pub use linear::LinearShape;
pub use roofline::{Roofline, roofline};
pub use select::{UnknownBench, select, select_cpu};
pub use time::{Clock, Microseconds};
pub use work::KernelTiming;

pub(crate) use case::{BenchBuffer, BenchCase, BenchDims};
pub(crate) use linear::LinearBench;
pub(crate) use roofline::kernels;

/// A benchmark: one variant of an operation over one shape.
#[derive(Debug, Clone)]
pub struct Bench(Subject);

#[derive(Debug, Clone)]
enum Subject {
    Case(BenchCase),
    Linear(LinearBench),
}

impl From<BenchCase> for Bench {
    fn from(case: BenchCase) -> Self {
        Bench(Subject::Case(case))
    }
}

impl From<LinearBench> for Bench {
    fn from(linear: LinearBench) -> Self {
        Bench(Subject::Linear(linear))
    }
}

impl Bench {
    /// The operation, as `--op` names it.
    pub fn op(&self) -> &'static str {
        match &self.0 {
            Subject::Case(case) => case.op,
            Subject::Linear(_) => "lora_linear",
        }
    }

    /// The variant, as `--variant` names it: "backward, subgroups".
    pub fn variant(&self) -> String {
        let variant = match &self.0 {
            Subject::Case(case) => case.variant,
            Subject::Linear(linear) => linear.direction(),
        };
        match self.kernel().tier() {
            VariantTier::Portable => variant.to_owned(),
            tier => format!("{variant}, {}", tier.name()),
        }
    }

    /// The format of weights, or of keys and values, where there are any.
    pub fn stored(&self) -> Option<&'static str> {
        match &self.0 {
            Subject::Case(case) => case.stored,
            Subject::Linear(linear) => Some(linear.scheme.name()),
        }
    }

    /// The kernel that is measured.
    pub fn kernel(&self) -> &Kernel {
        match &self.0 {
            Subject::Case(case) => &case.kernel,
            Subject::Linear(linear) => &linear.kernel,
        }
    }

    fn shape(&self) -> String {
        match &self.0 {
            Subject::Case(case) => case.shape.clone(),
            Subject::Linear(linear) => linear.shape(),
        }
    }

    /// Measures it by the clock of the device.
    ///
    /// # Errors
    /// A layer whose inputs are not a multiple of the scheme's group, weights beyond the device's largest
    /// binding.
    pub fn measure(&self, pipelines: &mut Pipelines, class: DeviceClass) -> Result<KernelTiming, PackError> {
        let work = match &self.0 {
            Subject::Case(case) => case.work(pipelines, class),
            Subject::Linear(linear) => linear.work(pipelines, class)?,
        };
        let gpu = pipelines.gpu();
        let us = time::time(gpu, Clock::of(gpu), &work.runs);
        let per_second = |amount: f64| amount / us.median / 1e3;
        Ok(KernelTiming {
            op: self.op(),
            stored: self.stored(),
            variant: self.variant(),
            shape: self.shape(),
            us,
            gb_per_s: per_second(work.bytes),
            gflop_per_s: per_second(work.operations),
        })
    }
}

impl fmt::Display for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.op(), self.stored().unwrap_or(""), self.variant(), self.shape())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::open::test_gpu;
    use crate::quant::QuantScheme;

    #[test]
    fn both_directions_are_measured_and_no_figure_is_beyond_belief() {
        let mut pipelines = Pipelines::new(test_gpu().gpu.unwrap());
        let roofline = roofline(&mut pipelines, DeviceClass::Software);
        assert!(roofline.gb_per_s > 0.0 && roofline.gflop_per_s > 0.0);
        let shape = LinearShape { rows: 9, outputs: 40, inputs: 64, rank: 2 };
        let benches = LinearBench::all(QuantScheme::Q4, shape).map(Bench::from);
        let portable = benches.filter(|bench| bench.kernel().tier() == VariantTier::Portable);
        let measured: Vec<KernelTiming> =
            portable.map(|bench| bench.measure(&mut pipelines, DeviceClass::Software).unwrap()).collect();
        assert_eq!(measured.iter().map(|row| &row.variant[..]).collect::<Vec<_>>(), ["forward", "backward"]);
        for row in &measured {
            assert!(row.us.min > 0.0 && row.us.min <= row.us.median && row.us.median <= row.us.max);
            // Bytes, operations and time are of one and the same run.
            let run = 2.0 * (9 * 40 * (64 + 2)) as f64;
            assert!((row.gflop_per_s * row.us.median * 1e3 / run - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn shapes_that_a_scheme_cannot_hold_are_refused() {
        let mut pipelines = Pipelines::new(test_gpu().gpu.unwrap());
        let shape = LinearShape { rows: 1, outputs: 4, inputs: 65, rank: 1 };
        for bench in LinearBench::all(QuantScheme::Q4, shape).map(Bench::from) {
            let measured = bench.measure(&mut pipelines, DeviceClass::Software);
            assert!(matches!(measured, Err(PackError::Columns { .. })), "{bench}");
        }
    }
}
