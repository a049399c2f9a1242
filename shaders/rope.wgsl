// Rotary position embedding (RoPE): coordinate i of a head is paired with coordinate i + head_dim / 2, and
// the pair is rotated by its token's angle (Su et al., 2021; paired as Llama does):
//
//     y[i] = x[i] cos - x[i + half] sin        y[i + half] = x[i + half] cos + x[i] sin
//
// The gradient is the opposite rotation (DIRECTION -1).
//
// Grid: one invocation per pair of Values. Cosines and sines come from a table, since shaders promise little
// about the sine of a large angle; tokens at one position share a row of it.
// Costs: 8 bytes and 3 FLOPs per element, and the part of the table that is not cached; bound by memory.

#include "lib/grid.wgsl"
#include "lib/value.wgsl"

#define WORKGROUP   // invocations of a workgroup

struct Params {
    pairs: u32,      // of Values, in all
    heads: u32,      // of a token
    half: u32,       // Values of half a head
    direction: f32,  // 1, or -1 to rotate back
}

@group(0) @binding(0) var<storage, read_write> x: array<Value>;          // [tokens, heads, 2, half]
@group(0) @binding(1) var<storage, read_write> rope_table: array<Value>; // [rows, 2, half]: cosines, sines
@group(0) @binding(2) var<storage, read_write> rows: array<u32>;         // [tokens]: of rope_table
@group(0) @binding(3) var<storage, read_write> y: array<Value>;          // [tokens, heads, 2, half]
@group(0) @binding(4) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let pair = workgroup_number(grid) * WORKGROUP + index;
    if pair < params.pairs {
        let head = pair / params.half;
        let i = pair % params.half;
        let at = rows[head / params.heads] * 2u * params.half + i;
        let cosine = rope_table[at];
        let sine = rope_table[at + params.half] * params.direction;

        let first = head * 2u * params.half + i;
        let second = first + params.half;
        let a = x[first];
        let b = x[second];
        y[first] = a * cosine - b * sine;
        y[second] = b * cosine + a * sine;
    }
}
