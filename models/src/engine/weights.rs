//! A Llama's weights on the device of an engine, in the row order of its steps.

use tiller_kernels::decode::rope_interleaved_rows;
use tiller_kernels::quant::{PackedMatrix, QuantScheme};

use super::source::{WeightSource, fitting};
use crate::llama::LlamaConfig;
use crate::{Error, Result};

/// A device that holds weights.
pub(super) trait WeightStore {
    /// A matrix there.
    type Matrix;
    /// The gain of a norm there.
    type Gain;

    /// Copies a matrix, of which rows are kept together by `unit`.
    fn matrix(&self, module: &str, packed: &PackedMatrix, unit: usize) -> Result<Self::Matrix>;

    /// Copies a gain.
    fn gain(&self, module: &str, gain: Vec<f32>) -> Self::Gain;

    /// Bytes of a matrix.
    fn bytes(matrix: &Self::Matrix) -> usize;
}

/// All weights.
pub(super) struct EngineWeights<S: WeightStore> {
    /// `[vocab_size, d_model]`; `None` where it is the output projection.
    embedding: Option<S::Matrix>,
    pub(super) layers: Vec<LayerWeights<S>>,
    pub(super) norm: S::Gain,
    /// `[vocab_size, d_model]`.
    pub(super) lm_head: S::Matrix,
}

/// The weights of a block.
pub(super) struct LayerWeights<S: WeightStore> {
    pub(super) input_norm: S::Gain,
    /// q, k and v one after the other; coordinates of q and k that are rotated together are neighbours.
    pub(super) qkv: S::Matrix,
    pub(super) o_proj: S::Matrix,
    pub(super) post_attention_norm: S::Gain,
    /// Rows of gate and up in turn.
    pub(super) gate_up: S::Matrix,
    pub(super) down_proj: S::Matrix,
}

/// The bytes of the matrices of a model of these sizes in a quantization scheme.
pub(super) fn bytes_in(config: &LlamaConfig, scheme: QuantScheme) -> usize {
    let matrices = config.modules().into_iter().filter_map(|(_, shape)| <[usize; 2]>::try_from(shape).ok());
    matrices.map(|[rows, cols]| fitting(scheme, cols).bytes(rows, cols)).sum()
}

impl<S: WeightStore> EngineWeights<S> {
    /// Copies all weights of `source` to `store`, a matrix at a time.
    pub(super) fn load(source: &mut dyn WeightSource, scheme: Option<QuantScheme>, store: &S) -> Result<Self> {
        let config = source.config().clone();
        let table = [config.vocab_size, config.d_model];
        let mut loader = WeightLoader { source, scheme, store, config: &config };
        let embedding = loader.matrix("model.embed_tokens", table)?;
        let layers = (0..config.n_layers).map(|i| loader.layer(i)).collect::<Result<_>>()?;
        let norm = loader.gain("model.norm")?;
        let (embedding, lm_head) = match config.tied_embeddings {
            true => (None, embedding),
            false => (Some(embedding), loader.matrix("lm_head", table)?),
        };
        Ok(Self { embedding, layers, norm, lm_head })
    }

    /// `[vocab_size, d_model]`.
    pub(super) fn embedding(&self) -> &S::Matrix {
        self.embedding.as_ref().unwrap_or(&self.lm_head)
    }

    /// Bytes of all matrices.
    pub(super) fn bytes(&self) -> usize {
        let of = |layer: &LayerWeights<S>| [&layer.qkv, &layer.o_proj, &layer.gate_up, &layer.down_proj].map(S::bytes);
        let embedding = self.embedding.as_ref().map_or(0, S::bytes);
        embedding + S::bytes(&self.lm_head) + self.layers.iter().flat_map(of).sum::<usize>()
    }
}

/// Reads and copies.
struct WeightLoader<'a, S> {
    source: &'a mut dyn WeightSource,
    scheme: Option<QuantScheme>,
    store: &'a S,
    config: &'a LlamaConfig,
}

impl<S: WeightStore> WeightLoader<'_, S> {
    fn layer(&mut self, i: usize) -> Result<LayerWeights<S>> {
        let &LlamaConfig { d_model, d_ff, n_heads, n_kv_heads, head_dim, .. } = self.config;
        let (q_width, kv_width) = (n_heads * head_dim, n_kv_heads * head_dim);
        let name = |part: &str| format!("model.layers.{i}.{part}");
        let [q, k, v] = self.alike([
            (name("self_attn.q_proj"), [q_width, d_model]),
            (name("self_attn.k_proj"), [kv_width, d_model]),
            (name("self_attn.v_proj"), [kv_width, d_model]),
        ])?;
        let qkv = PackedMatrix::of_rows(qkv_rows(self.config).map(|(part, row)| ([&q, &k, &v][part], row)));
        let [gate, up] =
            self.alike([(name("mlp.gate_proj"), [d_ff, d_model]), (name("mlp.up_proj"), [d_ff, d_model])])?;
        let gate_up = PackedMatrix::of_rows(gate_up_rows(self.config).map(|(part, row)| ([&gate, &up][part], row)));
        Ok(LayerWeights {
            input_norm: self.gain(&name("input_layernorm"))?,
            // Some launches need pairs of rows.
            qkv: self.store.matrix(&name("self_attn"), &qkv, 2)?,
            o_proj: self.matrix(&name("self_attn.o_proj"), [d_model, q_width])?,
            post_attention_norm: self.gain(&name("post_attention_layernorm"))?,
            gate_up: self.store.matrix(&name("mlp"), &gate_up, 2)?,
            down_proj: self.matrix(&name("mlp.down_proj"), [d_model, d_ff])?,
        })
    }

    /// Matrices whose rows become one matrix: in the widest of their schemes, if these differ.
    fn alike<const N: usize>(&mut self, modules: [(String, [usize; 2]); N]) -> Result<[PackedMatrix; N]> {
        let mut all = Vec::with_capacity(N);
        for (module, shape) in &modules {
            all.push(self.source.matrix(module, *shape, self.scheme)?);
        }
        let width = |scheme: QuantScheme| QuantScheme::ALL.iter().position(|s| *s == scheme);
        let widest = all.iter().map(PackedMatrix::scheme).min_by_key(|scheme| width(*scheme)).expect("some matrices");
        for (packed, (module, [rows, cols])) in all.iter_mut().zip(&modules) {
            if packed.scheme() != widest {
                let repacked = PackedMatrix::from_f32(widest, *rows, *cols, &packed.to_f32());
                *packed = repacked.map_err(Error::packing(module))?;
            }
        }
        Ok(all.try_into().expect("as many as were asked for"))
    }

    fn matrix(&mut self, module: &str, shape: [usize; 2]) -> Result<S::Matrix> {
        let packed = self.source.matrix(module, shape, self.scheme)?;
        self.store.matrix(module, &packed, 1)
    }

    fn gain(&mut self, module: &str) -> Result<S::Gain> {
        let gain = self.source.vector(module, self.config.d_model)?;
        Ok(self.store.gain(module, gain))
    }
}

/// The rows of q, k and v (0, 1, 2) in the engine's order.
pub(super) fn qkv_rows(config: &LlamaConfig) -> impl Iterator<Item = (usize, usize)> {
    let &LlamaConfig { n_heads, n_kv_heads, head_dim, .. } = config;
    let interleaved = move |part, heads| {
        (0..heads).flat_map(move |head| rope_interleaved_rows(head_dim).map(move |row| (part, head * head_dim + row)))
    };
    interleaved(0, n_heads).chain(interleaved(1, n_kv_heads)).chain((0..n_kv_heads * head_dim).map(|row| (2, row)))
}

/// The rows of gate and up (0, 1) in the engine's order.
pub(super) fn gate_up_rows(config: &LlamaConfig) -> impl Iterator<Item = (usize, usize)> {
    (0..config.d_ff).flat_map(|row| [(0, row), (1, row)])
}
