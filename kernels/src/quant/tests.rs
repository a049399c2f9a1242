//! Exact round trips from every block format, and bounds on what packing floats loses.

use half::f16;
use proptest::prelude::*;

use super::*;
use crate::testing::noise;

fn bytes(count: usize, seed: u64) -> Vec<u8> {
    noise(seed, count).into_iter().map(|x| (x * 128.0) as i8 as u8).collect()
}

/// Blocks of `f16s` f16 between -1 and 1, followed by `quants` bytes of any value.
fn blocks_of(count: usize, f16s: usize, quants: usize, seed: u64) -> Vec<u8> {
    let scales = noise(seed, count * f16s);
    let quants_of = bytes(count * quants, seed + 1);
    (0..count)
        .flat_map(|b| {
            let scales = scales[b * f16s..][..f16s].iter().flat_map(|s| f16::from_f32(*s).to_le_bytes());
            scales.chain(quants_of[b * quants..][..quants].iter().copied()).collect::<Vec<u8>>()
        })
        .collect()
}

/// The half at byte `at`, widened.
fn f16_at(block: &[u8], at: usize) -> f32 {
    f16::from_le_bytes([block[at], block[at + 1]]).to_f32()
}

/// Byte i mod 16, the low half for the first 16 weights: the order of Q4_0 and Q4_1.
fn quant(quants: &[u8], i: usize) -> f32 {
    f32::from(quants[i % 16] >> (4 * (i / 16)) & 15)
}

/// Packs three rows of three blocks and compares every weight with `weight(block, i)`, the format's
/// definition.
fn assert_lossless(blocks: Blocks, cols: usize, bytes: &[u8], weight: impl Fn(&[u8], usize) -> f32) {
    let packed = blocks.pack(3, cols, bytes).unwrap();
    let size = bytes.len() / 9;
    let expected: Vec<f32> =
        bytes.chunks(size).flat_map(|block| (0..cols / 3).map(|i| weight(block, i)).collect::<Vec<_>>()).collect();
    assert_eq!(packed.to_f32(), expected);
}

#[test]
fn every_block_format_is_held_without_loss() {
    assert_lossless(Blocks::F16, 3, &blocks_of(9, 1, 0, 1), |b, _| f16_at(b, 0));
    let bytes: Vec<u8> = noise(2, 9).into_iter().flat_map(f32::to_le_bytes).collect();
    assert_lossless(Blocks::F32, 3, &bytes, |b, _| f32::from_le_bytes(b.try_into().unwrap()));
    let bytes = blocks_of(9, 1, 32, 2);
    assert_lossless(Blocks::Q8_0, 96, &bytes, |b, i| f16_at(b, 0) * f32::from(b[2 + i] as i8));
    let bytes = blocks_of(9, 1, 16, 3);
    assert_lossless(Blocks::Q4_0, 96, &bytes, |b, i| f16_at(b, 0) * (quant(&b[2..], i) - 8.0));
    let bytes = blocks_of(9, 2, 16, 4);
    assert_lossless(Blocks::Q4_1, 96, &bytes, |b, i| f16_at(b, 0) * quant(&b[4..], i) + f16_at(b, 2));
}

#[test]
fn what_was_packed_from_blocks_comes_back_as_the_same_bytes() {
    for (blocks, cols, bytes) in [
        (Blocks::F32, 3, noise(1, 9).into_iter().flat_map(f32::to_le_bytes).collect()),
        (Blocks::F16, 3, blocks_of(9, 1, 0, 2)),
        (Blocks::Q8_0, 96, blocks_of(9, 1, 32, 3)),
        (Blocks::Q4_0, 96, blocks_of(9, 1, 16, 4)),
        (Blocks::Q4_1, 96, blocks_of(9, 2, 16, 5)),
        (Blocks::Q4_K, 768, blocks_of(9, 2, 140, 6)),
    ] {
        let packed = blocks.pack(3, cols, &bytes).unwrap();
        assert!(blocks.bytes(&packed) == bytes, "{blocks}");
        assert_eq!(blocks.name().parse(), Ok(blocks));
    }
    assert!("q5_0".parse::<Blocks>().unwrap_err().to_string().contains("expected one of f32, f16, q8_0"));
}

#[test]
fn q4_0_is_held_by_the_affine_scheme_too() {
    let bytes = blocks_of(2, 1, 16, 3);
    let weights = Blocks::Q4_0.pack(2, 32, &bytes).unwrap().to_f32();
    // d (c − 8) = d c + (−8 d): a Q4_1 block with that minimum.
    let as_q4_1: Vec<u8> = bytes
        .chunks(18)
        .flat_map(|b| [&b[..2], &f16::from_f32(-8.0 * f16_at(b, 0)).to_le_bytes(), &b[2..]].concat())
        .collect();
    assert_eq!(Blocks::Q4_1.pack(2, 32, &as_q4_1).unwrap().to_f32(), weights);
}

#[test]
fn q4_k_blocks_keep_quants_scales_and_offsets() {
    // Group g: scale 8 g + 3, offset 60 − 7 g, and quant (i + g) mod 16 for its weight i.
    let (s, m) = (|g: u8| 8 * g + 3, |g: u8| 60 - 7 * g);
    let mut block = [f16::from_f32(0.25).to_le_bytes(), f16::from_f32(0.5).to_le_bytes()].concat();
    for g in 0..4 {
        block.push(s(g) | s(g + 4) >> 4 << 6);
    }
    for g in 0..4 {
        block.push(m(g) | m(g + 4) >> 4 << 6);
    }
    for g in 4..8 {
        block.push(s(g) & 15 | m(g) << 4);
    }
    for pair in 0..4 {
        let quant = |i: u8, group: u8| (i + group) % 16;
        block.extend((0..32).map(|i| quant(i, 2 * pair) | (quant(i, 2 * pair + 1) << 4)));
    }
    let packed = Blocks::Q4_K.pack(2, 256, &[block.clone(), block].concat()).unwrap();
    let expected: Vec<f32> = (0..8u8)
        .flat_map(|g| (0..32u8).map(move |i| 0.25 * f32::from(s(g)) * f32::from((i + g) % 16) - 0.5 * f32::from(m(g))))
        .collect();
    assert_eq!(packed.to_f32(), [expected.clone(), expected].concat());
}

#[test]
fn nf4_takes_the_high_nibble_first_and_one_magnitude_per_64() {
    let quants = bytes(128, 5);
    let largest = [0.5, 2.0, 3.0, 0.125];
    let packed = Nf4Blocks { quants: &quants, largest: &largest }.pack(2, 128).unwrap();
    let expected: Vec<f32> = (0..256)
        .map(|i| {
            let level = if i % 2 == 0 { quants[i / 2] >> 4 } else { quants[i / 2] & 15 };
            largest[i / 64] * NF4_LEVELS[usize::from(level)]
        })
        .collect();
    assert_eq!(packed.to_f32(), expected);
}

/// The most that packing may change a weight of `group`, whose largest magnitude is 1 at most.
fn bound(scheme: QuantScheme, group: &[f32]) -> f32 {
    let (low, high) = group.iter().fold((f32::MAX, f32::MIN), |(l, h), w| (l.min(*w), h.max(*w)));
    let largest = low.abs().max(high.abs());
    let half = |x: f32| x / 1024.0; // a generous bound of the rounding of f16
    match scheme {
        QuantScheme::F32 => 0.0,
        QuantScheme::F16 => half(largest),
        QuantScheme::Q8 => largest / 127.0 / 2.0 + half(largest),
        // One side reaches only seven eighths of the other.
        QuantScheme::Q4 => largest / 8.0 + half(largest),
        QuantScheme::Q4Affine => (high - low) / 15.0 / 2.0 + half(3.0 * largest),
        // Scale and offset are off by half of a 63rd of the block's largest, which in these tests is 1 or 2
        // at most.
        QuantScheme::Q4K => (2.0 / 15.0) / 2.0 + 15.0 * (2.0 / 15.0 / 63.0) / 2.0 + 1.0 / 63.0 / 2.0 + half(4.0),
        QuantScheme::Nf4 => largest * (1.0 - 0.696_192_8) / 2.0 + 1e-6,
    }
}

proptest! {
    #[test]
    fn packing_floats_loses_no_more_than_the_scheme_must(seed: u64, spread in 0.01f32..1.0) {
        let (rows, cols) = (3, 512);
        let weights: Vec<f32> = noise(seed, rows * cols).into_iter().map(|w| w * spread).collect();
        for scheme in QuantScheme::ALL {
            let unpacked = PackedMatrix::from_f32(scheme, rows, cols, &weights).unwrap().to_f32();
            for (group, found) in weights.chunks(64).zip(unpacked.chunks(64)) {
                let bound = bound(scheme, group);
                for (w, f) in group.iter().zip(found) {
                    prop_assert!((w - f).abs() <= bound, "{scheme}: {w} became {f}, bound {bound}");
                }
            }
        }
    }

    #[test]
    fn what_was_packed_once_packs_to_itself(seed: u64) {
        for scheme in [QuantScheme::F32, QuantScheme::F16, QuantScheme::Q8, QuantScheme::Q4, QuantScheme::Nf4] {
            let once = PackedMatrix::from_f32(scheme, 2, 128, &noise(seed, 256)).unwrap();
            let again = PackedMatrix::from_f32(scheme, 2, 128, &once.to_f32()).unwrap();
            prop_assert_eq!(once.to_f32(), again.to_f32(), "{}", scheme);
        }
    }
}

#[test]
fn rows_of_any_length_are_padded_to_whole_packs() {
    for scheme in [QuantScheme::F32, QuantScheme::F16] {
        let weights: Vec<f32> = (0..33).map(|i| i as f32).collect();
        let packed = PackedMatrix::from_f32(scheme, 3, 11, &weights).unwrap();
        assert_eq!(packed.quants().len(), 3 * 2 * scheme.pack_words());
        assert_eq!(packed.to_f32(), weights, "{scheme}");
    }
}

#[test]
fn empty_matrices_pack() {
    for scheme in QuantScheme::ALL {
        for (rows, cols) in [(0, 256), (2, 0)] {
            let packed = PackedMatrix::from_f32(scheme, rows, cols, &[]).unwrap();
            assert!(packed.quants().is_empty() && packed.scales().is_empty() && packed.to_f32().is_empty());
        }
    }
}

#[test]
fn bad_weights_are_refused_with_the_reason() {
    let message = |result: Result<PackedMatrix, PackError>| result.unwrap_err().to_string();
    let odd = message(PackedMatrix::from_f32(QuantScheme::Q4, 1, 33, &[0.0; 33]));
    assert!(odd.starts_with("rows of 33 weights: expected a multiple of 32 for q4, found a rest of 1"), "{odd}");
    let short = message(PackedMatrix::from_f32(QuantScheme::F32, 2, 4, &[0.0; 7]));
    assert!(short.starts_with("weights: expected 8, found 7"), "{short}");
    let cut = message(Blocks::Q8_0.pack(2, 32, &[0; 67]));
    assert!(cut.starts_with("bytes of weights: expected 68, found 67"), "{cut}");
    assert!(
        message(PackedMatrix::from_f32(QuantScheme::F32, usize::MAX, 2, &[])).contains("more than can be addressed")
    );
    assert!(message(Nf4Blocks { quants: &[0; 32], largest: &[] }.pack(1, 64)).contains("expected 1, found 0"));
    for scheme in QuantScheme::ALL {
        for bad in [f32::NAN, f32::INFINITY] {
            let mut weights = [0.5; 512];
            weights[300] = bad;
            assert_eq!(PackedMatrix::from_f32(scheme, 2, 256, &weights), Err(PackError::Range { row: 1, scheme }));
        }
    }
    assert_eq!(
        PackedMatrix::from_f32(QuantScheme::F16, 1, 1, &[1e6]),
        Err(PackError::Range { row: 0, scheme: QuantScheme::F16 })
    );
    let infinite = [f16::INFINITY.to_le_bytes().to_vec(), vec![0; 16]].concat();
    assert_eq!(Blocks::Q4_0.pack(1, 32, &infinite), Err(PackError::Range { row: 0, scheme: QuantScheme::Q4 }));
}
