//! `tiller distill`: a tuned model learns from the constrained teacher on its own lists.

use std::path::{Path, PathBuf};

use serde_json::json;
use tiller_models::llama::LlamaConfig;
use tiller_models::memory::ComputeDevice;
use toml::Value;

use super::json::print_json_line;
use super::stage::{self, EarlierRun, StageArgs, keys};
use super::{Global, model};
use crate::Result;
use crate::data::Dataset;
use crate::distill::{DistillConfig, DistillContext, DistillTrainer};
use crate::instruct::ExampleBuilder;
use crate::ppo::config::PolicyEvalConfig;
use crate::run::config::resolve_over;
use crate::run::folder::RunFolder;
use crate::run::interrupt;
use crate::teacher::Teacher;
use crate::train::memory;

const EXAMPLES: &str = "\
Examples:
  tiller distill films --run runs/sft --out runs/distilled
  tiller distill films --model smollm2-135m --adapter runs/sft/adapter --out runs/distilled
  tiller distill films --run runs/sft --out runs/distilled --set guide_weight=0      towards the teacher's own distribution
  tiller distill films --out runs/distilled --resume
  tiller ppo films --run runs/distilled --out runs/ppo          rewards behind it";

/// The flags of `tiller distill`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    stage: StageArgs,
    /// Rounds of answers and learning [default: 1500]
    #[arg(long, value_name = "N")]
    iterations: Option<u32>,
    /// The highest learning rate [default: 0.0002, and 0.002 after a run that trained its model from scratch]
    #[arg(long, value_name = "LR")]
    lr: Option<f64>,
}

/// Runs `tiller distill`.
///
/// # Errors
/// A data set, model, teacher or run that cannot be read, settings that make no sense, a training that does not fit or fails.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let (config, stage) = (config(args)?, &args.stage);
    config.validate()?;
    let next = "tune one with `tiller sft DIR --model M --out RUN`, then --run RUN";
    let path = model::required(config.model.as_deref(), next)?;
    stage.check_out(&path, config.adapter.as_deref().map(Path::new))?;
    let dataset = Dataset::read(&stage.dir)?;
    let device = global.open_device()?;
    global.show_settings(&config)?;
    let estimate = config.check_memory(LlamaConfig::read(&path)?, ComputeDevice::of(&device), memory::available())?;
    eprintln!("memory: at least {}", memory::in_words(estimate.total));
    let teacher = config.teacher.as_ref().map_or_else(|| stage.dir.join("teacher"), PathBuf::from);
    let teacher = Teacher::load(&teacher, &dataset, &device)?;
    let trainable = config.trainable_model(&path, config.adapter.as_deref().map(Path::new), &device)?;
    let builder = ExampleBuilder::new(&dataset, &teacher, &[], config.instruction())?;

    let _guard = interrupt::defer();
    let mut folder = if stage.resume { RunFolder::reopen(&stage.out) } else { RunFolder::create(&stage.out, &config) }?;
    let context = DistillContext { builder: &builder, teacher: &teacher, dataset: &dataset, config: &config };
    let start = if stage.resume { DistillTrainer::resume } else { DistillTrainer::fresh };
    let summary = start(context, &mut folder, trainable)?.run(interrupt::requested)?;
    if global.json {
        print_json_line(&json!({ "run": stage.out, "summary": summary }))?;
    } else {
        stage::tell(&summary, &stage.out, global.brief);
    }
    Ok(())
}

/// The configuration of the flags, over that of a resumed run, over that of an earlier run.
fn config(args: &Args) -> Result<DistillConfig> {
    let earlier = args.stage.earlier()?;
    let mut flags = args.stage.keys(earlier.as_ref());
    flags.extend(keys([
        ("iterations", args.iterations.map(|n| i64::from(n).into())),
        ("schedule", Some(keys([("lr", args.lr.map(Value::from))]).into())),
    ]));
    resolve_over(after(earlier), &args.stage.layers()?, flags)
}

/// The settings behind an earlier run.
fn after(earlier: Option<EarlierRun>) -> DistillConfig {
    let config = DistillConfig::default();
    let Some(EarlierRun { checkpoint, teacher, quant, trained_wordings, from_scratch }) = earlier else {
        return config;
    };
    let adapter = checkpoint.adapter.map(|folder| folder.display().to_string());
    let quant = quant.unwrap_or_else(|| config.quant.clone());
    let validation = PolicyEvalConfig { trained_wordings, ..config.validation.clone() };
    let config = DistillConfig { adapter, teacher, quant, validation, ..config };
    if from_scratch { config.for_scratch_model() } else { config }
}
