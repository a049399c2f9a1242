//! Matrix products with norms and adapters.

use super::super::fused_linear::linear_constants;
use super::super::matmul::NormKind;
use super::super::runner::Runner;
use super::case::{ADAPTERS, Case, EPSILON, RANK, RMS, tolerance};
use super::*;
use crate::matmul::launch::TILE;
use crate::pipelines::Pipelines;
use crate::quant::QuantScheme;
use crate::test_gpu;
use crate::testing::{assert_close, noise, read, storage, words_storage};

fn flat(rows: Vec<Vec<f64>>) -> Vec<f32> {
    rows.into_iter().flatten().map(|number| number as f32).collect()
}

/// Inputs of whole groups, more than the workgroup takes at once where that is cheap; for floats none that a
/// run fits.
fn shapes(scheme: QuantScheme) -> Vec<(usize, usize)> {
    let group = scheme.row_multiple().max(32);
    if scheme == QuantScheme::F32 { vec![(6, 43), (13, 576)] } else { vec![(13, 3 * group)] }
}

/// y += W x or y = W x of every variant, tokens going through adapters in turns where there are any.
fn check_plain(
    scheme: QuantScheme,
    (rows, cols): (usize, usize),
    tokens: usize,
    columns: usize,
    kinds: &[(NormKind, bool, bool)],
) {
    let adapters: Vec<usize> = (0..tokens).map(|t| (t + 1) % (ADAPTERS + 1)).collect();
    let case = Case::new(scheme, rows, cols, tokens).through(adapters);
    let step_inputs = adapted_inputs(&ids(&vec![1; tokens]), &vec![0; tokens], &case.tokens, &[], HEADS);
    for &(norm, lora, add) in kinds {
        let own = linear_constants(rows + 2, 5, add, false);
        let before = noise(9, 5 + tokens * (rows + 2));
        let mut expected = before.clone();
        for (t, row) in case.expected(norm, lora).iter().enumerate() {
            for (r, y) in row.iter().enumerate() {
                let at = 5 + t * (rows + 2) + r;
                expected[at] = (*y + if add { f64::from(before[at]) } else { 0.0 }) as f32;
            }
        }
        for kernel in case.kernels("decode_linear", columns, norm, lora, &own) {
            let y = case.run(&kernel, norm, lora, &[words(&before)], &step_inputs, case.workgroups(tokens, columns));
            assert_close(&y, &expected, tolerance(&kernel), &kernel.name());
        }
    }
}

const PLAIN: (NormKind, bool, bool) = (NormKind::None, false, true);

#[test]
fn plain_products_of_every_scheme_norm_and_number_of_columns() {
    for scheme in QuantScheme::ALL {
        for shape in shapes(scheme) {
            // One token, a full group of columns, and a second one that is not full.
            for (tokens, columns) in [(1, 1), (3, 4), (11, 8)] {
                let kinds = match (scheme, columns) {
                    (QuantScheme::F32 | QuantScheme::Q4, 1 | 4) => {
                        &[PLAIN, (RMS, true, false), (NormKind::Gain, false, false)][..]
                    }
                    _ => &[PLAIN],
                };
                check_plain(scheme, shape, tokens, columns, kinds);
            }
        }
    }
}

#[test]
fn tiles_of_many_columns_of_every_scheme_and_norm() {
    for scheme in QuantScheme::ALL {
        let group = scheme.row_multiple().max(32);
        let cols = if scheme == QuantScheme::F32 { 43 } else { 3 * group };
        let kinds = match scheme {
            QuantScheme::F32 | QuantScheme::Q4 => &[PLAIN, (RMS, true, false), (NormKind::Gain, false, false)][..],
            _ => &[PLAIN],
        };
        // Two tiles each way, of which the last are not full.
        check_plain(scheme, (67, cols), 70, TILE, kinds);
    }
}

#[test]
fn products_in_int8_are_within_the_error_of_their_quants() {
    let gpu = test_gpu().gpu.unwrap();
    let mut pipelines = Pipelines::new(gpu.clone());
    for scheme in QuantScheme::ALL.into_iter().filter(|scheme| scheme.has_integer_quants()) {
        let (rows, cols, tokens) = (13, 3 * scheme.row_multiple().max(32), 3);
        let mut case = Case::new(scheme, rows, cols, tokens);
        case.x[..32].fill(0.0); // a block without a step
        let matrix = Matrix::upload(&case.packed, 1, &gpu).unwrap();
        let step_inputs = inputs_of(&ids(&[tokens]), &[0], &[], HEADS);
        let [x, gain] = [&case.x, &case.gain].map(|numbers| storage(&gpu, numbers));
        let (y, words) = (storage(&gpu, &vec![f32::NAN; tokens * rows]), words_storage(&gpu, &step_inputs.words));
        let quants = storage(&gpu, &vec![f32::NAN; tokens * int8_bytes(cols) / size_of::<f32>()]);
        for columns in [1, 2, 4, 8] {
            for (norm, kind) in [(Norm::None, NormKind::None), (Norm::Rms { gain: &gain, epsilon: EPSILON }, RMS)] {
                let mut builder =
                    StepBuilder { pipelines: &mut pipelines, step_inputs: &words, columns, int8: Some(&quants) };
                let layer = FusedLinear { matrix: &matrix, norm, adapters: None };
                let launches = builder.linear(layer, &x, Store { y: &y, at: 0, stride: rows, add: false });
                assert_eq!(launches.len(), 2, "quants, and the product");
                Runner::new(gpu.clone()).submit(&launches, &step_inputs.counts);
                let (found, expected, most) = (read(&gpu, &y), case.expected(kind, false), case.lost_by_int8(kind));
                let expected: Vec<f64> = expected.into_iter().flatten().collect();
                for (i, (expected, most)) in expected.iter().zip(most.iter().flatten()).enumerate() {
                    let off = (f64::from(found[i]) - expected).abs();
                    assert!(off <= most + 1e-4, "{scheme}, {columns} columns: [{i}] is off by {off}");
                }
                // It is computed in quants, then: exact products would be off by less.
                assert!((f64::from(found[rows]) - expected[rows]).abs() > 1e-6);
            }
        }
    }
}

#[test]
fn what_no_token_needs_of_several_adapters_is_not_read() {
    let gpu = test_gpu().gpu.unwrap();
    let mut pipelines = Pipelines::new(gpu.clone());
    // Twelve rows of A to an adapter: no workgroup has rows of both.
    let (segments, cols) = (4, 64);
    let (a, b) = (noise(1, segments * RANK * cols), noise(2, 10 * RANK));
    let parts = [LowRankParts { a: &a, b: &b }; 2];
    let low_rank = LowRank::upload(&parts, segments, RANK, 3, &gpu).unwrap();
    let step_inputs = adapted_inputs(&ids(&[1, 1, 1]), &[0; 3], &[1, 0, 1], &[], HEADS);
    let (x, words) = (noise(3, 3 * cols), words_storage(&gpu, &step_inputs.words));
    let buffer = storage(&gpu, &x);
    let mut builder = StepBuilder { pipelines: &mut pipelines, step_inputs: &words, columns: 4, int8: None };
    let launches = builder.low_rank(&low_rank, Norm::None, &buffer);
    let mut runner = Runner::new(gpu.clone());
    runner.submit(&launches, &step_inputs.counts);
    assert_eq!(runner.work.bytes, a.len() * size_of::<f32>());
    let left = read(&gpu, &low_rank.buffer);
    for (t, u) in left[2 * b.len()..].chunks(2 * segments * RANK).enumerate() {
        let dot =
            |k: usize| -> f64 { (0..cols).map(|i| f64::from(x[t * cols + i]) * f64::from(a[k * cols + i])).sum() };
        let expected: Vec<f32> = (0..segments * RANK).map(|k| dot(k) as f32).collect();
        assert_close(&u[..segments * RANK], &expected, 1e-4, "u of the first adapter");
        assert!(u[segments * RANK..].iter().all(|u| *u == 0.0), "u of the second, which no token has");
    }
}

/// Three sequences of 2, 1 and 3 tokens; the first request is for all tokens, the others for lists.
fn asking<'a>(lists: &'a [Vec<u32>; 2]) -> [LogitsRequest<'a>; 3] {
    let request = |token, slot, list, full| LogitsRequest { token, slot, list, bias: None, full, uniform: 0.5 };
    [request(2, 1, None, true), request(1, 0, Some(&lists[0][..]), false), request(5, 2, Some(&lists[1]), false)]
}

#[test]
fn logits_of_all_and_of_lists_are_the_same_rows() {
    let lists = [vec![12, 0, 3, 7, 5], vec![9]];
    let requests = asking(&lists);
    let step_inputs = adapted_inputs(&ids(&[2, 1, 3]), &[4, 0, 7], &[0, 2, 1], &requests, HEADS);
    for scheme in [QuantScheme::F32, QuantScheme::Q4K] {
        let case = Case::new(scheme, 13, 256, 6).through(vec![0, 0, 2, 1, 1, 1]);
        for lora in [false, true] {
            let logits = case.expected(RMS, lora);
            let untouched = words(&[f32::NAN; 3 * 13]);
            let own = linear_constants(13, 0, false, true);
            for columns in [1, TILE] {
                for kernel in case.kernels("decode_linear", columns, RMS, lora, &own) {
                    let untouched = std::slice::from_ref(&untouched);
                    let y = case.run(&kernel, RMS, lora, untouched, &step_inputs, case.workgroups(1, columns));
                    assert_close(&y[..13], &flat(vec![logits[2].clone()]), tolerance(&kernel), &kernel.name());
                    assert!(y[13..].iter().all(|y| y.is_nan()), "{}", kernel.name());
                }
            }
            for kernel in case.kernels("decode_score", 1, RMS, lora, &[("STRIDE", 13)]) {
                let y = case.run(
                    &kernel,
                    RMS,
                    lora,
                    std::slice::from_ref(&untouched),
                    &step_inputs,
                    step_inputs.counts.chunks,
                );
                for (q, request) in requests.iter().enumerate() {
                    let list = request.list.unwrap_or(&[]);
                    for token in 0..13 {
                        let (found, expected) = (y[q * 13 + token], logits[request.token][token] as f32);
                        match list.contains(&(token as u32)) {
                            true => assert_close(&[found], &[expected], tolerance(&kernel), &kernel.name()),
                            false => assert!(found.is_nan(), "{}: request {q}, token {token}", kernel.name()),
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn queries_and_keys_are_turned_by_their_positions_and_values_are_not() {
    let Heads { queries, keys, width } = HEADS;
    let rows = HEADS.qkv_width();
    let positions = [4, 5, 0, 9, 10, 11];
    let rope_table: Vec<f32> = (0..12)
        .flat_map(|p| (0..width / 2).map(move |i| (p * (i + 1)) as f32 * 0.3))
        .flat_map(|a| [a.cos(), a.sin()])
        .collect();
    for scheme in [QuantScheme::F32, QuantScheme::Q4] {
        for (columns, lora) in [(8, false), (2, true), (TILE, true)] {
            let segment_of = |row: usize| usize::from(row >= 32) + usize::from(row >= 48);
            assert_eq!((queries * width, (queries + keys) * width), (32, 48));
            let case = Case::new(scheme, rows, 64, 6).segmented(3, segment_of).through(vec![1, 1, 0, 2, 2, 2]);
            let step_inputs = adapted_inputs(&ids(&[2, 1, 3]), &[4, 0, 9], &[1, 0, 2], &[], HEADS);
            let mut expected = case.expected(RMS, lora);
            for (token, row) in expected.iter_mut().enumerate() {
                for pair in 0..(queries + keys) * width / 2 {
                    let angle = f64::from((positions[token] * (pair % (width / 2) + 1)) as f32 * 0.3);
                    let (a, b) = (row[2 * pair], row[2 * pair + 1]);
                    (row[2 * pair], row[2 * pair + 1]) =
                        (a * angle.cos() - b * angle.sin(), b * angle.cos() + a * angle.sin());
                }
            }
            let own = [("HEADS", queries), ("KV_HEADS", keys), ("HEAD", width)];
            for kernel in case.kernels("decode_qkv", columns, RMS, lora, &own) {
                let further = [words(&rope_table), words(&vec![f32::NAN; 6 * rows])];
                let y = case.run(&kernel, RMS, lora, &further, &step_inputs, case.workgroups(6, columns));
                assert_close(&y, &flat(expected.clone()), tolerance(&kernel), &kernel.name());
            }
        }
    }
}

#[test]
fn gates_open_their_own_neighbours() {
    for scheme in [QuantScheme::F32, QuantScheme::Nf4] {
        for (columns, lora) in [(1, true), (4, false), (TILE, true)] {
            let case = Case::new(scheme, 14, 64, 3).segmented(2, |row| row % 2).through(vec![1, 0, 2]);
            let step_inputs = adapted_inputs(&ids(&[1, 1, 1]), &[0; 3], &case.tokens, &[], HEADS);
            let gated = |row: &Vec<f64>| -> Vec<f64> {
                row.chunks(2).map(|pair| pair[0] / (1.0 + (-pair[0]).exp()) * pair[1]).collect()
            };
            let expected = flat(case.expected(RMS, lora).iter().map(gated).collect());
            for kernel in case.kernels("decode_gate_up", columns, RMS, lora, &[("STRIDE", 8), ("WIDE", 0)]) {
                let untouched = words(&[f32::NAN; 24]);
                let y = case.run(&kernel, RMS, lora, &[untouched], &step_inputs, case.workgroups(3, columns));
                for (found, expected) in y.chunks(8).zip(expected.chunks(7)) {
                    assert_close(&found[..7], expected, tolerance(&kernel), &kernel.name());
                    assert!(found[7].is_nan(), "{}", kernel.name());
                }
            }
        }
    }
}

#[test]
fn a_matrix_in_shards_computes_what_it_does_in_one_buffer() {
    let gpu = test_gpu().gpu.unwrap();
    let mut pipelines = Pipelines::new(gpu.clone());
    let lists = [vec![12, 0, 3, 7, 5], vec![9]];
    let requests = asking(&lists);
    let mut tokens = ids(&[2, 1, 3]);
    tokens[1][0] = TokenSource::Sampled(1);
    let step_inputs = inputs_of(&tokens, &[4, 0, 7], &requests, HEADS);
    let case = Case::new(QuantScheme::Q4, 13, 64, 6);
    let found = [usize::MAX, 3, 1].map(|rows| {
        let limit = rows.saturating_mul(QuantScheme::Q4.bytes(1, 64)) as u64;
        let matrix = Matrix::upload_within(&case.packed, 1, &gpu, limit).unwrap();
        assert_eq!(matrix.shards.len(), 13usize.div_ceil(rows));
        let [x, y, logits] = [6 * 64, 6 * 13, 3 * 13].map(|length| storage(&gpu, &vec![0.0; length]));
        let gain = storage(&gpu, &case.gain);
        let mut sampled_tokens = vec![0; 3 * SAMPLED_TOKEN_WORDS];
        sampled_tokens[SAMPLED_TOKEN_WORDS] = 12;
        let (sampled_tokens, words) = (words_storage(&gpu, &sampled_tokens), words_storage(&gpu, &step_inputs.words));
        let mut builder = StepBuilder { pipelines: &mut pipelines, step_inputs: &words, columns: 4, int8: None };
        let rms = Norm::Rms { gain: &gain, epsilon: EPSILON };
        let layer = FusedLinear { matrix: &matrix, norm: rms, adapters: None };
        let launches = [
            builder.embed(&matrix, &sampled_tokens, &x),
            builder.linear(
                FusedLinear { norm: Norm::None, ..layer },
                &x,
                Store { y: &y, at: 0, stride: 13, add: true },
            ),
            builder.logits(layer, &x, &logits),
            builder.scores(layer, &x, &logits),
        ]
        .concat();
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        launches.iter().for_each(|launch| launch.encode(&mut pass, &step_inputs.counts));
        drop(pass);
        gpu.queue.submit([encoder.finish()]);
        // Rows 0, 1, 12, 0, 1, 2 of W are the tokens' embeddings.
        let x = read(&gpu, &x);
        let w = case.packed.to_f32();
        let rows = [0, 1, 12, 0, 1, 2].map(|row| w[row * 64..][..64].to_vec()).concat();
        assert_eq!(x, rows);
        let bytes: usize = launches.iter().map(|launch| launch.bytes(&step_inputs.counts)).sum();
        (read(&gpu, &y), read(&gpu, &logits), bytes)
    });
    assert_eq!(found[0].0, found[1].0);
    assert_eq!(found[0].1, found[1].1);
    assert_eq!(found[0].0, found[2].0);
    assert_eq!(found[0].1, found[2].1);
}
