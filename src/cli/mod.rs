//! The commands: one file each, every one a short story told with the library.

mod bench;
mod chat;
mod completions;
mod data;
mod demo;
mod doctor;
mod eval;
mod experiment;
mod instruct;
mod json;
mod merge;
mod plan;
mod ppo;
mod pull;
mod quantize;
mod recommend;
mod reference;
mod report;
mod sasrec;
mod sft;
mod storage;
mod table;
mod values;

use std::process::ExitCode;

use clap::{ArgMatches, CommandFactory, FromArgMatches, Parser, Subcommand};
use tiller_kernels::device::guard;

use crate::run::interrupt;
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

/// Flags that every command takes.
#[derive(Debug, Clone, clap::Args)]
pub struct Global {
    /// Where to compute: auto, gpu, cpu, or part of an adapter's name (see `tiller doctor`)
    #[arg(long, global = true, default_value = "auto", value_name = "auto|gpu|cpu|NAME")]
    pub device: String,
    /// Print the result as JSON on stdout; progress and logs stay on stderr
    #[arg(long, global = true)]
    pub json: bool,
}

impl Global {
    /// Opens the chosen device and says on stderr which one it is.
    ///
    /// # Errors
    /// No such adapter, or a driver that fails.
    pub fn open_device(&self) -> Result<burn::tensor::Device> {
        let open = tiller_kernels::open(&self.device)?;
        eprintln!("device: {}", open.description);
        Ok(open.device)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure how fast this machine is at what tiller does
    Bench(bench::Args),
    /// Ask for lists in plain English, one wish after another
    Chat(chat::Args),
    /// Completions for your shell, man pages, or the reference of all commands
    Completions(completions::Args),
    /// Import, describe or invent a data set
    Data(data::Args),
    /// Go the whole way once, from interactions to lists, as the commands that you would type
    Demo(demo::Args),
    /// List adapters, driver, limits and features, and which device would be taken and why
    Doctor(doctor::Args),
    /// Measure what a model's lists are worth, beside the teacher's
    Eval(eval::Args),
    /// Compare ways of tuning: stages, rewards, labels, instructions
    Experiment(experiment::Args),
    /// Train, measure and ask the teacher: SASRec, a small classical recommender
    Sasrec(sasrec::Args),
    /// Write the examples that language models are tuned on
    #[command(after_help = instruct::EXAMPLES)]
    Instruct(instruct::Args),
    /// Fold an adapter into its model
    Merge(merge::Args),
    /// Tell what a command takes of memory, whether that fits, and what would
    Plan(plan::Args),
    /// Align a tuned model with requests: it answers, the catalogue and the teacher reward, it learns (PPO)
    Ppo(ppo::Args),
    /// Fetch a model or a data set by name
    Pull(pull::Args),
    /// Write a model with its weights in fewer bits
    Quantize(quantize::Args),
    /// Recommend items to users, or to somebody new
    Recommend(recommend::Args),
    /// Tune a language model on the teacher's lists
    Sft(sft::Args),
    /// Write what runs have come to as one HTML file: curves, tables, lists
    Report(report::Args),
}

/// Parses the command line, runs the command, and maps its end to the promised exit code.
pub fn main() -> ExitCode {
    end_quietly_without_a_reader();
    interrupt::install();
    let matches = Cli::command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    match guard(&format!("tiller{}", words(&matches)), || run(cli.command, &cli.global)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// The words of the command that was typed, each behind a space: " sasrec train".
fn words(matches: &ArgMatches) -> String {
    matches.subcommand().map_or_else(String::new, |(word, below)| format!(" {word}{}", words(below)))
}

/// Whoever reads our output may have had enough of it (`tiller … | head`): that is no failure. Output that cannot be
/// written for another reason is one. `println!` knows panics alone for both.
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
        Command::Sft(args) => sft::run(&args, global),
        Command::Report(args) => report::run(&args, global),
    }
}
