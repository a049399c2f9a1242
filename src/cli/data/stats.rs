//! `tiller data stats`: the description of a data set.

use std::path::Path;

use comfy_table::{CellAlignment, Table, presets};
use indicatif::HumanCount;

use crate::Result;
use crate::cli::Global;
use crate::cli::json::print_json;
use crate::data::stats::{Bin, Stats};
use crate::data::{Dataset, DatasetInfo};

/// The width of the longest histogram bar in characters.
const BAR: usize = 40;

/// Prints the description of a data set folder.
///
/// # Errors
/// A folder that is no data set.
pub(super) fn print(dir: &Path, global: &Global) -> Result<()> {
    let stats = Stats::of(&Dataset::read(dir)?);
    if global.json {
        return print_json(&stats);
    }
    println!("{}", sizes(&stats, &DatasetInfo::read(dir)?).trim_fmt());
    println!("\nUsers by length of their sequence\n{}", histogram(&stats.lengths.histogram).trim_fmt());
    if stats.categories.count > 0 {
        println!("\nLargest categories\n{}", largest_categories(&stats).trim_fmt());
    }
    if !stats.attributes.is_empty() {
        println!("\nAttributes\n{}", attributes(&stats).trim_fmt());
    }
    Ok(())
}

fn sizes(stats: &Stats, info: &DatasetInfo) -> Table {
    let lengths = &stats.lengths;
    let mut rows = vec![
        ("name", stats.name.clone()),
        ("users", count(stats.users)),
        ("items", count(stats.items)),
        ("interactions", count(stats.interactions)),
        ("density", percent(stats.density)),
        (
            "sequence length",
            format!(
                "min {}, quartiles {} {} {}, max {}, mean {:.1}",
                lengths.min, lengths.q1, lengths.median, lengths.q3, lengths.max, lengths.mean
            ),
        ),
        (
            "categories",
            format!("{}; {} items without", count(stats.categories.count), count(stats.categories.items_without)),
        ),
        (
            "popularity",
            format!(
                "Gini {:.3}; top 1 % of items {}, top 10 % {} of interactions",
                stats.popularity.gini,
                percent(stats.popularity.top_1_percent),
                percent(stats.popularity.top_10_percent)
            ),
        ),
    ];
    rows.extend(stats.time.as_ref().map(|time| ("time", format!("{} to {}", time.first_day, time.last_day))));
    let ties = stats.time.as_ref().filter(|time| time.ties > 0);
    rows.extend(
        ties.map(|time| ("ties", format!("{} interactions in the same second as the one before", count(time.ties)))),
    );
    let provenance = [("source", &info.source), ("licence", &info.licence)];
    rows.extend(provenance.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.clone())));
    plain(rows.into_iter().map(|(name, value)| [name.to_owned(), value]))
}

fn histogram(bins: &[Bin]) -> Table {
    let most = bins.iter().map(|bin| bin.users).max().unwrap_or(0).max(1);
    let mut table = plain(bins.iter().map(|bin| {
        let range = if bin.from == bin.to { bin.from.to_string() } else { format!("{}–{}", bin.from, bin.to) };
        [range, count(bin.users), "█".repeat((bin.users * BAR).div_ceil(most))]
    }));
    align_right(&mut table, &[0, 1]);
    table
}

fn largest_categories(stats: &Stats) -> Table {
    let rows = stats.categories.largest.iter().map(|category| {
        let share = category.items as f64 / stats.items as f64;
        [category.name.clone(), count(category.items), percent(share)]
    });
    let mut table = plain(rows);
    align_right(&mut table, &[1, 2]);
    table
}

fn attributes(stats: &Stats) -> Table {
    let rows = stats.attributes.iter().map(|a| [a.name.clone(), count(a.items), percent(a.coverage)]);
    let mut table = plain(rows);
    align_right(&mut table, &[1, 2]);
    table
}

/// Creates a table without borders.
fn plain<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).add_rows(rows);
    table
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for &column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// A number with separators between thousands.
pub(super) fn count(number: usize) -> String {
    HumanCount(number as u64).to_string()
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
