// A tile of 64 x 64 sums from two tiles in workgroup memory, 32 terms of every sum at a time.
//
// 128 invocations hold 8 x 4 sums each, in registers: of 12 vec4 read from workgroup memory come 128 multiply-adds.
// Both tiles take 8 KiB, together what WebGPU promises. Sums are f32 and in a fixed order.

#define BACKWARD   // which way the right tile lies

const TILE: u32 = 64u;
const TERMS: u32 = 32u;       // of every sum, staged at a time
const QUADS: u32 = 8u;        // the same, in vec4
const INVOCATIONS: u32 = 128u;

alias Sums = array<vec4<f32>, 8>; // [i][j], of row `down + 8 i` and of the column that column_of(across, j) gives

var<workgroup> left: array<vec4<f32>, 512>;  // [64 rows, 8 quads of terms], each at its place()
#if BACKWARD
var<workgroup> right: array<vec4<f32>, 512>; // [32 terms, 16 quads of columns]
#else
var<workgroup> right: array<vec4<f32>, 512>; // [64 columns, 8 quads of terms], each at its place()
#endif

// Where a quad of terms lies. Neighbouring rows start in different banks of workgroup memory, so that invocations which read
// the same quad of different rows do not wait for each other; padding the rows would pass the 16 KiB.
fn place(row: u32, quad: u32) -> u32 {
    return row * QUADS + (quad ^ (row % QUADS));
}

#if BACKWARD
fn column_of(across: u32, j: u32) -> u32 {
    return 4u * across + j;
}

// The factors of four columns (down) for four terms (across).
fn factors(across: u32, quad: u32) -> mat4x4<f32> {
    let at = quad * 64u + across;
    return mat4x4(right[at], right[at + 16u], right[at + 32u], right[at + 48u]);
}
#else
fn column_of(across: u32, j: u32) -> u32 {
    return across + 16u * j;
}

// The factors of four columns (down) for four terms (across).
fn factors(across: u32, quad: u32) -> mat4x4<f32> {
    return transpose(mat4x4(
        right[place(across, quad)],
        right[place(across + 16u, quad)],
        right[place(across + 32u, quad)],
        right[place(across + 48u, quad)],
    ));
}
#endif

// Adds the staged terms to the sums of one invocation.
fn add_tiles(sums: ptr<function, Sums>, down: u32, across: u32) {
    for (var quad = 0u; quad < QUADS; quad++) {
        let b = factors(across, quad);
        for (var i = 0u; i < 8u; i++) {
            let a = left[place(down + 8u * i, quad)];
            let one = fma(vec4(a.x), b[0], (*sums)[i]);
            let two = fma(vec4(a.y), b[1], one);
            let three = fma(vec4(a.z), b[2], two);
            (*sums)[i] = fma(vec4(a.w), b[3], three);
        }
    }
}
