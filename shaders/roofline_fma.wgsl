// The arithmetic throughput of the roofline: chains of multiply-adds in registers.
//
// Eight chains at once keep the units busy while each waits for its last result. The factors come from memory
// and the sum goes there, so that the compiler can neither precompute nor drop anything.
// Grid: any. Costs: LOOPS · 8 · 4 multiply-adds per invocation.

#include "lib/grid.wgsl"

#define WORKGROUP   // invocations of a workgroup
#define LOOPS       // over the chains

struct Params {
    factor: f32,
    addend: f32,
}

@group(0) @binding(0) var<storage, read_write> y: array<f32>; // [invocations]
@group(0) @binding(1) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let factor = vec4(params.factor);
    let addend = vec4(params.addend);
    let i = workgroup_number(grid) * WORKGROUP + index;
    var chains: array<vec4<f32>, 8>;
    for (var chain = 0u; chain < 8u; chain++) {
        chains[chain] = vec4(f32(i + chain));
    }
    for (var loop_ = 0u; loop_ < LOOPS; loop_++) {
        for (var chain = 0u; chain < 8u; chain++) {
            chains[chain] = fma(chains[chain], factor, addend);
        }
    }
    var sum = vec4(0.0);
    for (var chain = 0u; chain < 8u; chain++) {
        sum += chains[chain];
    }
    y[i] = sum.x + sum.y + sum.z + sum.w;
}
