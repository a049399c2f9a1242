#include "lib/value.wgsl"

// 1 / (1 + exp(-x)). Beyond 80 it is 0 or 1 to within f32, and exp stays finite: WGSL promises nothing for
// infinities.
fn sigmoid(x: Value) -> Value {
    return 1.0 / (1.0 + exp(-clamp(x, Value(-80.0), Value(80.0))));
}
