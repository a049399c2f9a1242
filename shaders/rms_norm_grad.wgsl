// The gradient of the root-mean-square norm with respect to its input. With r = 1 / sqrt(mean(x²) + eps), of
// every row:
//
//     dx = r · weight · dy  -  x · r³ · mean(weight · dy · x)
//
// Grid: one workgroup per row, as in rms_norm. r is recomputed: storing it would cost a buffer and save one
// of two sums.
// Costs: 12 bytes and 10 FLOPs per element; bound by memory.

#include "lib/rows.wgsl"

@group(0) @binding(0) var<storage, read_write> x: array<Value>;      // [rows, values]
@group(0) @binding(1) var<storage, read_write> weight: array<Value>; // [values]
@group(0) @binding(2) var<storage, read_write> dy: array<Value>;     // [rows, values]
@group(0) @binding(3) var<storage, read_write> dx: array<Value>;     // [rows, values]
@group(0) @binding(4) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    let row = row_of(grid);

    var squares = 0.0;
    var products = 0.0;
    for (var i = lane.index; i < row.values; i += WORKGROUP) {
        let v = x[row.start + i];
        squares += sum_of(v * v);
        products += sum_of(weight[i] * dy[row.start + i] * v);
    }
    let inverse_rms = inverseSqrt(workgroup_sum(lane, squares) / params.width + params.epsilon);
    let mean_product = workgroup_sum(lane, products) / params.width;
    let along_x = inverse_rms * inverse_rms * mean_product;

    for (var i = lane.index; i < row.values; i += WORKGROUP) {
        dx[row.start + i] = inverse_rms * (weight[i] * dy[row.start + i] - x[row.start + i] * along_x);
    }
}
