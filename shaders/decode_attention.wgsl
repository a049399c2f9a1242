// Attention of a step's tokens over the paged KV cache, the keys split among workgroups (flash-decoding,
// split-K over the keys: Dao et al., 2023):
//
//     y = Σ softmax(q · kᵀ / √HEAD) v      over the keys up to each token's position
//
// A workgroup takes the GROUP query heads of a key head, of a tile of up to TOKENS neighbouring tokens of one
// sequence, and SPANS · 64 keys, 64 at a time. Each invocation scores one key for every query. Then the
// invocations take the quads of the values side by side, several keys at once. The largest score so far and
// the sum of the weights are carried along (online softmax), so that decode_merge can merge the results of
// the workgroups. Keys and values are read once for all queries.
//
// With APPEND every tile is one token, whose key and value are written into the cache as well. The workgroups
// that cover its position use them as the cache will return them, without waiting for it.
//
// Grid: tiles, groups of query heads, splits, the last fastest.
// Costs: the bytes of the keys and values once per tile and group, and 4 FLOPs per number of them and query;
// bound by memory.

#include "lib/kv_cache.wgsl"
#include "lib/step_inputs.wgsl"
#include "lib/grid.wgsl"
#include "lib/lane.wgsl"

#define HEADS      // of queries
#define GROUP      // query heads of a workgroup, which share a key head
#define TOKENS     // of a tile, at most
#define SPANS      // of 64 keys in a split
#define APPEND
#if APPEND
#include "lib/kv_cache_write.wgsl"
#endif

const SPAN: u32 = 64u;
const QUERIES: u32 = GROUP * TOKENS;
const BLOCKS: u32 = HEADS / GROUP;
const SHARING: u32 = HEADS / KV_HEADS;
const STRIDE: u32 = (HEADS + 2u * KV_HEADS) * QUADS;
const KEYS_AT_ONCE: u32 = SPAN / QUADS;
const LOWEST: f32 = -1e30;

@group(0) @binding(0) var<storage, read_write> qkv: array<vec4<f32>>;        // [tokens, STRIDE]
@group(0) @binding(1) var<storage, read_write> cache: array<Quad>;
@group(0) @binding(2) var<storage, read_write> split_sums: array<vec4<f32>>; // [tokens, HEADS, splits, QUADS + 1]: sums; largest, weight
@group(0) @binding(3) var<storage, read_write> step_inputs: array<u32>;

var<workgroup> queries: array<vec4<f32>, QUERIES * QUADS>;
var<workgroup> weight: array<f32, QUERIES * SPAN>;     // scores, then weights
var<workgroup> together: array<vec4<f32>, SPAN>;
var<workgroup> sums: array<f32, SPAN>;
#if SUBGROUPS
var<workgroup> largest: array<f32, QUERIES * SPAN / 4u>;
#else
var<workgroup> largest: array<f32, QUERIES * SPAN>;
#endif
#if APPEND
var<workgroup> new_key: array<vec4<f32>, QUADS>;
var<workgroup> new_value: array<vec4<f32>, QUADS>;
#endif

@compute @workgroup_size(SPAN)
fn main(grid: Grid, lane: Lane) {
    let splits = split_count();
    let number = workgroup_number(grid);
    let split = number % splits;
    let group = number / splits % BLOCKS;
    let tile = tile_of(number / splits / BLOCKS);
    let head = group * GROUP / SHARING; // of keys
    let last = tile.position + tile.count - 1u;
    let index = lane.index;

    for (var at = index; at < QUERIES * QUADS; at += SPAN) {
        let query = at / QUADS;
        let token = tile.first + min(query / GROUP, tile.count - 1u);
        let q = qkv[token * STRIDE + (group * GROUP + query % GROUP) * QUADS + at % QUADS];
        queries[at] = q * inverseSqrt(f32(4u * QUADS));
    }
#if APPEND
    let key_from = tile.first * STRIDE + (HEADS + head) * QUADS + min(index, QUADS - 1u);
    let key_now = qkv[key_from];
    let value_now = qkv[key_from + KV_HEADS * QUADS];
    let scales_now = new_scales(index, key_now, value_now);
    if index < QUADS {
        let k = packed(key_now, scales_now.x);
        let v = packed(value_now, scales_now.y);
        new_key[index] = unpacked(k, scales_now.x);
        new_value[index] = unpacked(v, scales_now.y);
        // Of the workgroups that share the key head, the first writes.
        if last / (SPANS * SPAN) == split && group * GROUP % SHARING == 0u {
            store(block_of(tile.pages, last, head), last, index, k, v, scales_now);
        }
    }
#endif
    workgroupBarrier();

    let quad = index % QUADS;
    let part = index / QUADS;
    var high: array<f32, QUERIES>;           // the largest score so far
    var weights: array<f32, QUERIES>;        // sums over the keys of this invocation
    var attn_out: array<vec4<f32>, QUERIES>;
    for (var q = 0u; q < QUERIES; q++) {
        high[q] = LOWEST;
    }
    for (var span = 0u; span < SPANS; span++) {
        let start = (split * SPANS + span) * SPAN;

        // Every invocation scores a key.
        let key = start + index;
        var scores: array<f32, QUERIES>;
        if key <= last {
            let block = block_of(tile.pages, key, head);
            let scale = scales_of(block, key).x;
            for (var i = 0u; i < QUADS; i++) {
                let k = key_quad(block, key, i, scale, last);
                for (var q = 0u; q < QUERIES; q++) {
                    scores[q] += dot(queries[q * QUADS + i], k);
                }
            }
        }
        for (var q = 0u; q < QUERIES; q++) {
            // A token sees itself and what came before.
            if key > tile.position + q / GROUP {
                scores[q] = LOWEST;
            }
        }

        // Weights relative to the largest score so far.
        find_largest(lane, &scores);
        for (var q = 0u; q < QUERIES; q++) {
            let now = max(high[q], largest_of(lane, q));
            let shrink = exp(high[q] - now);
            high[q] = now;
            weights[q] *= shrink;
            attn_out[q] *= shrink;
            weight[q * SPAN + index] = select(exp(scores[q] - now), 0.0, scores[q] == LOWEST);
        }
        workgroupBarrier();

        // Every invocation takes a quad of some of the values.
        let count = min(max(last + 1u, start) - start, SPAN);
        if part < KEYS_AT_ONCE {
            for (var i = part; i < count; i += KEYS_AT_ONCE) {
                let block = block_of(tile.pages, start + i, head);
                let v = value_quad(block, start + i, quad, scales_of(block, start + i).y, last);
                for (var q = 0u; q < QUERIES; q++) {
                    let w = weight[q * SPAN + i];
                    weights[q] += w;
                    attn_out[q] += w * v;
                }
            }
        }
        workgroupBarrier(); // before weights are written again
    }

    for (var q = 0u; q < QUERIES; q++) {
        together[index] = attn_out[q];
        sums[index] = weights[q];
        workgroupBarrier();
        if index < QUADS && q / GROUP < tile.count && number / splits / BLOCKS < tile_count() {
            var sum = vec4(0.0);
            var all = 0.0;
            for (var p = 0u; p < KEYS_AT_ONCE; p++) {
                sum += together[p * QUADS + index];
                all += sums[p * QUADS + index];
            }
            let token = tile.first + q / GROUP;
            let at = ((token * HEADS + group * GROUP + q % GROUP) * splits + split) * (QUADS + 1u);
            split_sums[at + index] = sum;
            if index == 0u {
                split_sums[at + QUADS] = vec4(high[q], all, 0.0, 0.0);
            }
        }
        workgroupBarrier();
    }
}

fn key_quad(block: u32, key: u32, i: u32, scale: f32, last: u32) -> vec4<f32> {
#if APPEND
    if key == last {
        return new_key[i];
    }
#endif
    return unpacked(cache[key_at(block, key, i)], scale);
}

fn value_quad(block: u32, key: u32, i: u32, scale: f32, last: u32) -> vec4<f32> {
#if APPEND
    if key == last {
        return new_value[i];
    }
#endif
    return unpacked(cache[value_at(block, key, i)], scale);
}

// Leaves the largest score of every query where `largest_of` finds it. To be called by all invocations, as
// that is.
fn find_largest(lane: Lane, scores: ptr<function, array<f32, QUERIES>>) {
#if SUBGROUPS
    for (var q = 0u; q < QUERIES; q++) {
        let score = subgroupMax((*scores)[q]);
        if lane.lane == 0u {
            largest[q * (SPAN / 4u) + lane.subgroup] = score;
        }
    }
    workgroupBarrier();
#else
    for (var q = 0u; q < QUERIES; q++) {
        largest[q * SPAN + lane.index] = (*scores)[q];
    }
    workgroupBarrier();
    for (var half = SPAN / 2u; half > 0u; half /= 2u) {
        if lane.index < half {
            for (var q = 0u; q < QUERIES; q++) {
                let at = q * SPAN + lane.index;
                largest[at] = max(largest[at], largest[at + half]);
            }
        }
        workgroupBarrier();
    }
#endif
}

fn largest_of(lane: Lane, q: u32) -> f32 {
#if SUBGROUPS
    var score = LOWEST;
    for (var i = 0u; i < lane.subgroups; i++) {
        score = max(score, largest[q * (SPAN / 4u) + i]);
    }
    return score;
#else
    return largest[q * SPAN];
#endif
}
