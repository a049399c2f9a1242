//! `tiller ppo`: a tuned model learns from rewards.

use std::path::{Path, PathBuf};

use serde_json::json;
use tiller_models::language_model::LanguageModel;
use tiller_models::llama::LlamaConfig;
use tiller_models::memory::ComputeDevice;
use toml::Value;

use super::json::print_json_line;
use super::stage::{self, EarlierRun, StageArgs, keys};
use super::{Global, model, values};
use crate::data::Dataset;
use crate::instruct::{ExampleBuilder, Preset};
use crate::ppo::config::PolicyEvalConfig;
use crate::ppo::memory::PpoMemory;
use crate::ppo::{PpoConfig, PpoTrainer, TrainContext};
use crate::reward::Level;
use crate::run::config::resolve_over;
use crate::run::folder::RunFolder;
use crate::run::interrupt;
use crate::teacher::Teacher;
use crate::train::memory;
use crate::train::trainable_model::scheme;
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller ppo films --run runs/sft --out runs/ppo
  tiller ppo films --model smollm2-135m --adapter runs/sft/adapter --out runs/ppo --reward list
  tiller ppo films --run runs/sft --out runs/ppo --iterations 500 --set learning.kl_coef=0.1
  tiller ppo films --run runs/sft --out runs/paper --preset paper
  tiller ppo films --out runs/ppo --resume
  tiller recommend films --run runs/ppo --user 42";

/// The flags of `tiller ppo`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    stage: StageArgs,
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
    args.stage.check_out(&path, config.adapter.as_deref().map(Path::new))?;
    let dataset = Dataset::read(&args.stage.dir)?;
    let device = global.open_device()?;
    global.show_settings(&config)?;
    let planned = PpoMemory::new(LlamaConfig::read(&path)?, &config, ComputeDevice::of(&device))?;
    let estimate = planned.check(memory::available())?;
    eprintln!("memory: at least {}", memory::in_words(estimate.total));
    let teacher_run = config.teacher.as_ref().map_or_else(|| args.stage.dir.join("teacher"), PathBuf::from);
    let teacher = Teacher::load(&teacher_run, &dataset, &device)?;
    let (adapter, scheme) = (config.adapter.as_deref().map(Path::new), scheme(&config.quant)?);
    let model = LanguageModel::load_quantized(&path, adapter, scheme, &device)?;
    let builder = ExampleBuilder::new(&dataset, &teacher, &[], config.instruction())?;

    let _guard = interrupt::defer();
    let mut folder = if args.stage.resume {
        RunFolder::reopen(&args.stage.out)
    } else {
        RunFolder::create(&args.stage.out, &config)
    }?;
    let context = TrainContext { builder: &builder, teacher: &teacher, dataset: &dataset, model, config: &config };
    let start = if args.stage.resume { PpoTrainer::resume } else { PpoTrainer::fresh };
    let summary = start(context, &mut folder)?.run(interrupt::requested)?;
    if global.json {
        print_json_line(&json!({ "run": args.stage.out, "summary": summary }))?;
    } else {
        stage::tell(&summary, &args.stage.out, global.brief);
    }
    Ok(())
}

/// The configuration of the flags, over that of a resumed run, over that of an earlier run, over the preset's.
fn config(args: &Args) -> Result<PpoConfig> {
    let lowest = match args.preset {
        Preset::Default => PpoConfig::default(),
        Preset::Paper => PpoConfig::paper(),
    };
    let earlier = args.stage.earlier()?;
    let level = args.reward.map(Value::try_from).transpose().map_err(|e| Error::Failed(e.to_string()))?;
    let mut flags = args.stage.keys(earlier.as_ref());
    flags.extend(keys([
        ("iterations", args.iterations.map(|n| i64::from(n).into())),
        ("schedule", Some(keys([("lr", args.lr.map(Value::from))]).into())),
        ("reward", Some(keys([("level", level)]).into())),
    ]));
    resolve_over(after(earlier, lowest), &args.stage.layers()?, flags)
}

/// `config` behind an earlier run.
fn after(earlier: Option<EarlierRun>, config: PpoConfig) -> PpoConfig {
    let Some(EarlierRun { teacher, quant, trained_wordings, from_scratch, .. }) = earlier else { return config };
    let quant = quant.unwrap_or_else(|| config.quant.clone());
    let validation = PolicyEvalConfig { trained_wordings, ..config.validation };
    let config = if from_scratch { config.for_scratch_model() } else { config };
    PpoConfig { teacher, quant, validation, ..config }
}
