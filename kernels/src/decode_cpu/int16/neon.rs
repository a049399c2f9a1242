//! Four vectors of 128 bits: a number of each of the sixteen rows of two panels.

use std::arch::aarch64::*;

use super::super::lanes::Lanes;
use super::super::panels::Words;

/// A word of each row.
pub(super) type NeonInts = [int32x4_t; 4];

/// A float of each row.
pub(super) type NeonFloats = [float32x4_t; 4];

/// The sums of products of each row, of its first quants and of its second ones.
pub(super) type NeonSums = [int32x4_t; 8];

#[target_feature(enable = "neon")]
pub(super) fn words([a, b]: [&Words; 2]) -> NeonInts {
    bytemuck::cast([*a, *b])
}

#[target_feature(enable = "neon")]
pub(super) fn floats([a, b]: [&Lanes; 2]) -> NeonFloats {
    bytemuck::cast([*a, *b])
}

#[target_feature(enable = "neon")]
pub(super) fn store(floats: NeonFloats, [y, z]: [&mut Lanes; 2]) {
    [*y, *z] = bytemuck::cast(floats);
}

#[target_feature(enable = "neon")]
pub(super) fn zero() -> NeonInts {
    [vdupq_n_s32(0); 4]
}

#[target_feature(enable = "neon")]
pub(super) fn no_sums() -> NeonSums {
    [vdupq_n_s32(0); 8]
}

/// The 4-bit quants of words as pairs of 16 bits: of columns (0, 2), (4, 6), (1, 3), (5, 7).
#[target_feature(enable = "neon")]
pub(super) fn nibbles(words: NeonInts) -> [NeonInts; 4] {
    let low = vdupq_n_u16(15);
    let mut quants = [zero(); 4];
    for i in 0..4 {
        let words = vreinterpretq_u16_s32(words[i]);
        quants[0][i] = vreinterpretq_s32_u16(vandq_u16(words, low));
        quants[1][i] = vreinterpretq_s32_u16(vandq_u16(vshrq_n_u16::<4>(words), low));
        quants[2][i] = vreinterpretq_s32_u16(vandq_u16(vshrq_n_u16::<8>(words), low));
        quants[3][i] = vreinterpretq_s32_u16(vshrq_n_u16::<12>(words));
    }
    quants
}

/// The signed bytes of words as pairs of 16 bits: (0, 2), (1, 3).
#[target_feature(enable = "neon")]
pub(super) fn bytes(words: NeonInts) -> [NeonInts; 2] {
    let mut quants = [zero(); 2];
    for i in 0..4 {
        let words = vreinterpretq_s16_s32(words[i]);
        quants[0][i] = vreinterpretq_s32_s16(vshrq_n_s16::<8>(vshlq_n_s16::<8>(words)));
        quants[1][i] = vreinterpretq_s32_s16(vshrq_n_s16::<8>(words));
    }
    quants
}

/// The f16 in the low and in the high halves of words.
#[target_feature(enable = "neon")]
pub(super) fn halves(words: NeonInts) -> [NeonFloats; 2] {
    let mut floats = [[vdupq_n_f32(0.0); 4]; 2];
    for i in 0..4 {
        let words = vreinterpretq_u32_s32(words[i]);
        floats[0][i] = floats_of_halves(vandq_u32(words, vdupq_n_u32(0xffff)));
        floats[1][i] = floats_of_halves(vshrq_n_u32::<16>(words));
    }
    floats
}

/// The numbers of four f16, which are finite; [`from_f16`](super::super::lanes::from_f16) explains the steps.
#[target_feature(enable = "neon")]
fn floats_of_halves(bits: uint32x4_t) -> float32x4_t {
    const REBIAS: f32 = f32::from_bits((127 + 112) << 23);
    let shifted = vshlq_n_u32::<13>(vandq_u32(bits, vdupq_n_u32(0x7fff)));
    let magnitude = vmulq_n_f32(vreinterpretq_f32_u32(shifted), REBIAS);
    let sign = vshlq_n_u32::<16>(vandq_u32(bits, vdupq_n_u32(0x8000)));
    vreinterpretq_f32_u32(vorrq_u32(vreinterpretq_u32_f32(magnitude), sign))
}

/// Byte `N` of words.
#[target_feature(enable = "neon")]
pub(super) fn byte<const N: usize>(words: NeonInts) -> NeonFloats {
    let right = vdupq_n_s32(-8 * N as i32);
    let byte = |words| vandq_u32(vshlq_u32(vreinterpretq_u32_s32(words), right), vdupq_n_u32(255));
    [0, 1, 2, 3].map(|i| vcvtq_f32_u32(byte(words[i])))
}

#[target_feature(enable = "neon")]
pub(super) fn mul(a: NeonFloats, b: NeonFloats) -> NeonFloats {
    [0, 1, 2, 3].map(|i| vmulq_f32(a[i], b[i]))
}

#[target_feature(enable = "neon")]
pub(super) fn scaled(floats: NeonFloats, factor: f32) -> NeonFloats {
    floats.map(|floats| vmulq_n_f32(floats, factor))
}

/// `sums` + a b
#[target_feature(enable = "neon")]
pub(super) fn multiply_add(a: NeonFloats, b: NeonFloats, sums: NeonFloats) -> NeonFloats {
    [0, 1, 2, 3].map(|i| vfmaq_f32(sums[i], a[i], b[i]))
}

/// `sums` + a b
#[target_feature(enable = "neon")]
pub(super) fn multiply_add_one(a: NeonFloats, b: f32, sums: NeonFloats) -> NeonFloats {
    multiply_add(a, [vdupq_n_f32(b); 4], sums)
}

#[target_feature(enable = "neon")]
pub(super) fn to_floats(sums: NeonSums) -> NeonFloats {
    [0, 1, 2, 3].map(|i| vcvtq_f32_s32(vpaddq_s32(sums[2 * i], sums[2 * i + 1])))
}

/// `sums` plus the products of a pair of quants of each row with those of a column. The dot products of newer
/// processors multiply bytes, and columns have 16 bits.
#[target_feature(enable = "neon")]
pub(super) fn dot_neon(mut sums: NeonSums, weights: NeonInts, x: i32) -> NeonSums {
    let x = vreinterpretq_s16_s32(vdupq_n_s32(x));
    for i in 0..4 {
        let pairs = vreinterpretq_s16_s32(weights[i]);
        sums[2 * i] = vmlal_s16(sums[2 * i], vget_low_s16(pairs), vget_low_s16(x));
        sums[2 * i + 1] = vmlal_high_s16(sums[2 * i + 1], pairs, x);
    }
    sums
}
