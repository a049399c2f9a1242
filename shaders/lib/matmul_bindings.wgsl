// The bindings that every fused matrix product of decoding starts with. The shader's own follow from
// NEXT_BINDING on.

@group(0) @binding(0) var<storage, read_write> x: array<Part>;                       // [tokens, PACKS, 2], zero past the row of W
@group(0) @binding(1) var<storage, read_write> quants: array<Pack>;                  // W: [OUTPUTS, PACKS]
#if SCALED
@group(0) @binding(2) var<storage, read_write> scales: array<u32>;                   // of W
#endif
#if GAIN
@group(0) @binding(SCALED + 2u) var<storage, read_write> gain: array<vec4<f32>>;     // [PACKS, 2]
#endif
#if LORA
@group(0) @binding(SCALED + GAIN + 2u) var<storage, read_write> adapter: array<f32>; // B, then u
#endif

const NEXT_BINDING: u32 = SCALED + GAIN + LORA + 2u;
