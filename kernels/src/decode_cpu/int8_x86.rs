//! The variants of [`int8`](super::int8) for x86-64, in vectors of eight words: one word of each row of a panel.

use std::arch::x86_64::*;

use super::columns::GroupScale;
use super::lanes::Lanes;
use super::panel_product::PanelProduct;
use super::panels::{GROUP, Panel, Q4_ZERO, Words};
use crate::quant::QuantScheme;

/// Columns of a tile, which share the unpacked weights of a group.
const TILE: usize = 4;

/// The vectors of a group: four quants of each row in each.
type Quants = [__m256i; GROUP / 4];

/// The variant of an instruction set, by its features and two dot products of a group: of quants from 0 to 15, and of
/// signed quants of 8 bits.
macro_rules! variant {
    ($(#[$doc:meta])* $name:ident, $features:literal, $dot_nibbles:path, $dot_bytes:path) => {
        $(#[$doc])*
        pub(super) mod $name {
            use super::*;

            #[target_feature(enable = $features)]
            pub(in super::super) fn run(product: PanelProduct) {
                match product.weights.scheme() {
                    QuantScheme::Q8 => panels::<{ QuantScheme::Q8 as u8 }>(product),
                    QuantScheme::Q4 => panels::<{ QuantScheme::Q4 as u8 }>(product),
                    QuantScheme::Q4Affine => panels::<{ QuantScheme::Q4Affine as u8 }>(product),
                    QuantScheme::Q4K => panels::<{ QuantScheme::Q4K as u8 }>(product),
                    other => unreachable!("{other} has no quants to multiply"),
                }
            }

            #[target_feature(enable = $features)]
            fn panels<const SCHEME: u8>(product: PanelProduct) {
                let PanelProduct { weights, panels, columns, y } = product;
                for (number, y) in panels.zip(y.chunks_mut(columns.count())) {
                    let panel = weights.panel(number);
                    for (first, y) in (0..).step_by(TILE).zip(y.chunks_mut(TILE)) {
                        let of = |c: usize| (columns.quants(first + c), columns.scales(first + c));
                        match y.len() {
                            1 => tile::<SCHEME, 1>(panel, [of(0)], y),
                            2 => tile::<SCHEME, 2>(panel, [of(0), of(1)], y),
                            3 => tile::<SCHEME, 3>(panel, [of(0), of(1), of(2)], y),
                            _ => tile::<SCHEME, TILE>(panel, [of(0), of(1), of(2), of(3)], y),
                        }
                    }
                }
            }

            /// y = a panel times `C` columns.
            #[target_feature(enable = $features)]
            fn tile<const SCHEME: u8, const C: usize>(
                panel: Panel,
                columns: [(&[[i32; GROUP / 4]], &[GroupScale]); C],
                y: &mut [Lanes],
            ) {
                let words = if SCHEME == QuantScheme::Q8 as u8 { 8 } else { 4 };
                let mut products = [_mm256_setzero_ps(); C];
                let mut offsets = [_mm256_setzero_ps(); C];
                for (group, quants) in panel.quants.chunks_exact(words).enumerate() {
                    let (d, m) = group_scales::<SCHEME>(panel.scales, group);
                    let weights = unpacked::<SCHEME>(quants);
                    for (c, (x, scales)) in columns.iter().enumerate() {
                        let GroupScale { scale, sum } = scales[group];
                        let mut dot = match SCHEME == QuantScheme::Q8 as u8 {
                            true => $dot_bytes(&weights, &x[group], sum),
                            false => $dot_nibbles(&weights, &x[group]),
                        };
                        if SCHEME == QuantScheme::Q4 as u8 {
                            dot = _mm256_sub_epi32(dot, _mm256_set1_epi32(Q4_ZERO * sum));
                        }
                        let scaled = _mm256_mul_ps(d, _mm256_set1_ps(scale));
                        products[c] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(dot), scaled, products[c]);
                        if SCHEME == QuantScheme::Q4Affine as u8 || SCHEME == QuantScheme::Q4K as u8 {
                            offsets[c] = _mm256_fmadd_ps(m, _mm256_set1_ps(scale * sum as f32), offsets[c]);
                        }
                    }
                }
                for (y, (product, offset)) in y.iter_mut().zip(products.into_iter().zip(offsets)) {
                    *y = bytemuck::cast(_mm256_add_ps(product, offset));
                }
            }
        }
    };
}

variant!(
    /// Pairs of products in 16 bits, which add up without overflow: 8 · 2 · 15 · 127 < 2¹⁵.
    avx2, "avx2,fma,f16c", dot_nibbles_avx2, dot_bytes_avx2
);
variant!(
    /// Four products in 32 bits at once.
    avx_vnni, "avx2,fma,f16c,avxvnni", dot_nibbles_avx_vnni, dot_bytes_avx_vnni
);
variant!(
    /// Four products in 32 bits at once, encoded with 32 registers.
    avx512_vnni, "avx2,fma,f16c,avx512f,avx512vl,avx512vnni", dot_nibbles_avx512_vnni, dot_bytes_avx512_vnni
);

#[target_feature(enable = "avx2")]
fn load(words: Words) -> __m256i {
    bytemuck::cast(words)
}

/// The quants of a group: 4-bit ones in bytes of their own.
#[target_feature(enable = "avx2")]
fn unpacked<const SCHEME: u8>(words: &[Words]) -> Quants {
    let mut quants = [_mm256_setzero_si256(); GROUP / 4];
    if SCHEME == QuantScheme::Q8 as u8 {
        quants.iter_mut().zip(words).for_each(|(quants, words)| *quants = load(*words));
    } else {
        let low = _mm256_set1_epi8(15);
        for (pair, words) in quants.as_chunks_mut::<2>().0.iter_mut().zip(words) {
            let words = load(*words);
            *pair = [_mm256_and_si256(words, low), _mm256_and_si256(_mm256_srli_epi16::<4>(words), low)];
        }
    }
    quants
}

/// The scale and the offset of a group, of every row.
#[target_feature(enable = "avx2,f16c")]
fn group_scales<const SCHEME: u8>(words: &[Words], group: usize) -> (__m256, __m256) {
    if SCHEME == QuantScheme::Q4Affine as u8 {
        return halves(load(words[group]));
    }
    if SCHEME == QuantScheme::Q4K as u8 {
        let block = &words[group / 8 * 5..][..5];
        let (d, e) = halves(load(block[0]));
        let bytes = load(block[1 + group % 8 / 2]);
        let bytes = if group.is_multiple_of(2) { bytes } else { _mm256_srli_epi32::<16>(bytes) };
        let byte = _mm256_set1_epi32(255);
        let s = _mm256_cvtepi32_ps(_mm256_and_si256(bytes, byte));
        let m = _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srli_epi32::<8>(bytes), byte));
        let negative = _mm256_set1_ps(-0.0);
        return (_mm256_mul_ps(d, s), _mm256_xor_ps(_mm256_mul_ps(e, m), negative));
    }
    let (even, odd) = halves(load(words[group / 2]));
    (if group.is_multiple_of(2) { even } else { odd }, _mm256_setzero_ps())
}

/// The f16 in the low and in the high halves of eight words.
#[target_feature(enable = "avx2,f16c")]
fn halves(words: __m256i) -> (__m256, __m256) {
    let apart = _mm256_setr_epi8(
        0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15, 0, 1, 4, 5, 8, 9, 12, 13, 2, 3, 6, 7, 10, 11, 14, 15,
    );
    let sorted = _mm256_permute4x64_epi64::<0b11_01_10_00>(_mm256_shuffle_epi8(words, apart));
    (_mm256_cvtph_ps(_mm256_castsi256_si128(sorted)), _mm256_cvtph_ps(_mm256_extracti128_si256::<1>(sorted)))
}

#[target_feature(enable = "avx2")]
fn dot_nibbles_avx2(weights: &Quants, x: &[i32; GROUP / 4]) -> __m256i {
    let mut sums = _mm256_setzero_si256();
    for (weights, x) in weights.iter().zip(x) {
        sums = _mm256_add_epi16(sums, _mm256_maddubs_epi16(*weights, _mm256_set1_epi32(*x)));
    }
    _mm256_madd_epi16(sums, _mm256_set1_epi16(1))
}

/// |w| · (x with the sign of w): one factor has to be without sign.
#[target_feature(enable = "avx2")]
fn dot_bytes_avx2(weights: &Quants, x: &[i32; GROUP / 4], _sum: i32) -> __m256i {
    let mut sums = _mm256_setzero_si256();
    for (weights, x) in weights.iter().zip(x) {
        let signed = _mm256_sign_epi8(_mm256_set1_epi32(*x), *weights);
        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(*weights), signed);
        sums = _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
    }
    sums
}

/// The dot products of a VNNI instruction.
macro_rules! vnni {
    ($features:literal, $dot:ident, $nibbles:ident, $bytes:ident) => {
        #[target_feature(enable = $features)]
        fn $nibbles(weights: &Quants, x: &[i32; GROUP / 4]) -> __m256i {
            let mut sums = _mm256_setzero_si256();
            for (weights, x) in weights.iter().zip(x) {
                sums = $dot(sums, *weights, _mm256_set1_epi32(*x));
            }
            sums
        }

        /// (w + 128) · x, less 128 Σ x: one factor has to be without sign.
        #[target_feature(enable = $features)]
        fn $bytes(weights: &Quants, x: &[i32; GROUP / 4], sum: i32) -> __m256i {
            let mut sums = _mm256_set1_epi32(-128 * sum);
            for (weights, x) in weights.iter().zip(x) {
                let shifted = _mm256_xor_si256(*weights, _mm256_set1_epi8(-128));
                sums = $dot(sums, shifted, _mm256_set1_epi32(*x));
            }
            sums
        }
    };
}

vnni!("avx2,avxvnni", _mm256_dpbusd_avx_epi32, dot_nibbles_avx_vnni, dot_bytes_avx_vnni);
vnni!("avx2,avx512f,avx512vl,avx512vnni", _mm256_dpbusd_epi32, dot_nibbles_avx512_vnni, dot_bytes_avx512_vnni);
