// Dequantization of eight neighbouring weights of a packed matrix; kernels/src/quant has the layout and the
// meaning of every scheme.
//
// The including shader declares `quants: array<Pack>` and, where SCALED, `scales: array<u32>`, both row by
// row. Every product of scales and quants is exact in f32, so the weights equal those of the CPU reference
// bit for bit.

#include "lib/schemes.wgsl"

#define SCHEME   // F32, F16, Q8_0, Q4_0, Q4_1, Q4_K or NF4
#define SCALED   // 1: the scheme has scales
#define AFFINE   // 1: 4-bit quants, scale and offset

struct Weights {
    low: vec4<f32>,  // the first four
    high: vec4<f32>, // the last four
}

// The same in int8 quants, four to a word: a weight is scale.x · quant + scale.y.
struct Int8Pack {
    low: u32,
    high: u32,
    scale: vec2<f32>,
}

#if SCHEME == F32
alias Pack = array<vec4<f32>, 2>;

fn dequant(row: u32, pack: u32, packs: u32) -> Weights {
    let at = row * packs + pack;
    return Weights(quants[at][0], quants[at][1]);
}
#endif

#if SCHEME == F16
alias Pack = vec4<u32>;

fn dequant(row: u32, pack: u32, packs: u32) -> Weights {
    let c = quants[row * packs + pack];
    return Weights(
        vec4(unpack2x16float(c.x), unpack2x16float(c.y)),
        vec4(unpack2x16float(c.z), unpack2x16float(c.w)),
    );
}
#endif

#if SCHEME == Q8_0
alias Pack = vec2<u32>;

fn signed_bytes(word: u32) -> vec4<f32> {
    // Each byte goes to the top of its number, from where the shift back spreads its sign.
    return vec4<f32>(bitcast<vec4<i32>>(vec4(word) << vec4(24u, 16u, 8u, 0u)) >> vec4(24u));
}

fn dequant(row: u32, pack: u32, packs: u32) -> Weights {
    let c = quants[row * packs + pack];
    let d = f16_scale(row * ((packs + 7u) / 8u) + pack / 8u, pack / 4u);
    return Weights(d * signed_bytes(c.x), d * signed_bytes(c.y));
}

fn int8_pack(row: u32, pack: u32, packs: u32) -> Int8Pack {
    let c = quants[row * packs + pack];
    return Int8Pack(c.x, c.y, vec2(f16_scale(row * ((packs + 7u) / 8u) + pack / 8u, pack / 4u), 0.0));
}
#endif

#if SCHEME == Q4_0
alias Pack = u32;

fn scale_of(row: u32, pack: u32, packs: u32) -> vec2<f32> {
    let d = f16_scale(row * ((packs + 7u) / 8u) + pack / 8u, pack / 4u);
    return vec2(d, -8.0 * d);
}
#endif

#if SCHEME == Q4_1
alias Pack = u32;

fn scale_of(row: u32, pack: u32, packs: u32) -> vec2<f32> {
    return unpack2x16float(scales[row * (packs / 4u) + pack / 4u]);
}
#endif

#if SCHEME == Q4_K
alias Pack = u32;

fn scale_of(row: u32, pack: u32, packs: u32) -> vec2<f32> {
    let block = (row * (packs / 32u) + pack / 32u) * 5u;
    let group = pack / 4u % 8u;
    let of_block = unpack2x16float(scales[block]); // step and offset of the block
    let of_group = (scales[block + 1u + group / 2u] >> (group % 2u * 16u)); // their multiples of the group, in bytes
    return vec2(of_block.x * f32(of_group & 255u), -of_block.y * f32(of_group >> 8u & 255u));
}
#endif

#if AFFINE
// Quants times a scale, plus an offset.
fn dequant(row: u32, pack: u32, packs: u32) -> Weights {
    let c = quants[row * packs + pack];
    let scale = scale_of(row, pack, packs);
    return Weights(scale.x * low_nibbles(c) + scale.y, scale.x * high_nibbles(c) + scale.y);
}

fn int8_pack(row: u32, pack: u32, packs: u32) -> Int8Pack {
    let c = quants[row * packs + pack];
    return Int8Pack(c & 0x0F0F0F0Fu, c >> 4u & 0x0F0F0F0Fu, scale_of(row, pack, packs));
}
#endif

#if SCHEME == NF4
alias Pack = u32;

const LEVELS = array<f32, 16>(
    -1.0, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.091050036, 0.0,
    0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1.0,
);

fn levels(quants: vec4<f32>) -> vec4<f32> {
    let c = vec4<u32>(quants);
    return vec4(LEVELS[c.x], LEVELS[c.y], LEVELS[c.z], LEVELS[c.w]);
}

fn dequant(row: u32, pack: u32, packs: u32) -> Weights {
    let c = quants[row * packs + pack];
    let a = bitcast<f32>(scales[row * (packs / 8u) + pack / 8u]);
    return Weights(a * levels(low_nibbles(c)), a * levels(high_nibbles(c)));
}
#endif

// The 4-bit quants of the first four weights of a pack, from the low nibbles of its bytes.
fn low_nibbles(word: u32) -> vec4<f32> {
    return vec4<f32>(vec4(word) >> vec4(0u, 8u, 16u, 24u) & vec4(15u));
}

// Those of the last four, from the high nibbles.
fn high_nibbles(word: u32) -> vec4<f32> {
    return low_nibbles(word >> 4u);
}

#if SCALED
// One of the two f16 in a word of scales: the first for even groups.
fn f16_scale(word: u32, group: u32) -> f32 {
    let pair = unpack2x16float(scales[word]);
    return select(pair.x, pair.y, group % 2u == 1u);
}
#endif
