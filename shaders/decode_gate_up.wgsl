// The first half of Llama's feed-forward for the tokens of a step: y = silu(gate) · up, with gate, up = W ·
// norm(x)  (Shazeer, 2020).
//
// The rows of W are those of gate and up in turn, so that one workgroup has both.
//
// Grid: one workgroup per ROWS rows of W and COLUMNS columns, or with GEMM 64 of both, the columns of the
// same rows side by side, so that they find the rows in the cache.
// Costs: the bytes of W once for COLUMNS or 64 columns, and 2 FLOPs per weight and column; bound by memory
// (GEMV) or arithmetic (GEMM).

#include "lib/matmul.wgsl"
#include "lib/sigmoid.wgsl"

#define STRIDE     // numbers between two columns of y

@group(0) @binding(NEXT_BINDING) var<storage, read_write> y: array<f32>;     // [tokens, STRIDE]
@group(0) @binding(NEXT_BINDING + 1u) var<storage, read_write> step_inputs: array<u32>;

#if LORA
fn segment_of(row: u32) -> u32 {
    return row % 2u;
}
#endif

fn token_at(column: u32) -> u32 {
    return column;
}

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    compute(grid, lane, token_count());
}

fn finish(row: u32, column: u32, two: vec2<f32>) {
    y[column * STRIDE + (STARTS_AT + row) / 2u] = two.x * sigmoid(two.x) * two.y;
}
