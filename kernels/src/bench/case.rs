//! A benchmark of one kernel: its buffers, its launches, and the costs of a run.

use bytemuck::NoUninit;

use super::buffers::{empty, filled, scattered};
use super::class::DeviceClass;
use super::work::Work;
use crate::kernel::Kernel;
use crate::pipelines::Pipelines;
use crate::quant::{PackedMatrix, QuantScheme};

/// A kernel to measure.
#[derive(Debug, Clone)]
pub(crate) struct BenchCase {
    pub(super) op: &'static str,
    /// The format of weights, or of keys and values, where there are any.
    pub(super) stored: Option<&'static str>,
    /// The variant of the operation, without the features that its kernel uses: "backward".
    pub(super) variant: &'static str,
    pub(super) shape: String,
    pub(crate) kernel: Kernel,
    /// In the order of the bindings, without the parameters.
    buffers: Vec<BenchBuffer>,
    /// The bytes of the parameters and the workgroups of every launch of one run.
    launches: Vec<(Vec<u8>, usize)>,
    pub(crate) bytes: f64,
    operations: f64,
}

impl BenchCase {
    /// `kernel` as the operation `op`, with no buffers and no launches yet.
    pub(crate) fn new(op: &'static str, variant: &'static str, shape: String, kernel: Kernel) -> Self {
        let (buffers, launches) = (vec![], vec![]);
        BenchCase { op, stored: None, variant, shape, kernel, buffers, launches, bytes: 0.0, operations: 0.0 }
    }

    /// Sets the format of weights, or of keys and values.
    pub(crate) fn stored(self, stored: &'static str) -> Self {
        BenchCase { stored: Some(stored), ..self }
    }

    /// Sets another shape for the table.
    pub(crate) fn shaped(self, shape: String) -> Self {
        BenchCase { shape, ..self }
    }

    /// Adds buffers, in the order of the bindings.
    pub(crate) fn over(mut self, buffers: impl IntoIterator<Item = BenchBuffer>) -> Self {
        self.buffers.extend(buffers);
        self
    }

    /// Adds a launch to the run.
    pub(crate) fn launched(self, params: &impl NoUninit, workgroups: usize) -> Self {
        self.launched_with(bytemuck::bytes_of(params), workgroups)
    }

    /// Adds a launch whose parameters have no fixed size.
    pub(crate) fn launched_with(mut self, params: &[u8], workgroups: usize) -> Self {
        self.launches.push((params.to_vec(), workgroups));
        self
    }

    /// Sets the costs of a run: the bytes that must be moved at least, every input and output once, and the
    /// operations, two per multiply-add.
    pub(crate) fn costing(self, bytes: usize, operations: usize) -> Self {
        BenchCase { bytes: bytes as f64, operations: operations as f64, ..self }
    }
}

/// The content of a buffer to measure with.
#[derive(Debug, Clone)]
pub(crate) enum BenchBuffer {
    /// Numbers between -1 and 1.
    Numbers(usize),
    /// Numbers to be written.
    Output(usize),
    /// Words of a given content.
    Words(Vec<u32>),
    /// Words, repeated this many times.
    Repeated(Vec<u32>, usize),
}

impl BenchBuffer {
    /// The number of numbers or words.
    pub(crate) fn len(&self) -> usize {
        match self {
            BenchBuffer::Numbers(count) | BenchBuffer::Output(count) => *count,
            BenchBuffer::Words(words) => words.len(),
            BenchBuffer::Repeated(words, times) => words.len() * times,
        }
    }

    /// The quants of a matrix `[rows, cols]`, and its scales where there are any; all rows are equal.
    ///
    /// # Panics
    /// Columns that are not a multiple of the scheme's group.
    pub(crate) fn weight(scheme: QuantScheme, rows: usize, cols: usize) -> Vec<BenchBuffer> {
        let row = PackedMatrix::from_f32(scheme, 1, cols, &scattered(cols))
            .expect("a row of whole groups, of finite numbers");
        let repeated = |words: &[u32]| BenchBuffer::Repeated(words.to_vec(), rows);
        let scales = (!row.scales().is_empty()).then(|| repeated(row.scales()));
        [repeated(row.quants())].into_iter().chain(scales).collect()
    }
}

/// The sizes of a model and of a step of its training.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BenchDims {
    pub(crate) batch: usize,
    pub(crate) seq: usize,
    pub(crate) d_model: usize,
    pub(crate) d_ff: usize,
    pub(crate) n_heads: usize,
    pub(crate) n_kv_heads: usize,
    pub(crate) head_dim: usize,
    pub(crate) vocab_size: usize,
}

impl BenchDims {
    /// TinyLlama 1.1B with eight sequences, the sizes that other projects publish.
    const GPU: BenchDims = BenchDims {
        batch: 8,
        seq: 512,
        d_model: 2048,
        d_ff: 5632,
        n_heads: 32,
        n_kv_heads: 4,
        head_dim: 64,
        vocab_size: 32_000,
    };
    /// SmolLM2 135M with one short sequence.
    const SOFTWARE: BenchDims = BenchDims {
        batch: 1,
        seq: 64,
        d_model: 576,
        d_ff: 1536,
        n_heads: 9,
        n_kv_heads: 3,
        head_dim: 64,
        vocab_size: 4096,
    };
    /// For tests.
    #[cfg(test)]
    pub(crate) const TINY: BenchDims =
        BenchDims { batch: 1, seq: 40, d_model: 16, d_ff: 32, n_heads: 2, n_kv_heads: 1, head_dim: 8, vocab_size: 20 };

    pub(crate) fn of(class: DeviceClass) -> Self {
        match class {
            DeviceClass::Gpu => Self::GPU,
            DeviceClass::Software => Self::SOFTWARE,
        }
    }

    /// Tokens of all sequences.
    pub(crate) fn tokens(&self) -> usize {
        self.batch * self.seq
    }
}

/// The most copies of the buffers, which take turns.
const MOST_COPIES: usize = 64;

impl BenchCase {
    /// The kernel over as many copies of its buffers as do not fit the caches.
    pub(super) fn work(&self, pipelines: &mut Pipelines, class: DeviceClass) -> Work {
        let gpu = pipelines.gpu().clone();
        let copies = (class.streamed_bytes() / (self.bytes as usize).max(1)).clamp(1, MOST_COPIES);
        let params: Vec<wgpu::Buffer> = self.launches.iter().map(|(params, _)| filled(&gpu, params)).collect();
        let mut run = || {
            let buffers: Vec<wgpu::Buffer> = self
                .buffers
                .iter()
                .map(|buffer| match buffer {
                    BenchBuffer::Numbers(count) => filled(&gpu, &scattered(*count)),
                    BenchBuffer::Output(count) => empty(&gpu, count * size_of::<f32>()),
                    BenchBuffer::Words(words) => filled(&gpu, words),
                    BenchBuffer::Repeated(words, times) => filled(&gpu, &words.repeat(*times)),
                })
                .collect();
            let launches = params.iter().zip(&self.launches);
            let step = |(params, (_, workgroups)): (&wgpu::Buffer, &(_, usize))| {
                let bindings: Vec<_> = buffers.iter().chain([params]).map(wgpu::Buffer::as_entire_binding).collect();
                pipelines.step(&self.kernel, &bindings, *workgroups)
            };
            launches.map(step).collect()
        };
        let runs = (0..copies).map(|_| run()).collect();
        Work { bytes: self.bytes, operations: self.operations, runs }
    }
}
