// The gradient of y = x Φ(x): dx = dy (Φ(x) + x φ(x)), φ the density of Φ.
//
// Grid: one invocation per Value.
// Costs: 12 bytes and about 25 FLOPs per element; bound by memory.

#include "lib/elementwise.wgsl"
#include "lib/normal.wgsl"

@group(0) @binding(0) var<storage, read_write> x: array<Value>;  // [values]
@group(0) @binding(1) var<storage, read_write> dy: array<Value>; // [values]
@group(0) @binding(2) var<storage, read_write> dx: array<Value>; // [values]
@group(0) @binding(3) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let i = value_number(grid, index);
    if i < params.values {
        dx[i] = dy[i] * (normal_below(x[i]) + x[i] * normal_density(x[i]));
    }
}
