//! A vector of 512 bits that has sixteen words of two bf16 each.

use std::arch::x86_64::*;

use crate::decode_cpu::lanes::LANES;

pub(super) use super::zmm::{lanes, zero};

#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn splat(word: u32) -> __m512bh {
    bf16(_mm512_set1_epi32(word.cast_signed()))
}

#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn vector([low, high]: &[[u32; LANES]; 2]) -> __m512bh {
    let low = _mm512_castsi256_si512(bytemuck::cast(*low));
    bf16(_mm512_inserti64x4::<1>(low, bytemuck::cast(*high)))
}

/// a b + c, of both halves
#[target_feature(enable = "avx512f,avx512bf16")]
#[inline]
pub(super) fn multiply_add(a: __m512bh, b: __m512bh, c: __m512) -> __m512 {
    _mm512_dpbf16_ps(c, a, b)
}

#[allow(unsafe_code)]
#[inline(always)]
fn bf16(words: __m512i) -> __m512bh {
    // SAFETY: both types are 512 bits, and every bit pattern is a value of either.
    unsafe { std::mem::transmute(words) }
}
