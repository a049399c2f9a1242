//! The work of a kernel of products.

use std::ops::Range;

use super::columns::Columns;
use super::lanes::Lanes;
use super::panels::Panels;

/// Some panels of a matrix times all columns.
pub(super) struct PanelProduct<'a> {
    pub(super) weights: &'a Panels,
    pub(super) panels: Range<usize>,
    pub(super) columns: &'a Columns,
    /// `[panels, columns]`
    pub(super) y: &'a mut [Lanes],
}
