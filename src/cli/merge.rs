//! `tiller merge`: folds an adapter into its model.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::json;
use tiller_models::language_model::LanguageModel;
use tiller_models::llama::Llama;
use tiller_models::quantize::{Blocks, quantize};

use super::Global;
use crate::pull::resolve_model;
use crate::train::Checkpoint;
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller merge runs/films --out films-model
  tiller merge --model smollm2-135m --adapter some/peft/folder --out merged
  tiller merge runs/films --quant q8_0 --out films.gguf
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
    /// Store the matrices in fewer bits again: f16, q8_0, q4_1, q4_k or q4_0
    #[arg(long, alias = "quantise", value_name = "SCHEME")]
    quant: Option<Blocks>,
    /// Output: a Hugging Face folder, or with --quant also a file ending in .gguf
    #[arg(long, value_name = "FOLDER|FILE.gguf")]
    out: PathBuf,
}

/// The distance that the weights of one part of the model have moved, as roots of mean squares.
#[derive(Debug, Serialize)]
struct Moved {
    part: String,
    /// By the adapter.
    adapted: f64,
    /// By rounding the sums to fewer bits.
    rounded: f64,
}

/// Runs `tiller merge`.
///
/// # Errors
/// A model or an adapter that cannot be read, a model without a tokenizer that could be written again, a scheme that the model does not
/// fit, a full disk.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let checkpoint = checkpoint(args)?;
    let model = LanguageModel::load(&checkpoint.model, checkpoint.adapter.as_deref(), &global.open_device()?)?;
    let files = model.tokenizer_files(&checkpoint.model)?;
    let write = |folder: &Path| {
        std::fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
        model.llama.merged()?.write_with(&files, folder)
    };
    let moved = match args.quant {
        None => {
            write(&args.out)?;
            Vec::new()
        }
        Some(blocks) => {
            let beside = args.out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(".".as_ref());
            let whole = tempfile::tempdir_in(beside).map_err(Error::io(beside, "create a folder in"))?;
            write(whole.path())?;
            let rounded = quantize(whole.path(), blocks, &args.out, &mut |_, _, _| ())?;
            let adapted = adapted(&model.llama);
            let moved = rounded.kinds.into_iter().filter_map(|kind| {
                Some(Moved { adapted: *adapted.get(&kind.name)?, rounded: kind.rms_error, part: kind.name })
            });
            moved.collect()
        }
    };
    if global.json {
        println!(
            "{}",
            json!({ "model": checkpoint.model, "adapter": checkpoint.adapter, "out": args.out, "moved": moved })
        );
    } else {
        if !moved.is_empty() {
            println!("{}", table(&moved));
        }
        println!("wrote {}; use it as --model {0}", args.out.display());
    }
    warn(&moved);
    Ok(())
}

/// By part of the model ("q_proj"): how far its low-rank parts move the weights, as the root of the mean square.
fn adapted(llama: &Llama) -> BTreeMap<String, f64> {
    let mut sums: BTreeMap<String, (f64, usize)> = BTreeMap::new();
    for linear in llama.linears() {
        let Some(lora) = linear.lora() else { continue };
        let change = lora.b.val().matmul(lora.a.val()) * lora.scale; // [out, in]
        let part = linear.name().rsplit('.').next().unwrap_or_default().to_owned();
        let (squares, count) = sums.entry(part).or_default();
        *squares += f64::from(change.clone().square().sum().into_scalar::<f32>());
        *count += change.shape().num_elements();
    }
    sums.into_iter().map(|(part, (squares, count))| (part, (squares / count as f64).sqrt())).collect()
}

fn table(moved: &[Moved]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["part", "moved by the adapter", "moved by rounding"]);
    for Moved { part, adapted, rounded } in moved {
        table.add_row([part.clone(), format!("{adapted:.2e}"), format!("{rounded:.2e}")]);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// Tells where rounding moves the weights further than the adapter did: what was learnt may be lost there.
fn warn(moved: &[Moved]) {
    let drowned = moved.iter().filter(|moved| moved.rounded > moved.adapted).map(|moved| moved.part.as_str());
    let drowned: Vec<&str> = drowned.collect();
    if !drowned.is_empty() {
        eprintln!(
            "warning: rounding moves the weights of {} further than the adapter has: what was learnt may be lost\n  \
             next: compare both with `tiller eval`, choose a wider scheme, or use the adapter beside the packed model",
            drowned.join(", ")
        );
    }
}

/// The model and its adapter, which there must be.
fn checkpoint(args: &Args) -> Result<Checkpoint> {
    if let (Some(model), Some(adapter)) = (&args.model, &args.adapter) {
        return Ok(Checkpoint { model: resolve_model(model)?, adapter: Some(adapter.clone()) });
    }
    let run = args.run.as_deref().unwrap_or(".".as_ref());
    let checkpoint = Checkpoint::of(run)?;
    if checkpoint.adapter.is_none() {
        return Err(Error::bad_input(run.display())
            .expected("a run with an adapter")
            .found("one that has trained the whole model")
            .next(format!("use {} as it is", checkpoint.model.display()))
            .into());
    }
    Ok(checkpoint)
}
