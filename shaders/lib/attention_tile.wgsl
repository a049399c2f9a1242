// Tiles of flash attention: 64 x 32 products, and weighted sums over their columns.
//
// The rows of a tile are queries and its columns keys, or the reverse in the gradients of keys and values.
// 128 invocations hold 4 x 4 products each, in registers, and after them 4 rows x 4 coordinates of every 32
// of the weighted sums. In both products, 2 to 8 vec4 read from workgroup memory give 16 to 64 multiply-adds.
// The tiles take 16 KiB of workgroup memory, WebGPU's minimum, however wide the heads are.
//
// The including shader defines the factors by row_quad, column_quad and term_quad, and the width of a head by
// head_quads().

#define PARTS   // of 32 coordinates in a head, the last one filled up with zeros

const ROWS: u32 = 64u;
const COLUMNS: u32 = 32u;
const INVOCATIONS: u32 = 128u;

const HIDDEN: f32 = -1e30; // the score of what must not be seen

// An invocation's own: rows 4 down to 4 down + 3, columns across + 8 j, coordinates 4 across to 4 across + 3
// of every 32.
struct Own {
    index: u32,
    down: u32,
    across: u32,
}

alias Scores = array<vec4<f32>, 4>;              // [j]: of the four rows
alias Sums = array<array<vec4<f32>, 4>, PARTS>;  // [part][row]: of the four coordinates

var<workgroup> rows: array<vec4<f32>, 256>;      // [64 rows, 4 quads of coordinates]
var<workgroup> columns: array<vec4<f32>, 256>;   // [32 columns, 4 quads] each at its place(), or [32 columns, 8 quads]
var<workgroup> weights: array<vec4<f32>, 512>;   // [32 columns, 16 quads of rows] each at its weight_place()

fn own_of(index: u32) -> Own {
    return Own(index, index / 8u, index % 8u);
}

// Keys lie in columns: neighbouring ones start in different banks of workgroup memory.
fn place(column: u32, quad: u32) -> u32 {
    return column * 4u + (quad ^ (column / 2u % 4u));
}

fn weight_place(column: u32, down: u32) -> u32 {
    return column * 16u + (down ^ (column % 8u));
}

// The products of the rows from `row` on with the columns from `column` on, over the coordinates of the head.
fn products(own: Own, source: u32, row: u32, column: u32) -> Scores {
    var tile = Scores();
    for (var quad = 0u; quad < head_quads(); quad += 4u) {
        let line = own.index / 4u;
        let at = own.index % 4u;
        rows[own.index] = row_quad(source, row + line, quad + at);
        rows[own.index + 128u] = row_quad(source, row + line + 32u, quad + at);
        columns[place(line, at)] = column_quad(source, column + line, quad + at);
        workgroupBarrier();
        for (var q = 0u; q < 4u; q++) {
            let first = own.down * 16u + q;
            let four = mat4x4(rows[first], rows[first + 4u], rows[first + 8u], rows[first + 12u]);
            for (var j = 0u; j < 4u; j++) {
                tile[j] += columns[place(own.across + 8u * j, q)] * four;
            }
        }
        workgroupBarrier(); // before they are staged again
    }
    return tile;
}

fn set_weights(own: Own, tile: Scores) {
    for (var j = 0u; j < 4u; j++) {
        weights[weight_place(own.across + 8u * j, own.down)] = tile[j];
    }
}

// Adds to every row's sums the terms of the columns from `column` on, by the weights that were set.
fn add_weighted(own: Own, source: u32, column: u32, sums: ptr<function, Sums>) {
    for (var part = 0u; part < PARTS; part++) {
        let line = own.index / 8u;
        let quad = part * 8u + own.across;
        columns[own.index] = term_quad(source, column + line, quad);
        columns[own.index + 128u] = term_quad(source, column + line + 16u, quad);
        workgroupBarrier();
        for (var c = 0u; c < COLUMNS; c++) {
            let weight = weights[weight_place(c, own.down)];
            let term = columns[c * 8u + own.across];
            (*sums)[part][0] = fma(vec4(weight.x), term, (*sums)[part][0]);
            (*sums)[part][1] = fma(vec4(weight.y), term, (*sums)[part][1]);
            (*sums)[part][2] = fma(vec4(weight.z), term, (*sums)[part][2]);
            (*sums)[part][3] = fma(vec4(weight.w), term, (*sums)[part][3]);
        }
        workgroupBarrier(); // before they are staged or set again
    }
}
