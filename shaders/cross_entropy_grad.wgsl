// The gradient of cross_entropy with respect to the logits, in place. With p = exp(z - lse) and the incoming
// gradient of each output:
//
//     dz = p (d_lse - d_log_prob - d_entropy (log p + entropy)) + q d_log_prob
//
// where q is the share of the id in the row's target. The shares of a row ascend by id; an invocation finds its
// own by bisection.
//
// Grid: one invocation per Value.
// Costs: 8 bytes and about 8 FLOPs per logit; bound by memory.

#include "lib/grid.wgsl"
#include "lib/value.wgsl"

#define WORKGROUP   // invocations of a workgroup

struct Params {
    rows: u32,
    values: u32,     // Values of a row
}

struct TargetShare {
    id: u32,
    share: f32,
}

@group(0) @binding(0) var<storage, read_write> starts: array<u32>;          // [rows + 1] the first target of each row
@group(0) @binding(1) var<storage, read_write> targets: array<TargetShare>; // [targets]
@group(0) @binding(2) var<storage, read_write> scores: array<f32>;          // [rows, 3]: log_prob, entropy, lse
@group(0) @binding(3) var<storage, read_write> d_scores: array<f32>;        // [rows, 3]
@group(0) @binding(4) var<storage, read_write> logits: array<Value>;        // [rows, values], then their gradient
@group(0) @binding(5) var<storage, read_write> params: Params;

// The first of a row's targets whose id is not below `id`.
fn first_target(row: u32, id: u32) -> u32 {
    var low = starts[row];
    var high = starts[row + 1u];
    while low < high {
        let middle = (low + high) / 2u;
        if targets[middle].id < id {
            low = middle + 1u;
        } else {
            high = middle;
        }
    }
    return low;
}

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let i = workgroup_number(grid) * WORKGROUP + index;
    if i < params.rows * params.values {
        let row = i / params.values;
        let d_log_prob = d_scores[row * 3u];
        let d_entropy = d_scores[row * 3u + 1u];
        let d_lse = d_scores[row * 3u + 2u];

        let log_p = logits[i] - scores[row * 3u + 2u];
        var dz = exp(log_p) * (d_lse - d_log_prob - d_entropy * (log_p + scores[row * 3u + 1u]));
        let column = i % params.values;
        let end = starts[row + 1u];
#if WIDE
        for (var t = first_target(row, column * 4u); t < end && targets[t].id / 4u == column; t++) {
            dz[targets[t].id % 4u] += targets[t].share * d_log_prob;
        }
#else
        let t = first_target(row, column);
        if t < end && targets[t].id == column {
            dz += targets[t].share * d_log_prob;
        }
#endif
        logits[i] = dz;
    }
}
