// GEMM tiles for every adapter: 128 invocations hold 8 x 4 sums each, in registers. 12 vec4 read from
// workgroup memory give 128 multiply-adds. Both tiles take 8 KiB, together WebGPU's minimum. Sums are f32 and
// in a fixed order.

alias Sums = array<vec4<f32>, 8>; // [i][j], of row `down + 8 i` and of the column that column_of(across, j) gives

var<workgroup> left: array<vec4<f32>, 512>;  // [64 rows, 8 quads of terms], each at its place
var<workgroup> right: array<vec4<f32>, 512>; // as BACKWARD says; quads of terms each at their place

// The place of a quad of terms. Lines that are read side by side (neighbouring ones, and every second one)
// start in different banks of workgroup memory, so that invocations which read the same quad of them do not
// wait for each other. Padding would exceed the 16 KiB.
fn place_in_tile(line: u32, quad: u32) -> u32 {
    return line * QUADS + (quad ^ ((line / 2u ^ line % 2u) % QUADS));
}

fn set_left(row: u32, quad: u32, four: vec4<f32>) {
    left[place_in_tile(row, quad)] = four;
}

#if BACKWARD
fn set_right(term: u32, quad: u32, four: vec4<f32>) {
    right[term * 16u + quad] = four;
}

// Pairs of neighbouring columns: 4 across, 4 across + 2.
fn column_of(across: u32, pair: u32) -> u32 {
    return 4u * across + 2u * pair;
}

// The factors of four columns (down) for four terms (across).
fn factors(across: u32, quad: u32) -> mat4x4<f32> {
    let at = quad * 64u + across;
    return mat4x4(right[at], right[at + 16u], right[at + 32u], right[at + 48u]);
}
#else
fn set_right(column: u32, quad: u32, four: vec4<f32>) {
    right[place_in_tile(column, quad)] = four;
}

// Pairs of neighbouring columns: 2 across, 2 across + 32.
fn column_of(across: u32, pair: u32) -> u32 {
    return 2u * across + 32u * pair;
}

// The factors of four columns (down) for four terms (across).
fn factors(across: u32, quad: u32) -> mat4x4<f32> {
    return transpose(mat4x4(
        right[place_in_tile(2u * across, quad)],
        right[place_in_tile(2u * across + 1u, quad)],
        right[place_in_tile(2u * across + 32u, quad)],
        right[place_in_tile(2u * across + 33u, quad)],
    ));
}
#endif

// Adds the staged terms to the sums of one invocation.
fn add_tiles(sums: ptr<function, Sums>, down: u32, across: u32) {
    for (var quad = 0u; quad < QUADS; quad++) {
        let b = factors(across, quad);
        for (var i = 0u; i < 8u; i++) {
            let a = left[place_in_tile(down + 8u * i, quad)];
            let one = fma(vec4(a.x), b[0], (*sums)[i]);
            let two = fma(vec4(a.y), b[1], one);
            let three = fma(vec4(a.z), b[2], two);
            (*sums)[i] = fma(vec4(a.w), b[3], three);
        }
    }
}

// A number of a row and one of its 8 invocations, in the left tile, which nobody needs any more.
fn keep(row: u32, part: u32, number: f32) {
    left[row * QUADS + part].x = number;
}

fn kept(row: u32, part: u32) -> f32 {
    return left[row * QUADS + part].x;
}

fn multiply(lane: Lane) {
    let down = lane.index / 16u;
    let across = lane.index % 16u;
    var sums = Sums();
    for (var step = 0u; step < steps(); step++) {
        stage(lane.index, step);
        workgroupBarrier();
        add_tiles(&sums, down, across);
        workgroupBarrier(); // before the tiles are written again
    }
    prepare_store(lane.index);
    for (var i = 0u; i < 8u; i++) {
        put(down + 8u * i, column_of(across, 0u), sums[i].xy);
        put(down + 8u * i, column_of(across, 1u), sums[i].zw);
    }
}
