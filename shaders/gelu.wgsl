// The Gaussian error linear unit: y = x Φ(x), with the error function, not its tanh approximation (Hendrycks
// and Gimpel, 2016).
//
// Grid: one invocation per Value.
// Costs: 8 bytes and about 20 FLOPs per element; bound by memory.

#include "lib/elementwise.wgsl"
#include "lib/normal.wgsl"

@group(0) @binding(0) var<storage, read_write> x: array<Value>; // [values]
@group(0) @binding(1) var<storage, read_write> y: array<Value>; // [values]
@group(0) @binding(2) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let i = value_number(grid, index);
    if i < params.values {
        y[i] = x[i] * normal_below(x[i]);
    }
}
