//! `tiller sft`: tunes a language model on the teacher's lists.

use std::path::{Path, PathBuf};

use serde_json::json;
use tiller_models::memory::MemoryEstimate;
use toml::{Table, Value};

use super::config::ConfigArgs;
use super::json::print_json_line;
use super::out_folder::check_out;
use super::{Global, values};
use crate::data::Dataset;
use crate::instruct::chat::{self, Conversation};
use crate::instruct::{ExampleBuilder, Preset};
use crate::pull::resolve_model;
use crate::run::config::{ConfigLayers, resolve_over};
use crate::run::folder::RunFolder;
use crate::run::interrupt;
use crate::task::TaskFamily;
use crate::teacher::{Popularity, Scorer, Teacher};
use crate::train::from_scratch::ScratchSize;
use crate::train::memory;
use crate::train::sft::{SftConfig, SftSummary, SftTrainer};
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller sft films --model smollm2-135m --out runs/films
  tiller sft films --model smollm2-135m --quant q4 --rank 8 --epochs 3 --out runs/q4
  tiller sft films --model smollm2-135m --chat sharegpt.jsonl --preset paper --out runs/paper
  tiller sft films --model smollm2-135m --item-tokens --out runs/items
  tiller sft films --from-scratch tiny --out runs/tiny      a model trained from scratch, in minutes and without a download
  tiller sft films --resume --out runs/films           go on where it stopped
Next:
  tiller recommend films --run runs/films --user 42
  tiller recommend films --model runs/tiny/model --user 42";

/// The flags of `tiller sft`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The data set folder
    dir: PathBuf,
    /// The language model: a Hugging Face folder, a .gguf file, or a name of `tiller pull --list`
    #[arg(long, value_name = "PATH|NAME")]
    model: Option<String>,
    /// Train all weights of a small new model instead
    #[arg(long, alias = "scratch", value_parser = values::scratch_size(), value_name = "SIZE", conflicts_with_all = ["model", "resume"])]
    from_scratch: Option<ScratchSize>,
    /// A token for each title: short prompts and lists, and a choice per item; needs a teacher
    #[arg(long, conflicts_with_all = ["from_scratch", "resume"])]
    item_tokens: bool,
    /// The run folder to write
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// Go on with the run in the run folder
    #[arg(long, conflicts_with = "config")]
    resume: bool,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    config: ConfigArgs,
}

/// Flags that stand for keys of the configuration.
#[derive(Debug, clap::Args)]
struct Settings {
    /// The teacher's run folder [default: DIR/teacher]
    #[arg(long, value_name = "RUN")]
    teacher: Option<String>,
    /// Which tasks [default: I0,I1,I2,I3, and I4 with --chat]
    #[arg(long, value_parser = values::task_family(), value_delimiter = ',', value_name = "I0,I1,…")]
    tasks: Vec<TaskFamily>,
    /// Conversations for task I4 in the form of ShareGPT, as JSON lines or one JSON array
    #[arg(long, value_name = "FILE.jsonl")]
    chat: Option<String>,
    /// Conversations for each example of another task [default: 0.5]
    #[arg(long, value_name = "RATIO")]
    chat_ratio: Option<f64>,
    /// The sampling rules of the examples
    #[arg(long, alias = "recipe", value_parser = values::preset())]
    preset: Option<Preset>,
    /// Rank of the adapter [default: 16]
    #[arg(long, value_name = "R")]
    rank: Option<u32>,
    /// The adapter's scale is ALPHA / R [default: 8]
    #[arg(long, value_name = "ALPHA")]
    alpha: Option<f64>,
    /// Dropout probability of the inputs of the adapter [default: 0.1]
    #[arg(long, value_name = "P")]
    dropout: Option<f64>,
    /// Projections with an adapter [default: all-linear,lm_head]
    #[arg(long, value_delimiter = ',', value_name = "q_proj,…")]
    targets: Vec<String>,
    /// Scheme of the frozen weights: f32, f16, q8 or q4 [default: f32]
    #[arg(long, alias = "quantise", value_name = "SCHEME")]
    quant: Option<String>,
    /// Train all weights instead of an adapter
    #[arg(long)]
    full: bool,
    /// Passes over the data, each with new examples [default: 10]
    #[arg(long, value_name = "N")]
    epochs: Option<u32>,
    /// Steps in all, instead of whole passes
    #[arg(long, value_name = "N", conflicts_with = "epochs")]
    steps: Option<u32>,
    /// Samples of a batch, all computed at once [default: 8, as many at once as fit into memory]
    #[arg(long, value_name = "N")]
    batch: Option<u32>,
    /// Batches of a step [default: 8]
    #[arg(long, alias = "accumulate", value_name = "N")]
    gradient_accumulation_steps: Option<u32>,
    /// The highest learning rate [default: 0.001]
    #[arg(long, value_name = "RATE")]
    lr: Option<f64>,
    /// The longest sample in tokens; an answer has at most half of them [default: 1024]
    #[arg(long, value_name = "N")]
    max_tokens: Option<u32>,
    /// Compute blocks a second time in the backward pass instead of keeping them in memory: a third slower
    #[arg(long)]
    activation_checkpointing: bool,
    /// Decides first weights, examples, dropout and the order [default: 2024]
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
}

/// Runs `tiller sft`.
///
/// # Errors
/// Bad input by its place, a training that does not fit, fails or is interrupted.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let dataset = Dataset::read(&args.dir)?;
    let config = config(args)?;
    config.validate()?;
    if let (Some(model), false) = (&config.model, args.resume) {
        check_out(&args.out, &resolve_model(model)?, None)?;
    }
    global.show_settings(&config)?;
    let conversations = config.chat.as_deref().map(|file| chat::read(Path::new(file))).transpose()?.unwrap_or_default();
    let device = global.open_device()?;
    let free = memory::available();
    let estimate = config.check_memory(dataset.catalogue.len(), &device, free)?;
    tell_memory(&estimate, config.micro_batch, free);
    let _guard = interrupt::defer();
    if config.data.tasks.iter().any(|family| family.needs_teacher()) {
        let teacher = config.teacher.as_ref().map_or_else(|| args.dir.join("teacher"), PathBuf::from);
        let teacher = Teacher::load(&teacher, &dataset, &device)?;
        train(args, global, (&dataset, &teacher, &conversations), &config, &device)
    } else {
        // I3 and I4 need no teacher; popularity stands in where validations ask for one.
        train(args, global, (&dataset, &Popularity::of(&dataset), &conversations), &config, &device)
    }
}

/// Tells what the training takes before it begins; with a micro-batch that follows from the samples, at least.
fn tell_memory(estimate: &MemoryEstimate, micro_batch: Option<usize>, free: Option<u64>) {
    let bound = if micro_batch.is_some() { "about" } else { "at least" };
    let free = free.map_or_else(String::new, |free| format!(" of {} free", memory::in_words(free)));
    eprintln!("memory: {bound} {}{free}", memory::in_words(estimate.total));
}

fn train(
    args: &Args,
    global: &Global,
    (dataset, teacher, conversations): (&Dataset, &impl Scorer, &[Conversation]),
    config: &SftConfig,
    device: &burn::tensor::Device,
) -> Result<()> {
    let builder = ExampleBuilder::new(dataset, teacher, conversations, config.data.clone())?;
    let mut run = if args.resume { RunFolder::reopen(&args.out) } else { RunFolder::create(&args.out, config) }?;
    let trainable = config.trainable_model(&run, &builder, !args.resume, device)?;
    let start = if args.resume { SftTrainer::resume } else { SftTrainer::fresh };
    let written = trainable.folder(run.path());
    let summary = start(&builder, dataset, config, &mut run, trainable)?.run(interrupt::requested)?;
    if global.json {
        print_json_line(&json!({ "run": args.out, "model": written, "summary": summary }))?;
    } else {
        report(args, &written, &summary);
    }
    Ok(())
}

fn report(args: &Args, written: &Path, summary: &SftSummary) {
    println!(
        "trained {} steps, {} tokens at {:.0} tokens/s; {} of memory at most",
        summary.steps,
        summary.tokens,
        summary.tokens_per_second,
        memory::in_words(summary.peak_memory_bytes)
    );
    if let Some(best) = summary.best {
        println!(
            "best validation NDCG@10 {:.4}, after {} steps; saved to {}",
            best.score,
            best.step,
            written.display()
        );
    }
    println!("try it with `tiller recommend {} --run {} --user …`", args.dir.display(), args.out.display());
}

/// The configuration of the flags; a resumed run's own configuration lies beneath them.
fn config(args: &Args) -> Result<SftConfig> {
    let mut layers = ConfigLayers::from(args.config.clone());
    if args.resume {
        layers.config = Some(RunFolder::stored_config(&args.out)?);
    }
    let base = match args.from_scratch {
        Some(size) => SftConfig::from_scratch(size),
        None if args.item_tokens => SftConfig::with_item_tokens(),
        None => SftConfig::default(),
    };
    resolve_over(base, &layers, table(args)?)
}

/// The keys that flags set.
fn table(args: &Args) -> Result<Table> {
    let Settings { teacher, tasks, chat, chat_ratio, preset, rank, alpha, dropout, targets, .. } = &args.settings;
    let Settings {
        quant,
        full,
        epochs,
        steps,
        batch,
        gradient_accumulation_steps,
        lr,
        max_tokens,
        activation_checkpointing,
        seed,
        ..
    } = &args.settings;
    let number = |value: &Option<u32>| value.map(|value| Value::from(i64::from(value)));
    let real = |value: &Option<f64>| value.map(Value::from);
    let text = |value: &Option<String>| value.clone().map(Value::from);
    let mut tasks = tasks.clone();
    tasks.sort_unstable();
    tasks.dedup();
    if tasks.is_empty() && chat.is_some() {
        tasks = TaskFamily::ALL.into();
    }
    let mut table = keys([
        ("model", args.model.as_deref().map(absolute).transpose()?.map(Value::from)),
        ("teacher", teacher.as_deref().map(absolute).transpose()?.map(Value::from)),
        ("chat", chat.as_deref().map(absolute).transpose()?.map(Value::from)),
        ("quant", text(quant)),
        ("full", full.then_some(Value::from(true))),
        ("epochs", number(epochs)),
        ("steps", number(steps)),
        ("batch", number(batch)),
        ("micro_batch", number(batch)),
        ("gradient_accumulation_steps", number(gradient_accumulation_steps)),
        ("max_tokens", number(max_tokens)),
        ("activation_checkpointing", activation_checkpointing.then_some(Value::from(true))),
        ("seed", number(seed)),
    ]);
    let as_value = |e: toml::ser::Error| Error::Failed(e.to_string());
    let preset = preset.map(Value::try_from).transpose().map_err(as_value)?;
    let tasks = (!tasks.is_empty()).then(|| Value::try_from(&tasks)).transpose().map_err(as_value)?;
    let data = keys([("tasks", tasks), ("preset", preset), ("chat_ratio", real(chat_ratio)), ("seed", number(seed))]);
    let targets = (!targets.is_empty()).then(|| Value::from(targets.clone()));
    let lora = keys([("rank", number(rank)), ("alpha", real(alpha)), ("dropout", real(dropout)), ("targets", targets)]);
    let tables = [("data", data), ("lora", lora), ("schedule", keys([("lr", real(lr))]))];
    table.extend(tables.map(|(key, table)| (key.to_owned(), Value::from(table))));
    Ok(table)
}

fn keys<const N: usize>(entries: [(&str, Option<Value>); N]) -> Table {
    entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
}

/// A path as it can be found from anywhere; the name of a pulled model as it is.
fn absolute(path: &str) -> Result<String> {
    if !Path::new(path).exists() {
        return Ok(path.to_owned());
    }
    let absolute = std::path::absolute(path).map_err(Error::io(path, "find"))?;
    Ok(absolute.display().to_string())
}
