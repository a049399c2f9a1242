//! Reports of runs as one self-contained HTML file: no network, no scripts, light and dark themes, printable.
//!
//! A run folder is read as it is ([`run`]): missing or damaged files are listed in the report and never fail it.
//! metrics.jsonl becomes curves ([`curves`]), evaluations become one table per protocol with bar charts per task
//! ([`compare`]), and samples become lists side by side ([`lists`]). [`chart`] draws and [`page`] renders the template;
//! all external text is escaped.

mod chart;
mod compare;
mod csv;
mod curves;
mod experiment;
mod lists;
mod overview;
mod page;
mod run;
mod series;
#[cfg(test)]
mod tests;
mod text;

use std::path::{Path, PathBuf};

use tiller_models::atomic::write_atomically;

pub use self::overview::{Gauge, Overview, OverviewRow};

use self::curves::Curves;
use self::run::Run;
use crate::{Error, Result};

/// The name of a report in a run folder.
pub const FILE: &str = "report.html";

/// The contents of a report.
pub struct Report {
    runs: Vec<Run>,
    /// The title and the question; for plain runs, their names.
    about: Heading,
    /// The metrics of experiments over their axes.
    over_arms: Vec<Curves>,
}

/// The title of a report and the question it answers.
struct Heading {
    title: String,
    question: Option<String>,
}

impl Report {
    /// Reads run folders in the order of the report. An experiment's folder stands for its runs.
    ///
    /// # Errors
    /// A path that is not a folder. Missing files are listed in the report instead.
    pub fn read(folders: &[PathBuf]) -> Result<Self> {
        if let Some(missing) = folders.iter().find(|folder| !folder.is_dir()) {
            return Err(Error::bad_input(missing.display())
                .expected("a run folder")
                .found(if missing.exists() { "a file" } else { "no such folder" })
                .next("name the folder that --out of sft, ppo or eval wrote to")
                .into());
        }
        let mut runs: Vec<Run> =
            folders.iter().flat_map(|folder| experiment::runs_of(folder)).map(|run| Run::read(&run)).collect();
        run::name_apart(&mut runs);
        let names = runs.iter().map(|run| run.name.as_str()).collect::<Vec<_>>().join(" · ");
        let about = match folders {
            [folder] => experiment::about(folder),
            _ => None,
        };
        let about = about.unwrap_or(Heading { title: names, question: None });
        Ok(Self { runs, about, over_arms: folders.iter().filter_map(|folder| experiment::curves_of(folder)).collect() })
    }

    /// Renders the page.
    ///
    /// # Errors
    /// The template fails.
    pub fn html(&self) -> Result<String> {
        page::render(&self.runs, &self.about, &self.over_arms)
    }

    /// The key metrics of all evaluated systems, one overview per protocol.
    pub fn overviews(&self) -> Vec<Overview> {
        overview::of(&self.runs)
    }

    /// Writes the page to `path`.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        let html = self.html()?;
        write_atomically(path, |file| std::io::Write::write_all(file, html.as_bytes()))
    }

    /// The comparison of all evaluated systems as CSV: a row for each system, task and metric, with its confidence interval.
    ///
    /// # Errors
    /// None that a text in memory can have.
    pub fn csv(&self) -> Result<String> {
        csv::of(&self.runs)
    }

    /// The files that could not be read, with reasons.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().flat_map(|run| run.problems.iter().map(String::as_str))
    }
}
