//! The launches of a step: the model, as its mathematics has it.

use std::collections::HashMap;

use tiller_kernels::decode::{
    AttentionBuffers, FusedLinear, Heads, KvFormat, Launch, Queries, SamplingMode, Splits, StepBuilder, StepCounts,
    StepInputs, Store, columns_for,
};
use tiller_kernels::pipelines::Pipelines;
use tiller_kernels::quant::PACK;

use super::adapters::Adapters;
use super::buffers::Buffers;
use super::weights::{self, Weights};
use crate::llama::LlamaConfig;

/// The launches of every kind of step so far, each made when a step first needs it.
#[derive(Default)]
pub(super) struct Plan {
    embed: Vec<Launch>,
    /// By the columns that share a read of the weights.
    products: HashMap<usize, Vec<Products>>,
    /// By the splits of the keys, layer by layer.
    attention: HashMap<Splits, Vec<Vec<Launch>>>,
    asking: HashMap<(usize, SamplingMode), Vec<Launch>>,
}

/// The products of a block.
struct Products {
    qkv: Vec<Launch>,
    o_proj: Vec<Launch>,
    gate_up: Vec<Launch>,
    down_proj: Vec<Launch>,
}

/// What the launches are made of.
pub(super) struct Parts<'a> {
    pub(super) config: &'a LlamaConfig,
    pub(super) heads: Heads,
    pub(super) kv: KvFormat,
    pub(super) weights: &'a Weights,
    pub(super) adapters: Option<&'a Adapters>,
    pub(super) buffers: &'a Buffers,
}

/// Which launches a step needs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind {
    columns: usize,
    splits: Splits,
    asking: (usize, SamplingMode),
}

impl Kind {
    pub(super) fn of(step_inputs: &StepInputs, sampling_mode: SamplingMode) -> Self {
        let StepCounts { tokens, full, .. } = step_inputs.counts;
        Self { columns: columns_for(tokens), splits: step_inputs.splits, asking: (columns_for(full), sampling_mode) }
    }
}

impl Plan {
    /// Makes the launches of a kind of step, where they are not made yet.
    pub(super) fn prepare(&mut self, kind: Kind, parts: &Parts, pipelines: &mut Pipelines) {
        let Kind { columns, splits, asking } = kind;
        let layers = 0..parts.config.n_layers;
        let Buffers { step_inputs, int8, .. } = parts.buffers;
        let mut builder = StepBuilder { pipelines, step_inputs, columns, int8: int8.as_ref() };
        if self.embed.is_empty() {
            let Buffers { answers, x, .. } = parts.buffers;
            self.embed = builder.embed(parts.weights.embedding(), answers, x);
        }
        let products = self.products.entry(columns);
        products.or_insert_with(|| layers.clone().map(|layer| parts.products(&mut builder, layer)).collect());
        let attention = self.attention.entry(splits);
        attention.or_insert_with(|| layers.map(|layer| parts.attention(&mut builder, layer, splits)).collect());
        builder.columns = asking.0;
        self.asking.entry(asking).or_insert_with(|| parts.asking(&mut builder, asking.1));
    }

    /// The launches that look up a step's tokens.
    pub(super) fn embed(&self) -> &[Launch] {
        &self.embed
    }

    /// The launches that take a step's tokens through the model, block by block.
    ///
    /// # Panics
    /// A kind that was not prepared.
    pub(super) fn blocks(&self, kind: Kind) -> impl Iterator<Item = &Launch> {
        let layers = self.products[&kind.columns].iter().zip(&self.attention[&kind.splits]);
        layers.flat_map(|(Products { qkv, o_proj, gate_up, down_proj }, attention)| {
            qkv.iter().chain(attention).chain(o_proj).chain(gate_up).chain(down_proj)
        })
    }

    /// The launches that answer a step's questions.
    ///
    /// # Panics
    /// A kind that was not prepared.
    pub(super) fn asking(&self, kind: Kind) -> &[Launch] {
        &self.asking[&kind.asking]
    }
}

impl Parts<'_> {
    fn products(&self, b: &mut StepBuilder, i: usize) -> Products {
        let Buffers { x, qkv, attn_out, hidden, rope_table, .. } = self.buffers;
        let weights::Layer { input_norm, post_attention_norm, .. } = &self.weights.layers[i];
        let layer = &self.weights.layers[i];
        let adapters = self.adapters.map(|adapters| &adapters.layers[i]);
        let d_model = self.config.d_model.next_multiple_of(PACK);
        let d_ff = self.config.d_ff.next_multiple_of(PACK);
        let onto_x = Store { y: x, at: 0, stride: d_model, add: true };
        let plain = tiller_kernels::decode::Norm::None;
        Products {
            // q, k, v = turned(W norm(x))
            qkv: b.qkv(
                FusedLinear {
                    matrix: &layer.qkv,
                    norm: input_norm.norm(),
                    adapters: adapters.and_then(|a| a.qkv.as_ref()),
                },
                self.heads,
                rope_table,
                x,
                qkv,
            ),
            // x += W mixed
            o_proj: b.linear(
                FusedLinear { matrix: &layer.o_proj, norm: plain, adapters: adapters.and_then(|a| a.o_proj.as_ref()) },
                attn_out,
                onto_x,
            ),
            // hidden = silu(gate) · up, of W norm(x)
            gate_up: b.gate_up(
                FusedLinear {
                    matrix: &layer.gate_up,
                    norm: post_attention_norm.norm(),
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

    /// mixed = softmax(q kᵀ / √head_dim) v
    fn attention(&self, b: &mut StepBuilder, i: usize, splits: Splits) -> Vec<Launch> {
        let Buffers { qkv, split_sums, attn_out, caches, .. } = self.buffers;
        let stride = (self.heads.queries * self.heads.width).next_multiple_of(PACK);
        let (heads, format, cache) = (self.heads, self.kv, &caches[i]);
        let attention = AttentionBuffers { heads, format, qkv, cache, split_sums, y: attn_out, stride };
        let append = (splits.queries != Queries::One).then(|| b.append(attention));
        append.into_iter().chain(b.attend(attention, splits)).collect()
    }

    /// logits = W norm(x), of all tokens or of the listed ones, and the choice.
    fn asking(&self, b: &mut StepBuilder, sampling_mode: SamplingMode) -> Vec<Launch> {
        let Buffers { x, logits, answers, .. } = self.buffers;
        let adapters = self.adapters.and_then(|adapters| adapters.lm_head.as_ref());
        let lm_head = FusedLinear { matrix: &self.weights.lm_head, norm: self.weights.norm.norm(), adapters };
        let mut launches = b.logits(lm_head, x, logits);
        launches.extend(b.scores(lm_head, x, logits));
        launches.push(b.sample(sampling_mode, self.config.vocab_size, logits, answers));
        launches
    }
}
