// Tiles for adapters with cooperative matrices of 16 x 16 halves and f32 sums (tensor cores): a subgroup multiplies them together.
//
// The 64 x 64 sums are four quadrants of 2 x 2 matrices. A subgroup takes one; with subgroups of 64 there are two of them, and the
// terms are staged a second time for the other quadrants; with more than four, some compute the same as others. Factors are rounded to halves,
// whose 11 bits lose a 2048th; what is beyond a half becomes the largest. Sums are f32.
//
// naga 30 panics where the index inside a pointer to a matrix is an expression: each has a name first.

enable f16;
enable wgpu_cooperative_matrix;

const LINE: u32 = TERMS + 8u;   // halves from line to line of a tile: the 8 put neighbours into different banks
const QUADRANTS: u32 = 4u;
const LARGEST: f32 = 65504.0;   // half

var<workgroup> left: array<f16, TILE * LINE>;        // [64 rows, 32 terms]
var<workgroup> right: array<f16, TILE * LINE>;       // [64 columns, 32 terms]
var<workgroup> sums: array<f32, TILE * TILE>;        // [64 rows, 64 columns]
var<workgroup> numbers: array<f32, TILE * QUADS>;    // of keep()

fn halves(four: vec4<f32>) -> vec4<f16> {
    return vec4<f16>(clamp(four, vec4(-LARGEST), vec4(LARGEST)));
}

fn set_left(row: u32, quad: u32, four: vec4<f32>) {
    let h = halves(four);
    for (var i = 0u; i < 4u; i++) {
        left[row * LINE + quad * 4u + i] = h[i];
    }
}

fn set_right(column: u32, quad: u32, four: vec4<f32>) {
    let h = halves(four);
    for (var i = 0u; i < 4u; i++) {
        right[column * LINE + quad * 4u + i] = h[i];
    }
}

fn keep(row: u32, part: u32, number: f32) {
    numbers[row * QUADS + part] = number;
}

fn kept(row: u32, part: u32) -> f32 {
    return numbers[row * QUADS + part];
}

fn multiply(lane: Lane) {
    for (var first = 0u; first < QUADRANTS; first += lane.subgroups) {
        let quadrant = (first + lane.subgroup) % QUADRANTS;
        let row = quadrant / 2u * 32u;
        let column = quadrant % 2u * 32u;
        var upper_left = coop_mat16x16<f32, C>();
        var upper_right = coop_mat16x16<f32, C>();
        var lower_left = coop_mat16x16<f32, C>();
        var lower_right = coop_mat16x16<f32, C>();
        for (var step = 0u; step < steps(); step++) {
            stage(lane.index, step);
            workgroupBarrier();
            for (var term = 0u; term < TERMS; term += 16u) {
                let at_upper = row * LINE + term;
                let at_lower = at_upper + 16u * LINE;
                let at_first = column * LINE + term;
                let at_second = at_first + 16u * LINE;
                let upper = coopLoadT<coop_mat16x16<f16, A>>(&left[at_upper], LINE);
                let lower = coopLoadT<coop_mat16x16<f16, A>>(&left[at_lower], LINE);
                let first_columns = coopLoad<coop_mat16x16<f16, B>>(&right[at_first], LINE);
                let second_columns = coopLoad<coop_mat16x16<f16, B>>(&right[at_second], LINE);
                upper_left = coopMultiplyAdd(upper, first_columns, upper_left);
                upper_right = coopMultiplyAdd(upper, second_columns, upper_right);
                lower_left = coopMultiplyAdd(lower, first_columns, lower_left);
                lower_right = coopMultiplyAdd(lower, second_columns, lower_right);
            }
            workgroupBarrier(); // before the tiles are written again
        }
        let at = row * TILE + column;
        let at_right = at + 16u;
        let at_lower = at + 16u * TILE;
        let at_last = at_lower + 16u;
        coopStoreT(upper_left, &sums[at], TILE);
        coopStoreT(upper_right, &sums[at_right], TILE);
        coopStoreT(lower_left, &sums[at_lower], TILE);
        coopStoreT(lower_right, &sums[at_last], TILE);
    }
    workgroupBarrier();
    settle(lane.index);
    for (var at = lane.index * 2u; at < TILE * TILE; at += INVOCATIONS * 2u) {
        put(at / TILE, at % TILE, vec2(sums[at], sums[at + 1u]));
    }
}
