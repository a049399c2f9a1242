// GEMM tiles for adapters with cooperative matrices (tensor cores) of f16 with f32 sums: a subgroup
// multiplies them together.
//
// The 64 x 64 sums are four quadrants, of 2 x 2 matrices of 16 x 16 or of 4 x 4 matrices of 8 x 8. A subgroup
// takes a quadrant. With subgroups of 64 there are two of them, and the terms are staged a second time for
// the other quadrants; with more than four, some subgroups repeat the work of others. Factors are rounded to
// f16, whose 11 bits lose a 2048th, and clamped to its range. Sums are f32.
//
// naga 30 panics where the index inside a pointer to a matrix is an expression, so each index has a name.

enable f16;
enable wgpu_cooperative_matrix;

#if COOP_TILE == 16
alias Rows = coop_mat16x16<f16, A>;    // [rows, terms]
alias Columns = coop_mat16x16<f16, B>; // [terms, columns]
alias Sums = coop_mat16x16<f32, C>;    // [rows, columns]
#else
alias Rows = coop_mat8x8<f16, A>;
alias Columns = coop_mat8x8<f16, B>;
alias Sums = coop_mat8x8<f32, C>;
#endif

const ALONG: u32 = 32u / COOP_TILE;    // matrices along a side of a quadrant
const LINE: u32 = TERMS + 8u;          // f16 from line to line of a tile: the 8 put neighbours into different banks
#if BACKWARD
const RIGHT_LINE: u32 = TILE + 8u;
#else
const RIGHT_LINE: u32 = LINE;
#endif
const QUADRANTS: u32 = 4u;
const LARGEST: f32 = 65504.0;          // the largest f16

var<workgroup> left: array<f16, TILE * LINE>;        // [64 rows, 32 terms]
var<workgroup> right: array<f16, TILE * LINE>;       // [64 columns, 32 terms], backward [32 terms, 64 columns]
var<workgroup> sums: array<f32, TILE * TILE>;        // [64 rows, 64 columns]
var<workgroup> numbers: array<f32, TILE * QUADS>;    // of keep()

fn to_f16(four: vec4<f32>) -> vec4<f16> {
    return vec4<f16>(clamp(four, vec4(-LARGEST), vec4(LARGEST)));
}

fn set_left(row: u32, quad: u32, four: vec4<f32>) {
    let h = to_f16(four);
    for (var i = 0u; i < 4u; i++) {
        left[row * LINE + quad * 4u + i] = h[i];
    }
}

fn set_right(line: u32, quad: u32, four: vec4<f32>) {
    let h = to_f16(four);
    for (var i = 0u; i < 4u; i++) {
        right[line * RIGHT_LINE + quad * 4u + i] = h[i];
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
        var products = array<Sums, ALONG * ALONG>(); // [rows, columns]
        for (var step = 0u; step < steps(); step++) {
            stage(lane.index, step);
            workgroupBarrier();
            for (var term = 0u; term < TERMS; term += COOP_TILE) {
                var columns: array<Columns, ALONG>;
                for (var j = 0u; j < ALONG; j++) {
#if BACKWARD
                    let at = term * RIGHT_LINE + column + j * COOP_TILE;
                    columns[j] = coopLoadT<Columns>(&right[at], RIGHT_LINE);
#else
                    let at = (column + j * COOP_TILE) * RIGHT_LINE + term;
                    columns[j] = coopLoad<Columns>(&right[at], RIGHT_LINE);
#endif
                }
                for (var i = 0u; i < ALONG; i++) {
                    let at = (row + i * COOP_TILE) * LINE + term;
                    let rows = coopLoadT<Rows>(&left[at], LINE);
                    for (var j = 0u; j < ALONG; j++) {
                        let product = i * ALONG + j;
                        products[product] = coopMultiplyAdd(rows, columns[j], products[product]);
                    }
                }
            }
            workgroupBarrier(); // before the tiles are written again
        }
        for (var i = 0u; i < ALONG; i++) {
            for (var j = 0u; j < ALONG; j++) {
                let at = (row + i * COOP_TILE) * TILE + column + j * COOP_TILE;
                coopStoreT(products[i * ALONG + j], &sums[at], TILE);
            }
        }
    }
    workgroupBarrier();
    prepare_store(lane.index);
    for (var at = lane.index * 2u; at < TILE * TILE; at += INVOCATIONS * 2u) {
        put(at / TILE, at % TILE, vec2(sums[at], sums[at + 1u]));
    }
}
