//! `tiller experiment`: a question, arms that differ in one thing, and a table in the end.

use std::path::PathBuf;

use toml::{Table, Value};

use super::config::ConfigArgs;
use super::json::print_json_line;
use super::{Global, table, values};
use crate::evaluate::EvalTable;
use crate::experiment::{ExperimentPlan, ExperimentSettings, ExperimentSize, run as run_plan};
use crate::run::interrupt;
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller experiment stages                              minutes for each arm on two cores, no download
  tiller experiment stages --size quick                 a look at the whole way
  tiller experiment noisy-teacher --seeds 1,2,3 --out runs/noise
  tiller experiment stages --size hour --data movietweetings-5core --out runs/stages
  tiller experiment chat-share --chat sharegpt.jsonl --set ppo.iterations=100
  tiller experiment mine.toml --config sizes.toml

Experiments:
  stages         SFT on I0 alone, SFT on all tasks, reinforcement learning behind it
  rewards        rewards by item, by list, or both, and their constants
  noisy-teacher  labels with 0 to 50 % random items among them
  labels         the teacher's lists, or the target with something else behind it
  chat-share     conversations among the training examples, and what is forgotten without
  instructions   other words, overlapping and conflicting requests
A TOML file of one's own is an experiment too; src/experiment/configs has these as examples.
Run again with the same --out, an experiment goes on where it stopped.";

/// The flags of `tiller experiment`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which experiment: a name (see below), or a TOML file
    name: String,
    /// The folder of the experiment [default: experiments/NAME]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Size of everything
    #[arg(long, value_parser = values::experiment_size(), default_value = "minutes")]
    size: ExperimentSize,
    /// Short for --size quick
    #[arg(long, conflicts_with = "size")]
    quick: bool,
    /// The data set folder [default: an invented world]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The language model: a Hugging Face folder, a .gguf file, or a name of `tiller pull --list` [default: by size]
    #[arg(long, value_name = "PATH|NAME")]
    model: Option<String>,
    /// Conversations in the form of ShareGPT [default: invented ones]
    #[arg(long, value_name = "FILE.jsonl")]
    chat: Option<PathBuf>,
    /// Trains every arm once with each of them [default: 2024]
    #[arg(long, value_delimiter = ',', value_name = "N,…")]
    seeds: Vec<u32>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Runs `tiller experiment`.
///
/// # Errors
/// No such experiment, settings that make no sense, whatever a step of it refuses.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let plan = ExperimentPlan::find(&args.name)?;
    let size = if args.quick { ExperimentSize::Quick } else { args.size };
    let settings = ExperimentSettings::resolve(size, &plan, &args.config.clone().into(), flags(args)?)?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from("experiments").join(&plan.name));
    let open = tiller_kernels::open(&global.device)?;
    eprintln!(
        "device: {}\n{}: {}\n{} arms in {}",
        open.description,
        plan.title,
        plan.question,
        plan.arms.len(),
        out.display()
    );
    let _guard = interrupt::defer();
    let place = (&open.device, open.description.as_str());
    let outcome = run_plan(&plan, &settings, &out, place, &interrupt::requested)?;
    outcome.write(&out)?;
    if global.json {
        return print_json_line(&outcome);
    }
    println!("{}\n", outcome.evaluation.protocol);
    for &mode in &settings.decode {
        let EvalTable { header, lines } = outcome.evaluation.of_mode(mode).table();
        println!("{}\n", table::plain(header, lines).trim_fmt());
    }
    println!("written to {}: results.md, results.json, plots.json", out.display());
    Ok(())
}

/// The keys that flags set.
fn flags(args: &Args) -> Result<Table> {
    let path = |path: &Option<PathBuf>| -> Result<Option<Value>> {
        let absolute = |path: &PathBuf| std::path::absolute(path).map_err(Error::io(path, "find"));
        Ok(path.as_ref().map(absolute).transpose()?.map(|path| Value::from(path.display().to_string())))
    };
    let seeds: Vec<i64> = args.seeds.iter().map(|&seed| seed.into()).collect();
    let entries = [
        ("data", path(&args.data)?),
        ("chat", path(&args.chat)?),
        ("model", args.model.clone().map(Value::from)),
        ("seeds", (!seeds.is_empty()).then(|| Value::from(seeds))),
    ];
    Ok(entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect())
}
