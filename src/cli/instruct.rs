//! `tiller instruct`: the training examples as JSON lines, to look at and to train other tools with.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde_json::json;
use tiller_models::atomic::write_atomically;

use super::{Global, values};
use crate::data::Dataset;
use crate::instruct::chat::{self, Conversation};
use crate::instruct::{Epoch, Example, ExampleBuilder, ExampleConfig, ExampleSplit, Preset};
use crate::run::progress::Progress;
use crate::task::TaskFamily;
use crate::teacher::{Popularity, Scorer, Teacher};
use crate::{Error, Result};

/// Examples for the help text.
pub const EXAMPLES: &str = "\
Examples:
  tiller instruct ml-1m-5core --count 5 | jq .
  tiller instruct ml-1m-5core --tasks I1,I2 --epoch 3 --out epoch-3.jsonl
  tiller instruct ml-1m-5core --chat sharegpt.jsonl --chat-ratio 0.5 --preset paper --out all.jsonl
  tiller instruct ml-1m-5core --split validation --out validation.jsonl";

/// The flags of `tiller instruct`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The data set folder
    dir: PathBuf,
    /// The teacher's run folder [default: DIR/teacher]
    #[arg(long, value_name = "RUN")]
    teacher: Option<PathBuf>,
    /// Task families [default: I0,I1,I2,I3, and I4 with --chat]
    #[arg(long, value_parser = values::task_family(), value_delimiter = ',', value_name = "I0,I1,…")]
    tasks: Vec<TaskFamily>,
    /// Number of the pass over the data; each draws anew
    #[arg(long, default_value_t = 0, value_name = "N")]
    epoch: u64,
    /// Seed of every random draw
    #[arg(long, default_value_t = ExampleConfig::default().seed, value_name = "N")]
    seed: u64,
    /// Conversations for task I4 in the ShareGPT format, as JSON lines or one JSON array
    #[arg(long, value_name = "FILE.jsonl")]
    chat: Option<PathBuf>,
    /// Conversations for each example of another task
    #[arg(long, default_value_t = ExampleConfig::default().chat_ratio, value_name = "RATIO")]
    chat_ratio: f64,
    /// The sampling rules
    #[arg(long, alias = "recipe", value_parser = values::preset(), default_value = "default")]
    preset: Preset,
    /// Training examples, or validation examples
    #[arg(long, value_enum, default_value = "train")]
    split: SplitName,
    /// Stop after this number of examples
    #[arg(long, value_name = "N")]
    count: Option<usize>,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE.jsonl")]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum SplitName {
    /// All but the last two items of each user, with the teacher's labels
    Train,
    /// The last but one item of each user, in phrasings that training never shows
    Validation,
}

/// Runs `tiller instruct`.
///
/// # Errors
/// Bad input by file and line, no teacher where a task needs one, a disk that refuses.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let dataset = Dataset::read(&args.dir)?;
    let conversations = args.chat.as_deref().map(chat::read).transpose()?.unwrap_or_default();
    let settings = settings(args);
    if settings.tasks.iter().any(|family| family.needs_teacher()) {
        let run = args.teacher.clone().unwrap_or_else(|| args.dir.join("teacher"));
        let teacher = Teacher::load(&run, &dataset, &global.open_device()?)?;
        write(args, global, &dataset, &teacher, &conversations, settings)
    } else {
        // I3 and I4 need no teacher; popularity stands in and is never called.
        write(args, global, &dataset, &Popularity::of(&dataset), &conversations, settings)
    }
}

fn settings(args: &Args) -> ExampleConfig {
    let mut tasks = args.tasks.clone();
    if tasks.is_empty() {
        tasks = ExampleConfig::default().tasks;
        tasks.extend(args.chat.is_some().then_some(TaskFamily::I4));
    }
    tasks.sort_unstable();
    tasks.dedup();
    ExampleConfig {
        tasks,
        preset: args.preset,
        seed: args.seed,
        chat_ratio: args.chat_ratio,
        ..ExampleConfig::default()
    }
}

fn write(
    args: &Args,
    global: &Global,
    dataset: &Dataset,
    teacher: &impl Scorer,
    conversations: &[Conversation],
    settings: ExampleConfig,
) -> Result<()> {
    let builder = ExampleBuilder::new(dataset, teacher, conversations, settings)?;
    let part = match args.split {
        SplitName::Train => ExampleSplit::Training,
        SplitName::Validation => ExampleSplit::Validation,
    };
    let epoch = builder.epoch(part, args.epoch)?;
    let count = args.count.unwrap_or(epoch.len());
    let written = match &args.out {
        Some(path) => write_file(path, &builder, &epoch, count, dataset)?,
        None => write_lines(&mut std::io::stdout().lock(), &builder, &epoch, count, dataset)?,
    };
    eprintln!("{}", in_words(&written));
    if let (Some(path), true) = (&args.out, global.json) {
        println!("{}", json!({ "out": path, "examples": written }));
    }
    Ok(())
}

/// The number of examples written of each family.
type Written = BTreeMap<TaskFamily, usize>;

fn in_words(written: &Written) -> String {
    let tasks: Vec<String> = written.iter().map(|(task, count)| format!("{task} {count}")).collect();
    format!("{} examples: {}", written.values().sum::<usize>(), tasks.join(", "))
}

fn write_file(
    path: &Path,
    builder: &ExampleBuilder<impl Scorer>,
    epoch: &Epoch,
    count: usize,
    dataset: &Dataset,
) -> Result<Written> {
    let mut outcome = Ok(Written::new());
    write_atomically(path, |file| {
        outcome = write_lines(file, builder, epoch, count, dataset);
        outcome.as_ref().map(drop).map_err(|error| std::io::Error::other(error.to_string()))
    })
    .or_else(|error| if outcome.is_err() { Ok(()) } else { Err(error) })?;
    outcome
}

fn write_lines(
    sink: &mut impl Write,
    builder: &ExampleBuilder<impl Scorer>,
    epoch: &Epoch,
    count: usize,
    dataset: &Dataset,
) -> Result<Written> {
    let bar = Progress::start("examples", count.min(epoch.len()) as u64, "examples");
    let mut written = Written::new();
    let outcome = builder.stream(epoch, 0, |examples| {
        for example in examples.take(count) {
            let (_, example) = example?;
            if !write_line(sink, &example, dataset)? {
                break;
            }
            *written.entry(example.family).or_default() += 1;
            bar.advance(1);
        }
        Ok(())
    });
    bar.finish();
    outcome.map(|()| written)
}

/// Writes an example; false where the reader of a pipe has closed it, which is no failure.
fn write_line(sink: &mut impl Write, example: &Example, dataset: &Dataset) -> Result<bool> {
    match writeln!(sink, "{}", example.in_words(&dataset.catalogue)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Error::io("the examples", "write")(error)),
    }
}
