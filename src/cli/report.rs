//! `tiller report`: an HTML report of runs.

use std::path::PathBuf;

use serde_json::json;

use super::Global;
use crate::report::{FILE, Report};
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller report run                        writes run/report.html
  tiller report sft ppo --out report.html  curves of both, their evaluations in one table, lists before and after
  tiller report experiments/stages         all runs of an experiment

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
    for problem in report.problems() {
        eprintln!("not in the report: {problem}");
    }
    if global.json {
        println!("{}", json!({ "out": out, "problems": report.problems().collect::<Vec<_>>() }));
    } else {
        println!("written to {}", out.display());
    }
    Ok(())
}
