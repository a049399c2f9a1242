// Merges the results of the splits of decode_attention (split-K over the keys). With m the largest of their
// largest scores,
//
//     y = Σ exp(mᵢ - m) yᵢ / Σ exp(mᵢ - m) wᵢ
//
// Grid: one invocation per token, query head and quad.
// Costs: 4 bytes per number and split; bound by the launch.

#include "lib/step_inputs.wgsl"
#include "lib/grid.wgsl"

#define HEADS      // of queries
#define QUADS      // of four numbers in a head
#define SPANS      // of 64 keys in a split
#define STRIDE     // quads between two tokens of y
#define WORKGROUP

@group(0) @binding(0) var<storage, read_write> split_sums: array<vec4<f32>>; // [tokens, HEADS, splits, QUADS + 1]: sums; largest, weight
@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;          // [tokens, STRIDE]
@group(0) @binding(2) var<storage, read_write> step_inputs: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let number = workgroup_number(grid) * WORKGROUP + index;
    let quad = number % QUADS;
    let head = number / QUADS % HEADS;
    let token = number / QUADS / HEADS;
    if token >= token_count() {
        return;
    }
    let splits = split_count();
    // Those behind the token's position have nothing.
    let count = min(token_of(token).position / (SPANS * 64u) + 1u, splits);
    let first = (token * HEADS + head) * splits;
    var high = -1e30;
    for (var i = 0u; i < count; i++) {
        high = max(high, split_sums[(first + i) * (QUADS + 1u) + QUADS].x);
    }
    var sum = vec4(0.0);
    var weight = 0.0;
    for (var i = 0u; i < count; i++) {
        let at = (first + i) * (QUADS + 1u);
        let of_split = split_sums[at + QUADS];
        let share = exp(of_split.x - high);
        sum += share * split_sums[at + quad];
        weight += share * of_split.y;
    }
    y[token * STRIDE + head * QUADS + quad] = sum / weight;
}
