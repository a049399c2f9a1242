// Writes keys and values into the paged KV cache. With int8 a vector's scale has to be known before its
// quants.

#include "lib/kv_cache.wgsl"

#if KV == 2
var<workgroup> magnitudes: array<vec2<f32>, QUADS>;
#endif

// The scales of a new key and value, of which every invocation below QUADS has a quad. To be called by all
// invocations.
fn new_scales(index: u32, key: vec4<f32>, value: vec4<f32>) -> vec2<f32> {
#if KV == 2
    if index < QUADS {
        let k = abs(key);
        let v = abs(value);
        magnitudes[index] = vec2(max(max(k.x, k.y), max(k.z, k.w)), max(max(v.x, v.y), max(v.z, v.w)));
    }
    workgroupBarrier();
    var largest = vec2(0.0);
    for (var i = 0u; i < QUADS; i++) {
        largest = max(largest, magnitudes[i]);
    }
    return largest;
#else
    return vec2(1.0);
#endif
}

// Writes quad `index` of a position's key and value, and with the first the scales.
fn store(block: u32, position: u32, index: u32, key: Quad, value: Quad, scales: vec2<f32>) {
    cache[key_at(block, position, index)] = key;
    cache[value_at(block, position, index)] = value;
#if KV == 2
    if index == 0u {
        let at = block + 2u * QUADS * PAGE + position % PAGE;
        cache[at] = bitcast<u32>(scales.x);
        cache[at + PAGE] = bitcast<u32>(scales.y);
    }
#endif
}
