// The factors of the gradients of attention: scores q · k and their gradients dO · v, recomputed by tile.
//
// The including shader takes queries as rows and keys as columns (gradient of q), or the reverse (of k and
// v).

#include "lib/attention.wgsl"

@group(0) @binding(0) var<storage, read_write> q: array<vec4<f32>>;     // [batch, seq, heads, quads]
@group(0) @binding(1) var<storage, read_write> k: array<vec4<f32>>;     // [batch, seq, heads / group, quads]
@group(0) @binding(2) var<storage, read_write> v: array<vec4<f32>>;     // [batch, seq, heads / group, quads]
@group(0) @binding(3) var<storage, read_write> d_o: array<vec4<f32>>;   // [batch, seq, heads, quads]
@group(0) @binding(4) var<storage, read_write> stats: array<vec2<f32>>; // [batch, heads, seq]: lse, delta

const SCORES: u32 = 0u;      // of q and k
const SCORE_GRADS: u32 = 1u; // of dO and v

// Four coordinates of a query, or of its dO.
fn query_quad(source: u32, token: u32, quad: u32) -> vec4<f32> {
    if inside(token, quad) {
        let at = place_of(token, task.head, params.heads, quad);
        if source == SCORES {
            return q[at];
        }
        return d_o[at];
    }
    return vec4(0.0);
}

// Four coordinates of a key, or of its value.
fn key_quad(source: u32, token: u32, quad: u32) -> vec4<f32> {
    if inside(token, quad) {
        let at = place_of(token, task.kv_head, params.heads / params.group, quad);
        if source == SCORES {
            return k[at];
        }
        return v[at];
    }
    return vec4(0.0);
}

// lse and delta of a query.
fn stats_of(token: u32) -> vec2<f32> {
    return stats[(task.batch * params.heads + task.head) * params.seq + token];
}
