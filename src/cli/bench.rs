//! `tiller bench`: benchmarks of kernels, models, decoding and training.

mod kernels;
mod lists;
mod llm;
mod perplexity;
mod ppo;
mod train;

use clap::Subcommand;

use super::Global;
use crate::Result;

/// The flags of `tiller bench`.
#[derive(Debug, Clone, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Clone, Subcommand)]
enum What {
    /// GPU kernels, as a fraction of the roofline
    Kernels(kernels::Args),
    /// Prefill and decoding throughput of a language model
    Llm(llm::Args),
    /// Perplexity of a text after quantization
    Perplexity(perplexity::Args),
    /// Throughput of constrained decoding: masked, jump-forward and with draft tokens
    Lists(lists::Args),
    /// Throughput and memory of training
    Train(train::Args),
    /// Time per phase of a PPO iteration
    Ppo(ppo::Args),
}

/// Runs `tiller bench`.
///
/// # Errors
/// `--device` names no device, or the CPU where kernels are measured.
pub fn run(args: Args, global: &Global) -> Result<()> {
    match args.what {
        What::Kernels(args) => kernels::run(&args, global),
        What::Llm(args) => llm::run(&args, global),
        What::Perplexity(args) => perplexity::run(&args, global),
        What::Lists(args) => lists::run(&args, global),
        What::Train(args) => train::run(&args, global),
        What::Ppo(args) => ppo::run(&args, global),
    }
}
