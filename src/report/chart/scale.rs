//! Linear axis scales with round ticks.

/// A linear map from a range of values to a range of pixels.
#[derive(Debug, Clone, Copy)]
pub struct LinearScale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl LinearScale {
    /// Maps `low..high` to the pixels `from..to`. A single value is widened, and an empty range becomes 0 to 1.
    pub fn new((low, high): (f64, f64), (from, to): (f64, f64)) -> Self {
        // Beyond this, differences would overflow.
        const MOST: f64 = 1e150;
        let (low, high) = match (low.min(high).clamp(-MOST, MOST), low.max(high).clamp(-MOST, MOST)) {
            _ if !(low.is_finite() && high.is_finite()) => (0.0, 1.0),
            (low, high) if high > low => (low, high),
            (one, _) => (one - one.abs().max(1.0) * 0.5, one + one.abs().max(1.0) * 0.5),
        };
        Self { low, high, from, to }
    }

    /// Maps the range, extended to round numbers, to the pixels.
    pub fn round(range: (f64, f64), pixels: (f64, f64), ticks: usize) -> Self {
        let tight = Self::new(range, pixels);
        let step = step(tight.high - tight.low, ticks);
        Self { low: (tight.low / step).floor() * step, high: (tight.high / step).ceil() * step, ..tight }
    }

    /// The pixel of a value.
    pub fn at(&self, value: f64) -> f64 {
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// About the given number of round values within the range.
    pub fn ticks(&self, about: usize) -> Vec<f64> {
        let step = step(self.high - self.low, about);
        let first = (self.low / step - 1e-9).ceil() as i64;
        let last = (self.high / step + 1e-9).floor() as i64;
        (first..=last).map(|n| n as f64 * step).collect()
    }
}

/// The tick distance for about the given number of ticks: 1, 2 or 5 times a power of ten.
fn step(length: f64, about: usize) -> f64 {
    let rough = length / about.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= rough * (1.0 - 1e-9));
    step.unwrap_or(10.0) * power
}

/// The label of a tick, with as many digits as its neighbours require.
pub fn label(tick: f64, ticks: &[f64]) -> String {
    let step = ticks.windows(2).map(|pair| pair[1] - pair[0]).next().unwrap_or(1.0);
    let digits = (-step.log10().floor()).max(0.0) as usize;
    let size = ticks.iter().fold(0f64, |largest, tick| largest.max(tick.abs()));
    match size {
        _ if size >= 1e6 => format!("{}M", trimmed(tick / 1e6)),
        _ if size >= 1e4 => format!("{}k", trimmed(tick / 1e3)),
        _ if digits > 4 && tick != 0.0 => format!("{tick:.0e}"),
        _ => format!("{:.digits$}", if tick.abs() < step / 2.0 { 0.0 } else { tick }),
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_within() {
        let scale = LinearScale::round((0.13, 0.87), (200.0, 0.0), 5);
        assert_eq!(
            scale.ticks(5).iter().map(|t| format!("{t:.1}")).collect::<Vec<_>>(),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!((scale.at(0.0), scale.at(1.0), scale.at(0.5)), (200.0, 0.0, 100.0));
        for (range, labels) in [
            ((0.0, 30_000.0), vec!["0k", "10k", "20k", "30k"]),
            ((0.0, 3e-6), vec!["0.000000", "1e-6", "2e-6", "3e-6"]),
            ((7.0, 7.0), vec!["2", "4", "6", "8", "10", "12"]),
        ] {
            let ticks = LinearScale::round(range, (0.0, 1.0), 3).ticks(3);
            let found: Vec<String> = ticks.iter().map(|tick| label(*tick, &ticks)).collect();
            assert!(found.len() >= 3 && (labels.len() != 4 || found == labels), "{found:?}");
        }
    }

    #[test]
    fn every_range_has_a_scale() {
        for range in [
            (0.0, 0.0),
            (-5.0, -5.0),
            (-1e300, 1e300),
            (1e-300, 2e-300),
            (3.0, 1.0),
            (f64::INFINITY, f64::NEG_INFINITY),
        ] {
            let scale = LinearScale::round(range, (0.0, 100.0), 4);
            let ticks = scale.ticks(4);
            assert!(
                scale.at(range.0.clamp(-1e9, 1e9)).is_finite() && (1..50).contains(&ticks.len()),
                "{range:?} {ticks:?}"
            );
        }
    }
}
