//! Comparison of numbers.

/// Asserts that every number is within `tolerance`, relative to the larger of 1 and the expected number.
pub fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}: lengths");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        // Negated, so that a NaN fails.
        assert!(!((f - e).abs() > tolerance * e.abs().max(1.0) || f.is_nan()), "{what}: [{i}] {f}, expected {e}");
    }
}
