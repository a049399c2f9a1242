// Root-mean-square norm of every row: y = x / sqrt(mean(x²) + eps) · weight  (Zhang and Sennrich, 2019).
//
// Grid: one workgroup per row. Its invocations walk the row side by side, so that loads coalesce, once for
// the mean and once for the result; the second walk finds the row in the cache.
// Costs: 8 bytes and 4 FLOPs per element; bound by memory.

#include "lib/rows.wgsl"

@group(0) @binding(0) var<storage, read_write> x: array<Value>;      // [rows, values]
@group(0) @binding(1) var<storage, read_write> weight: array<Value>; // [values]
@group(0) @binding(2) var<storage, read_write> y: array<Value>;      // [rows, values]
@group(0) @binding(3) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    let row = row_of(grid);

    var squares = 0.0;
    for (var i = lane.index; i < row.values; i += WORKGROUP) {
        let v = x[row.start + i];
        squares += sum_of(v * v);
    }
    let inverse_rms = inverseSqrt(workgroup_sum(lane, squares) / params.width + params.epsilon);

    for (var i = lane.index; i < row.values; i += WORKGROUP) {
        y[row.start + i] = x[row.start + i] * inverse_rms * weight[i];
    }
}
