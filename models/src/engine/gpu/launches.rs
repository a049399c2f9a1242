//! The launches of a step: the mathematics of the model.

use std::collections::HashMap;

use tiller_kernels::decode::{
    AttentionBuffers, FusedLinear, Heads, KvFormat, Launch, LowRank, Norm, Queries, SamplingMode, Splits, StepBuilder,
    StepCounts, StepInputs, Store, columns_for,
};
use tiller_kernels::device::Gpu;
use tiller_kernels::pipelines::Pipelines;
use tiller_kernels::quant::PACK;

use super::super::adapters::Adapters;
use super::super::weights::{EngineWeights, LayerWeights};
use super::buffers::EngineBuffers;
use crate::llama::LlamaConfig;

/// The launches of every kind of step so far, each made when a step first needs it.
#[derive(Default)]
pub(super) struct StepLaunches {
    embed: Vec<Launch>,
    /// By the columns that share a read of the weights.
    matmuls: HashMap<usize, Vec<BlockMatmuls>>,
    /// By the splits of the keys, layer by layer.
    attention: HashMap<Splits, Vec<Vec<Launch>>>,
    sampling: HashMap<(usize, SamplingMode), Vec<Launch>>,
}

/// The matrix products of a block.
struct BlockMatmuls {
    qkv: Vec<Launch>,
    o_proj: Vec<Launch>,
    gate_up: Vec<Launch>,
    down_proj: Vec<Launch>,
}

/// The buffers and weights that launches bind.
pub(super) struct ModelParts<'a> {
    pub(super) config: &'a LlamaConfig,
    pub(super) heads: Heads,
    pub(super) kv_dtype: KvFormat,
    pub(super) weights: &'a EngineWeights<Gpu>,
    pub(super) adapters: Option<&'a Adapters<LowRank>>,
    pub(super) buffers: &'a EngineBuffers,
}

/// The kind of a step, which decides its launches.
#[derive(Debug, Clone, Copy)]
pub(super) struct StepKind {
    columns: usize,
    splits: Splits,
    sampling: (usize, SamplingMode),
}

impl StepKind {
    pub(super) fn of(step_inputs: &StepInputs, sampling_mode: SamplingMode) -> Self {
        let StepCounts { tokens, full, .. } = step_inputs.counts;
        Self { columns: columns_for(tokens), splits: step_inputs.splits, sampling: (columns_for(full), sampling_mode) }
    }
}

impl StepLaunches {
    /// Makes the launches of a kind of step, where they are not made yet.
    pub(super) fn prepare(&mut self, kind: StepKind, parts: &ModelParts, pipelines: &mut Pipelines) {
        let StepKind { columns, splits, sampling } = kind;
        let layers = 0..parts.config.n_layers;
        let EngineBuffers { step_inputs, int8, .. } = parts.buffers;
        let mut builder = StepBuilder { pipelines, step_inputs, columns, int8: int8.as_ref() };
        if self.embed.is_empty() {
            let EngineBuffers { sampled, x, .. } = parts.buffers;
            self.embed = builder.embed(parts.weights.embedding(), sampled, x);
        }
        let matmuls = self.matmuls.entry(columns);
        matmuls.or_insert_with(|| layers.clone().map(|layer| parts.matmuls(&mut builder, layer)).collect());
        let attention = self.attention.entry(splits);
        attention.or_insert_with(|| layers.map(|layer| parts.attention(&mut builder, layer, splits)).collect());
        builder.columns = sampling.0;
        self.sampling.entry(sampling).or_insert_with(|| parts.sampling(&mut builder, sampling.1));
    }

    /// The launches that look up the embeddings of a step.
    pub(super) fn embed(&self) -> &[Launch] {
        &self.embed
    }

    /// The launches of all blocks.
    ///
    /// # Panics
    /// A kind that was not prepared.
    pub(super) fn blocks(&self, kind: StepKind) -> impl Iterator<Item = &Launch> {
        let layers = self.matmuls[&kind.columns].iter().zip(&self.attention[&kind.splits]);
        layers.flat_map(|(BlockMatmuls { qkv, o_proj, gate_up, down_proj }, attention)| {
            qkv.iter().chain(attention).chain(o_proj).chain(gate_up).chain(down_proj)
        })
    }

    /// The launches that compute logits and sample from them.
    ///
    /// # Panics
    /// A kind that was not prepared.
    pub(super) fn sampling(&self, kind: StepKind) -> &[Launch] {
        &self.sampling[&kind.sampling]
    }
}

impl ModelParts<'_> {
    fn matmuls(&self, b: &mut StepBuilder, i: usize) -> BlockMatmuls {
        let EngineBuffers { x, qkv, attn_out, hidden, rope_table, .. } = self.buffers;
        let norm = |gain| Norm::Rms { gain, epsilon: self.config.rms_eps as f32 };
        let LayerWeights { input_norm, post_attention_norm, .. } = &self.weights.layers[i];
        let layer = &self.weights.layers[i];
        let adapters = self.adapters.map(|adapters| &adapters.layers[i]);
        let d_model = self.config.d_model.next_multiple_of(PACK);
        let d_ff = self.config.d_ff.next_multiple_of(PACK);
        let onto_x = Store { y: x, at: 0, stride: d_model, add: true };
        let plain = Norm::None;
        BlockMatmuls {
            // q, k, v = rope(W norm(x))
            qkv: b.qkv(
                FusedLinear {
                    matrix: &layer.qkv,
                    norm: norm(input_norm),
                    adapters: adapters.and_then(|a| a.qkv.as_ref()),
                },
                self.heads,
                rope_table,
                x,
                qkv,
            ),
            // x += W attn_out
            o_proj: b.linear(
                FusedLinear { matrix: &layer.o_proj, norm: plain, adapters: adapters.and_then(|a| a.o_proj.as_ref()) },
                attn_out,
                onto_x,
            ),
            // hidden = silu(gate) · up, of W norm(x)
            gate_up: b.gate_up(
                FusedLinear {
                    matrix: &layer.gate_up,
                    norm: norm(post_attention_norm),
                    adapters: adapters.and_then(|a| a.gate_up.as_ref()),
                },
                x,
                hidden,
                d_ff,
            ),
            // x += W hidden
            down_proj: b.linear(
                FusedLinear {
                    matrix: &layer.down_proj,
                    norm: plain,
                    adapters: adapters.and_then(|a| a.down_proj.as_ref()),
                },
                hidden,
                onto_x,
            ),
        }
    }

    /// attn_out = softmax(q kᵀ / √head_dim) v
    fn attention(&self, b: &mut StepBuilder, i: usize, splits: Splits) -> Vec<Launch> {
        let EngineBuffers { qkv, split_sums, attn_out, caches, .. } = self.buffers;
        let stride = (self.heads.queries * self.heads.width).next_multiple_of(PACK);
        let (heads, format, cache) = (self.heads, self.kv_dtype, &caches[i]);
        let attention = AttentionBuffers { heads, format, qkv, cache, split_sums, y: attn_out, stride };
        let append = (splits.queries != Queries::One).then(|| b.append(attention));
        append.into_iter().chain(b.attend(attention, splits)).collect()
    }

    /// logits = W norm(x), of all tokens or of the allowed ones, and the sampled tokens.
    fn sampling(&self, b: &mut StepBuilder, sampling_mode: SamplingMode) -> Vec<Launch> {
        let EngineBuffers { x, logits, sampled, .. } = self.buffers;
        let adapters = self.adapters.and_then(|adapters| adapters.lm_head.as_ref());
        let norm = Norm::Rms { gain: &self.weights.norm, epsilon: self.config.rms_eps as f32 };
        let lm_head = FusedLinear { matrix: &self.weights.lm_head, norm, adapters };
        let mut launches = b.logits(lm_head, x, logits);
        launches.extend(b.scores(lm_head, x, logits));
        launches.push(b.sample(sampling_mode, self.config.vocab_size, logits, sampled));
        launches
    }
}
