//! `tiller report`: an HTML report of runs.

use std::io::Write;
use std::path::PathBuf;

use serde_json::json;
use tiller_models::atomic::write_atomically;

use super::Global;
use crate::report::{FILE, Report};
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller report run                        writes run/report.html
  tiller report sft ppo --out report.html  curves of both, their evaluations in one table, lists before and after
  tiller report experiments/stages         all runs of an experiment
  tiller report sft ppo --csv table.csv    the table of the evaluations for other programs

A run folder has what sft, ppo and eval leave there: config.toml, metrics.jsonl, eval*.json, samples.jsonl. What is missing is said
in the report. The file needs no network and no other file.";

/// The flags of `tiller report`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Run or experiment folders, in the order of the report
    #[arg(required = true, value_name = "RUN")]
    runs: Vec<PathBuf>,
    /// File to write [default: report.html in the last run]
    #[arg(long, value_name = "FILE.html")]
    out: Option<PathBuf>,
    /// Also write the comparison of all systems, one row for each task and metric
    #[arg(long, value_name = "FILE.csv")]
    csv: Option<PathBuf>,
}

/// Runs `tiller report`.
///
/// # Errors
/// A path that is not a folder, a disk error.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let report = Report::read(&args.runs)?;
    let last = args.runs.last().ok_or_else(|| Error::Failed("no run was named".into()))?;
    let out = args.out.clone().unwrap_or_else(|| last.join(FILE));
    report.write(&out)?;
    if let Some(table) = &args.csv {
        let text = report.csv()?;
        write_atomically(table, |file| file.write_all(text.as_bytes()))?;
    }
    for problem in report.problems() {
        eprintln!("not in the report: {problem}");
    }
    if global.json {
        println!("{}", json!({ "out": out, "csv": args.csv, "problems": report.problems().collect::<Vec<_>>() }));
    } else {
        [Some(&out), args.csv.as_ref()]
            .into_iter()
            .flatten()
            .for_each(|file| println!("written to {}", file.display()));
    }
    Ok(())
}
