//! `tiller ppo`: a tuned model learns from rewards.

use std::path::{Path, PathBuf};

use comfy_table::{CellAlignment, presets};
use serde_json::json;
use tiller_models::language_model::LanguageModel;
use tiller_models::llama::LlamaConfig;
use tiller_models::memory::ComputeDevice;
use toml::{Table, Value};

use super::config::ConfigArgs;
use super::json::print_json_line;
use super::{Global, model, values};
use crate::data::Dataset;
use crate::instruct::{ExampleBuilder, Preset};
use crate::ppo::config::PolicyEvalConfig;
use crate::ppo::memory::PpoMemory;
use crate::ppo::policy_eval::{PolicyEvalReport, TaskEval};
use crate::ppo::{PpoConfig, PpoSummary, PpoTrainer, TrainContext};
use crate::reward::Level;
use crate::run::config::{ConfigLayers, resolve_over};
use crate::run::figures::fixed;
use crate::run::folder::RunFolder;
use crate::run::interrupt;
use crate::task::Metric;
use crate::teacher::Teacher;
use crate::train::trainable_model::scheme;
use crate::train::{Checkpoint, memory};
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller ppo films --run runs/sft --out runs/ppo
  tiller ppo films --model smollm2-135m --adapter runs/sft/adapter --out runs/ppo --reward list
  tiller ppo films --run runs/sft --out runs/ppo --iterations 500 --set learning.kl_coef=0.1
  tiller ppo films --run runs/sft --out runs/paper --preset paper
  tiller ppo films --out runs/ppo --resume
  tiller recommend films --model runs/sft/model --adapter runs/ppo/adapter --user 42";

/// The flags of `tiller ppo`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The data set folder
    dir: PathBuf,
    /// The run of `tiller sft` whose model is aligned
    #[arg(long, value_name = "RUN", conflicts_with_all = ["model", "adapter"])]
    run: Option<PathBuf>,
    /// The model that is aligned: a Hugging Face folder, a .gguf file, or a name of `tiller pull --list`
    #[arg(long, value_name = "PATH|NAME")]
    model: Option<String>,
    /// An adapter (PEFT folder) that was tuned on that model
    #[arg(long, value_name = "DIR", requires = "model")]
    adapter: Option<PathBuf>,
    /// The run folder to write
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Go on with the run in the run folder
    #[arg(long, conflicts_with = "config")]
    resume: bool,
    /// The teacher's run folder [default: that of the run, or DIR/teacher]
    #[arg(long, value_name = "RUN")]
    teacher: Option<PathBuf>,
    /// Our settings, or the authors'
    #[arg(long, alias = "recipe", value_parser = values::preset(), default_value = "default", conflicts_with = "resume")]
    preset: Preset,
    /// Learn from the rewards of items, of lists, or of both [default: both]
    #[arg(long, value_parser = values::reward_level(), value_name = "item|list|both")]
    reward: Option<Level>,
    /// Rounds of answers and learning [default: 200]
    #[arg(long, value_name = "N")]
    iterations: Option<u32>,
    /// The highest learning rate [default: 0.0001, and 0.001 after a run that trained its model from scratch]
    #[arg(long, value_name = "LR")]
    lr: Option<f64>,
    /// Seed of initial weights, prompts, sampled answers and the order of learning [default: 2024]
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Runs `tiller ppo`.
///
/// # Errors
/// A data set, model, teacher or run that cannot be read, settings that make no sense, a policy that runs away.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let config = config(args)?;
    config.validate()?;
    let next = "tune one with `tiller sft DIR --model M --out RUN`, then --run RUN";
    let path = model::required(config.model.as_deref(), next)?;
    let dataset = Dataset::read(&args.dir)?;
    let device = global.open_device()?;
    global.show_settings(&config)?;
    let planned = PpoMemory::new(LlamaConfig::read(&path)?, &config, ComputeDevice::of(&device))?;
    let estimate = planned.check(memory::available())?;
    eprintln!("memory: at least {}", memory::in_words(estimate.total));
    let teacher_run = config.teacher.as_ref().map_or_else(|| args.dir.join("teacher"), PathBuf::from);
    let teacher = Teacher::load(&teacher_run, &dataset, &device)?;
    let (adapter, scheme) = (config.adapter.as_deref().map(Path::new), scheme(&config.quant)?);
    let model = LanguageModel::load_quantized(&path, adapter, scheme, &device)?;
    let builder = ExampleBuilder::new(&dataset, &teacher, &[], config.instruction())?;

    let _guard = interrupt::defer();
    let mut folder = if args.resume { RunFolder::reopen(&args.out) } else { RunFolder::create(&args.out, &config) }?;
    let context = TrainContext { builder: &builder, teacher: &teacher, dataset: &dataset, model, config: &config };
    let start = if args.resume { PpoTrainer::resume } else { PpoTrainer::fresh };
    let summary = start(context, &mut folder)?.run(interrupt::requested)?;
    if global.json {
        print_json_line(&json!({ "run": args.out, "summary": summary }))?;
    } else {
        tell(&summary, &args.out, global.brief);
    }
    Ok(())
}

/// The configuration of the flags, over that of a resumed run, over the preset's.
fn config(args: &Args) -> Result<PpoConfig> {
    let mut layers = ConfigLayers::from(args.config.clone());
    if args.resume {
        layers.config = Some(RunFolder::stored_config(&args.out)?);
    }
    let mut lowest = match args.preset {
        Preset::Default => PpoConfig::default(),
        Preset::Paper => PpoConfig::paper(),
    };
    let text = |path: &PathBuf| Value::from(path.display().to_string());
    let (mut model, mut adapter) = (args.model.clone().map(Value::from), args.adapter.as_ref().map(text));
    if let Some(run) = &args.run {
        let checkpoint = Checkpoint::of(run)?;
        (model, adapter) = (Some(text(&checkpoint.model)), checkpoint.adapter.as_ref().map(text));
        lowest = after(run, lowest)?;
    }
    let level = args.reward.map(Value::try_from).transpose().map_err(|e| Error::Failed(e.to_string()))?;
    let flags = keys([
        ("model", model),
        ("adapter", adapter),
        ("teacher", args.teacher.as_ref().map(text)),
        ("iterations", args.iterations.map(|n| i64::from(n).into())),
        ("seed", args.seed.map(|n| i64::from(n).into())),
        ("schedule", Some(keys([("lr", args.lr.map(Value::from))]).into())),
        ("reward", Some(keys([("level", level)]).into())),
    ]);
    resolve_over(lowest, &layers, flags)
}

/// `config` with what the settings of an earlier run say about one that goes on from it: its teacher, how its weights are kept, whether
/// its model knows the wordings of training alone, and whether it was trained from scratch.
fn after(run: &Path, config: PpoConfig) -> Result<PpoConfig> {
    let path = RunFolder::stored_config(run)?;
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path, "read"))?;
    let settings: Table = text.parse().map_err(|e: toml::de::Error| {
        Error::bad_input(path.display()).expected("the configuration of a training").found(e.message())
    })?;
    let word = |key: &str| settings.get(key).and_then(|word| word.as_str()).map(str::to_owned);
    let (teacher, quant) =
        (word("teacher"), word("quant").or_else(|| word("quantise")).unwrap_or_else(|| config.quant.clone()));
    let words = settings.get("validation").and_then(|validation| validation.get("trained_wordings"));
    let trained_wordings = words.and_then(|words| words.as_bool()).unwrap_or(false);
    let validation = PolicyEvalConfig { trained_wordings, ..config.validation };
    let config = if ["from_scratch", "scratch"].iter().any(|key| settings.contains_key(*key)) {
        config.for_scratch_model()
    } else {
        config
    };
    Ok(PpoConfig { teacher, quant, validation, ..config })
}

fn keys<const N: usize>(entries: [(&str, Option<Value>); N]) -> Table {
    entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// The end of a training for people.
fn tell(summary: &PpoSummary, out: &Path, brief: bool) {
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
    const METRICS: [Metric; 7] = [
        Metric::NDCG,
        Metric::TCP,
        Metric::CPA,
        Metric::CorrectCount,
        Metric::RepeatItem,
        Metric::NonExist,
        Metric::InHistory,
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
