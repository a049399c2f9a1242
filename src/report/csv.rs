//! The comparison of systems as CSV: one row for each system, task and metric.

use super::compare::{groups, rows};
use super::run::Run;
use crate::evaluate::ConfidenceInterval;
use crate::{Error, Result};

/// The columns.
const HEADER: [&str; 8] = ["protocol", "task", "metric", "system", "decode", "mean", "low", "high"];

/// All evaluations of some runs, protocol after protocol.
///
/// # Errors
/// None that a text in memory can have.
pub fn of(runs: &[Run]) -> Result<String> {
    let failed = |error: csv::Error| Error::Failed(format!("the comparison as CSV: {error}"));
    let mut out = csv::Writer::from_writer(Vec::new());
    out.write_record(HEADER).map_err(failed)?;
    for group in groups(runs) {
        let protocol = group[0].protocol.to_string();
        for row in rows(&group) {
            let decode = row.decoding();
            for figures in &row.tasks {
                for (metric, interval) in &figures.exact {
                    let ConfidenceInterval { mean, low, high, .. } = interval;
                    let [mean, low, high] = [mean, low, high].map(ToString::to_string);
                    let (task, metric) = (figures.task.to_string(), metric.to_string());
                    let record = [&protocol, &task, &metric, &row.name, &decode, &mean, &low, &high];
                    out.write_record(record).map_err(failed)?;
                }
            }
        }
    }
    let bytes = out.into_inner().map_err(|error| Error::Failed(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
