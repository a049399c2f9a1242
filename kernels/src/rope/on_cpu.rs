//! The rotation on a CPU, in f32.

use rayon::prelude::*;

use crate::cpu::zeros;
use crate::decode_cpu::Isa;
use crate::decode_cpu::lanes::SimdKernel;

/// Tokens that a core takes at once.
const TOKENS: usize = 16;

/// y of x `[tokens, heads, head_dim]`, rope_table `[positions, head_dim]` and rows `[tokens]`.
pub(super) fn rotate(
    x: &[f32],
    rope_table: &[f32],
    rows: &[usize],
    [_, heads, head_dim]: [usize; 3],
    direction: f32,
) -> Vec<f32> {
    let mut y = zeros(x.len());
    let chunk = TOKENS * heads * head_dim;
    let parts = y.par_chunks_mut(chunk).zip(x.par_chunks(chunk)).zip(rows.par_chunks(TOKENS));
    parts.for_each(|((y, x), rows)| Isa::best().run(Rotate { x, y, rope_table, rows, heads, head_dim, direction }));
    y
}

struct Rotate<'a> {
    x: &'a [f32],
    y: &'a mut [f32],
    rope_table: &'a [f32],
    rows: &'a [usize],
    heads: usize,
    head_dim: usize,
    direction: f32,
}

impl SimdKernel for Rotate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { x, y, rope_table, rows, heads, head_dim, direction } = self;
        let heads = y
            .chunks_exact_mut(head_dim)
            .zip(x.chunks_exact(head_dim))
            .zip(rows.iter().flat_map(|row| std::iter::repeat_n(row, heads)));
        for ((y, x), row) in heads {
            let (cosines, sines) = rope_table[row * head_dim..][..head_dim].split_at(head_dim / 2);
            let ((y, y_partners), (x, x_partners)) = (y.split_at_mut(head_dim / 2), x.split_at(head_dim / 2));
            let pairs = y.iter_mut().zip(y_partners).zip(x.iter().zip(x_partners));
            for (((y, y_partner), (a, b)), (cosine, sine)) in pairs.zip(cosines.iter().zip(sines)) {
                let sine = sine * direction;
                *y = a * cosine - b * sine;
                *y_partner = b * cosine + a * sine;
            }
        }
    }
}
