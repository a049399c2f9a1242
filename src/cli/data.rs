//! `tiller data import|split|stats|synth`: import, splitting, description and generation of data sets.

mod stats;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use indicatif::HumanCount;
use tiller_models::tokenizer::Tokenizer;

use self::stats::count;
use super::Global;
use super::choices::choices;
use super::json::print_json;
use crate::Result;
use crate::data::assemble::{ImportRules, assemble};
use crate::data::cold::cold_split;
use crate::data::filter::KCore;
use crate::data::import::{self, ImportOptions, SourceFormat, TableColumns};
use crate::data::input::file_name;
use crate::data::raw::{InteractionRules, MissingTime};
use crate::data::store::{DatasetCounts, refuse_to_replace};
use crate::data::synth::{self, SynthConfig};
use crate::data::titles::{LONGEST_IN_CHARACTERS, LONGEST_IN_TOKENS, truncate_title};
use crate::data::{Dataset, DatasetInfo};

/// The flags of `tiller data`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Import raw files into a data set folder
    #[command(after_help = IMPORT_EXAMPLES)]
    Import(Box<Import>),
    /// Make items cold: without training interactions, known by title and categories alone
    #[command(after_help = SPLIT_EXAMPLES)]
    Split(Split),
    /// Describe a data set folder
    #[command(after_help = STATS_EXAMPLES)]
    Stats {
        /// Data set folder
        dir: PathBuf,
    },
    /// Generate a synthetic data set of films and users
    #[command(after_help = SYNTH_EXAMPLES)]
    Synth(Synth),
}

const IMPORT_EXAMPLES: &str = "\
Examples:
  tiller data import --format movielens ml-1m --out ml-1m-5core
  tiller data import --format movielens ml-25m --tokenizer Llama-3.2-1B-Instruct --out ml-25m-5core
  tiller data import --format amazon amazon-movies --out movie --min-user 25 --min-item 10
  tiller data import --format movielens ml-1m --min-rating 4 --out ml-1m-liked
  tiller data import --format csv plays.csv --items songs.csv --user-column listener --out songs
  tiller data import --format csv ratings-only.csv --header item,user,rating,timestamp --out beauty
  tiller data import --format csv my-folder --out mine --min-user 0 --min-item 0";

const SPLIT_EXAMPLES: &str = "\
Examples:
  tiller data split films --cold 0.1 --out films-cold
  tiller data split films --cold 0.2 --seed 7 --out films-cold-7 --json | jq .cold";

const STATS_EXAMPLES: &str = "\
Examples:
  tiller data stats ml-1m-5core
  tiller data stats ml-1m-5core --json | jq .popularity.gini";

const SYNTH_EXAMPLES: &str = "\
Examples:
  tiller data synth --out world
  tiller data synth --users 200 --items 100 --seed 1 --out tiny";

#[derive(Debug, clap::Args)]
struct Import {
    /// Format of the files
    #[arg(long, value_parser = choices(&SourceFormat::ALL, SourceFormat::name, SourceFormat::files))]
    format: SourceFormat,
    /// Folder or file to import
    path: PathBuf,
    /// Data set folder to write; an imported data set there is replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Minimum interactions per user (k-core); 0 keeps all
    #[arg(long, default_value_t = 5, value_name = "N")]
    min_user: usize,
    /// Minimum interactions per item (k-core); 0 keeps all items, even those without interactions
    #[arg(long, default_value_t = 5, value_name = "N")]
    min_item: usize,
    /// Lowest rating that counts; lower ones and missing ones are left out [default: every rating counts]
    #[arg(long, value_name = "RATING")]
    min_rating: Option<f64>,
    /// Treatment of interactions without a time
    #[arg(long, value_enum, default_value = "drop")]
    missing_time: MissingTimeArg,
    /// Shorten titles with this model's tokenizer: a folder with tokenizer.json, the file itself, or a .gguf
    #[arg(long, value_name = "PATH")]
    tokenizer: Option<PathBuf>,
    #[command(flatten)]
    columns: ColumnArgs,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum MissingTimeArg {
    /// Leave them out and count them
    Drop,
    /// Keep them where the file has them, behind the user's interaction before them
    FileOrder,
}

impl From<MissingTimeArg> for MissingTime {
    fn from(arg: MissingTimeArg) -> Self {
        match arg {
            MissingTimeArg::Drop => MissingTime::Drop,
            MissingTimeArg::FileOrder => MissingTime::FileOrder,
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Generic CSV (--format csv)")]
struct ColumnArgs {
    /// File of items; without it, the items are read from the interactions
    #[arg(long, value_name = "FILE")]
    items: Option<PathBuf>,
    /// Column of user ids [default: user]
    #[arg(long, value_name = "NAME")]
    user_column: Option<String>,
    /// Column of item ids, in both files [default: item]
    #[arg(long, value_name = "NAME")]
    item_column: Option<String>,
    /// Column of times: dates such as 2013-05-31T20:15:00Z, YYYYMMDD, or numbers since 1970, whose unit from seconds to
    /// nanoseconds is recognised [default: timestamp]
    #[arg(long, value_name = "NAME")]
    time_column: Option<String>,
    /// Column of ratings, for --min-rating [default: rating]
    #[arg(long, value_name = "NAME")]
    rating_column: Option<String>,
    /// Column of titles [default: title; without --items also the item column]
    #[arg(long, value_name = "NAME")]
    title_column: Option<String>,
    /// Column of categories [default: categories, if it exists]
    #[arg(long, value_name = "NAME")]
    category_column: Option<String>,
    /// Separator between two categories of an item [default: |]
    #[arg(long, value_name = "TEXT")]
    category_separator: Option<String>,
    /// Names of the columns of interactions, for a file whose first line has none
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    header: Option<Vec<String>>,
    /// Names of the columns of the file of items, for one whose first line has none
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    items_header: Option<Vec<String>>,
}

impl From<ColumnArgs> for TableColumns {
    fn from(args: ColumnArgs) -> Self {
        Self {
            items: args.items,
            user: args.user_column,
            item: args.item_column,
            time: args.time_column,
            rating: args.rating_column,
            title: args.title_column,
            category: args.category_column,
            category_separator: args.category_separator,
            header: args.header,
            items_header: args.items_header,
        }
    }
}

#[derive(Debug, clap::Args)]
struct Split {
    /// Data set folder
    dir: PathBuf,
    /// Share of the items to make cold, between 0 and 1; they remain as validation and test targets
    #[arg(long, value_name = "SHARE")]
    cold: f64,
    /// Data set folder to write; an imported data set there is replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Seed of the choice
    #[arg(long, default_value_t = 1, value_name = "N")]
    seed: u64,
}

#[derive(Debug, clap::Args)]
struct Synth {
    /// Data set folder to write; an imported or synthetic data set there is replaced
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Number of users
    #[arg(long, default_value_t = SynthConfig::default().users, value_name = "N")]
    users: usize,
    /// Number of films
    #[arg(long, default_value_t = SynthConfig::default().items, value_name = "N")]
    items: usize,
    /// Mean history length (at least 5)
    #[arg(long, default_value_t = SynthConfig::default().length, value_name = "N")]
    length: usize,
    /// Random seed; the same seed gives the same files
    #[arg(long, default_value_t = SynthConfig::default().seed, value_name = "N")]
    seed: u64,
}

/// Runs `tiller data`.
///
/// # Errors
/// Bad input, with file and line, or a disk error.
pub fn run(args: Args, global: &Global) -> Result<()> {
    match args.command {
        Command::Import(import) => run_import(*import, global),
        Command::Split(split) => run_split(&split, global),
        Command::Stats { dir } => stats::print(&dir, global),
        Command::Synth(synth) => run_synth(&synth, global),
    }
}

fn run_import(args: Import, global: &Global) -> Result<()> {
    refuse_to_replace(&args.out)?;
    let tokenizer = args.tokenizer.as_deref().map(Tokenizer::from_path).transpose()?;
    let rules = InteractionRules { min_rating: args.min_rating, missing_time: args.missing_time.into() };
    let raw = import::read(args.format, &args.path, &ImportOptions { columns: args.columns.into(), rules })?;
    let shorten = |title: &str| match &tokenizer {
        Some(tokenizer) => tokenizer.round_trip(title, LONGEST_IN_TOKENS),
        None => truncate_title(title),
    };
    let titles = match &args.tokenizer {
        Some(path) => format!("as the tokenizer {} writes them, at most {LONGEST_IN_TOKENS} tokens", file_name(path)),
        None => format!("at most {LONGEST_IN_CHARACTERS} characters"),
    };
    let core = KCore { min_user: args.min_user, min_item: args.min_item };
    let (dataset, info) = assemble(raw, &ImportRules { name: file_name(&args.out), core, shorten: &shorten, titles })?;
    dataset.write(&info, &args.out)?;
    report(&info, &args.out, global)
}

fn run_synth(args: &Synth, global: &Global) -> Result<()> {
    refuse_to_replace(&args.out)?;
    let &Synth { users, items, length, seed, .. } = args;
    let (dataset, info) = synth::generate(&SynthConfig { users, items, length, seed }, &file_name(&args.out))?;
    dataset.write(&info, &args.out)?;
    report(&info, &args.out, global)
}

fn run_split(args: &Split, global: &Global) -> Result<()> {
    refuse_to_replace(&args.out)?;
    let (dataset, cold) = cold_split(&Dataset::read(&args.dir)?, args.cold, args.seed)?;
    let before = DatasetInfo::read(&args.dir)?;
    let counts = DatasetCounts::of(&dataset, before.counts.dropped);
    let info = DatasetInfo { name: file_name(&args.out), counts, cold: Some(cold), ..before };
    dataset.write(&info, &args.out)?;
    if global.json {
        return print_json(&info);
    }
    println!("{}", kept(&info, &args.out));
    println!(
        "  cold: {} items without training interactions; they are {} validation and test targets",
        count(cold.items),
        count(cold.targets)
    );
    println!("  left out: {} training interactions, {} users of too few", count(cold.interactions), count(cold.users));
    Ok(())
}

/// Reports the written data set.
fn report(info: &DatasetInfo, out: &Path, global: &Global) -> Result<()> {
    if global.json {
        return print_json(info);
    }
    let counts = &info.counts;
    println!("{}", kept(info, out));
    for (count, reason) in counts.dropped.reasons().into_iter().filter(|(count, _)| *count > 0) {
        println!("  left out: {} {reason}", HumanCount(count));
    }
    if counts.joined_categories > 0 {
        println!("  joined: {} spellings of categories that differ in case only", HumanCount(counts.joined_categories));
    }
    if counts.untimed > 0 {
        println!("  kept: {} interactions without a time, in the order of the file", HumanCount(counts.untimed));
    }
    if counts.ties > 0 {
        println!(
            "  ties: {} interactions at the same time as the one before, in the order of the file",
            HumanCount(counts.ties)
        );
    }
    Ok(())
}

/// The line about what a data set holds.
fn kept(info: &DatasetInfo, out: &Path) -> String {
    let counts = &info.counts;
    let [interactions, users, items, categories] =
        [counts.interactions, counts.users, counts.items, counts.categories].map(count);
    format!(
        "{}: {interactions} interactions of {users} users with {items} items in {categories} categories",
        out.display()
    )
}
