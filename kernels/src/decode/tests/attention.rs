//! Attention over a cache of scattered pages, in every format, and the cache after it.

use super::super::attention::{append_kernel, merge_kernel, variants};
use super::*;
use crate::test_gpu;
use crate::testing::{assert_close, noise, run_in_place};

/// Sequences: how many tokens each brings, and how many it has.
type Sequences<'a> = (&'a [usize], &'a [usize]);

/// Keys and values of every position, `[rows][positions, keys or values, heads · width]`.
struct Past(Vec<[Vec<f32>; 2]>);

impl Past {
    fn new(rows: usize, heads: Heads) -> Self {
        let numbers = |seed| noise(seed, PAGES * PAGE * heads.keys * heads.width);
        Past((0..rows as u64).map(|row| [numbers(10 + row), numbers(50 + row)]).collect())
    }
}

/// The q, k, v of a step: q are noise, k and v those of the past at their positions.
fn qkv(past: &Past, (lengths, positions): Sequences, heads: Heads) -> Vec<f32> {
    let width = heads.keys * heads.width;
    let q = noise(3, lengths.iter().sum::<usize>() * heads.queries * heads.width);
    let mut q = q.chunks(heads.queries * heads.width);
    let mut all = Vec::new();
    for (row, (length, position)) in lengths.iter().zip(positions).enumerate() {
        for p in *position..position + length {
            all.extend_from_slice(q.next().unwrap());
            past.0[row].iter().for_each(|all_of| all.extend_from_slice(&all_of[p * width..][..width]));
        }
    }
    all
}

/// A vector after a round trip through a format.
fn kept(vector: &[f32], format: KvFormat) -> Vec<f32> {
    match format {
        KvFormat::F32 => vector.to_vec(),
        KvFormat::F16 => vector.iter().map(|x| half::f16::from_f32(*x).to_f32()).collect(),
        KvFormat::Int8 => {
            let largest = vector.iter().fold(0.0f32, |largest, x| largest.max(x.abs()));
            vector.iter().map(|x| (x / largest * 127.0).round() / 127.0 * largest).collect()
        }
    }
}

/// Σ softmax(q kᵀ / √width) v of every token of the step, over what the cache keeps: `[tokens, heads,
/// width]`.
fn expected(past: &Past, sequences: Sequences, heads: Heads, format: KvFormat) -> Vec<f32> {
    let (lengths, positions) = sequences;
    let qkv = qkv(past, sequences, heads);
    let mut tokens = qkv.chunks(heads.qkv_width());
    let mut y = Vec::new();
    for (row, (length, position)) in lengths.iter().zip(positions).enumerate() {
        let at = |of: usize, p: usize, head: usize| {
            let from = (p * heads.keys + head) * heads.width;
            kept(&past.0[row][of][from..][..heads.width], format)
        };
        for p in *position..position + length {
            let token = tokens.next().unwrap();
            for head in 0..heads.queries {
                let q = &token[head * heads.width..][..heads.width];
                let kv_head = head * heads.keys / heads.queries;
                let score = |key: usize| {
                    let k = at(0, key, kv_head);
                    let dot: f64 = q.iter().zip(k).map(|(q, k)| f64::from(*q) * f64::from(k)).sum();
                    dot / (heads.width as f64).sqrt()
                };
                let weights: Vec<f64> = (0..=p).map(|key| score(key).exp()).collect();
                let total: f64 = weights.iter().sum();
                let mut attn_out = vec![0.0; heads.width];
                for (key, weight) in weights.iter().enumerate() {
                    let v = at(1, key, kv_head);
                    attn_out.iter_mut().zip(v).for_each(|(m, v)| *m += weight / total * f64::from(v));
                }
                y.extend(attn_out.iter().map(|m| *m as f32));
            }
        }
    }
    y
}

/// The cache after the tokens of `sequences` were taken in, in one step.
fn appended(cache: Vec<u32>, past: &Past, sequences: Sequences, heads: Heads, format: KvFormat) -> Vec<u32> {
    let (lengths, positions) = sequences;
    let step_inputs = inputs_of(&ids(lengths), positions, &[], heads);
    let buffers = [words(&qkv(past, sequences, heads)), cache, step_inputs.words];
    let workgroups = step_inputs.counts.tokens * heads.keys;
    run_in_place(&test_gpu().gpu.unwrap(), &append_kernel(heads, format), &buffers, workgroups).remove(1)
}

fn check(heads: Heads, format: KvFormat, sequences: Sequences, how: Queries, all_spans: &[usize]) {
    let gpu = test_gpu().gpu.unwrap();
    let (lengths, positions) = sequences;
    let rows = lengths.len();
    let past = Past::new(rows, heads);
    // Words that nobody may read.
    let empty = vec![f32::NAN.to_bits(); rows * PAGES * PAGE * format.position_bytes(heads) / 4];
    let before = appended(empty, &past, (positions, &vec![0; rows]), heads, format);
    let after = appended(before.clone(), &past, sequences, heads, format);
    let expected = expected(&past, sequences, heads, format);
    // A quant may be rounded the other way, and a key be off by half a step.
    let tolerance = if format == KvFormat::Int8 { 1e-3 } else { 1e-5 };
    let (tokens, tables): (_, Vec<Vec<u32>>) = (ids(lengths), (0..rows).map(|row| pages(row, rows)).collect());
    for &spans in all_spans {
        let token_spans = token_spans(&tokens, positions, &vec![0; rows], &tables);
        let mut step_inputs = StepInputs::taking(how, &token_spans, &[], SamplingParams::PLAIN, heads);
        let longest = lengths.iter().zip(positions).map(|(l, p)| l + p).max().unwrap();
        step_inputs.counts.splits = longest.div_ceil(64 * spans);
        step_inputs.words[4] = step_inputs.counts.splits as u32;
        let vectors = step_inputs.counts.tokens * heads.queries * step_inputs.counts.splits;
        let groups = heads.queries / heads.group(how);
        for kernel in variants(heads, format, Splits { spans, queries: how }) {
            let split_sums = words(&vec![f32::NAN; vectors * (heads.width + 4)]);
            let cache = if how == Queries::One { before.clone() } else { after.clone() };
            let buffers = [words(&qkv(&past, sequences, heads)), cache, split_sums, step_inputs.words.clone()];
            let workgroups = step_inputs.counts.tiles * step_inputs.counts.splits * groups;
            let mut left = run_in_place(&gpu, &kernel, &buffers, workgroups);
            assert!(left[1] == after, "{}: the cache", kernel.name());

            let stride = heads.queries * heads.width + 4;
            let y = words(&vec![f32::NAN; step_inputs.counts.tokens * stride]);
            let buffers = [left.remove(2), y, step_inputs.words.clone()];
            let workgroups = (step_inputs.counts.tokens * heads.queries * heads.width / 4).div_ceil(64);
            let y = numbers(&run_in_place(&gpu, &merge_kernel(heads, spans, stride), &buffers, workgroups)[1]);
            let y: Vec<f32> = y.chunks(stride).flat_map(|token| token[..stride - 4].to_vec()).collect();
            assert_close(&y, &expected, tolerance, &format!("{} {format}", kernel.name()));
        }
    }
}

#[test]
fn one_token_of_each_sequence_takes_its_key_and_value_into_the_cache_and_sees_them() {
    // A new sequence, a page's last position and its first, the end of a span, several splits.
    let sequences: Sequences = (&[1, 1, 1, 1, 1], &[0, 15, 16, 63, 130]);
    for format in KvFormat::ALL {
        check(Heads { queries: 6, keys: 2, width: 8 }, format, sequences, Queries::One, &[1, 4]);
    }
    // One head for all, and heads as wide as they come, whose queries take two workgroups.
    check(Heads { queries: 16, keys: 1, width: 256 }, KvFormat::Int8, (&[1, 1], &[3, 70]), Queries::One, &[1]);
    // Heads whose quads leave some invocations without work.
    check(Heads { queries: 2, keys: 2, width: 80 }, KvFormat::F16, (&[1, 1], &[3, 70]), Queries::One, &[1]);
}

#[test]
fn some_tokens_of_a_sequence_see_what_came_before_each() {
    let sequences: Sequences = (&[9, 1, 40], &[0, 77, 30]);
    for format in KvFormat::ALL {
        check(Heads { queries: 6, keys: 2, width: 8 }, format, sequences, Queries::Few, &[1, 16]);
    }
    check(Heads { queries: 2, keys: 2, width: 80 }, KvFormat::F32, (&[9, 70], &[60, 0]), Queries::Few, &[1]);
}

#[test]
fn tiles_of_many_tokens_see_what_came_before_each() {
    // A prompt, a single token at a late position, and the rest of a prompt whose beginning is in the cache;
    // 21 tokens are a tile.
    let sequences: Sequences = (&[50, 1, 40], &[0, 140, 30]);
    for format in KvFormat::ALL {
        check(Heads { queries: 6, keys: 2, width: 8 }, format, sequences, Queries::Many, &[1, 16]);
    }
    // Tiles of 64 tokens, in heads that their coordinates do not fill up; and one key head for many queries,
    // as wide as they come.
    check(Heads { queries: 2, keys: 2, width: 80 }, KvFormat::F16, (&[9, 70], &[60, 0]), Queries::Many, &[1]);
    check(Heads { queries: 12, keys: 1, width: 128 }, KvFormat::Int8, (&[7], &[90]), Queries::Many, &[1]);
}

#[test]
fn tiles_are_for_steps_of_which_they_make_less_work() {
    let of = |heads: Heads, lengths: &[usize]| heads.queries_for(lengths.iter().copied());
    let (grouped, single) = (Heads { queries: 32, keys: 4, width: 64 }, Heads { queries: 8, keys: 8, width: 64 });
    assert_eq!(of(grouped, &[1; 64]), Queries::One);
    assert_eq!([of(grouped, &[4]), of(grouped, &[2, 1])], [Queries::Many, Queries::Few]);
    assert_eq!([of(single, &[64]), of(single, &[8])], [Queries::Many, Queries::Few]);
    // A prompt together with many sequences of one token each.
    let mut lengths = vec![1; 60];
    lengths.push(100);
    assert_eq!(of(single, &lengths), Queries::Few);
    assert_eq!(of(Heads { width: 256, ..single }, &[200]), Queries::Few);
}

#[test]
fn splits_stay_within_their_buffer() {
    let heads = Heads { queries: 32, keys: 4, width: 64 };
    for keys in [1usize, 64, 100, 700, 2048, 4000] {
        for tokens in [1usize, 2, 7, 64, 256] {
            for queries in [Queries::One, Queries::Few, Queries::Many] {
                let tiles = tokens.div_ceil(heads.tile(queries));
                let splits = keys.div_ceil(64 * heads.spans(queries, tiles, keys));
                let needed = tokens * heads.queries * splits * (heads.width + 4);
                assert!(needed <= heads.split_numbers(256, 4000), "{tokens} tokens, {keys} keys: {needed}");
            }
        }
    }
}
