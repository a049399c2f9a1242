//! The stages behind fine-tuning: `tiller distill` and `tiller ppo` tune the model of an earlier run further, by its own answers.

use std::path::{Path, PathBuf};

use comfy_table::{CellAlignment, presets};
use toml::{Table, Value};

use super::config::ConfigArgs;
use super::out_folder::check_out;
use crate::ppo::PolicySummary;
use crate::ppo::policy_eval::{PolicyEvalReport, TaskEval};
use crate::run::config::ConfigLayers;
use crate::run::figures::fixed;
use crate::run::folder::RunFolder;
use crate::task::Metric;
use crate::train::Checkpoint;
use crate::{Error, Result};

/// The flags of a stage: the model that it begins with, and the run that it writes.
#[derive(Debug, clap::Args)]
pub struct StageArgs {
    /// The data set folder
    pub dir: PathBuf,
    /// The earlier run whose model is tuned further
    #[arg(long, value_name = "RUN", conflicts_with_all = ["model", "adapter"])]
    pub run: Option<PathBuf>,
    /// The model that is tuned further: a Hugging Face folder, a .gguf file, or a name of `tiller pull --list`
    #[arg(long, value_name = "PATH|NAME")]
    pub model: Option<String>,
    /// An adapter (PEFT folder) that was tuned on that model
    #[arg(long, value_name = "DIR", requires = "model")]
    pub adapter: Option<PathBuf>,
    /// The run folder to write
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Go on with the run in the run folder
    #[arg(long, conflicts_with = "config")]
    pub resume: bool,
    /// The teacher's run folder [default: that of the run, or DIR/teacher]
    #[arg(long, value_name = "RUN")]
    pub teacher: Option<PathBuf>,
    /// Seed of initial weights, prompts, sampled answers and the order of learning [default: 2024]
    #[arg(long, value_name = "N")]
    pub seed: Option<u32>,
    #[command(flatten)]
    pub config: ConfigArgs,
}

impl StageArgs {
    /// The settings below the flags: those of the files, and those of a resumed run.
    ///
    /// # Errors
    /// No run to resume.
    pub fn layers(&self) -> Result<ConfigLayers> {
        let mut layers = ConfigLayers::from(self.config.clone());
        if self.resume {
            layers.config = Some(RunFolder::stored_config(&self.out)?);
        }
        Ok(layers)
    }

    /// Refuses a run folder that is the one of the model that the stage begins with.
    ///
    /// # Errors
    /// As [`check_out`].
    pub fn check_out(&self, model: &Path, adapter: Option<&Path>) -> Result<()> {
        if self.resume { Ok(()) } else { check_out(&self.out, model, adapter) }
    }

    /// The keys that these flags set, given the earlier run.
    pub fn keys(&self, earlier: Option<&EarlierRun>) -> Table {
        let path = |path: &PathBuf| Value::from(path.display().to_string());
        let (model, adapter) = match earlier {
            Some(EarlierRun { checkpoint, .. }) => {
                (Some(path(&checkpoint.model)), checkpoint.adapter.as_ref().map(path))
            }
            None => (self.model.clone().map(Value::from), self.adapter.as_ref().map(path)),
        };
        keys([
            ("model", model),
            ("adapter", adapter),
            ("teacher", self.teacher.as_ref().map(path)),
            ("seed", self.seed.map(|n| i64::from(n).into())),
        ])
    }

    /// The earlier run, if one is named.
    ///
    /// # Errors
    /// No run there, or one without a model yet.
    pub fn earlier(&self) -> Result<Option<EarlierRun>> {
        self.run.as_deref().map(EarlierRun::read).transpose()
    }
}

/// The settings of an earlier run that hold for one that goes on from it.
pub struct EarlierRun {
    /// Its model.
    pub checkpoint: Checkpoint,
    /// Its teacher.
    pub teacher: Option<String>,
    /// The scheme of its frozen weights.
    pub quant: Option<String>,
    /// Its model knows the wordings of training alone.
    pub trained_wordings: bool,
    /// Its model was trained from scratch.
    pub from_scratch: bool,
}

impl EarlierRun {
    fn read(run: &Path) -> Result<Self> {
        let path = RunFolder::stored_config(run)?;
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path, "read"))?;
        let settings: Table = text.parse().map_err(|e: toml::de::Error| {
            Error::bad_input(path.display()).expected("the configuration of a training").found(e.message())
        })?;
        let word = |key: &str| settings.get(key).and_then(Value::as_str).map(str::to_owned);
        let words = settings.get("validation").and_then(|validation| validation.get("trained_wordings"));
        let is_set = |key: &str| settings.get(key).is_some_and(|value| value.as_bool() != Some(false));
        Ok(Self {
            checkpoint: Checkpoint::of(run)?,
            teacher: word("teacher"),
            quant: word("quant").or_else(|| word("quantise")),
            trained_wordings: words.and_then(Value::as_bool).unwrap_or(false),
            from_scratch: is_set("from_scratch") || is_set("scratch"),
        })
    }
}

/// A table of the keys that have a value.
pub fn keys<const N: usize>(entries: [(&str, Option<Value>); N]) -> Table {
    entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// The end of a training for people.
pub fn tell(summary: &PolicySummary, out: &Path, brief: bool) {
    println!("{} iterations at {:.0} tokens of answers per second", summary.iterations, summary.tokens_per_second);
    if let Some(best) = summary.best {
        println!("best validation reward {}, after {} iterations", fixed(best.score, 3), best.step);
    }
    if let Some(after) = summary.after.as_ref().filter(|_| !brief) {
        println!("{}", table(summary.before.as_ref(), after));
    }
    println!("saved to {}; look at some lists in its samples.jsonl", out.display());
}

/// The results of the evaluations: each figure before learning and in the best policy.
fn table(before: Option<&PolicyEvalReport>, after: &PolicyEvalReport) -> comfy_table::Table {
    const METRICS: [Metric; 8] = [
        Metric::NDCG,
        Metric::TCP,
        Metric::CPA,
        Metric::CorrectCount,
        Metric::RepeatItem,
        Metric::NonExist,
        Metric::InHistory,
        Metric::ConstraintsMet,
    ];
    let mut table = comfy_table::Table::new();
    table.load_style(presets::NOTHING);
    let names = METRICS.iter().map(Metric::to_string);
    table.set_header([String::new(), "reward".to_owned()].into_iter().chain(names));
    for (task, after) in after.tasks() {
        let before = before.and_then(|report| report.tasks().find(|(other, _)| *other == task));
        let before = before.map(|(_, eval)| eval);
        let cell = |figure: &dyn Fn(&TaskEval) -> Option<f64>| match (before.and_then(figure), figure(after)) {
            (Some(before), Some(after)) => format!("{} → {}", fixed(before, 3), fixed(after, 3)),
            (None, Some(after)) => fixed(after, 3),
            (_, None) => String::new(),
        };
        let figures = METRICS.iter().map(|&metric| cell(&|eval| eval.summary.mean(metric)));
        let reward = cell(&|eval| Some(eval.reward));
        table.add_row([task.to_string(), reward].into_iter().chain(figures));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}
