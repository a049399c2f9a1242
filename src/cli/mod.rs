//! The commands: one file each, every one a short story told with the library.

mod bench;
mod data;
mod demo;
mod doctor;
mod instruct;
mod pull;
mod recommend;
mod sasrec;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::Result;

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
        let open = tiller_kernels::device::open(&self.device)?;
        eprintln!("device: {}", open.description);
        Ok(open.device)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Measure how fast this machine is at what tiller does
    Bench(bench::Args),
    /// Import, describe or invent a data set
    Data(data::Args),
    /// Go the whole way once, from interactions to lists, as the commands that you would type
    Demo(demo::Args),
    /// List adapters, driver, limits and features, and which device would be taken and why
    Doctor(doctor::Args),
    /// Train, measure and ask the teacher: SASRec, a small classical recommender
    Sasrec(sasrec::Args),
    /// Write the examples that language models are tuned on
    #[command(after_help = instruct::EXAMPLES)]
    Instruct(instruct::Args),
    /// Fetch a model or a data set by name
    Pull(pull::Args),
    /// Recommend items to users, or to somebody new
    Recommend(recommend::Args),
}

/// Parses the command line, runs the command, and maps its end to the promised exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(cli.command, &cli.global) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn run(command: Command, global: &Global) -> Result<()> {
    match command {
        Command::Bench(args) => bench::run(args, global),
        Command::Data(args) => data::run(args, global),
        Command::Demo(args) => demo::run(&args, global),
        Command::Doctor(args) => doctor::run(args, global),
        Command::Sasrec(args) => sasrec::run(args, global),
        Command::Instruct(args) => instruct::run(&args, global),
        Command::Pull(args) => pull::run(&args, global),
        Command::Recommend(args) => recommend::run(&args, global),
    }
}
