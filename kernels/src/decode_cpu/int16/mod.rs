//! Products of the quants of the weights with 16-bit quants of the columns, by vector instructions: the sums of a group are whole
//! numbers, and exact.
//!
//! With weights d c + m and columns e q, a group of 32 adds d e Σ c q + m e Σ q to the product. Σ c q fits 32 bits:
//! 32 · 128 · 32,767 < 2³¹. Two panels are multiplied at once: a vector, or a pair of them, holds a number of each of
//! their sixteen rows.

#[cfg(target_arch = "aarch64")]
mod neon;
#[cfg(target_arch = "x86_64")]
mod ymm;
#[cfg(target_arch = "x86_64")]
mod zmm;

use super::columns::{ColumnQuants, GroupScale, PAIRS};
use super::lanes::Lanes;
use super::panel_product::PanelProduct;
use super::panels::{Panel, Q4_ZERO, Words};
use crate::quant::QuantScheme;

/// Columns that are multiplied before the next panels: their quants stay in the cache of a core.
const BLOCK: usize = 64;

/// The variant of an instruction set: its features, its vectors, the dot product of pairs, and the columns of a tile.
macro_rules! variant {
    ($(#[$doc:meta])* $name:ident, $features:literal, $vectors:ident($ints:ident, $floats:ident), $dot:ident, $tile:literal) => {
        $(#[$doc])*
        pub(super) mod $name {
            use super::*;
            use super::$vectors::*;
            use super::$vectors::{$floats as Floats, $ints as Ints};

            /// The columns of a tile: as many sums as hide the latency of one.
            const TILE: usize = $tile;

            /// The quants of a group, pair by pair.
            type Quants = [Ints; PAIRS];

            #[target_feature(enable = $features)]
            pub(in super::super) fn run(product: PanelProduct) {
                match product.weights.scheme() {
                    QuantScheme::Q8 => all_panels::<{ QuantScheme::Q8 as u8 }>(product),
                    QuantScheme::Q4 => all_panels::<{ QuantScheme::Q4 as u8 }>(product),
                    QuantScheme::Q4Affine => all_panels::<{ QuantScheme::Q4Affine as u8 }>(product),
                    QuantScheme::Q4K => all_panels::<{ QuantScheme::Q4K as u8 }>(product),
                    other => unreachable!("{other} has no quants to multiply"),
                }
            }

            #[target_feature(enable = $features)]
            fn all_panels<const SCHEME: u8>(product: PanelProduct) {
                let PanelProduct { weights, panels, columns, y } = product;
                let count = columns.count();
                let columns: Vec<ColumnQuants> = (0..count).map(|column| columns.quants(column)).collect();
                y.fill(Lanes::default());
                for (first, columns) in (0..).step_by(BLOCK).zip(columns.chunks(BLOCK)) {
                    for (number, y) in panels.clone().step_by(2).zip(y.chunks_mut(2 * count)) {
                        // A last panel without a partner is multiplied twice.
                        let partner = (number + 1).min(panels.end - 1);
                        let panels = [weights.panel(number), weights.panel(partner)];
                        let (y, z) = y.split_at_mut(count);
                        let y = &mut y[first..][..columns.len()];
                        match z.get_mut(first..first + columns.len()) {
                            Some(z) => two_panels::<SCHEME>(panels, columns, y, z),
                            None => two_panels::<SCHEME>(panels, columns, y, &mut [Lanes::default(); BLOCK]),
                        }
                    }
                }
            }

            /// y and z += the panels times the columns.
            #[target_feature(enable = $features)]
            fn two_panels<const SCHEME: u8>(
                [a, b]: [Panel; 2],
                columns: &[ColumnQuants],
                y: &mut [Lanes],
                z: &mut [Lanes],
            ) {
                let words = if SCHEME == QuantScheme::Q8 as u8 { 8 } else { 4 };
                let groups = a.quants.chunks_exact(words).zip(b.quants.chunks_exact(words));
                for (group, (v, w)) in groups.enumerate() {
                    let scales = group_scales::<SCHEME>([a.scales, b.scales], group);
                    let weights = unpacked::<SCHEME>([v, w]);
                    let mut first = 0;
                    while first < columns.len() {
                        let (columns, y, z) = (&columns[first..], &mut y[first..], &mut z[first..]);
                        first += match columns.len() {
                            1 => tile::<SCHEME, 1>(&weights, scales, group, columns, y, z),
                            2 => tile::<SCHEME, 2>(&weights, scales, group, columns, y, z),
                            3 => tile::<SCHEME, 3>(&weights, scales, group, columns, y, z),
                            count if count < TILE => tile::<SCHEME, 4>(&weights, scales, group, columns, y, z),
                            _ => tile::<SCHEME, TILE>(&weights, scales, group, columns, y, z),
                        };
                    }
                }
            }

            /// y and z += a group of the panels times that of the first `C` columns; returns their number.
            #[target_feature(enable = $features)]
            #[inline]
            fn tile<const SCHEME: u8, const C: usize>(
                weights: &Quants,
                [d, m]: [Floats; 2],
                group: usize,
                columns: &[ColumnQuants],
                y: &mut [Lanes],
                z: &mut [Lanes],
            ) -> usize {
                let (columns, y, z) = (&columns[..C], &mut y[..C], &mut z[..C]);
                let mut x = [&columns[0].words[group]; C];
                for c in 1..C {
                    x[c] = &columns[c].words[group];
                }
                let mut dots = [no_sums(); C];
                for i in 0..PAIRS {
                    for c in 0..C {
                        dots[c] = $dot(dots[c], weights[i], x[c][i]);
                    }
                }
                for c in 0..C {
                    let GroupScale { scale, offset } = columns[c].scales[group];
                    let mut sums = floats([&y[c], &z[c]]);
                    sums = multiply_add(to_floats(dots[c]), scaled(d, scale), sums);
                    if SCHEME != QuantScheme::Q8 as u8 {
                        sums = multiply_add_one(m, offset, sums);
                    }
                    store(sums, [&mut y[c], &mut z[c]]);
                }
                C
            }

            #[target_feature(enable = $features)]
            #[inline]
            fn unpacked<const SCHEME: u8>([a, b]: [&[Words]; 2]) -> Quants {
                let mut quants = [zero(); PAIRS];
                for (pack, quants) in quants.as_chunks_mut::<4>().0.iter_mut().enumerate() {
                    if SCHEME == QuantScheme::Q8 as u8 {
                        let first = bytes(words([&a[2 * pack], &b[2 * pack]]));
                        let second = bytes(words([&a[2 * pack + 1], &b[2 * pack + 1]]));
                        *quants = [first[0], second[0], first[1], second[1]];
                    } else {
                        *quants = nibbles(words([&a[pack], &b[pack]]));
                    }
                }
                quants
            }

            /// The scale and the offset of a group, of every row.
            #[target_feature(enable = $features)]
            #[inline]
            fn group_scales<const SCHEME: u8>([a, b]: [&[Words]; 2], group: usize) -> [Floats; 2] {
                if SCHEME == QuantScheme::Q4Affine as u8 {
                    return halves(words([&a[group], &b[group]]));
                }
                if SCHEME == QuantScheme::Q4K as u8 {
                    let block = group / 8 * 5;
                    let [d, e] = halves(words([&a[block], &b[block]]));
                    let of_group = block + 1 + group % 8 / 2;
                    let packed = words([&a[of_group], &b[of_group]]);
                    let [s, m] = match group % 2 {
                        0 => [byte::<0>(packed), byte::<1>(packed)],
                        _ => [byte::<2>(packed), byte::<3>(packed)],
                    };
                    return [mul(d, s), scaled(mul(e, m), -1.0)];
                }
                let [even, odd] = halves(words([&a[group / 2], &b[group / 2]]));
                let d = if group.is_multiple_of(2) { even } else { odd };
                [d, scaled(d, -Q4_ZERO as f32)]
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
variant!(
    /// Products of pairs, and their sums.
    avx2, "avx2,fma,f16c", ymm(YmmInts, YmmFloats), dot_avx2, 4
);
#[cfg(target_arch = "x86_64")]
variant!(
    /// Products of pairs and their sums in one instruction.
    avx_vnni, "avx2,fma,f16c,avxvnni", ymm(YmmInts, YmmFloats), dot_avx_vnni, 4
);
#[cfg(target_arch = "x86_64")]
variant!(
    /// Products of pairs and their sums in one instruction, in vectors of 512 bits.
    avx512_vnni, "avx2,fma,f16c,avx512f,avx512bw,avx512vnni", zmm(ZmmInts, ZmmFloats), dot_avx512_vnni, 8
);
#[cfg(target_arch = "aarch64")]
variant!(
    /// Products of 16 bits and their sums, in vectors of 128 bits.
    neon_int16, "neon", neon(NeonInts, NeonFloats), dot_neon, 3
);
