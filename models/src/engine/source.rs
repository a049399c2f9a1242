//! Sources of an engine's weights.

use tiller_kernels::quant::{PackedMatrix, QuantScheme};

use crate::llama::{Llama, LlamaConfig};
use crate::random::Normal;
use crate::{Error, Result};

/// The weights of a Llama, by the names of their modules in Hugging Face's words ("model.layers.0.self_attn.q_proj").
pub trait WeightSource {
    /// The model's sizes.
    fn config(&self) -> &LlamaConfig;

    /// A weight matrix `[rows, cols]`: packed by `scheme`, or without one as it comes.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape, weights that the scheme does not fit.
    fn matrix(&mut self, module: &str, shape: [usize; 2], scheme: Option<QuantScheme>) -> Result<PackedMatrix>;

    /// A vector, `[width]`.
    ///
    /// # Errors
    /// A tensor that is missing or of another shape.
    fn vector(&mut self, module: &str, width: usize) -> Result<Vec<f32>>;
}

/// The scheme, or a wider one where rows of so many columns are no whole number of its groups.
pub(super) fn fitting(scheme: QuantScheme, cols: usize) -> QuantScheme {
    let fits = |scheme: &QuantScheme| cols.is_multiple_of(scheme.row_multiple());
    [scheme, QuantScheme::Q4Affine].into_iter().find(fits).unwrap_or(QuantScheme::F16)
}

/// Packs `values` `[rows, cols]` by the scheme that is fitting.
pub(crate) fn packed(
    module: &str,
    scheme: QuantScheme,
    [rows, cols]: [usize; 2],
    values: &[f32],
) -> Result<PackedMatrix> {
    PackedMatrix::from_f32(fitting(scheme, cols), rows, cols, values).map_err(Error::packing(module))
}

/// The weights that a Llama of burn's has now.
pub(crate) struct GraphWeights<'a> {
    llama: &'a Llama,
    config: LlamaConfig,
}

impl<'a> GraphWeights<'a> {
    pub(crate) fn new(llama: &'a Llama) -> Self {
        // A packed output projection has an embedding of floats beside it.
        let config = LlamaConfig { tied_embeddings: llama.shares_embedding(), ..llama.config().clone() };
        Self { llama, config }
    }
}

impl WeightSource for GraphWeights<'_> {
    fn config(&self) -> &LlamaConfig {
        &self.config
    }

    fn matrix(&mut self, module: &str, shape: [usize; 2], scheme: Option<QuantScheme>) -> Result<PackedMatrix> {
        match self.llama.packed(module)? {
            Some(packed) if scheme.is_none_or(|scheme| scheme == packed.scheme()) => Ok(packed),
            Some(other) => self::packed(module, scheme.unwrap_or(QuantScheme::F32), shape, &other.to_f32()),
            None => self::packed(module, scheme.unwrap_or(QuantScheme::F32), shape, &self.llama.values(module)?),
        }
    }

    fn vector(&mut self, module: &str, _width: usize) -> Result<Vec<f32>> {
        self.llama.values(module)
    }
}

/// Random weights of a shape, for benchmarks.
#[derive(Debug)]
pub struct RandomWeights {
    config: LlamaConfig,
    drawn: u64,
}

impl RandomWeights {
    /// Weights for a model of this shape, the same ones every time.
    pub fn new(config: LlamaConfig) -> Self {
        Self { config, drawn: 0 }
    }

    /// `n` numbers that keep the magnitude of activations through a matrix of `cols` columns. A large matrix repeats a pattern, since
    /// drawing a billion normal numbers is slow.
    fn numbers(&mut self, n: usize, cols: usize) -> Vec<f32> {
        const PATTERN: usize = 1 << 16;
        self.drawn += 1;
        let pattern = Normal::of_stream(1, self.drawn).draw(n.min(PATTERN + 1), 1.0 / (cols as f32).sqrt());
        pattern.iter().copied().cycle().take(n).collect()
    }
}

impl WeightSource for RandomWeights {
    fn config(&self) -> &LlamaConfig {
        &self.config
    }

    fn matrix(&mut self, module: &str, shape: [usize; 2], scheme: Option<QuantScheme>) -> Result<PackedMatrix> {
        let values = self.numbers(shape[0] * shape[1], shape[1]);
        packed(module, scheme.unwrap_or(QuantScheme::F16), shape, &values)
    }

    fn vector(&mut self, _module: &str, width: usize) -> Result<Vec<f32>> {
        Ok(vec![1.0; width])
    }
}
