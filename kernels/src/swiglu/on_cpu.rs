//! The gated unit on a CPU, in f32.

use rayon::prelude::*;

use crate::cpu::zeros;
use crate::decode_cpu::Isa;
use crate::decode_cpu::lanes::{SimdKernel, exp};

/// Numbers that a core takes at once: below it, waking another core costs more than it saves.
const CHUNK: usize = 4096;

/// y of gate and up.
pub(super) fn forward(gate: &[f32], up: &[f32]) -> Vec<f32> {
    let mut y = zeros(gate.len());
    let chunks = y.par_chunks_mut(CHUNK).zip(gate.par_chunks(CHUNK)).zip(up.par_chunks(CHUNK));
    chunks.for_each(|((y, gate), up)| Isa::best().run(Forward { gate, up, y }));
    y
}

/// dgate and dup.
pub(super) fn backward(gate: &[f32], up: &[f32], dy: &[f32]) -> [Vec<f32>; 2] {
    let [mut d_gate, mut d_up] = [(); 2].map(|()| zeros(gate.len()));
    let inputs = gate.par_chunks(CHUNK).zip(up.par_chunks(CHUNK)).zip(dy.par_chunks(CHUNK));
    let chunks = d_gate.par_chunks_mut(CHUNK).zip(d_up.par_chunks_mut(CHUNK)).zip(inputs);
    chunks.for_each(|((d_gate, d_up), ((gate, up), dy))| Isa::best().run(Backward { gate, up, dy, d_gate, d_up }));
    [d_gate, d_up]
}

struct Forward<'a> {
    gate: &'a [f32],
    up: &'a [f32],
    y: &'a mut [f32],
}

impl SimdKernel for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { gate, up, y } = self;
        for ((y, g), u) in y.iter_mut().zip(gate).zip(up) {
            *y = g / (1.0 + exp::<FMA>(-g)) * u;
        }
    }
}

struct Backward<'a> {
    gate: &'a [f32],
    up: &'a [f32],
    dy: &'a [f32],
    d_gate: &'a mut [f32],
    d_up: &'a mut [f32],
}

impl SimdKernel for Backward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<const FMA: bool>(self) {
        let Self { gate, up, dy, d_gate, d_up } = self;
        let inputs = gate.iter().zip(up).zip(dy);
        for ((d_gate, d_up), ((g, u), dy)) in d_gate.iter_mut().zip(d_up).zip(inputs) {
            let s = 1.0 / (1.0 + exp::<FMA>(-g));
            *d_gate = dy * u * s * (1.0 + g * (1.0 - s));
            *d_up = dy * g * s;
        }
    }
}
