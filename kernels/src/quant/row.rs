//! One row of weights: to quants and scales, and back. The layout is the one of [`quant`](super).
//!
//! Every product of scales and quants is exact in f32, so a weight is rounded at most once, by the addition
//! of its minimum or the level of NF4: a shader's fused multiply-add gives the same bits.

use half::f16;

use super::scheme::{NF4_LEVELS, PACK, QuantScheme};

/// Packs a row of whole groups; `quants` and `scales` come zeroed.
pub(super) fn pack(scheme: QuantScheme, weights: &[f32], quants: &mut [u32], scales: &mut [u32]) {
    match scheme {
        QuantScheme::F32 => quants.iter_mut().zip(weights).for_each(|(quant, weight)| *quant = weight.to_bits()),
        QuantScheme::F16 => {
            for (i, weight) in weights.iter().enumerate() {
                put_f16(quants, i, f16::from_f32(*weight));
            }
        }
        QuantScheme::Q8 => pack_q8(weights, quants, scales),
        QuantScheme::Q4 => pack_q4(weights, quants, scales),
        QuantScheme::Q4Affine => pack_q4_affine(weights, quants, scales),
        QuantScheme::Q4K => weights.chunks(256).enumerate().for_each(|(block, weights)| {
            pack_q4k(weights, &mut quants[32 * block..][..32], &mut scales[5 * block..][..5]);
        }),
        QuantScheme::Nf4 => pack_nf4(weights, quants, scales),
    }
}

/// The weights of a row.
pub(super) fn unpack(scheme: QuantScheme, quants: &[u32], scales: &[u32], weights: &mut [f32]) {
    let weight = |i: usize| match scheme {
        QuantScheme::F32 => f32::from_bits(quants[i]),
        QuantScheme::F16 => f16_at(quants, i),
        QuantScheme::Q8 => f16_at(scales, i / 32) * byte_at(quants, i) as i8 as f32,
        QuantScheme::Q4 => f16_at(scales, i / 32) * (nibble_at(quants, i) as f32 - 8.0),
        QuantScheme::Q4Affine => {
            let group = &scales[i / 32..];
            f16_at(group, 0) * nibble_at(quants, i) as f32 + f16_at(group, 1)
        }
        QuantScheme::Q4K => {
            let (scale, offset) = q4k_scale(&scales[i / 256 * 5..], i / 32 % 8);
            scale * nibble_at(quants, i) as f32 - offset
        }
        QuantScheme::Nf4 => f32::from_bits(scales[i / 64]) * NF4_LEVELS[nibble_at(quants, i) as usize],
    };
    weights.iter_mut().enumerate().for_each(|(i, w)| *w = weight(i));
}

/// Returns true if every weight of a packed row is finite. Only its floats can be otherwise.
pub(super) fn is_finite(scheme: QuantScheme, quants: &[u32], scales: &[u32]) -> bool {
    let f16s = |word: u32| f16::from_bits(word as u16).is_finite() && f16::from_bits((word >> 16) as u16).is_finite();
    match scheme {
        QuantScheme::F32 => quants.iter().all(|c| f32::from_bits(*c).is_finite()),
        QuantScheme::F16 => quants.iter().all(|c| f16s(*c)),
        QuantScheme::Q8 | QuantScheme::Q4 | QuantScheme::Q4Affine => scales.iter().all(|s| f16s(*s)),
        QuantScheme::Q4K => scales.iter().step_by(5).all(|s| f16s(*s)),
        QuantScheme::Nf4 => scales.iter().all(|s| f32::from_bits(*s).is_finite()),
    }
}

fn pack_q8(weights: &[f32], quants: &mut [u32], scales: &mut [u32]) {
    for (g, group) in weights.chunks(32).enumerate() {
        let d = put_f16(scales, g, f16::from_f32(largest(group).abs() / 127.0));
        for (i, w) in group.iter().enumerate() {
            put_byte(quants, 32 * g + i, steps(*w, d).clamp(-127.0, 127.0) as i8 as u8);
        }
    }
}

/// The quant 0 is the group's largest weight, sign and all: −8 steps reach one further than the 7 on the
/// other side.
fn pack_q4(weights: &[f32], quants: &mut [u32], scales: &mut [u32]) {
    for (g, group) in weights.chunks(32).enumerate() {
        let d = put_f16(scales, g, f16::from_f32(largest(group) / -8.0));
        for (i, w) in group.iter().enumerate() {
            put_nibble(quants, 32 * g + i, (steps(*w, d) + 8.0).clamp(0.0, 15.0) as u32);
        }
    }
}

fn pack_q4_affine(weights: &[f32], quants: &mut [u32], scales: &mut [u32]) {
    for (g, group) in weights.chunks(32).enumerate() {
        let (low, high) = range(group);
        let d = put_f16(&mut scales[g..], 0, f16::from_f32((high - low) / 15.0));
        let m = put_f16(&mut scales[g..], 1, f16::from_f32(low));
        for (i, w) in group.iter().enumerate() {
            put_nibble(quants, 32 * g + i, steps(w - m, d).clamp(0.0, 15.0) as u32);
        }
    }
}

/// A block of 256 weights: each group's step and offset as 6-bit multiples of the block's.
fn pack_q4k(weights: &[f32], quants: &mut [u32], scales: &mut [u32]) {
    // Offsets are taken away, never added: a group's range reaches up to zero at least from below.
    let ranges: Vec<(f32, f32)> = weights.chunks(32).map(range).map(|(low, high)| (low.min(0.0), high)).collect();
    let step = |&(low, high): &(f32, f32)| (high - low) / 15.0;
    let d = put_f16(scales, 0, f16::from_f32(ranges.iter().map(step).fold(0.0, f32::max) / 63.0));
    let e = put_f16(scales, 1, f16::from_f32(ranges.iter().map(|(low, _)| -low).fold(0.0, f32::max) / 63.0));
    for (g, (group, range)) in weights.chunks(32).zip(&ranges).enumerate() {
        let (s, m) = (steps(step(range), d).min(63.0), steps(-range.0, e).min(63.0));
        put_q4k_scale(scales, g, s as u8, m as u8);
        for (i, w) in group.iter().enumerate() {
            put_nibble(quants, 32 * g + i, steps(w + e * m, d * s).clamp(0.0, 15.0) as u32);
        }
    }
}

fn pack_nf4(weights: &[f32], quants: &mut [u32], scales: &mut [u32]) {
    for (g, group) in weights.chunks(64).enumerate() {
        let a = largest(group).abs();
        scales[g] = a.to_bits();
        for (i, w) in group.iter().enumerate() {
            // The nearest level: its index is the number of midpoints of neighbours below the weight.
            let midpoint_below = |pair: &&[f32]| a * (pair[0] + pair[1]) / 2.0 < *w;
            put_nibble(quants, 64 * g + i, NF4_LEVELS.windows(2).filter(midpoint_below).count() as u32);
        }
    }
}

/// The weight of the largest magnitude, sign and all.
fn largest(group: &[f32]) -> f32 {
    group.iter().copied().fold(0.0, |a: f32, w| if w.abs() <= a.abs() { a } else { w })
}

/// The smallest and the largest weight.
fn range(group: &[f32]) -> (f32, f32) {
    group.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &w| (low.min(w), high.max(w)))
}

/// `w` in whole steps of `d`; zero where there is no step.
fn steps(w: f32, d: f32) -> f32 {
    if d == 0.0 { 0.0 } else { (w / d).round() }
}

// ---- Parts of words. `put_…` expects the part to be zero. ----

pub(super) fn f16_bits(words: &[u32], i: usize) -> u16 {
    (words[i / 2] >> (16 * (i % 2))) as u16
}

fn f16_at(words: &[u32], i: usize) -> f32 {
    f16::from_bits(f16_bits(words, i)).to_f32()
}

/// Stores a number as f16 and returns its rounded value.
pub(super) fn put_f16(words: &mut [u32], i: usize, half: f16) -> f32 {
    words[i / 2] |= u32::from(half.to_bits()) << (16 * (i % 2));
    half.to_f32()
}

pub(super) fn byte_at(words: &[u32], i: usize) -> u8 {
    (words[i / 4] >> (8 * (i % 4))) as u8
}

pub(super) fn put_byte(words: &mut [u32], i: usize, byte: u8) {
    words[i / 4] |= u32::from(byte) << (8 * (i % 4));
}

/// The bit offset of the 4-bit quant of weight `i` of a pack: byte i mod 4, the low nibble for the first
/// four.
fn nibble_shift(i: usize) -> usize {
    8 * (i % 4) + i % PACK / 4 * 4
}

pub(super) fn nibble_at(words: &[u32], i: usize) -> u32 {
    (words[i / PACK] >> nibble_shift(i)) & 15
}

pub(super) fn put_nibble(words: &mut [u32], i: usize, quant: u32) {
    words[i / PACK] |= quant << nibble_shift(i);
}

/// Scale and offset of group `g` of a block of 256: d s and e m.
fn q4k_scale(block: &[u32], g: usize) -> (f32, f32) {
    let integer = |i: usize| f32::from(byte_at(&block[1..], i));
    (f16_at(block, 0) * integer(2 * g), f16_at(block, 1) * integer(2 * g + 1))
}

pub(super) fn put_q4k_scale(block: &mut [u32], g: usize, s: u8, m: u8) {
    put_byte(&mut block[1..], 2 * g, s);
    put_byte(&mut block[1..], 2 * g + 1, m);
}
