//! Products, attention and their variants against sums in f64.

use super::*;
use crate::check::noise;
use crate::decode::{Heads, KvFormat, PAGE};
use crate::quant::{PackedMatrix, QuantScheme};

#[test]
fn products_are_right_on_every_instruction_set() {
    let results = check_products();
    let variants = |isa: &Isa| QuantScheme::ALL.len() + if isa.has_integer_products() { 4 } else { 0 };
    assert_eq!(results.len(), Isa::available().iter().map(variants).sum::<usize>());
    results.iter().for_each(|result| assert!(result.passed(), "{result}"));
}

#[test]
fn rows_are_unpacked_to_the_bits_of_the_packed_matrix() {
    for scheme in QuantScheme::ALL {
        let (rows, cols) = (11, if scheme.row_multiple() == 1 { 21 } else { 512 });
        let packed = PackedMatrix::from_f32(scheme, rows, cols, &noise(3, rows * cols)).unwrap();
        let panels = Panels::new(&packed);
        let (mut found, mut expected) = (vec![0.0; cols], vec![0.0; cols]);
        for r in 0..rows {
            panels.unpack_row(r, &mut found);
            packed.unpack_row(r, &mut expected);
            assert_eq!(found, expected, "{scheme}, row {r}");
        }
    }
}

/// Columns of `x` `[count, width]`.
fn columns(x: &[f32], count: usize, quantize: bool) -> Columns {
    let (width, mut columns) = (x.len() / count, Columns::default());
    columns.set([count, width], quantize, pool(), Isa::best(), |c, column| {
        column.copy_from_slice(&x[c * width..][..width])
    });
    columns
}

#[test]
fn a_column_gives_the_same_bits_in_any_batch_and_rows_give_those_of_the_whole() {
    let (rows, cols) = (37, 512);
    let x = noise(5, 21 * cols);
    for scheme in QuantScheme::ALL {
        let weights = Panels::new(&PackedMatrix::from_f32(scheme, rows, cols, &noise(4, rows * cols)).unwrap());
        for (quantize, isa) in
            [false, true].into_iter().flat_map(|quantize| Isa::available().iter().map(move |isa| (quantize, *isa)))
        {
            let output = |count: usize| {
                let mut y = PanelOutput::default();
                product(&weights, &columns(&x[..count * cols], count, quantize), &mut y, pool(), isa);
                y
            };
            let mut expected = vec![0.0; rows];
            output(21).read(0, &mut expected);
            for count in 1..10 {
                let mut found = vec![0.0; rows];
                output(count).read(0, &mut found);
                assert_eq!(found, expected, "{scheme} {isa:?} among {count}");
            }
            let some = [36, 0, 1, 17];
            let found = product_of_rows(&weights, &some, &columns(&x[..cols], 1, quantize), isa);
            assert_eq!(found, some.map(|row| expected[row as usize]), "{scheme} {isa:?}");
        }
    }
}

#[test]
fn columns_that_are_no_numbers_show_in_the_product() {
    let weights = Panels::new(&PackedMatrix::from_f32(QuantScheme::Q8, 8, 64, &noise(4, 8 * 64)).unwrap());
    for bad in [f32::NAN, f32::INFINITY] {
        for quantize in [false, true] {
            let mut x = noise(5, 64);
            x[40] = bad;
            let mut y = PanelOutput::default();
            product(&weights, &columns(&x, 1, quantize), &mut y, pool(), Isa::best());
            let mut found = [0.0; 8];
            y.read(0, &mut found);
            assert!(found.iter().all(|y| !y.is_finite()), "{bad}, quantized: {quantize}: {found:?}");
        }
    }
}

/// Attention of one query over keys and values `[positions, width]`, in f64.
fn attention(q: &[f32], keys: &[&[f32]], values: &[&[f32]]) -> Vec<f32> {
    let dot = |k: &&[f32]| q.iter().zip(*k).map(|(q, k)| f64::from(*q) * f64::from(*k)).sum::<f64>();
    let weights: Vec<f64> = keys.iter().map(|k| (dot(k) / (q.len() as f64).sqrt()).exp()).collect();
    let total: f64 = weights.iter().sum();
    let of = |i: usize| weights.iter().zip(values).map(|(w, v)| w * f64::from(v[i])).sum::<f64>() / total;
    (0..q.len()).map(|i| of(i) as f32).collect()
}

#[test]
fn attention_sees_the_keys_up_to_its_position_through_the_block_table() {
    let heads = Heads { queries: 6, keys: 2, width: 12 };
    let vector = |seed: usize| noise(seed as u64, heads.width);
    for (format, tolerance) in KvFormat::ALL.into_iter().zip([1e-5, 2e-3, 3e-2]) {
        let mut cache = KvPages::new(heads, format, 9);
        let tables: [&[u32]; 2] = [&[7, 2, 4], &[0, 8]];
        let spans = [(3, 2 * PAGE - 1), (1, PAGE)].map(|(count, position)| (count, position));
        let (key, value) = (
            |s: usize, p: usize, h: usize| vector(1000 * s + 10 * p + h),
            |s, p, h| vector(5000 + 1000 * s + 10 * p + h),
        );
        for (s, (count, position)) in spans.into_iter().enumerate() {
            for p in 0..position + count {
                (0..heads.keys)
                    .for_each(|h| cache.write(tables[s][p / PAGE], p % PAGE, h, &key(s, p, h), &value(s, p, h)));
            }
        }
        let tokens: usize = spans.iter().map(|(count, _)| count).sum();
        let q = noise(77, tokens * heads.queries * heads.width);
        let asked: Vec<AttentionSpan> = spans
            .iter()
            .zip(tables)
            .map(|(&(count, position), pages)| AttentionSpan { count, position, pages })
            .collect();
        for isa in Isa::available() {
            let mut y = vec![f32::NAN; q.len()];
            attend(&cache, &asked, &q, &mut y, &Pool::new(3), *isa);
            let placed =
                spans.iter().enumerate().flat_map(|(s, &(count, position))| (0..count).map(move |i| (s, position + i)));
            for (token, (s, position)) in placed.enumerate() {
                for head in 0..heads.queries {
                    let at = (token * heads.queries + head) * heads.width;
                    let of = |vector: &dyn Fn(usize, usize, usize) -> Vec<f32>| -> Vec<Vec<f32>> {
                        (0..=position).map(|p| vector(s, p, head / 3)).collect()
                    };
                    let (keys, values) = (of(&key), of(&value));
                    let [keys, values] = [&keys, &values].map(|all| all.iter().map(Vec::as_slice).collect::<Vec<_>>());
                    let expected = attention(&q[at..][..heads.width], &keys, &values);
                    for (found, expected) in y[at..].iter().zip(expected) {
                        assert!((found - expected).abs() < tolerance, "{format} {isa:?}: {found}, expected {expected}");
                    }
                }
            }
        }
    }
}

#[test]
fn rows_are_normed_gated_and_summed() {
    let (x, gain, up) = (noise(1, 43), noise(2, 43), noise(3, 43));
    for isa in Isa::available() {
        let (mut norm, mut gated) = (vec![0.0; 43], vec![0.0; 43]);
        rms_norm_row(&x, &gain, 0.1, &mut norm, *isa);
        // Rows of gate and up in turn, as the product of a matrix that picks them with ones.
        let pairs: Vec<f32> = x.iter().zip(&up).flat_map(|(x, up)| [*x, *up]).collect();
        let weights = Panels::new(&PackedMatrix::from_f32(QuantScheme::F32, 86, 1, &pairs).unwrap());
        let mut outputs = PanelOutput::default();
        product(&weights, &columns(&[1.0], 1, false), &mut outputs, pool(), *isa);
        swiglu_row(&outputs, 0, &mut gated, *isa);
        let mean = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / 43.0;
        for i in 0..43 {
            let [x, gain, up] = [x[i], gain[i], up[i]].map(f64::from);
            assert!((f64::from(norm[i]) - x / (mean + 0.1).sqrt() * gain).abs() < 1e-6);
            assert!((f64::from(gated[i]) - x / (1.0 + (-x).exp()) * up).abs() < 1e-6);
        }
        let expected = x.iter().map(|x| f64::from(*x).exp()).sum::<f64>().ln();
        assert!((f64::from(log_sum_exp(&x, *isa)) - expected).abs() < 1e-6);
        assert!(log_sum_exp(&[1.0, f32::NAN], *isa).is_nan());
    }
}

#[test]
fn partners_are_rotated_by_their_position() {
    let table = RopeTable::new(vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0, -1.0, 0.0], 4);
    let mut head = [1.0, 2.0, 3.0, 4.0];
    table.rotate(0, &mut head);
    assert_eq!(head, [1.0, 2.0, 3.0, 4.0]);
    table.rotate(1, &mut head);
    assert_eq!(head, [-2.0, 1.0, -3.0, -4.0]);
}
