//! `tiller sasrec train|eval|topk`: trains, evaluates and queries the teacher.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use comfy_table::Table;
use serde_json::json;

use super::config::ConfigArgs;
use super::json::print_json_line;
use super::lookup;
use super::{Global, table};
use crate::data::split::Split;
use crate::data::titles::clean;
use crate::data::{Catalogue, CategoryId, Dataset, ItemId, ItemSet};
use crate::run::config::{ConfigLayers, resolve};
use crate::run::figures::fixed;
use crate::run::folder::RunFolder;
use crate::run::interrupt;
use crate::run::progress::Progress;
use crate::teacher::evaluate::{LIST_LENGTHS, RankingEvaluation, evaluate};
use crate::teacher::train::TeacherTrainer;
use crate::teacher::{ItemScope, Popularity, Scorer, Teacher, TeacherConfig, TopKQuery};
use crate::{Error, Result};

/// The flags of `tiller sasrec`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a teacher on a data set folder
    #[command(after_help = TRAIN_EXAMPLES)]
    Train(Train),
    /// Evaluate a teacher, and popularity beside it
    #[command(after_help = EVAL_EXAMPLES)]
    Eval(Eval),
    /// Recommend with a teacher
    #[command(after_help = TOPK_EXAMPLES)]
    Topk(Topk),
}

const TRAIN_EXAMPLES: &str = "\
Examples:
  tiller sasrec train ml-1m-5core
  tiller sasrec train ml-1m-5core --epochs 20 --seed 7 --out runs/teacher-7
  tiller sasrec train ml-1m-5core --set model.d_model=64 --set lr=0.002
  tiller sasrec train ml-1m-5core --resume";

const EVAL_EXAMPLES: &str = "\
Examples:
  tiller sasrec eval ml-1m-5core
  tiller sasrec eval ml-1m-5core --run runs/teacher-7 --split validation
  tiller sasrec eval ml-1m-5core --json | jq '.sasrec.figures[1].ndcg'";

const TOPK_EXAMPLES: &str = "\
Examples:
  tiller sasrec topk ml-1m-5core --user 42
  tiller sasrec topk ml-1m-5core --user 42 -k 5 --more Comedy --less Horror
  tiller sasrec topk ml-1m-5core --history 'Toy Story (1995)' 'Heat (1995)'
  tiller sasrec topk ml-1m-5core --user all --json > lists.jsonl";

#[derive(Debug, clap::Args)]
struct Train {
    /// The data set folder
    dir: PathBuf,
    /// The run folder to write [default: DIR/teacher]
    #[arg(long, value_name = "RUN")]
    out: Option<PathBuf>,
    /// Resume the run in the run folder
    #[arg(long, conflicts_with = "config")]
    resume: bool,
    /// Most passes over the data [default: 100]
    #[arg(long, value_name = "N")]
    epochs: Option<u32>,
    /// Seed of first weights, order and dropout [default: 2022]
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    #[command(flatten)]
    config: ConfigArgs,
}

#[derive(Debug, clap::Args)]
struct Eval {
    /// The data set folder
    dir: PathBuf,
    /// The teacher's run folder [default: DIR/teacher]
    #[arg(long, value_name = "RUN")]
    run: Option<PathBuf>,
    /// Item of each user that is to be predicted
    #[arg(long, value_enum, default_value = "test")]
    split: SplitName,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum SplitName {
    /// The last item
    Test,
    /// The last but one
    Validation,
}

#[derive(Debug, clap::Args)]
struct Topk {
    /// The data set folder
    dir: PathBuf,
    /// The teacher's run folder [default: DIR/teacher]
    #[arg(long, value_name = "RUN")]
    run: Option<PathBuf>,
    /// A user of the data set, all of them, or those of a file with one on each line
    #[arg(long, value_name = "ID|all|FILE", required_unless_present = "history", conflicts_with = "history")]
    user: Option<String>,
    /// Titles of the catalogue that a new user has taken, oldest first
    #[arg(long, value_name = "TITLE", num_args = 1..)]
    history: Vec<String>,
    /// Number of items to recommend
    #[arg(short, default_value_t = 10, value_name = "ITEMS")]
    k: usize,
    /// A category to have (repeatable)
    #[arg(long, value_name = "CATEGORY")]
    more: Vec<String>,
    /// A category not to have (repeatable)
    #[arg(long, value_name = "CATEGORY")]
    less: Vec<String>,
}

/// Runs `tiller sasrec`.
///
/// # Errors
/// Whatever the subcommand reports.
pub fn run(args: Args, global: &Global) -> Result<()> {
    match args.command {
        Command::Train(args) => train(args, global),
        Command::Eval(args) => eval(&args, global),
        Command::Topk(args) => topk(&args, global),
    }
}

fn train(args: Train, global: &Global) -> Result<()> {
    let dataset = Dataset::read(&args.dir)?;
    let out = run_folder(args.out, &args.dir);
    let config = train_config(args.config, args.epochs, args.seed, args.resume.then_some(&out))?;
    global.show_settings(&config)?;
    let device = global.open_device()?;
    let _guard = interrupt::defer();
    let mut run = if args.resume { RunFolder::reopen(&out) } else { RunFolder::create(&out, &config) }?;
    let start = if args.resume { TeacherTrainer::resume } else { TeacherTrainer::fresh };
    let summary = start(&dataset, &config, &mut run, &device)?.run(interrupt::requested)?;
    if global.json {
        print_json_line(&json!({ "run": out, "summary": summary }))?;
    } else {
        println!(
            "trained {} epochs of {} examples at {:.0} examples/s",
            summary.epochs, summary.examples, summary.examples_per_second
        );
        println!("best validation NDCG@10 {:.4}, after {} epochs", summary.best_ndcg, summary.best_epoch);
        println!("saved to {}; measure it with `tiller sasrec eval`", out.display());
    }
    Ok(())
}

/// The configuration of the flags; a resumed run's own configuration lies beneath them.
fn train_config(
    layers: ConfigArgs,
    epochs: Option<u32>,
    seed: Option<u32>,
    resumed: Option<&PathBuf>,
) -> Result<TeacherConfig> {
    let mut layers = ConfigLayers::from(layers);
    if let Some(run) = resumed {
        layers.config = Some(RunFolder::stored_config(run)?);
    }
    let flags = [("epochs", epochs), ("seed", seed)];
    let flags = flags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), i64::from(value?).into())));
    resolve(&layers, flags.collect())
}

fn eval(args: &Eval, global: &Global) -> Result<()> {
    let dataset = Dataset::read(&args.dir)?;
    let device = global.open_device()?;
    let teacher = Teacher::load(&run_folder(args.run.clone(), &args.dir), &dataset, &device)?;
    let split = match args.split {
        SplitName::Test => Split::Test,
        SplitName::Validation => Split::Validation,
    };
    let popularity = evaluate(&Popularity::of(&dataset), &dataset, split, &Progress::silent())?;
    let bar = Progress::start("evaluate", dataset.users.len() as u64, "users");
    let sasrec = evaluate(&teacher, &dataset, split, &bar)?;
    bar.finish();
    if global.json {
        print_json_line(&json!({ "popularity": popularity, "sasrec": sasrec }))?;
    } else {
        println!("{}", sasrec.protocol);
        println!("{}", table_of(&[("popularity", &popularity), ("SASRec", &sasrec)]));
    }
    Ok(())
}

fn table_of(rows: &[(&str, &RankingEvaluation)]) -> Table {
    let figures = LIST_LENGTHS.iter().flat_map(|k| ["HR", "NDCG", "MRR"].map(|name| format!("{name}@{k}")));
    let header = [String::new()].into_iter().chain(figures).chain(["users/s".to_owned()]);
    let lines = rows.iter().map(|(name, evaluation)| {
        let figures = evaluation.figures.iter().flat_map(|at| [at.hr, at.ndcg, at.mrr]).map(|f| fixed(f, 4));
        let speed = format!("{:.0}", evaluation.users_per_second);
        [(*name).to_owned()].into_iter().chain(figures).chain([speed]).collect()
    });
    table::plain(header, lines)
}

fn topk(args: &Topk, global: &Global) -> Result<()> {
    if args.k == 0 {
        return Err(Error::bad_input("-k").expected("at least 1 item").found("0").next("ask for -k 10").into());
    }
    let dataset = Dataset::read(&args.dir)?;
    let catalogue = &dataset.catalogue;
    let asked: Vec<(Option<&str>, Vec<ItemId>)> = match &args.user {
        Some(who) => {
            lookup::users(&dataset, who)?.into_iter().map(|user| (Some(&user.key[..]), user.items.clone())).collect()
        }
        None => vec![(None, lookup::history(catalogue, &args.history)?)],
    };
    let [more, less] = lookup::included_and_excluded(catalogue, &args.more, &args.less)?;
    let allowed = allowed(catalogue, &more, &less);
    let device = global.open_device()?;
    let teacher = Teacher::load(&run_folder(args.run.clone(), &args.dir), &dataset, &device)?;
    let scope = ItemScope::Only(&allowed);
    let queries: Vec<TopKQuery> = asked.iter().map(|(_, history)| TopKQuery { history, scope, k: args.k }).collect();
    for ((user, _), items) in asked.iter().zip(teacher.top_k(&queries)?) {
        if global.json {
            println!("{}", record(catalogue, *user, &items));
        } else {
            page(catalogue, *user, &items, args.k);
        }
    }
    Ok(())
}

/// The items that are in every wanted category and in none of the unwanted.
fn allowed(catalogue: &Catalogue, more: &[CategoryId], less: &[CategoryId]) -> ItemSet {
    let members = |&category: &CategoryId| ItemSet::from_items(catalogue.len(), catalogue.members(category));
    let mut allowed = ItemSet::all(catalogue.len());
    more.iter().for_each(|category| allowed.intersect_with(&members(category)));
    less.iter().for_each(|category| allowed.intersect_with(&members(category).complement()));
    allowed
}

/// A list as JSON.
fn record(catalogue: &Catalogue, user: Option<&str>, items: &[ItemId]) -> serde_json::Value {
    let names = catalogue.categories();
    let entry = |&id: &ItemId| {
        let item = catalogue.item(id);
        let categories: Vec<&str> = item.categories.iter().map(|category| &names[category.index()][..]).collect();
        json!({ "id": item.key, "title": item.title, "categories": categories })
    };
    json!({ "user": user, "items": items.iter().map(entry).collect::<Vec<_>>() })
}

/// A list as text, with a note where it is shorter than asked for.
fn page(catalogue: &Catalogue, user: Option<&str>, items: &[ItemId], k: usize) {
    if let Some(user) = user {
        println!("user {}", clean(user));
    }
    for (place, &item) in items.iter().enumerate() {
        println!("{:3}. {}", place + 1, clean(catalogue.title(item)));
    }
    if items.len() < k {
        println!("     (no more items of the catalogue are new to the user and wanted)");
    }
}

fn run_folder(given: Option<PathBuf>, dir: &Path) -> PathBuf {
    given.unwrap_or_else(|| dir.join("teacher"))
}
