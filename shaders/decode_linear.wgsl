// The GEMV or GEMM of a decoding step: y = W · x for the columns of a step, or y += W · x. Columns are the
// step's tokens, or with PICKED the tokens whose request needs the whole vocabulary: then W is the output
// projection and y the logits.
//
// Grid: one workgroup per ROWS rows of W and COLUMNS columns, or with GEMM 64 of both, the columns of the
// same rows side by side, so that they find the rows in the cache.
// Costs: the bytes of W once for COLUMNS or 64 columns, and 2 FLOPs per weight and column; bound by memory
// (GEMV) or arithmetic (GEMM).

#include "lib/matmul.wgsl"

#define STRIDE     // numbers between two columns of y
#define Y_AT       // where y begins in its buffer
#define ADD        // 1: y +=
#define PICKED     // 1: columns are those of requests

@group(0) @binding(NEXT_BINDING) var<storage, read_write> y: array<f32>;   // [columns, STRIDE]
@group(0) @binding(NEXT_BINDING + 1u) var<storage, read_write> step_inputs: array<u32>;

#if LORA
fn segment_of(row: u32) -> u32 {
    return 0u;
}
#endif

#if PICKED
fn token_at(column: u32) -> u32 {
    return request_of(column).token;
}
#else
fn token_at(column: u32) -> u32 {
    return column;
}
#endif

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
#if PICKED
    compute(grid, lane, full_count());
#else
    compute(grid, lane, token_count());
#endif
}

fn finish(row: u32, column: u32, two: vec2<f32>) {
    let at = Y_AT + column * STRIDE + STARTS_AT + row;
    write(at, two.x);
    if row + 1u < OUTPUTS {
        write(at + 1u, two.y);
    }
}

fn write(at: u32, number: f32) {
#if ADD
    y[at] += number;
#else
    y[at] = number;
#endif
}
