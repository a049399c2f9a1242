alias Part = vec4<f32>; // four numbers of x

// Adds the products of an invocation's runs of W and x, in floats.
fn add_runs(lane: Lane, rows: ptr<function, Rows>, columns: ptr<function, Columns>, runs: u32, sums: ptr<function, Sums>) {
    for (var run = lane.index; run < runs; run += WORKGROUP) {
        var low: array<vec4<f32>, COLUMNS>;
        var high: array<vec4<f32>, COLUMNS>;
        for (var c = 0u; c < COLUMNS; c++) {
            let at = ((*columns)[c] * RUNS + run) * 2u;
            low[c] = x[at];
            high[c] = x[at + 1u];
#if RMS
            (*sums)[ROWS * COLUMNS + c] += dot(low[c], low[c]) + dot(high[c], high[c]);
#endif
#if GAIN
            low[c] *= gain[run * 2u];
            high[c] *= gain[run * 2u + 1u];
#endif
        }
        for (var r = 0u; r < ROWS; r++) {
            let w = weights((*rows)[r], run, RUNS);
            for (var c = 0u; c < COLUMNS; c++) {
                (*sums)[r * COLUMNS + c] += dot(w.low, low[c]) + dot(w.high, high[c]);
            }
        }
    }
}
