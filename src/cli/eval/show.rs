//! The results of an evaluation on stdout and in eval.json.

use std::path::Path;

use crate::Result;
use crate::cli::json::print_json_line;
use crate::cli::{Global, table};
use crate::data::titles::clean;
use crate::evaluate::{EvalTable, Evaluation, ListSample};

/// Sample lists of the last row that are shown.
const SHOWN: usize = 2;

/// Writes the evaluation to `out`, and prints it: as JSON, or as a table with some sample lists.
///
/// # Errors
/// A folder that cannot be written.
pub fn show(evaluation: &Evaluation, out: Option<&Path>, global: &Global) -> Result<()> {
    if let Some(out) = out {
        evaluation.write(&out.join("eval.json"))?;
    }
    if global.json {
        return print_json_line(evaluation);
    }
    if !global.brief {
        print(evaluation);
    }
    if let Some(out) = out {
        println!("written to {}", out.join("eval.json").display());
    }
    Ok(())
}

/// Prints all metrics and some sample lists.
fn print(evaluation: &Evaluation) {
    println!("{}\n", evaluation.protocol);
    let EvalTable { header, lines } = evaluation.table();
    println!("{}", table::plain(header, lines).trim_fmt());
    for asked in evaluation.tasks.iter().filter(|asked| asked.left_out > 0) {
        println!("{}: {} users left out: the catalogue has nothing to ask them for", asked.task, asked.left_out);
    }
    let last = evaluation.rows.last().into_iter().flat_map(|row| &row.samples);
    for sample in last.take(SHOWN) {
        println!("\n{}", page(sample));
    }
}

fn page(sample: &ListSample) -> String {
    let items = sample.items.iter().enumerate().map(|(place, item)| {
        let marks = [(item.is_target, " ← taken next"), (item.of_kind == Some(true), " [in the category]")];
        let marks: String = marks.into_iter().filter(|(holds, _)| *holds).map(|(_, mark)| mark).collect();
        format!("{:3}. {}{marks}\n", place + 1, clean(&item.title))
    });
    format!(
        "{} for user {}: {}\n{}",
        sample.task,
        clean(&sample.user),
        clean(&sample.question),
        items.collect::<String>()
    )
}
