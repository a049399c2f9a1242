// Writes the keys and values of a step's tokens into the paged KV cache, before attention, where a sequence
// has several of them. Where it has one, attention writes them itself.
//
// Grid: one workgroup per token and key head.
// Costs: 4 bytes of q, k, v per number, and the bytes of the cache; bound by the launch.

#include "lib/kv_cache_write.wgsl"
#include "lib/step_inputs.wgsl"
#include "lib/grid.wgsl"

#define HEADS      // of queries
#define WORKGROUP  // at least QUADS

const STRIDE: u32 = (HEADS + 2u * KV_HEADS) * QUADS;

@group(0) @binding(0) var<storage, read_write> qkv: array<vec4<f32>>;  // [tokens, STRIDE]
@group(0) @binding(1) var<storage, read_write> cache: array<Quad>;
@group(0) @binding(2) var<storage, read_write> step_inputs: array<u32>;

@compute @workgroup_size(WORKGROUP)
fn main(grid: Grid, @builtin(local_invocation_index) index: u32) {
    let number = workgroup_number(grid) / KV_HEADS;
    let head = workgroup_number(grid) % KV_HEADS;
    let token = token_of(number);
    let key_from = min(number, token_count() - 1u) * STRIDE + (HEADS + head) * QUADS + min(index, QUADS - 1u);
    let key = qkv[key_from];
    let value = qkv[key_from + KV_HEADS * QUADS];
    let scales = new_scales(index, key, value);
    if number < token_count() && index < QUADS {
        let block = block_of(token.pages, token.position, head);
        store(block, token.position, index, packed(key, scales.x), packed(value, scales.y), scales);
    }
}
