// SwiGLU, the gated unit of Llama's feed-forward: y = silu(gate) · up, silu(g) = g · sigmoid(g)  (Shazeer,
// 2020).
//
// Grid: one invocation per Value.
// Costs: 12 bytes and about 8 FLOPs per element; bound by memory.

#include "lib/elementwise.wgsl"
#include "lib/sigmoid.wgsl"

@group(0) @binding(0) var<storage, read_write> gate: array<Value>; // [values]
@group(0) @binding(1) var<storage, read_write> up: array<Value>;   // [values]
@group(0) @binding(2) var<storage, read_write> y: array<Value>;    // [values]
@group(0) @binding(3) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let i = value_number(grid, index);
    if i < params.values {
        let g = gate[i];
        y[i] = g * sigmoid(g) * up[i];
    }
}
