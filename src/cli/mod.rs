//! The command line: one file per command, on top of the library.

mod bench;
mod chat;
mod choices;
mod completions;
mod config;
mod data;
mod demo;
mod distill;
mod doctor;
mod eval;
mod experiment;
mod guide;
mod instruct;
mod json;
mod lookup;
mod merge;
mod model;
mod out_folder;
mod plan;
mod ppo;
mod progress;
mod pull;
mod quantize;
mod recommend;
mod reference;
mod report;
mod sasrec;
mod serve;
mod settings;
mod sft;
mod stage;
mod storage;
mod table;
mod values;

use std::path::Path;
use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use serde::Serialize;
use tiller_kernels::OpenDevice;
use tiller_kernels::device::guard;

use crate::auto_device;
use crate::run::interrupt;
use crate::run::progress::observe;
use crate::{Error, Result};

/// Recommendations you can steer, tuned and served on any GPU.
#[derive(Debug, Parser)]
#[command(name = "tiller", version, about, propagate_version = true)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

/// Global flags.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// Compute device: auto, gpu, cpu, or part of an adapter's name (see `tiller doctor`)
    #[arg(long, global = true, default_value = "auto", value_name = "auto|gpu|cpu|NAME")]
    pub device: String,
    /// Threads on the CPU [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
    /// Print the result as JSON on stdout; progress and logs stay on stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// Print the resolved settings to stderr
    #[arg(long, global = true)]
    pub verbose: bool,
    /// Print short results and no device: `tiller demo` runs the commands this way.
    #[arg(skip)]
    pub brief: bool,
}

impl Global {
    /// Sets the number of threads, before the first of them starts; the decode engine has as many as rayon.
    fn set_threads(&self) {
        if let Some(threads) = self.threads {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.into());
            pool.build_global().expect("no thread has started yet");
        }
    }

    /// Opens the selected device and prints its description to stderr.
    ///
    /// # Errors
    /// No such adapter, or a driver error.
    pub fn open_device(&self) -> Result<burn::tensor::Device> {
        Ok(self.open()?.device)
    }

    /// Opens the selected device with its GPU handles and prints its description to stderr.
    ///
    /// # Errors
    /// No such adapter, or a driver error.
    pub fn open(&self) -> Result<OpenDevice> {
        tiller_kernels::open(&self.device).map(|open| self.announced(open)).map_err(Error::from)
    }

    /// Opens the selected device for batches of `batch` lists by the model at `model`, and prints its description to stderr. With
    /// `--device auto`, that is the faster of GPU and CPU.
    ///
    /// # Errors
    /// No such adapter, a driver error, a model that cannot be read.
    pub fn open_for_lists(&self, model: &Path, batch: usize) -> Result<OpenDevice> {
        auto_device::open(&self.device, model, batch).map(|open| self.announced(open))
    }

    fn announced(&self, open: OpenDevice) -> OpenDevice {
        if !self.brief {
            eprintln!("device: {}", open.description);
        }
        open
    }

    /// Prints resolved settings to stderr with `--verbose`; every run folder has them in config.toml.
    ///
    /// # Errors
    /// Settings that TOML cannot represent.
    pub fn show_settings(&self, settings: &impl Serialize) -> Result<()> {
        if self.verbose {
            eprint!("{}", toml::to_string_pretty(settings).map_err(|e| Error::Failed(format!("settings: {e}")))?);
        }
        Ok(())
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run benchmarks of kernels, models, decoding and training
    Bench(bench::Args),
    /// Ask for recommendations in plain English, turn by turn
    Chat(chat::Args),
    /// Generate shell completions, man pages, or the Markdown reference
    Completions(completions::Args),
    /// Import, describe or generate a data set
    Data(data::Args),
    /// Run the whole pipeline on a small data set, from interactions to recommendations
    Demo(demo::Args),
    /// Distil the constrained teacher into a tuned model, on the model's own lists
    Distill(distill::Args),
    /// List adapters, drivers, limits and features, and the selected device
    Doctor(doctor::Args),
    /// Evaluate a model's recommendations against the teacher and other baselines
    Eval(eval::Args),
    /// Run a training experiment: stages, rewards, labels or instructions
    Experiment(experiment::Args),
    /// Train, evaluate and query the SASRec teacher
    Sasrec(sasrec::Args),
    /// Write the instruction tuning examples
    #[command(after_help = instruct::EXAMPLES)]
    Instruct(instruct::Args),
    /// Merge a LoRA adapter into its base model
    Merge(merge::Args),
    /// Estimate the memory of a command and whether it fits
    Plan(plan::Args),
    /// Align a tuned model with PPO on rewards from the catalogue and the teacher
    Ppo(ppo::Args),
    /// Download a model or a data set by name
    Pull(pull::Args),
    /// Quantize the weights of a model
    Quantize(quantize::Args),
    /// Recommend items to users of the data set or to new users
    Recommend(recommend::Args),
    /// Serve a page to steer by and an API, with one resident model and teacher
    Serve(serve::Args),
    /// Fine-tune a language model on the teacher's lists (SFT)
    Sft(sft::Args),
    /// Write an HTML report of runs: curves, tables, sample lists
    Report(report::Args),
}

/// Parses the command line, runs the command, and returns its exit code.
pub fn main() -> ExitCode {
    end_quietly_without_a_reader();
    observe(progress::Bars::new());
    interrupt::install();
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    cli.global.set_threads();
    match guard(&format!("tiller{}", words(&matches)), || run(cli.command, &cli.global)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// The typed command, each word after a space: " sasrec train".
fn words(matches: &ArgMatches) -> String {
    matches.subcommand().map_or_else(String::new, |(word, below)| format!(" {word}{}", words(below)))
}

/// Makes a closed output pipe (`tiller … | head`) a success and any other output error a failure. `println!` panics in
/// both cases.
fn end_quietly_without_a_reader() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match panic.payload_as_str() {
        Some(text) if text.starts_with("failed printing to stdout") => {
            let reader_is_gone = text.to_lowercase().contains("pipe");
            if !reader_is_gone {
                eprintln!("error: {text}");
            }
            std::process::exit(i32::from(!reader_is_gone));
        }
        _ => usual(panic),
    }));
}

fn run(command: Command, global: &Global) -> Result<()> {
    match command {
        Command::Bench(args) => bench::run(args, global),
        Command::Chat(args) => chat::run(&args, global),
        Command::Completions(args) => completions::run(&args, global),
        Command::Data(args) => data::run(args, global),
        Command::Demo(args) => demo::run(&args, global),
        Command::Distill(args) => distill::run(&args, global),
        Command::Doctor(args) => doctor::run(args, global),
        Command::Eval(args) => eval::run(&args, global),
        Command::Experiment(args) => experiment::run(&args, global),
        Command::Sasrec(args) => sasrec::run(args, global),
        Command::Instruct(args) => instruct::run(&args, global),
        Command::Merge(args) => merge::run(&args, global),
        Command::Plan(args) => plan::run(&args, global),
        Command::Ppo(args) => ppo::run(&args, global),
        Command::Pull(args) => pull::run(&args, global),
        Command::Quantize(args) => quantize::run(&args, global),
        Command::Recommend(args) => recommend::run(&args, global),
        Command::Serve(args) => serve::run(&args, global),
        Command::Sft(args) => sft::run(&args, global),
        Command::Report(args) => report::run(&args, global),
    }
}
