// Layer norm of every row: y = (x - mean(x)) / sqrt(var(x) + eps) · gamma + beta  (Ba, Kiros and Hinton,
// 2016).
//
// Grid: one workgroup per row. The row is walked three times, twice of them in the cache: the variance is the
// mean of the squared deviations, since the difference of two means would lose digits.
// Costs: 8 bytes and 7 FLOPs per element; bound by memory.

#include "lib/rows.wgsl"

@group(0) @binding(0) var<storage, read_write> x: array<Value>;     // [rows, values]
@group(0) @binding(1) var<storage, read_write> gamma: array<Value>; // [values]
@group(0) @binding(2) var<storage, read_write> beta: array<Value>;  // [values]
@group(0) @binding(3) var<storage, read_write> y: array<Value>;     // [rows, values]
@group(0) @binding(4) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    let row = row_of(grid);

    var sum = 0.0;
    for (var i = lane.index; i < row.values; i += WORKGROUP) {
        sum += sum_of(x[row.start + i]);
    }
    let mean = workgroup_sum(lane, sum) / params.width;

    var squares = 0.0;
    for (var i = lane.index; i < row.values; i += WORKGROUP) {
        let v = x[row.start + i] - mean;
        squares += sum_of(v * v);
    }
    let inverse = inverseSqrt(workgroup_sum(lane, squares) / params.width + params.epsilon);

    for (var i = lane.index; i < row.values; i += WORKGROUP) {
        y[row.start + i] = (x[row.start + i] - mean) * inverse * gamma[i] + beta[i];
    }
}
