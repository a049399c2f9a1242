// The gradient of attention with respect to the queries (Dao, 2023): for every query i, over the keys j that
// it sees, with the weights recomputed from the stored lse,
//
//     p_j = exp(scale · q · k_j - lse)        dq = scale Σ p_j (dO · v_j - delta) k_j
//
// Grid: one workgroup per 64 queries of a head, the last ones first, since they see the most keys.
// Costs: 3 · seq² · head_dim FLOPs per head and row; bound by arithmetic.

#include "lib/attention_grad.wgsl"

@group(0) @binding(5) var<storage, read_write> dq: array<vec4<f32>>;    // [batch, seq, heads, quads]
@group(0) @binding(6) var<storage, read_write> params: Params;

fn row_quad(source: u32, token: u32, quad: u32) -> vec4<f32> {
    return query_quad(source, token, quad);
}

fn column_quad(source: u32, token: u32, quad: u32) -> vec4<f32> {
    return key_quad(source, token, quad);
}

fn term_quad(source: u32, token: u32, quad: u32) -> vec4<f32> {
    return key_quad(SCORES, token, quad);
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

    var lse = vec4(0.0);
    var delta = vec4(0.0);
    for (var i = 0u; i < 4u; i++) {
        if tokens[i] < end {
            let of_query = stats_of(tokens[i]);
            lse[i] = of_query.x;
            delta[i] = of_query.y;
        }
    }
    var sums = Sums();
    for (task.column = padding / COLUMNS * COLUMNS; task.column < end; task.column += COLUMNS) {
        var scores = products(own, SCORES, task.row, task.column);
        let score_grads = products(own, SCORE_GRADS, task.row, task.column);
        for (var j = 0u; j < 4u; j++) {
            let token = task.column + own.across + 8u * j;
            let seen = (vec4(token) <= tokens) & vec4(token >= padding) & (tokens < vec4(end));
            let weight = select(vec4(0.0), exp(scores[j] * params.scale - lse), seen);
            scores[j] = weight * (score_grads[j] - delta) * params.scale;
        }
        set_weights(own, scores);
        add_weighted(own, SCORES, task.column, &sums);
    }

    for (var i = 0u; i < 4u; i++) {
        for (var part = 0u; part < PARTS; part++) {
            let quad = part * 8u + own.across;
            if tokens[i] < end && quad < params.quads {
                dq[place_of(tokens[i], task.head, params.heads, quad)] = sums[part][i];
            }
        }
    }
}
