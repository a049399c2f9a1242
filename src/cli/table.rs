//! Tables for the terminal.

use comfy_table::{CellAlignment, Table, presets};

/// A table without borders; all columns but the first are aligned right.
pub(super) fn plain(header: impl IntoIterator<Item = String>, lines: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header(header).add_rows(lines);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
