//! `tiller bench`: how fast this machine is at what tiller does.

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
    /// The GPU kernels against the roofline of the device
    Kernels(kernels::Args),
    /// Throughput of a language model: prefill, decoding, lists
    Llm(llm::Args),
    /// Perplexity of a text after quantization of weights and KV cache
    Perplexity(perplexity::Args),
    /// Throughput of constrained lists: plain masked decoding beside jump-forward decoding and drafts
    Lists(lists::Args),
    /// Tokens per second and memory of a training
    Train(train::Args),
    /// Duration of a PPO iteration
    Ppo(ppo::Args),
}

/// Measures and prints.
///
/// # Errors
/// `--device` names no device, or the CPU where kernels are asked for.
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
