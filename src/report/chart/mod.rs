//! Charts as SVG, drawn with the colours of the page they stand in.

mod bars;
mod line;
mod scale;

pub use bars::{Bar, bar_chart};
pub use line::{LineSeries, line_chart};

/// Colours that the page's style sheet knows, `c0` and so on; beyond them they come round, with another dash.
pub const COLOURS: usize = 8;

/// A chart and what its colours mean.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Chart {
    /// The drawing, an `svg` element.
    pub svg: String,
    /// One entry for each line, in order.
    pub legend: Vec<LegendEntry>,
}

/// A line in the legend of a chart.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LegendEntry {
    /// The number of its colour.
    pub colour: usize,
    /// Whether its line is dashed.
    pub dashed: bool,
    /// Its name.
    pub label: String,
    /// Its last value.
    pub last: String,
}
