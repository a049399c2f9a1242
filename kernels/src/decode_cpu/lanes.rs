//! Arithmetic on eight numbers at once, written so that the compiler makes vector instructions of it.

/// Numbers of a vector.
pub(crate) const LANES: usize = 8;

/// Eight numbers.
pub(crate) type Lanes = [f32; LANES];

/// The kernel of an operation, compiled once for every instruction set.
pub(crate) trait SimdKernel {
    type Output;

    /// Runs the kernel; with `FMA` the processor multiplies and adds in one instruction.
    fn run<const FMA: bool>(self) -> Self::Output;
}

/// a b + c.
#[inline(always)]
pub(crate) fn multiply_add<const FMA: bool>(a: f32, b: f32, c: f32) -> f32 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

/// Σ f(x), in eight sums.
#[inline(always)]
pub(crate) fn sum_of(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for chunk in chunks {
        for (sum, x) in sums.iter_mut().zip(chunk) {
            *sum += f(*x);
        }
    }
    sums.iter_mut().zip(rest).for_each(|(sum, x)| *sum += f(*x));
    sums.into_iter().sum()
}

/// Σ f(x, y), in eight sums.
#[inline(always)]
pub(crate) fn sum_of_pairs(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<LANES>(), y.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (x, y) in x.iter().zip(y) {
        for i in 0..LANES {
            sums[i] += f(x[i], y[i]);
        }
    }
    sums.iter_mut().zip(x_rest.iter().zip(y_rest)).for_each(|(sum, (x, y))| *sum += f(*x, *y));
    sums.into_iter().sum()
}

/// The largest number, whatever is NaN; -∞ where there is none.
#[inline(always)]
pub(crate) fn largest_of(x: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let (chunks, rest) = x.as_chunks::<LANES>();
    let mut largest = [f32::NEG_INFINITY; LANES];
    for chunk in chunks {
        for (largest, x) in largest.iter_mut().zip(chunk) {
            *largest = larger(*largest, *x);
        }
    }
    largest.into_iter().chain(rest.iter().copied()).fold(f32::NEG_INFINITY, larger)
}

/// exp(x), off by at most 2 units in the last place; 0 below -87, and exp(88) above 88.
#[inline(always)]
pub(crate) fn exp<const FMA: bool>(x: f32) -> f32 {
    // Adding it rounds to a whole number, which is then in the low bits.
    const ROUND: f32 = 12_582_912.0;
    let clamped = x.clamp(-87.0, 88.0);
    let shifted = multiply_add::<FMA>(clamped, std::f32::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    // ln 2 in two parts, of which the first is exact times n.
    let r = multiply_add::<FMA>(n, -0.693_359_4, clamped);
    let r = multiply_add::<FMA>(n, 2.121_944_4e-4, r);
    // exp(r) for |r| ≤ ln 2 / 2, by its minimax polynomial (Cephes).
    let mut p = 1.987_569_1e-4;
    for coefficient in [1.398_199_9e-3, 8.333_452e-3, 4.166_579_6e-2, 1.666_666_5e-1, 0.5] {
        p = multiply_add::<FMA>(p, r, coefficient);
    }
    let p = multiply_add::<FMA>(p, r * r, r) + 1.0;
    let scale = f32::from_bits((shifted.to_bits() << 23).wrapping_add(0x3f80_0000));
    if x < -87.0 { 0.0 } else { p * scale }
}

/// The number of an f16, which is finite.
#[inline(always)]
pub(crate) fn from_f16(bits: u32) -> f32 {
    // Exponent and mantissa in the places of an f32's, whose exponent counts from another zero.
    const REBIAS: f32 = f32::from_bits((127 + 112) << 23);
    let magnitude = f32::from_bits((bits & 0x7fff) << 13) * REBIAS;
    f32::from_bits(magnitude.to_bits() | (bits & 0x8000) << 16)
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    #[test]
    fn exp_is_close_everywhere_and_ends_in_zero() {
        for i in -8_700..=8_800 {
            let x = i as f32 / 100.0;
            let expected = f64::from(x).exp();
            for found in [exp::<false>(x), exp::<true>(x)] {
                assert!((f64::from(found) / expected - 1.0).abs() < 3e-7, "exp({x}) = {expected}, found {found}");
            }
        }
        assert_eq!((exp::<false>(0.0), exp::<true>(f32::NEG_INFINITY), exp::<false>(-100.0)), (1.0, 0.0, 0.0));
    }

    #[test]
    fn every_finite_f16_is_what_half_says() {
        for bits in (0..=u16::MAX).filter(|bits| f16::from_bits(*bits).is_finite()) {
            assert_eq!(from_f16(bits.into()).to_bits(), f16::from_bits(bits).to_f32().to_bits(), "{bits:#x}");
        }
    }
}
