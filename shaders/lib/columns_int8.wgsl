// Adds the products of an invocation's runs of W and x, in whole numbers: x comes in codes of 8 bits, with a step for every 32 of them
// (decode_quantise), and is multiplied by the codes of W four at a time. A weight is scale · code + offset, so that beside the product
// of the codes the sum of x's codes is needed, which is their product with ones.

requires packed_4x8_integer_dot_product;

alias Part = vec4<u32>; // a run of x: 4 codes, 4 codes, step, squares

const ONES: u32 = 0x01010101u;

fn add_runs(lane: Lane, rows: ptr<function, Rows>, columns: ptr<function, Columns>, runs: u32, sums: ptr<function, Sums>) {
    for (var run = lane.index; run < runs; run += WORKGROUP) {
        var run_of_x: array<vec4<u32>, COLUMNS>;
        var sum_of_x: array<f32, COLUMNS>;
        for (var c = 0u; c < COLUMNS; c++) {
            let q = x[(*columns)[c] * RUNS + run];
            run_of_x[c] = q;
            sum_of_x[c] = f32(dot4I8Packed(q.x, ONES) + dot4I8Packed(q.y, ONES));
#if RMS
            (*sums)[ROWS * COLUMNS + c] += bitcast<f32>(q.w);
#endif
        }
        for (var r = 0u; r < ROWS; r++) {
            let w = coded((*rows)[r], run, RUNS);
            for (var c = 0u; c < COLUMNS; c++) {
                let q = run_of_x[c];
                let whole = f32(dot4I8Packed(w.low, q.x) + dot4I8Packed(w.high, q.y));
                (*sums)[r * COLUMNS + c] += bitcast<f32>(q.z) * (w.scale.x * whole + w.scale.y * sum_of_x[c]);
            }
        }
    }
}
