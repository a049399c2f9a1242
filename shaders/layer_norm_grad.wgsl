// The gradient of layer norm with respect to its input. With r = 1 / sqrt(var(x) + eps), n = (x - mean(x)) r
// and g = gamma · dy, of every row:
//
//     dx = r (g - mean(g) - n mean(g n))
//
// Mean and r of every row are stored for the gradients of gamma and beta.
// Grid: one workgroup per row, as in layer_norm. Costs: 12 bytes and 16 FLOPs per element; bound by memory.

#include "lib/rows.wgsl"

@group(0) @binding(0) var<storage, read_write> x: array<Value>;         // [rows, values]
@group(0) @binding(1) var<storage, read_write> gamma: array<Value>;     // [values]
@group(0) @binding(2) var<storage, read_write> dy: array<Value>;        // [rows, values]
@group(0) @binding(3) var<storage, read_write> dx: array<Value>;        // [rows, values]
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>; // [rows]: mean, r
@group(0) @binding(5) var<storage, read_write> params: Params;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, lane: Lane) {
    let row = row_of(grid);

    var sum = 0.0;
    var gradients = 0.0;
    for (var i = lane.index; i < row.values; i += WORKGROUP) {
        sum += sum_of(x[row.start + i]);
        gradients += sum_of(gamma[i] * dy[row.start + i]);
    }
    let mean = workgroup_sum(lane, sum) / params.width;
    let mean_gradient = workgroup_sum(lane, gradients) / params.width;

    var squares = 0.0;
    var products = 0.0;
    for (var i = lane.index; i < row.values; i += WORKGROUP) {
        let v = x[row.start + i] - mean;
        squares += sum_of(v * v);
        products += sum_of(gamma[i] * dy[row.start + i] * v);
    }
    let inverse = inverseSqrt(workgroup_sum(lane, squares) / params.width + params.epsilon);
    let along = workgroup_sum(lane, products) / params.width * inverse * inverse;

    for (var i = lane.index; i < row.values; i += WORKGROUP) {
        let v = x[row.start + i] - mean;
        dx[row.start + i] = inverse * (gamma[i] * dy[row.start + i] - mean_gradient - v * along);
    }
    if lane.index == 0u && row.values > 0u {
        stats[row.start / params.values] = vec2(mean, inverse);
    }
}
