// Causal flash attention (Dao, 2023) with an online softmax: for every query q of token i, over the keys k
// and values v of the tokens padding ≤ j ≤ i of its row and its group's head,
//
//     s_j = scale · q · k_j        lse = log Σ exp(s_j)        o = Σ exp(s_j - lse) v_j
//
// A padding token sees nothing. It gives zeros, and an lse so large that its weights are 0 in the gradients.
//
// Grid: one workgroup per 64 queries of a head, the last ones first, since they see the most keys.
// Costs: 2 · seq² · head_dim FLOPs per head and row (half of the tiles are masked and skipped); bound by
// arithmetic.

#include "lib/attention.wgsl"
#include "lib/online_softmax.wgsl"

@group(0) @binding(0) var<storage, read_write> q: array<vec4<f32>>; // [batch, seq, heads, quads]
@group(0) @binding(1) var<storage, read_write> k: array<vec4<f32>>; // [batch, seq, heads / group, quads]
@group(0) @binding(2) var<storage, read_write> v: array<vec4<f32>>; // [batch, seq, heads / group, quads]
@group(0) @binding(3) var<storage, read_write> o: array<vec4<f32>>; // [batch, seq, heads, quads]
@group(0) @binding(4) var<storage, read_write> lse: array<f32>;     // [batch, heads, seq]
@group(0) @binding(5) var<storage, read_write> params: Params;

const NOTHING: f32 = 1e30; // the lse of no keys

fn row_quad(source: u32, token: u32, quad: u32) -> vec4<f32> {
    if inside(token, quad) {
        return q[place_of(token, task.head, params.heads, quad)];
    }
    return vec4(0.0);
}

fn column_quad(source: u32, token: u32, quad: u32) -> vec4<f32> {
    if inside(token, quad) {
        return k[place_of(token, task.kv_head, params.heads / params.group, quad)];
    }
    return vec4(0.0);
}

fn term_quad(source: u32, token: u32, quad: u32) -> vec4<f32> {
    if inside(token, quad) {
        return v[place_of(token, task.kv_head, params.heads / params.group, quad)];
    }
    return vec4(0.0);
}

@compute @workgroup_size(INVOCATIONS)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let own = own_of(index);
    let tile = take_task(grid, params.heads);
    task.kv_head = task.head / params.group;
    task.row = ((params.seq + ROWS - 1u) / ROWS - 1u - tile) * ROWS;
    let within = task.batch < params.batch;
    let padding = params.padding[min(task.batch, params.batch - 1u)];
    let end = select(0u, min(task.row + ROWS, params.seq), within);
    let tokens = vec4(task.row + 4u * own.down) + vec4(0u, 1u, 2u, 3u);

    var softmax = Softmax(vec4(HIDDEN), vec4(0.0));
    var sums = Sums();
    for (task.column = padding / COLUMNS * COLUMNS; task.column < end; task.column += COLUMNS) {
        var scores = products(own, 0u, task.row, task.column);
        for (var j = 0u; j < 4u; j++) {
            let token = task.column + own.across + 8u * j;
            let seen = (vec4(token) <= tokens) & vec4(token >= padding);
            scores[j] = select(vec4(HIDDEN), scores[j] * params.scale, seen);
        }
        add_scored(own, &scores, task.column, &softmax, &sums);
    }

    let total = total_of_rows(own, softmax);
    for (var i = 0u; i < 4u; i++) {
        let token = tokens[i];
        var of_all = NOTHING;
        var share = 0.0;
        if total[i] > 0.0 {
            of_all = softmax.largest[i] + log(total[i]);
            share = 1.0 / total[i];
        }
        if token < end && own.across == 0u {
            lse[(task.batch * params.heads + task.head) * params.seq + token] = of_all;
        }
        for (var part = 0u; part < PARTS; part++) {
            let quad = part * 8u + own.across;
            if token < end && quad < params.quads {
                o[place_of(token, task.head, params.heads, quad)] = sums[part][i] * share;
            }
        }
    }
}
