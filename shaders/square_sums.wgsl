// Partial sums of squares of a flat tensor, for the norm of all gradients.
//
// Grid: as many workgroups as there are sums; together they walk the tensor, four numbers each at a time.
// Costs: 4 bytes and 2 FLOPs per number; bound by memory.

#include "lib/grid.wgsl"
#include "lib/sum.wgsl"

struct Params {
    values: u32,      // vec4 of x
    workgroups: u32,
}

@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>; // [values]
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;    // [workgroups]
@group(0) @binding(2) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    let number = workgroup_number(grid);
    var squares = 0.0;
    for (var i = number * WORKGROUP + lane.index; i < params.values; i += params.workgroups * WORKGROUP) {
        squares += dot(x[i], x[i]);
    }
    let sum = workgroup_sum(lane, squares);
    if lane.index == 0u && number < params.workgroups {
        sums[number] = sum;
    }
}
