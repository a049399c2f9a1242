// The memory bandwidth of the roofline: y = x, 16 bytes at a time.
//
// Grid: one invocation per vec4.
// Costs: 32 bytes per vec4.

#include "lib/grid.wgsl"

#define WORKGROUP   // invocations of a workgroup

struct Params {
    values: u32,     // vec4 of a buffer
}

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>; // [values]
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>; // [values]
@group(0) @binding(2) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let i = workgroup_number(grid) * WORKGROUP + index;
    if i < params.values {
        y[i] = x[i];
    }
}
