// The unit of an invocation's loads: four numbers where the rows divide by four, else one.

#define WIDE   // 1: four numbers

#if WIDE
alias Value = vec4<f32>;

fn sum_of(value: Value) -> f32 {
    return dot(value, Value(1.0));
}

fn largest_of(value: Value) -> f32 {
    return max(max(value.x, value.y), max(value.z, value.w));
}
#else
alias Value = f32;

fn sum_of(value: Value) -> f32 {
    return value;
}

fn largest_of(value: Value) -> f32 {
    return value;
}
#endif
