//! Bars with intervals: one for each of those that are compared.

use std::fmt::Write;

use super::COLOURS;
use super::scale::{LinearScale, label};
use crate::report::text::{escaped, number};

/// A mean and its interval.
pub struct Bar {
    /// Whose it is.
    pub label: String,
    /// The number of its colour.
    pub colour: usize,
    /// The mean.
    pub mean: f64,
    /// The ends of its interval.
    pub low: f64,
    /// See `low`.
    pub high: f64,
}

const WIDTH: f64 = 480.0;
const LEFT: f64 = 150.0;
const RIGHT: f64 = 48.0;
const ROW: f64 = 22.0;
const TOP: f64 = 4.0;
const BOTTOM: f64 = 20.0;

/// Labels beyond so many characters are cut; the whole one is told where it is pointed at.
const LONGEST: usize = 24;

/// Draws bars from 0, one below the other.
pub fn bar_chart(about: &str, bars: &[Bar]) -> String {
    let height = TOP + ROW * bars.len() as f64 + BOTTOM;
    let most = bars.iter().fold(0f64, |most, bar| most.max(bar.high).max(bar.mean));
    let least = bars.iter().fold(0f64, |least, bar| least.min(bar.low).min(bar.mean));
    let xs = LinearScale::round((least, if most > least { most } else { least + 1.0 }), (LEFT, WIDTH - RIGHT), 4);
    let told: Vec<String> = bars.iter().map(|bar| format!("{} {}", bar.label, number(bar.mean))).collect();
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{}\">",
        escaped(&format!("{about}: {}", told.join(", ")))
    );
    let ticks = xs.ticks(4);
    for &tick in &ticks {
        let (x, end, text) = (xs.at(tick), height - BOTTOM + 2.0, label(tick, &ticks));
        add(&mut svg, format_args!("<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{end}\"/>"));
        add(
            &mut svg,
            format_args!(
                "<text class=\"tick\" x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{text}</text>",
                height - 4.0
            ),
        );
    }
    for (row, bar) in bars.iter().enumerate() {
        draw(&mut svg, bar, TOP + ROW * row as f64, &xs);
    }
    svg.push_str("</svg>");
    svg
}

fn draw(svg: &mut String, bar: &Bar, top: f64, xs: &LinearScale) {
    let Bar { label, colour, mean, low, high } = bar;
    let middle = top + ROW / 2.0;
    let short: String = label.chars().take(LONGEST).collect();
    let short = if short.len() < label.len() { format!("{}…", short.trim_end()) } else { short };
    let told = escaped(&format!("{label}: {} ({} to {})", number(*mean), number(*low), number(*high)));
    let (zero, end) = (xs.at(0.0), xs.at(*mean));
    let (left, width) = (zero.min(end), (end - zero).abs());
    add(svg, format_args!("<g><title>{told}</title>"));
    add(
        svg,
        format_args!(
            "<text class=\"name\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            LEFT - 8.0,
            middle + 4.0,
            escaped(&short)
        ),
    );
    add(
        svg,
        format_args!(
            "<rect class=\"bar c{}\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{}\" rx=\"2\"/>",
            colour % COLOURS,
            top + 4.0,
            ROW - 8.0
        ),
    );
    let (low, high) = (xs.at(*low), xs.at(*high));
    let (upper, lower) = (middle - 4.0, middle + 4.0);
    add(
        svg,
        format_args!(
            "<path class=\"whisker\" d=\"M{low:.1} {middle}H{high:.1}M{low:.1} {upper}V{lower}M{high:.1} {upper}V{lower}\"/>"
        ),
    );
    let text = high.max(end) + 6.0;
    add(
        svg,
        format_args!("<text class=\"value\" x=\"{text:.1}\" y=\"{:.1}\">{}</text></g>", middle + 4.0, number(*mean)),
    );
}

/// Writing to a string never fails.
fn add(text: &mut String, what: std::fmt::Arguments) {
    let _ = text.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bar_has_its_name_its_interval_and_its_number() {
        let bar =
            |label: &str, mean: f64| Bar { label: label.into(), colour: 3, mean, low: mean - 0.1, high: mean + 0.1 };
        let svg = bar_chart("HR", &[bar("a \"name\" that is rather long & odd", 0.5), bar("b", 0.0)]);
        assert_eq!((svg.matches("<rect").count(), svg.matches("class=\"whisker\"").count()), (2, 2));
        assert!(
            svg.contains("a &quot;name&quot; that is rather…")
                && svg.contains("long &amp; odd: 0.500 (0.400 to 0.600)")
        );
        assert!(bar_chart("HR", &[]).ends_with("</svg>"));
        assert!(!bar_chart("HR", &[bar("x", 0.0)]).contains("NaN"));
    }
}
