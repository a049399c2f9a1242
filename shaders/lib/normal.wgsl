#include "lib/value.wgsl"

// The normal distribution's mass below x, Φ(x), to 1e-7 (Abramowitz and Stegun, 7.1.26, for the tail beyond
// |x|).
fn normal_below(x: Value) -> Value {
    let far = min(abs(x), Value(12.0)); // where the tail is 0 to within f32
    let t = 1.0 / (1.0 + 0.3275911 * 0.70710678 * far);
    let series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
    let tail = 0.5 * series * exp(-0.5 * far * far);
    return select(1.0 - tail, tail, x < Value(0.0));
}

// Its density.
fn normal_density(x: Value) -> Value {
    let near = clamp(x, Value(-12.0), Value(12.0));
    return 0.39894228 * exp(-0.5 * near * near);
}
