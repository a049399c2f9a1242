// The gradients of layer norm with respect to gamma and beta, over blocks of rows; the host adds up the
// blocks:
//
//     dgamma = Σ over rows of dy · (x - mean) · r        dbeta = Σ over rows of dy
//
// Grid: one workgroup per block of BLOCK rows, whose invocations take the columns side by side.
// Costs: 8 bytes and 5 FLOPs per element; bound by memory.

#include "lib/grid.wgsl"
#include "lib/value.wgsl"

#define WORKGROUP   // invocations of a workgroup
#define BLOCK       // rows of a workgroup

struct Params {
    rows: u32,
    values: u32,     // Values of a row
}

@group(0) @binding(0) var<storage, read_write> x: array<Value>;         // [rows, values]
@group(0) @binding(1) var<storage, read_write> dy: array<Value>;        // [rows, values]
@group(0) @binding(2) var<storage, read_write> stats: array<vec2<f32>>; // [rows]: mean, r
@group(0) @binding(3) var<storage, read_write> sums: array<Value>;      // [blocks, 2, values]: of gamma, of beta
@group(0) @binding(4) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let block = workgroup_number(grid);
    let first = block * BLOCK;
    let end = min(first + BLOCK, params.rows);
    if first < end {
        for (var i = index; i < params.values; i += WORKGROUP) {
            var of_gamma = Value(0.0);
            var of_beta = Value(0.0);
            for (var row = first; row < end; row++) {
                let gradient = dy[row * params.values + i];
                of_gamma += gradient * (x[row * params.values + i] - stats[row].x) * stats[row].y;
                of_beta += gradient;
            }
            sums[block * 2u * params.values + i] = of_gamma;
            sums[(block * 2u + 1u) * params.values + i] = of_beta;
        }
    }
}
