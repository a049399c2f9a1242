//! SVG charts in the colours of the page.

mod bars;
mod line;
mod scale;

pub use bars::{Bar, bar_chart};
pub use line::{LineSeries, line_chart};

/// The number of colours of the style sheet, `c0` and so on; further lines reuse them dashed.
pub const COLOURS: usize = 8;

/// A chart with its legend.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Chart {
    /// The `svg` element.
    pub svg: String,
    /// One entry per line, in order.
    pub legend: Vec<LegendEntry>,
}

/// An entry of the legend.
#[derive(Debug, Clone, serde::Serialize)]
pub struct LegendEntry {
    /// Its colour index.
    pub colour: usize,
    /// True for a dashed line.
    pub dashed: bool,
    /// Its name.
    pub label: String,
    /// Its last value.
    pub last: String,
}
