//! What there is to measure of decoding: every kernel over the shapes of a model, for one sequence, for eight, and for a prompt.

use super::attention::{Heads, KvFormat, PAGE, Queries, append_kernel, merge_kernel, variants};
use super::columns::{Constants, NormKind, ROWS, columns_for, takes_int8, with_own};
use super::frame::{ANSWER_WORDS, Chance, Frame, Question, Run, Source};
use super::sample::{Choosing, kernel as sample_kernel};
use super::{embed, int8_bytes, linear, quantise};
use crate::bench::{Buffer, Entry, Sizes};
use crate::kernel::Kernel;
use crate::matmul::launch::TILE;
use crate::quant::{RUN, Scheme};

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

    /// Its frame; every sequence is asked, if there is a list, of that.
    fn frame(&self, heads: Heads, list: Option<&[u32]>) -> Frame {
        let tokens = vec![Source::Id(0); self.tokens];
        let tables: Vec<Vec<u32>> = (0..self.sequences)
            .map(|row| (0..self.pages()).map(|page| (row * self.pages() + page) as u32).collect())
            .collect();
        let runs: Vec<Run> =
            tables.iter().map(|pages| Run { tokens: &tokens, position: self.position, pages, adapter: 0 }).collect();
        let question = |slot| {
            let token = slot * self.tokens + self.tokens - 1;
            Question { token, slot, list, full: list.is_none(), chance: 0.5 }
        };
        let questions: Vec<Question> = (0..self.sequences).map(question).collect();
        Frame::new(&runs, &questions, Chance { temperature: 0.8, top_k: 40, top_p: 0.95 }, heads)
    }
}

/// All of it; the products with weights of each of `schemes`.
pub(crate) fn entries(sizes: &Sizes, schemes: &[Scheme]) -> Vec<Entry> {
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
    entries.extend(codes(sizes, heads, &steps[1]));
    for format in KvFormat::ALL {
        for step in steps.iter().chain([&Step { sequences: SEQUENCES, tokens: 4, position: KEYS - 4 }]) {
            entries.extend(attention(heads, format, step));
        }
    }
    entries.extend(samples(sizes, heads, &steps[1]));
    entries
}

/// A product W x for columns of a step, as a shader does it.
struct Product {
    shader: &'static str,
    own: Vec<(&'static str, usize)>,
    norm: NormKind,
    outputs: usize,
    inputs: usize,
}

impl Product {
    fn constants(&self, scheme: Scheme, columns: usize, int8: bool) -> Constants {
        let (rows, cols) = (self.outputs, self.inputs);
        Constants { scheme, columns, rows, starts_at: 0, cols, norm: self.norm, adapters: None, adapter_rows: 0, int8 }
    }

    /// Its entry, but for the launch: x, weight and gain, and then `further`.
    fn entry(
        &self,
        scheme: Scheme,
        columns: usize,
        int8: bool,
        kernel: &Kernel,
        further: &[usize],
        output: usize,
    ) -> Entry {
        let padded = self.inputs.next_multiple_of(RUN);
        let padded = if int8 { int8_bytes(padded) / size_of::<f32>() } else { padded };
        let gain = if self.norm == NormKind::None || int8 { 0 } else { padded };
        let bytes = scheme.bytes(self.outputs, self.inputs) + size_of::<f32>() * (columns * padded + gain + output);
        let variant = match (columns_for(columns), int8) {
            (TILE, _) => "tile",
            (_, false) => "columns",
            (_, true) => "columns, int8",
        };
        let shape = format!("{columns} x {} x {}", self.outputs, self.inputs);
        Entry::new(self.shader, variant, shape, kernel.clone())
            .stored(scheme.name())
            .over([Buffer::Numbers(columns * padded)])
            .over(Buffer::weight(scheme, self.outputs, self.inputs))
            .over((gain > 0).then_some(Buffer::Numbers(gain)))
            .over(further.iter().map(|count| Buffer::Numbers(*count)))
            .over([Buffer::Output(output)])
            .costing(bytes, 2 * columns * self.outputs * self.inputs)
    }
}

fn products(sizes: &Sizes, heads: Heads, scheme: Scheme, step: &Step) -> Vec<Entry> {
    let &Sizes { d_model, d_ff, .. } = sizes;
    let rms = NormKind::Rms { epsilon: 1e-5f32.to_bits() };
    let count = step.count();
    let [hidden, residual] = [d_ff, d_model].map(|width| width.next_multiple_of(RUN));
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
        own: linear::constants(residual, 0, true, false).to_vec(),
        norm: NormKind::None,
        outputs: d_model,
        inputs: d_ff,
    };
    let turns = (step.position + step.tokens) * heads.width;
    let all = [
        (qkv, vec![turns], count * heads.qkv_width()),
        (gate_up, vec![], count * hidden),
        (down, vec![], count * residual),
    ];
    let frame = step.frame(heads, None).words;
    let fits = |(product, ..): &(Product, Vec<usize>, usize)| product.inputs.is_multiple_of(scheme.row_multiple());
    let of = |(product, further, output): (Product, Vec<usize>, usize)| {
        let columns = columns_for(count);
        let rows = if columns == TILE { TILE } else { ROWS };
        let workgroups = product.outputs.div_ceil(rows) * count.div_ceil(columns);
        let mut entries = Vec::new();
        for int8 in [false, true].into_iter().filter(|int8| !int8 || columns < TILE && takes_int8(scheme)) {
            for kernel in with_own(product.constants(scheme, columns, int8).variants(product.shader), &product.own) {
                let entry = product.entry(scheme, count, int8, &kernel, &further, output);
                entries.push(entry.launched_with(bytemuck::cast_slice(&frame), workgroups));
            }
        }
        entries
    };
    all.into_iter().filter(fits).flat_map(of).collect()
}

/// The logits of listed tokens.
fn scores(sizes: &Sizes, heads: Heads, scheme: Scheme, step: &Step) -> Vec<Entry> {
    let &Sizes { d_model, vocab_size, .. } = sizes;
    if !d_model.is_multiple_of(scheme.row_multiple()) {
        return vec![];
    }
    let listed = LISTED.min(vocab_size);
    let list: Vec<u32> = (0..listed).map(|i| (i * (vocab_size / listed)) as u32).collect();
    let frame = step.frame(heads, Some(&list));
    let product = Product {
        shader: "decode_score",
        own: vec![("STRIDE", vocab_size)],
        norm: NormKind::Rms { epsilon: 1e-5f32.to_bits() },
        outputs: vocab_size,
        inputs: d_model,
    };
    let read = step.sequences * (scheme.bytes(listed, d_model) + size_of::<f32>() * (d_model + listed));
    let variants = with_own(product.constants(scheme, 1, false).few_variants(product.shader), &product.own);
    let of = |kernel| {
        product
            .entry(scheme, step.count(), false, &kernel, &[], step.sequences * vocab_size)
            .shaped(format!("{} x {listed} of {vocab_size} x {d_model}", step.sequences))
            .costing(read, 2 * step.sequences * listed * d_model)
            .launched_with(bytemuck::cast_slice(&frame.words), frame.counts.chunks)
    };
    variants.into_iter().map(of).collect()
}

fn embeddings(sizes: &Sizes, heads: Heads, scheme: Scheme, step: &Step) -> Vec<Entry> {
    let &Sizes { d_model, vocab_size, .. } = sizes;
    if !d_model.is_multiple_of(scheme.row_multiple()) {
        return vec![];
    }
    let (count, padded) = (step.count(), d_model.next_multiple_of(RUN));
    let entry = Entry::new(
        "decode_embed",
        "rows",
        format!("{count} of {vocab_size} x {d_model}"),
        embed::kernel(scheme, vocab_size, 0, d_model),
    )
    .stored(scheme.name())
    .over(Buffer::weight(scheme, vocab_size, d_model))
    .over([Buffer::Words(vec![0; ANSWER_WORDS]), Buffer::Output(count * padded)])
    .costing(scheme.bytes(count, d_model) + size_of::<f32>() * count * padded, 0)
    .launched_with(bytemuck::cast_slice(&step.frame(heads, None).words), count);
    vec![entry]
}

/// The columns of a step in codes of 8 bits.
fn codes(sizes: &Sizes, heads: Heads, step: &Step) -> Option<Entry> {
    let (count, width) = (step.count(), sizes.d_ff / quantise::BLOCK * quantise::BLOCK);
    let entry =
        Entry::new("decode_quantise", "codes of 8 bits", format!("{count} x {width}"), quantise::kernel(width, false))
            .over([Buffer::Numbers(count * width), Buffer::Output(count * int8_bytes(width) / size_of::<f32>())])
            .costing(count * (size_of::<f32>() * width + int8_bytes(width)), 0)
            .launched_with(
                bytemuck::cast_slice(&step.frame(heads, None).words),
                (count * width / quantise::BLOCK).div_ceil(quantise::WORKGROUP),
            );
    (width > 0).then_some(entry)
}

/// Attention over the cache, what puts its splits together, and what takes keys and values into the cache where it does not.
fn attention(heads: Heads, format: KvFormat, step: &Step) -> Vec<Entry> {
    let frame = step.frame(heads, None);
    let (counts, words) = (frame.counts, bytemuck::cast_slice(&frame.words));
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
    let groups = heads.queries / heads.group(frame.splits.queries);
    let variant = match frame.splits.queries {
        Queries::One => "one token",
        Queries::Few => "few tokens",
        Queries::Many => "tile",
    };
    let attend = variants(heads, format, frame.splits).into_iter().map(|kernel| {
        Entry::new(kernel.shader(), variant, shape.clone(), kernel.clone())
            .stored(format.name())
            .over([Buffer::Numbers(qkv), Buffer::Words(vec![0; cache]), Buffer::Output(sums)])
            .costing(seen + numbers(qkv + sums), 4 * counts.pairs * heads.queries * heads.width)
            .launched_with(words, counts.tiles * counts.splits * groups)
    });
    let mut entries: Vec<Entry> = attend.collect();
    if format == KvFormat::F32 {
        let merge = merge_kernel(heads, frame.splits.spans, heads.queries * heads.width);
        let entry = Entry::new("decode_merge", variant, format!("{shape}, {} splits", counts.splits), merge)
            .over([Buffer::Numbers(sums), Buffer::Output(y)])
            .costing(numbers(sums + y), 0)
            .launched_with(words, (y / 4).div_ceil(64));
        entries.push(entry);
    }
    if frame.splits.queries != Queries::One {
        let kept = counts.tokens * format.position_bytes(heads);
        let entry = Entry::new("decode_append", variant, shape, append_kernel(heads, format))
            .stored(format.name())
            .over([Buffer::Numbers(qkv), Buffer::Words(vec![0; cache])])
            .costing(kept + numbers(2 * counts.tokens * heads.keys * heads.width), 0)
            .launched_with(words, counts.tokens * heads.keys);
        entries.push(entry);
    }
    entries
}

fn samples(sizes: &Sizes, heads: Heads, step: &Step) -> Vec<Entry> {
    let frame = step.frame(heads, None);
    let logits = step.sequences * sizes.vocab_size;
    let all = [(Choosing::Greedy, "greedy"), (Choosing::Random, "random"), (Choosing::Truncated, "top-k, top-p")];
    let of = |(choosing, variant)| {
        Entry::new(
            "decode_sample",
            variant,
            format!("{} x {}", step.sequences, sizes.vocab_size),
            sample_kernel(choosing, sizes.vocab_size),
        )
        .over([Buffer::Numbers(logits), Buffer::Output(step.sequences * ANSWER_WORDS)])
        .costing(size_of::<f32>() * logits, 0)
        .launched_with(bytemuck::cast_slice(&frame.words), step.sequences)
    };
    all.into_iter().map(of).collect()
}
