//! `tiller merge`: folds an adapter into its model.

use std::path::PathBuf;

use serde_json::json;
use tiller_models::language_model::LanguageModel;
use tiller_models::tokenizer::TokenizerFiles;

use super::Global;
use crate::pull::resolve_model;
use crate::train::Tuned;
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller merge runs/films --out films-model
  tiller merge --model smollm2-135m --adapter some/peft/folder --out merged
  tiller recommend films --model films-model --user 42";

/// The flags of `tiller merge`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The run folder of `tiller sft`, whose best adapter is folded into its model
    #[arg(value_name = "RUN", required_unless_present = "model", conflicts_with_all = ["model", "adapter"])]
    run: Option<PathBuf>,
    /// The language model: a Hugging Face folder, or a name of `tiller pull --list`
    #[arg(long, value_name = "PATH|NAME", requires = "adapter")]
    model: Option<String>,
    /// The adapter (PEFT folder) that was tuned on that model
    #[arg(long, value_name = "DIR", requires = "model")]
    adapter: Option<PathBuf>,
    /// The Hugging Face folder to write, in 32-bit floats
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Runs `tiller merge`.
///
/// # Errors
/// A model or an adapter that cannot be read, a model without a tokenizer that could be written again, a full disk.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let tuned = tuned(args)?;
    let files = TokenizerFiles::of(&tuned.model)?;
    let model = LanguageModel::load(&tuned.model, tuned.adapter.as_deref(), &global.open_device()?)?;
    std::fs::create_dir_all(&args.out).map_err(Error::io(&args.out, "create"))?;
    files.write(&args.out)?;
    model.llama.merged()?.write(&args.out)?;
    if global.json {
        println!("{}", json!({ "model": tuned.model, "adapter": tuned.adapter, "out": args.out }));
    } else {
        println!("wrote {}; use it as --model {0}", args.out.display());
    }
    Ok(())
}

/// The model and its adapter, which there must be.
fn tuned(args: &Args) -> Result<Tuned> {
    if let (Some(model), Some(adapter)) = (&args.model, &args.adapter) {
        return Ok(Tuned { model: resolve_model(model)?, adapter: Some(adapter.clone()) });
    }
    let run = args.run.as_deref().unwrap_or(".".as_ref());
    let tuned = Tuned::of(run)?;
    if tuned.adapter.is_none() {
        return Err(Error::bad_input(run.display())
            .expected("a run with an adapter")
            .found("one that has trained the whole model")
            .next(format!("use {} as it is", tuned.model.display()))
            .into());
    }
    Ok(tuned)
}
