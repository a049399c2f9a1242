// The inner loop of the GEMV in f32.

alias Part = vec4<f32>; // four numbers of x

// Adds the products of an invocation's packs of W and x, in floats.
fn add_packs(lane: Lane, rows: ptr<function, Rows>, columns: ptr<function, Columns>, packs: u32, sums: ptr<function, Sums>) {
    for (var pack = lane.index; pack < packs; pack += WORKGROUP) {
        var low: array<vec4<f32>, COLUMNS>;
        var high: array<vec4<f32>, COLUMNS>;
        for (var c = 0u; c < COLUMNS; c++) {
            let at = ((*columns)[c] * PACKS + pack) * 2u;
            low[c] = x[at];
            high[c] = x[at + 1u];
#if RMS
            (*sums)[ROWS * COLUMNS + c] += dot(low[c], low[c]) + dot(high[c], high[c]);
#endif
#if GAIN
            low[c] *= gain[pack * 2u];
            high[c] *= gain[pack * 2u + 1u];
#endif
        }
        for (var r = 0u; r < ROWS; r++) {
            let w = dequant((*rows)[r], pack, PACKS);
            for (var c = 0u; c < COLUMNS; c++) {
                (*sums)[r * COLUMNS + c] += dot(w.low, low[c]) + dot(w.high, high[c]);
            }
        }
    }
}
