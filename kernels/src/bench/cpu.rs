//! The products of packed weights on a CPU, by scheme, instruction set and number of columns.

use std::fmt;
use std::hint::black_box;
use std::time::Instant;

use super::buffers::scattered;
use super::class::DeviceClass;
use super::time::microseconds;
use super::work::KernelTiming;
use crate::decode_cpu::{Columns, Isa, PanelOutput, Panels, pool, product};
use crate::quant::{PackedMatrix, QuantScheme};

/// Rows and columns of the matrices: those of TinyLlama 1.1B, whole groups of every scheme.
const SIZE: usize = 2048;

/// Columns of activations: one sequence, a small batch, a part of a prompt.
const COUNTS: [usize; 3] = [1, 8, 64];

/// A product of packed weights with the columns of a step.
#[derive(Debug, Clone, Copy)]
pub struct CpuBench {
    scheme: QuantScheme,
    /// With 16-bit activations, else with floats.
    quantize: bool,
    isa: Isa,
    count: usize,
}

impl CpuBench {
    /// The products with weights of each of `schemes`, by every variant that this processor runs.
    pub fn all(schemes: &[QuantScheme]) -> Vec<CpuBench> {
        let variants = Isa::available().iter().flat_map(|isa| [true, false].map(|quantize| (*isa, quantize)));
        let of_scheme = |scheme: QuantScheme| {
            let fits = move |(isa, quantize): &(Isa, bool)| {
                !quantize || scheme.has_integer_quants() && isa.has_integer_products()
            };
            let counted = move |(isa, quantize)| COUNTS.map(|count| CpuBench { scheme, quantize, isa, count });
            variants.clone().filter(fits).flat_map(counted)
        };
        schemes.iter().flat_map(|scheme| of_scheme(*scheme)).collect()
    }

    /// The operation, as `--op` names it.
    pub fn op(&self) -> &'static str {
        "cpu_product"
    }

    /// The variant, as `--variant` names it: "int16, AVX2".
    pub fn variant(&self) -> String {
        format!("{}, {}", if self.quantize { "int16" } else { "f32" }, self.isa.name())
    }

    fn shape(&self) -> String {
        format!("{} x {SIZE} x {SIZE}", self.count)
    }

    /// Measures it on all threads, by the wall clock. Copies of the weights take turns, so that they do not come from the first caches.
    pub fn measure(&self) -> KernelTiming {
        let Self { scheme, quantize, isa, count } = *self;
        let packed = PackedMatrix::from_f32(scheme, SIZE, SIZE, &scattered(SIZE * SIZE))
            .expect("a matrix of whole groups, of finite numbers");
        let weights = Panels::new(&packed);
        let copies = vec![weights; (DeviceClass::Software.streamed_bytes() / scheme.bytes(SIZE, SIZE)).max(1)];
        let (x, mut columns, mut y) = (scattered(count * SIZE), Columns::default(), PanelOutput::default());
        columns.set([count, SIZE], quantize, pool(), isa, |number, column| {
            column.copy_from_slice(&x[number * SIZE..][..SIZE]);
        });
        let us = microseconds(|runs| {
            let start = Instant::now();
            for weights in copies.iter().cycle().take(runs) {
                product(weights, black_box(&columns), &mut y, pool(), isa);
            }
            start.elapsed()
        });
        let numbers = if quantize { SIZE * size_of::<i16>() } else { SIZE * size_of::<f32>() };
        let bytes = scheme.bytes(SIZE, SIZE) + count * (numbers + SIZE * size_of::<f32>());
        let per_second = |amount: usize| amount as f64 / us.median / 1e3;
        KernelTiming {
            op: self.op(),
            stored: Some(scheme.name()),
            variant: self.variant(),
            shape: self.shape(),
            us,
            gb_per_s: per_second(bytes),
            gflop_per_s: per_second(2 * count * SIZE * SIZE),
        }
    }
}

impl fmt::Display for CpuBench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.op(), self.scheme, self.variant(), self.shape())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_of_a_scheme_has_its_figures() {
        let all = CpuBench::all(&[QuantScheme::Q4, QuantScheme::Nf4]);
        // Q4 with floats and, where there is a variant, integers; NF4 with floats alone.
        let variants = |isa: &Isa| if isa.has_integer_products() { 3 } else { 2 };
        assert_eq!(all.len(), COUNTS.len() * Isa::available().iter().map(variants).sum::<usize>());
        let KernelTiming { us, gb_per_s, gflop_per_s, .. } = all[0].measure();
        assert!(us.min > 0.0 && us.min <= us.median && us.median <= us.max);
        // Bytes, operations and time are of one and the same run.
        let operations = 2.0 * (SIZE * SIZE) as f64;
        assert!((gflop_per_s * us.median * 1e3 / operations - 1.0).abs() < 1e-9);
        assert!(gb_per_s > 0.0);
    }
}
