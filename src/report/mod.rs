//! What runs have come to, as one HTML file that needs nothing beside it: no network, no script, light and dark, fit for paper.
//!
//! A run folder is read as it is ([`run`]): what is missing or torn is said in the report and never fails it. The numbers of
//! metrics.jsonl become curves ([`curves`]), the evaluations one table per protocol with bars for each task ([`compare`]), and the
//! samples lists side by side, before and after ([`lists`]). [`chart`] draws, [`page`] puts it all together; every text that came from
//! outside is escaped on the way.

mod chart;
mod compare;
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

use self::curves::Curves;
use self::run::Run;
use crate::{Error, Result};

/// The name of a report in a run folder.
pub const FILE: &str = "report.html";

/// Runs, read and ready to be shown.
pub struct Report {
    runs: Vec<Run>,
    /// What is reported about, in a few words and in a sentence; of plain runs, their names.
    about: Heading,
    /// The figures of experiments over their axes.
    over_arms: Vec<Curves>,
}

/// What a report is about.
struct Heading {
    title: String,
    question: Option<String>,
}

impl Report {
    /// Reads run folders, in the order of the report: what came before stands before what came after. The folder of an experiment stands
    /// for its runs.
    ///
    /// # Errors
    /// A path that is no folder. What a folder lacks is said in the report instead.
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

    /// The page.
    ///
    /// # Errors
    /// The template fails, which no content makes it do.
    pub fn html(&self) -> Result<String> {
        page::render(&self.runs, &self.about, &self.over_arms)
    }

    /// Writes the page to `path`.
    ///
    /// # Errors
    /// A disk that refuses.
    pub fn write(&self, path: &Path) -> Result<()> {
        let html = self.html()?;
        write_atomically(path, |file| std::io::Write::write_all(file, html.as_bytes()))
    }

    /// What could not be read, each with its place.
    pub fn problems(&self) -> impl Iterator<Item = &str> {
        self.runs.iter().flat_map(|run| run.problems.iter().map(String::as_str))
    }
}
