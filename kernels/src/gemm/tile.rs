//! The innermost loops: a tile of the result in registers, summed over packed panels.

use crate::decode_cpu::lanes::LANES;

/// Packed factors of one block of the depth, and the part of the result that their product is added to.
pub(super) struct PackedProduct<'a> {
    /// `[panels, depth, rows of a tile]`, or in the order of AMX
    pub(super) left: &'a [u32],
    /// `[panels, depth, columns of a tile]`
    pub(super) right: &'a [u32],
    /// Words: numbers of f32, or pairs of bf16.
    pub(super) depth: usize,
    /// The result from its first place on.
    pub(super) c: &'a mut [f32],
    /// Floats from a row of the result to the next.
    pub(super) stride: usize,
    /// Rows and columns of the result; the panels have zeros behind them.
    pub(super) shape: [usize; 2],
}

/// Adds a row of a tile, or as much of it as there is room for.
#[inline(always)]
pub(super) fn add<const WIDTH: usize>(sums: &[f32], c: &mut [f32]) {
    match c.first_chunk_mut::<WIDTH>() {
        Some(whole) => whole.iter_mut().zip(sums).for_each(|(c, sum)| *c += sum),
        None => c.iter_mut().zip(sums).for_each(|(c, sum)| *c += sum),
    }
}

/// The variant of an instruction set: the rows of a tile, its vectors, and their [`Lanes`]. A tile is two vectors wide.
macro_rules! variant {
    ($(#[$doc:meta])* $name:ident, $rows:literal x $lanes:literal, $vectors:ident $(, $features:literal)?) => {
        $(#[$doc])*
        pub(super) mod $name {
            use super::super::$vectors::{lanes, multiply_add, splat, vector, zero};
            use super::{LANES, PackedProduct, add};

            /// Rows of a tile.
            pub(in super::super) const ROWS: usize = $rows;

            /// Columns of a tile.
            pub(in super::super) const COLS: usize = 2 * WIDTH;

            /// Floats of a vector.
            const WIDTH: usize = $lanes * LANES;

            /// c += left · right
            $(#[target_feature(enable = $features)])?
            pub(in super::super) fn multiply(product: PackedProduct) {
                let PackedProduct { left, right, depth, c, stride, shape: [rows, cols] } = product;
                for (column, right) in (0..cols).step_by(COLS).zip(right.chunks_exact(depth * COLS)) {
                    let right = right.as_chunks::<LANES>().0.as_chunks::<$lanes>().0.as_chunks::<2>().0;
                    for (row, left) in (0..rows).step_by(ROWS).zip(left.chunks_exact(depth * ROWS)) {
                        let left = left.as_chunks::<ROWS>().0;
                        let c = &mut c[row * stride + column..];
                        let shape = [ROWS.min(rows - row), COLS.min(cols - column)];
                        if shape[1] <= WIDTH {
                            tile::<1>(left, right, c, stride, shape);
                        } else {
                            tile::<2>(left, right, c, stride, shape);
                        }
                    }
                }
            }

            /// A tile that is `V` vectors wide.
            $(#[target_feature(enable = $features)])?
            #[inline]
            fn tile<const V: usize>(
                left: &[[u32; ROWS]],
                right: &[[[[u32; LANES]; $lanes]; 2]],
                c: &mut [f32],
                stride: usize,
                [rows, cols]: [usize; 2],
            ) {
                let mut sums = [[zero(); V]; ROWS];
                for (left, right) in left.iter().zip(right) {
                    let mut x = [vector(&right[0]); V];
                    for v in 1..V {
                        x[v] = vector(&right[v]);
                    }
                    for i in 0..ROWS {
                        let factor = splat(left[i]);
                        for v in 0..V {
                            sums[i][v] = multiply_add(factor, x[v], sums[i][v]);
                        }
                    }
                }
                for (i, sums) in sums.iter().enumerate() {
                    if i < rows {
                        let c = &mut c[i * stride..][..cols];
                        for (v, sums) in sums.iter().enumerate() {
                            add::<WIDTH>(lanes(*sums).as_flattened(), &mut c[v * WIDTH..]);
                        }
                    }
                }
            }
        }
    };
}

variant!(
    /// Loops that the compiler makes vector instructions of.
    portable, 4 x 1, plain
);
#[cfg(target_arch = "x86_64")]
variant!(
    /// Vectors of 256 bits, fused multiply-adds.
    avx2, 6 x 1, ymm, "avx2,fma"
);
#[cfg(target_arch = "x86_64")]
variant!(
    /// Vectors of 512 bits.
    avx512, 12 x 2, zmm, "avx2,fma,avx512f"
);

variant!(
    /// Pairs of bf16, without instructions for them.
    bf16_portable, 4 x 1, bf16_plain
);
#[cfg(target_arch = "x86_64")]
variant!(
    /// Vectors of 512 bits, dot products of pairs of bf16.
    bf16_avx512, 12 x 2, bf16_zmm, "avx512f,avx512bf16"
);
