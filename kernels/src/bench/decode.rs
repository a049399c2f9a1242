//! The benchmarks of decoding: every kernel over the shapes of a model, for one sequence, for eight, and for
//! a prompt.

use super::case::{BenchBuffer, BenchCase, BenchDims};
use crate::decode::attention::{append_kernel, merge_kernel, variants};
use crate::decode::fused_linear::linear_constants;
use crate::decode::matmul::{Constants, NormKind, ROWS, columns_for, with_own};
use crate::decode::sample::kernel as sample_kernel;
use crate::decode::{
    Heads, KvFormat, LogitsRequest, PAGE, Queries, SAMPLED_TOKEN_WORDS, SamplingMode, SamplingParams, StepInputs,
    TokenSource, TokenSpan, embed, int8_bytes, quantize,
};
use crate::kernel::Kernel;
use crate::matmul::launch::TILE;
use crate::quant::{PACK, QuantScheme};

/// Keys that a sequence has when it is continued.
const KEYS: usize = 512;

/// Sequences side by side.
const SEQUENCES: usize = 8;

/// Tokens of a list that are scored.
const LISTED: usize = 64;

/// A step to measure, of sequences that look alike.
struct Step {
    sequences: usize,
    tokens: usize,
    position: usize,
}

impl Step {
    fn count(&self) -> usize {
        self.sequences * self.tokens
    }

    fn pages(&self) -> usize {
        (self.position + self.tokens).div_ceil(PAGE)
    }

    /// The inputs of the step, with a request for every sequence, for `list` if there is one.
    fn step_inputs(&self, heads: Heads, list: Option<&[u32]>) -> StepInputs {
        let tokens = vec![TokenSource::Id(0); self.tokens];
        let tables: Vec<Vec<u32>> = (0..self.sequences)
            .map(|row| (0..self.pages()).map(|page| (row * self.pages() + page) as u32).collect())
            .collect();
        let token_spans: Vec<TokenSpan> = tables
            .iter()
            .map(|pages| TokenSpan { tokens: &tokens, position: self.position, pages, adapter: 0 })
            .collect();
        let request = |slot| {
            let token = slot * self.tokens + self.tokens - 1;
            LogitsRequest { token, slot, list, bias: None, full: list.is_none(), uniform: 0.5 }
        };
        let requests: Vec<LogitsRequest> = (0..self.sequences).map(request).collect();
        StepInputs::new(&token_spans, &requests, SamplingParams { temperature: 0.8, top_k: 40, top_p: 0.95 }, heads)
    }
}

/// The benchmarks; the products with weights of each of `schemes`.
pub(crate) fn bench_cases(sizes: &BenchDims, schemes: &[QuantScheme]) -> Vec<BenchCase> {
    let heads = Heads { queries: sizes.n_heads, keys: sizes.n_kv_heads, width: sizes.head_dim };
    let steps = [
        Step { sequences: 1, tokens: 1, position: KEYS - 1 },
        Step { sequences: SEQUENCES, tokens: 1, position: KEYS - 1 },
        Step { sequences: 1, tokens: sizes.tokens(), position: 0 },
    ];
    let mut entries = Vec::new();
    for scheme in schemes {
        for step in &steps {
            entries.extend(products(sizes, heads, *scheme, step));
        }
        entries.extend(scores(sizes, heads, *scheme, &steps[1]));
        entries.extend(embeddings(sizes, heads, *scheme, &steps[2]));
    }
    entries.extend(quants(sizes, heads, &steps[1]));
    for format in KvFormat::ALL {
        for step in steps.iter().chain([&Step { sequences: SEQUENCES, tokens: 4, position: KEYS - 4 }]) {
            entries.extend(attention(heads, format, step));
        }
    }
    entries.extend(samples(sizes, heads, &steps[1]));
    entries
}

/// A product W x for the columns of a step by one shader.
struct Product {
    shader: &'static str,
    own: Vec<(&'static str, usize)>,
    norm: NormKind,
    outputs: usize,
    inputs: usize,
}

impl Product {
    fn constants(&self, scheme: QuantScheme, columns: usize, int8: bool) -> Constants {
        let (rows, cols) = (self.outputs, self.inputs);
        Constants { scheme, columns, rows, starts_at: 0, cols, norm: self.norm, adapters: None, adapter_rows: 0, int8 }
    }

    /// The benchmark without its launch: x, weight and gain, and then `further`.
    fn entry(
        &self,
        scheme: QuantScheme,
        columns: usize,
        int8: bool,
        kernel: &Kernel,
        further: &[usize],
        output: usize,
    ) -> BenchCase {
        let padded = self.inputs.next_multiple_of(PACK);
        let padded = if int8 { int8_bytes(padded) / size_of::<f32>() } else { padded };
        let gain = if self.norm == NormKind::None || int8 { 0 } else { padded };
        let bytes = scheme.bytes(self.outputs, self.inputs) + size_of::<f32>() * (columns * padded + gain + output);
        let variant = match (columns_for(columns), int8) {
            (TILE, _) => "gemm",
            (_, false) => "gemv",
            (_, true) => "gemv, int8",
        };
        let shape = format!("{columns} x {} x {}", self.outputs, self.inputs);
        BenchCase::new(self.shader, variant, shape, kernel.clone())
            .stored(scheme.name())
            .over([BenchBuffer::Numbers(columns * padded)])
            .over(BenchBuffer::weight(scheme, self.outputs, self.inputs))
            .over((gain > 0).then_some(BenchBuffer::Numbers(gain)))
            .over(further.iter().map(|count| BenchBuffer::Numbers(*count)))
            .over([BenchBuffer::Output(output)])
            .costing(bytes, 2 * columns * self.outputs * self.inputs)
    }
}

fn products(sizes: &BenchDims, heads: Heads, scheme: QuantScheme, step: &Step) -> Vec<BenchCase> {
    let &BenchDims { d_model, d_ff, .. } = sizes;
    let rms = NormKind::Rms { epsilon: 1e-5f32.to_bits() };
    let count = step.count();
    let [hidden, residual] = [d_ff, d_model].map(|width| width.next_multiple_of(PACK));
    let qkv = Product {
        shader: "decode_qkv",
        own: vec![("HEADS", heads.queries), ("KV_HEADS", heads.keys), ("HEAD", heads.width)],
        norm: rms,
        outputs: heads.qkv_width(),
        inputs: d_model,
    };
    let gate_up = Product {
        shader: "decode_gate_up",
        own: vec![("STRIDE", hidden), ("WIDE", 0)],
        norm: rms,
        outputs: 2 * d_ff,
        inputs: d_model,
    };
    let down = Product {
        shader: "decode_linear",
        own: linear_constants(residual, 0, true, false).to_vec(),
        norm: NormKind::None,
        outputs: d_model,
        inputs: d_ff,
    };
    let rope_table = (step.position + step.tokens) * heads.width;
    let all = [
        (qkv, vec![rope_table], count * heads.qkv_width()),
        (gate_up, vec![], count * hidden),
        (down, vec![], count * residual),
    ];
    let step_inputs = step.step_inputs(heads, None).words;
    let fits = |(product, ..): &(Product, Vec<usize>, usize)| product.inputs.is_multiple_of(scheme.row_multiple());
    let of = |(product, further, output): (Product, Vec<usize>, usize)| {
        let columns = columns_for(count);
        let rows = if columns == TILE { TILE } else { ROWS };
        let workgroups = product.outputs.div_ceil(rows) * count.div_ceil(columns);
        let mut entries = Vec::new();
        for int8 in [false, true].into_iter().filter(|int8| !int8 || columns < TILE && scheme.has_integer_quants()) {
            for kernel in with_own(product.constants(scheme, columns, int8).variants(product.shader), &product.own) {
                let entry = product.entry(scheme, count, int8, &kernel, &further, output);
                entries.push(entry.launched_with(bytemuck::cast_slice(&step_inputs), workgroups));
            }
        }
        entries
    };
    all.into_iter().filter(fits).flat_map(of).collect()
}

/// The logits of listed tokens.
fn scores(sizes: &BenchDims, heads: Heads, scheme: QuantScheme, step: &Step) -> Vec<BenchCase> {
    let &BenchDims { d_model, vocab_size, .. } = sizes;
    if !d_model.is_multiple_of(scheme.row_multiple()) {
        return vec![];
    }
    let listed = LISTED.min(vocab_size);
    let list: Vec<u32> = (0..listed).map(|i| (i * (vocab_size / listed)) as u32).collect();
    let step_inputs = step.step_inputs(heads, Some(&list));
    let product = Product {
        shader: "decode_score",
        own: vec![("STRIDE", vocab_size)],
        norm: NormKind::Rms { epsilon: 1e-5f32.to_bits() },
        outputs: vocab_size,
        inputs: d_model,
    };
    let read = step.sequences * (scheme.bytes(listed, d_model) + size_of::<f32>() * (d_model + listed));
    let variants = with_own(product.constants(scheme, 1, false).gemv_variants(product.shader), &product.own);
    let of = |kernel| {
        product
            .entry(scheme, step.count(), false, &kernel, &[], step.sequences * vocab_size)
            .shaped(format!("{} x {listed} of {vocab_size} x {d_model}", step.sequences))
            .costing(read, 2 * step.sequences * listed * d_model)
            .launched_with(bytemuck::cast_slice(&step_inputs.words), step_inputs.counts.chunks)
    };
    variants.into_iter().map(of).collect()
}

fn embeddings(sizes: &BenchDims, heads: Heads, scheme: QuantScheme, step: &Step) -> Vec<BenchCase> {
    let &BenchDims { d_model, vocab_size, .. } = sizes;
    if !d_model.is_multiple_of(scheme.row_multiple()) {
        return vec![];
    }
    let (count, padded) = (step.count(), d_model.next_multiple_of(PACK));
    let entry = BenchCase::new(
        "decode_embed",
        "rows",
        format!("{count} of {vocab_size} x {d_model}"),
        embed::kernel(scheme, vocab_size, 0, d_model),
    )
    .stored(scheme.name())
    .over(BenchBuffer::weight(scheme, vocab_size, d_model))
    .over([BenchBuffer::Words(vec![0; SAMPLED_TOKEN_WORDS]), BenchBuffer::Output(count * padded)])
    .costing(scheme.bytes(count, d_model) + size_of::<f32>() * count * padded, 0)
    .launched_with(bytemuck::cast_slice(&step.step_inputs(heads, None).words), count);
    vec![entry]
}

/// The columns of a step in int8 quants.
fn quants(sizes: &BenchDims, heads: Heads, step: &Step) -> Option<BenchCase> {
    let (count, width) = (step.count(), sizes.d_ff / quantize::BLOCK * quantize::BLOCK);
    let entry =
        BenchCase::new("decode_quantize", "int8 quants", format!("{count} x {width}"), quantize::kernel(width, false))
            .over([
                BenchBuffer::Numbers(count * width),
                BenchBuffer::Output(count * int8_bytes(width) / size_of::<f32>()),
            ])
            .costing(count * (size_of::<f32>() * width + int8_bytes(width)), 0)
            .launched_with(
                bytemuck::cast_slice(&step.step_inputs(heads, None).words),
                (count * width / quantize::BLOCK).div_ceil(quantize::WORKGROUP),
            );
    (width > 0).then_some(entry)
}

/// Attention over the KV cache, the merge of its splits, and the write of keys and values where it is a
/// separate kernel.
fn attention(heads: Heads, format: KvFormat, step: &Step) -> Vec<BenchCase> {
    let step_inputs = step.step_inputs(heads, None);
    let (counts, words) = (step_inputs.counts, bytemuck::cast_slice(&step_inputs.words));
    let qkv = counts.tokens * heads.qkv_width();
    let cache = step.sequences * step.pages() * PAGE * format.position_bytes(heads) / size_of::<f32>();
    let sums = counts.tokens * heads.queries * counts.splits * (heads.width + 4);
    let y = counts.tokens * heads.queries * heads.width;
    let shape = format!(
        "{} x {} after {} x {} of {} x {}",
        step.sequences, step.tokens, step.position, heads.queries, heads.keys, heads.width
    );
    let seen = step.sequences * (step.position + step.tokens) * format.position_bytes(heads);
    let numbers = |count: usize| count * size_of::<f32>();
    let groups = heads.queries / heads.group(step_inputs.splits.queries);
    let variant = match step_inputs.splits.queries {
        Queries::One => "one token",
        Queries::Few => "few tokens",
        Queries::Many => "tile",
    };
    let attend = variants(heads, format, step_inputs.splits).into_iter().map(|kernel| {
        BenchCase::new(kernel.shader(), variant, shape.clone(), kernel.clone())
            .stored(format.name())
            .over([BenchBuffer::Numbers(qkv), BenchBuffer::Words(vec![0; cache]), BenchBuffer::Output(sums)])
            .costing(seen + numbers(qkv + sums), 4 * counts.pairs * heads.queries * heads.width)
            .launched_with(words, counts.tiles * counts.splits * groups)
    });
    let mut entries: Vec<BenchCase> = attend.collect();
    if format == KvFormat::F32 {
        let merge = merge_kernel(heads, step_inputs.splits.spans, heads.queries * heads.width);
        let entry = BenchCase::new("decode_merge", variant, format!("{shape}, {} splits", counts.splits), merge)
            .over([BenchBuffer::Numbers(sums), BenchBuffer::Output(y)])
            .costing(numbers(sums + y), 0)
            .launched_with(words, (y / 4).div_ceil(64));
        entries.push(entry);
    }
    if step_inputs.splits.queries != Queries::One {
        let kept = counts.tokens * format.position_bytes(heads);
        let entry = BenchCase::new("decode_append", variant, shape, append_kernel(heads, format))
            .stored(format.name())
            .over([BenchBuffer::Numbers(qkv), BenchBuffer::Words(vec![0; cache])])
            .costing(kept + numbers(2 * counts.tokens * heads.keys * heads.width), 0)
            .launched_with(words, counts.tokens * heads.keys);
        entries.push(entry);
    }
    entries
}

fn samples(sizes: &BenchDims, heads: Heads, step: &Step) -> Vec<BenchCase> {
    let step_inputs = step.step_inputs(heads, None);
    let logits = step.sequences * sizes.vocab_size;
    let all =
        [(SamplingMode::Greedy, "greedy"), (SamplingMode::Random, "random"), (SamplingMode::Truncated, "top-k, top-p")];
    let of = |(sampling_mode, variant)| {
        BenchCase::new(
            "decode_sample",
            variant,
            format!("{} x {}", step.sequences, sizes.vocab_size),
            sample_kernel(sampling_mode, sizes.vocab_size),
        )
        .over([BenchBuffer::Numbers(logits), BenchBuffer::Output(step.sequences * SAMPLED_TOKEN_WORDS)])
        .costing(size_of::<f32>() * logits, 0)
        .launched_with(bytemuck::cast_slice(&step_inputs.words), step.sequences)
    };
    all.into_iter().map(of).collect()
}
