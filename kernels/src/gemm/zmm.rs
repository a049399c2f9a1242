//! A vector of 512 bits.

use std::arch::x86_64::*;

use crate::decode_cpu::lanes::{LANES, Lanes};

#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn zero() -> __m512 {
    _mm512_setzero_ps()
}

#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn splat(x: u32) -> __m512 {
    _mm512_set1_ps(f32::from_bits(x))
}

#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn vector([low, high]: &[[u32; LANES]; 2]) -> __m512 {
    let low = _mm512_castsi256_si512(bytemuck::cast(*low));
    _mm512_castsi512_ps(_mm512_inserti64x4::<1>(low, bytemuck::cast(*high)))
}

#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn lanes(vector: __m512) -> [Lanes; 2] {
    let ints = _mm512_castps_si512(vector);
    [bytemuck::cast(_mm512_castsi512_si256(ints)), bytemuck::cast(_mm512_extracti64x4_epi64::<1>(ints))]
}

/// a b + c
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn multiply_add(a: __m512, b: __m512, c: __m512) -> __m512 {
    _mm512_fmadd_ps(a, b, c)
}
