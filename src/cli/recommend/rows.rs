//! Lists as rows: CSV for spreadsheets and data frames, TREC for evaluation tools.

use super::queue::UserRequest;
use crate::data::Catalogue;
use crate::evaluate::trec::trec_lines;
use crate::recommend::recommender::List;
use crate::recommend::record::ItemRecord;
use crate::{Error, Result};

/// The formats of lists on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ListFormat {
    /// For people: a mark beside each item that is not valid
    Table,
    /// One JSON object per list, as with --json
    Jsonl,
    /// One row per item: user, rank, item, title, status, breaks
    Csv,
    /// One line per item, as trec_eval and ranx read runs
    Trec,
}

/// The tag of a TREC run.
const TAG: &str = "tiller";

/// The columns of a CSV.
const COLUMNS: [&str; 6] = ["user", "rank", "item", "title", "status", "breaks"];

/// The first line of a CSV.
///
/// # Errors
/// None that a text in memory can have.
pub fn csv_header() -> Result<String> {
    csv([COLUMNS.map(str::to_owned)])
}

/// The rows of a list.
///
/// # Errors
/// A status that JSON cannot express.
pub fn csv_rows(asked: &UserRequest, list: &List, catalogue: &Catalogue) -> Result<String> {
    let user = asked.user.clone().unwrap_or_default();
    csv(list.items.iter().enumerate().map(|(place, item)| {
        let ItemRecord { id, title, status, breaks, .. } = ItemRecord::new(item, catalogue);
        let status = serde_json::to_value(status).ok().and_then(|name| name.as_str().map(str::to_owned));
        let (rank, id, breaks) = ((place + 1).to_string(), id.unwrap_or_default(), breaks.unwrap_or_default());
        [user.clone(), rank, id, title, status.unwrap_or_default(), breaks]
    }))
}

/// The lines of a list in a TREC run; somebody new is `new`.
///
/// # Errors
/// A key with a blank in it.
pub fn trec_rows(asked: &UserRequest, list: &List, catalogue: &Catalogue) -> Result<String> {
    let items = list.items.iter().map(|item| item.item);
    trec_lines(asked.user.as_deref().unwrap_or("new"), items, TAG, catalogue)
}

fn csv(rows: impl IntoIterator<Item = [String; 6]>) -> Result<String> {
    let failed = |error: String| Error::Failed(format!("CSV: {error}"));
    let mut out = csv::Writer::from_writer(Vec::new());
    rows.into_iter().try_for_each(|row| out.write_record(row)).map_err(|error| failed(error.to_string()))?;
    let bytes = out.into_inner().map_err(|error| failed(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
