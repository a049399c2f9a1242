// The gradient of cross_entropy with respect to the logits, in place. With p = exp(z - lse) and the incoming
// gradient of each output:
//
//     dz = p (d_lse - d_log_prob - d_entropy (log p + entropy)),  and + d_log_prob at the target
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

@group(0) @binding(0) var<storage, read_write> targets: array<u32>;  // [rows]
@group(0) @binding(1) var<storage, read_write> scores: array<f32>;   // [rows, 3]: log_prob, entropy, lse
@group(0) @binding(2) var<storage, read_write> d_scores: array<f32>; // [rows, 3]
@group(0) @binding(3) var<storage, read_write> logits: array<Value>; // [rows, values], then their gradient
@group(0) @binding(4) var<storage, read_write> params: Params;

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
#if WIDE
        if targets[row] / 4u == column {
            dz[targets[row] % 4u] += d_log_prob;
        }
#else
        if targets[row] == column {
            dz += d_log_prob;
        }
#endif
        logits[i] = dz;
    }
}
