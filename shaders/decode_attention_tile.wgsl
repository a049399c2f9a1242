// Attention of the tokens of prompts over the paged KV cache (prefill): decode_attention for many
// neighbouring tokens at once.
//
//     y = Σ softmax(q · kᵀ / √HEAD) v      over the keys up to each token's position
//
// A workgroup takes the GROUP query heads of a key head, of a tile of up to 64 / GROUP neighbouring tokens of
// one sequence: up to 64 queries that share one read of SPANS · 64 keys and values, 32 at a time, in the
// tiles of lib/attention_tile.wgsl. decode_merge merges the results of the workgroups. The tokens' own keys
// and values are in the cache already (decode_append).
//
// Grid: tiles, groups of query heads, splits, the last fastest.
// Costs: the bytes of the keys and values once per tile and group, and 4 FLOPs per number of them and query;
// bound by arithmetic.

#include "lib/kv_cache.wgsl"
#include "lib/step_inputs.wgsl"
#include "lib/grid.wgsl"
#include "lib/online_softmax.wgsl"

#define HEADS      // of queries
#define GROUP      // query heads of a workgroup, which share a key head
#define SPANS      // of 64 keys in a split

const BLOCKS: u32 = HEADS / GROUP;
const SHARING: u32 = HEADS / KV_HEADS;
const STRIDE: u32 = (HEADS + 2u * KV_HEADS) * QUADS;

@group(0) @binding(0) var<storage, read_write> qkv: array<vec4<f32>>;        // [tokens, STRIDE]
@group(0) @binding(1) var<storage, read_write> cache: array<Quad>;
@group(0) @binding(2) var<storage, read_write> split_sums: array<vec4<f32>>; // [tokens, HEADS, splits, QUADS + 1]: sums; largest, weight
@group(0) @binding(3) var<storage, read_write> step_inputs: array<u32>;

var<private> tile: Tile;
var<private> group: u32;

fn head_quads() -> u32 {
    return QUADS;
}

// Queries in rows: row r is the query head group · GROUP + r % GROUP of token r / GROUP.
fn row_quad(source: u32, row: u32, quad: u32) -> vec4<f32> {
    if row / GROUP < tile.count && quad < QUADS {
        let token = tile.first + row / GROUP;
        return qkv[token * STRIDE + (group * GROUP + row % GROUP) * QUADS + quad] * inverseSqrt(f32(4u * QUADS));
    }
    return vec4(0.0);
}

fn column_quad(source: u32, key: u32, quad: u32) -> vec4<f32> {
    if key < tile.position + tile.count && quad < QUADS {
        let block = block_of(tile.pages, key, group * GROUP / SHARING);
        return unpacked(cache[key_at(block, key, quad)], scales_of(block, key).x);
    }
    return vec4(0.0);
}

fn term_quad(source: u32, key: u32, quad: u32) -> vec4<f32> {
    if key < tile.position + tile.count && quad < QUADS {
        let block = block_of(tile.pages, key, group * GROUP / SHARING);
        return unpacked(cache[value_at(block, key, quad)], scales_of(block, key).y);
    }
    return vec4(0.0);
}

@compute @workgroup_size(INVOCATIONS)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let own = own_of(index);
    let splits = split_count();
    let number = workgroup_number(grid);
    let split = number % splits;
    group = number / splits % BLOCKS;
    tile = tile_of(number / splits / BLOCKS);
    let start = split * SPANS * 64u;
    let end = min(start + SPANS * 64u, tile.position + tile.count);
    let tokens = (vec4(4u * own.down) + vec4(0u, 1u, 2u, 3u)) / GROUP; // of the tile

    var softmax = Softmax(vec4(HIDDEN), vec4(0.0));
    var sums = Sums();
    for (var column = start; column < end; column += COLUMNS) {
        var scores = products(own, 0u, 0u, column);
        for (var j = 0u; j < 4u; j++) {
            // A token sees itself and what came before.
            let key = column + own.across + 8u * j;
            let seen = (vec4(key) <= tokens + tile.position) & vec4(key < end);
            scores[j] = select(vec4(HIDDEN), scores[j], seen);
        }
        add_scored(own, &scores, column, &softmax, &sums);
    }

    let total = total_of_rows(own, softmax);
    for (var i = 0u; i < 4u; i++) {
        let row = 4u * own.down + i;
        if tokens[i] < tile.count && number / splits / BLOCKS < tile_count() {
            let token = tile.first + tokens[i];
            let at = ((token * HEADS + group * GROUP + row % GROUP) * splits + split) * (QUADS + 1u);
            for (var part = 0u; part < PARTS; part++) {
                let quad = part * 8u + own.across;
                if quad < QUADS {
                    split_sums[at + quad] = sums[part][i];
                }
            }
            if own.across == 0u {
                split_sums[at + QUADS] = vec4(softmax.largest[i], total[i], 0.0, 0.0);
            }
        }
    }
}
