// The gradients of attention with respect to the keys and values (Dao, 2023): for every key j, over the
// queries i of its group's heads that see it, with the weights recomputed from the stored lse,
//
//     p_i = exp(scale · q_i · k - lse_i)
//     dv = Σ p_i dO_i        dk = scale Σ p_i (dO_i · v - delta_i) q_i
//
// Here the keys are the rows of a tile and the queries its columns, so that each key's sums stay with one
// workgroup, over all heads of the group: no atomics, and one order of the terms.
//
// Grid: one workgroup per 64 keys of a head, the first ones first, since the most queries see them.
// Costs: 4 · seq² · head_dim FLOPs per head of queries and row; bound by arithmetic.

#include "lib/attention_grad.wgsl"

@group(0) @binding(5) var<storage, read_write> dk: array<vec4<f32>>;    // [batch, seq, heads / group, quads]
@group(0) @binding(6) var<storage, read_write> dv: array<vec4<f32>>;    // [batch, seq, heads / group, quads]
@group(0) @binding(7) var<storage, read_write> params: Params;

fn row_quad(source: u32, token: u32, quad: u32) -> vec4<f32> {
    return key_quad(source, token, quad);
}

fn column_quad(source: u32, token: u32, quad: u32) -> vec4<f32> {
    return query_quad(source, token, quad);
}

fn term_quad(source: u32, token: u32, quad: u32) -> vec4<f32> {
    return query_quad(source, token, quad);
}

@compute @workgroup_size(INVOCATIONS)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let own = own_of(index);
    task.row = take_task(grid, params.heads / params.group) * ROWS;
    task.kv_head = task.head;
    let within = task.batch < params.batch;
    let padding = params.padding[min(task.batch, params.batch - 1u)];
    let end = select(0u, params.seq, within);
    let tokens = vec4(task.row + 4u * own.down) + vec4(0u, 1u, 2u, 3u);

    var key_sums = Sums();
    var value_sums = Sums();
    for (var member = 0u; member < params.group; member++) {
        task.head = task.kv_head * params.group + member;
        for (task.column = task.row; task.column < end; task.column += COLUMNS) {
            let scores = products(own, SCORES, task.row, task.column);
            let score_grads = products(own, SCORE_GRADS, task.row, task.column);
            var weighted = Scores();
            var weighted_grads = Scores();
            for (var j = 0u; j < 4u; j++) {
                let token = task.column + own.across + 8u * j;
                var of_query = vec2(0.0);
                if token < end {
                    of_query = stats_of(token);
                }
                let seen = (tokens <= vec4(token)) & (tokens >= vec4(padding)) & vec4(token < end);
                weighted[j] = select(vec4(0.0), exp(scores[j] * params.scale - of_query.x), seen);
                weighted_grads[j] = weighted[j] * (score_grads[j] - of_query.y) * params.scale;
            }
            set_weights(own, weighted);
            add_weighted(own, SCORE_GRADS, task.column, &value_sums);
            set_weights(own, weighted_grads);
            add_weighted(own, SCORES, task.column, &key_sums);
        }
    }

    for (var i = 0u; i < 4u; i++) {
        for (var part = 0u; part < PARTS; part++) {
            let quad = part * 8u + own.across;
            if tokens[i] < end && quad < params.quads {
                let at = place_of(tokens[i], task.kv_head, params.heads / params.group, quad);
                dk[at] = key_sums[part][i];
                dv[at] = value_sums[part][i];
            }
        }
    }
}
