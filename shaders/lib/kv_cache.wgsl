// The paged KV cache: keys and values of earlier tokens, in pages of PAGE positions that the block table of a
// sequence lists.
//
// Every page and key head has a block: keys [QUADS, PAGE], so that invocations which take a key each read
// neighbours; values [PAGE, QUADS], so that invocations which take a quad each do; and with int8 the scales
// of both, [2, PAGE].
//
// The including shader declares `cache: array<Quad>`. With int8 a vector's largest magnitude is its scale; a
// quad's quants are 127ths of it.

#define KV         // 0: f32, 1: f16, 2: int8 and a scale per vector
#define KV_HEADS
#define QUADS      // of four numbers in a head
#define PAGE       // positions

#if KV == 0
alias Quad = vec4<f32>;
#endif
#if KV == 1
alias Quad = vec2<u32>;
#endif
#if KV == 2
alias Quad = u32;
#endif

#if KV == 2
const BLOCK: u32 = 2u * QUADS * PAGE + 2u * PAGE;
#else
const BLOCK: u32 = 2u * QUADS * PAGE;
#endif

// The start of the block of a position and a key head.
fn block_of(pages: u32, position: u32, head: u32) -> u32 {
    return (step_inputs[pages + position / PAGE] * KV_HEADS + head) * BLOCK;
}

fn key_at(block: u32, position: u32, quad: u32) -> u32 {
    return block + quad * PAGE + position % PAGE;
}

fn value_at(block: u32, position: u32, quad: u32) -> u32 {
    return block + (PAGE + position % PAGE) * QUADS + quad;
}

#if KV == 0
fn unpacked(quad: Quad, scale: f32) -> vec4<f32> {
    return quad;
}

fn packed(numbers: vec4<f32>, scale: f32) -> Quad {
    return numbers;
}
#endif

#if KV == 1
fn unpacked(quad: Quad, scale: f32) -> vec4<f32> {
    return vec4(unpack2x16float(quad.x), unpack2x16float(quad.y));
}

fn packed(numbers: vec4<f32>, scale: f32) -> Quad {
    // Clamped to the range of f16.
    let n = clamp(numbers, vec4(-65504.0), vec4(65504.0));
    return vec2(pack2x16float(n.xy), pack2x16float(n.zw));
}
#endif

#if KV == 2
fn unpacked(quad: Quad, scale: f32) -> vec4<f32> {
    return unpack4x8snorm(quad) * scale;
}

fn packed(numbers: vec4<f32>, scale: f32) -> Quad {
    return pack4x8snorm(numbers / max(scale, 1e-30));
}
#endif

// The scales of a position's key and value.
fn scales_of(block: u32, position: u32) -> vec2<f32> {
#if KV == 2
    let at = block + 2u * QUADS * PAGE + position % PAGE;
    return vec2(bitcast<f32>(cache[at]), bitcast<f32>(cache[at + PAGE]));
#else
    return vec2(1.0);
#endif
}
