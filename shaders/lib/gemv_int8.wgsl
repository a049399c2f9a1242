// The inner loop of the GEMV in int8: x comes in int8 quants with a scale for every 32 of them
// (decode_quantize), and four at a time are multiplied with the quants of W. A weight is scale · quant +
// offset, so beside the product of the quants the sum of x's quants is needed, which is their product with
// ones.

requires packed_4x8_integer_dot_product;

alias Part = vec4<u32>; // a pack of x: 4 quants, 4 quants, step, squares

const ONES: u32 = 0x01010101u;

fn add_packs(lane: Lane, rows: ptr<function, Rows>, columns: ptr<function, Columns>, packs: u32, sums: ptr<function, Sums>) {
    for (var pack = lane.index; pack < packs; pack += WORKGROUP) {
        var pack_of_x: array<vec4<u32>, COLUMNS>;
        var sum_of_x: array<f32, COLUMNS>;
        for (var c = 0u; c < COLUMNS; c++) {
            let q = x[(*columns)[c] * PACKS + pack];
            pack_of_x[c] = q;
            sum_of_x[c] = f32(dot4I8Packed(q.x, ONES) + dot4I8Packed(q.y, ONES));
#if RMS
            (*sums)[ROWS * COLUMNS + c] += bitcast<f32>(q.w);
#endif
        }
        for (var r = 0u; r < ROWS; r++) {
            let w = int8_pack((*rows)[r], pack, PACKS);
            for (var c = 0u; c < COLUMNS; c++) {
                let q = pack_of_x[c];
                let whole = f32(dot4I8Packed(w.low, q.x) + dot4I8Packed(w.high, q.y));
                (*sums)[r * COLUMNS + c] += bitcast<f32>(q.z) * (w.scale.x * whole + w.scale.y * sum_of_x[c]);
            }
        }
    }
}
