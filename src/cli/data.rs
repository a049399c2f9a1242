//! `tiller data import|stats|synth`: import, description and generation of data sets.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::HumanCount;
use tiller_models::tokenizer::Tokenizer;

use super::Global;
use super::choices::choices;
use super::json::print_json;
use crate::Result;
use crate::data::assemble::{ImportRules, assemble};
use crate::data::filter::KCore;
use crate::data::import::{self, Columns, ImportOptions, SourceFormat};
use crate::data::input::file_name;
use crate::data::raw::{InteractionRules, MissingTime};
use crate::data::stats::{Bin, Stats};
use crate::data::store::refuse_to_replace;
use crate::data::synth::{self, SynthConfig};
use crate::data::titles::{LONGEST_IN_CHARACTERS, LONGEST_IN_TOKENS, truncate_title};
use crate::data::{Dataset, DatasetInfo};

/// The width of the longest histogram bar in characters.
const BAR: usize = 40;

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

impl From<ColumnArgs> for Columns {
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
        Command::Stats { dir } => run_stats(&dir, global),
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

fn run_stats(dir: &Path, global: &Global) -> Result<()> {
    let stats = Stats::of(&Dataset::read(dir)?);
    if global.json {
        return print_json(&stats);
    }
    println!("{}", sizes(&stats, &DatasetInfo::read(dir)?).trim_fmt());
    println!("\nUsers by length of their sequence\n{}", histogram(&stats.lengths.histogram).trim_fmt());
    if stats.categories.count > 0 {
        println!("\nLargest categories\n{}", largest_categories(&stats).trim_fmt());
    }
    if !stats.attributes.is_empty() {
        println!("\nAttributes\n{}", attributes(&stats).trim_fmt());
    }
    Ok(())
}

/// Reports the written data set.
fn report(info: &DatasetInfo, out: &Path, global: &Global) -> Result<()> {
    if global.json {
        return print_json(info);
    }
    let counts = &info.counts;
    println!(
        "{}: {} interactions of {} users with {} items in {} categories",
        out.display(),
        HumanCount(counts.interactions as u64),
        HumanCount(counts.users as u64),
        HumanCount(counts.items as u64),
        HumanCount(counts.categories as u64),
    );
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

fn sizes(stats: &Stats, info: &DatasetInfo) -> Table {
    let lengths = &stats.lengths;
    let mut rows = vec![
        ("name", stats.name.clone()),
        ("users", count(stats.users)),
        ("items", count(stats.items)),
        ("interactions", count(stats.interactions)),
        ("density", percent(stats.density)),
        (
            "sequence length",
            format!(
                "min {}, quartiles {} {} {}, max {}, mean {:.1}",
                lengths.min, lengths.q1, lengths.median, lengths.q3, lengths.max, lengths.mean
            ),
        ),
        (
            "categories",
            format!("{}; {} items without", count(stats.categories.count), count(stats.categories.items_without)),
        ),
        (
            "popularity",
            format!(
                "Gini {:.3}; top 1 % of items {}, top 10 % {} of interactions",
                stats.popularity.gini,
                percent(stats.popularity.top_1_percent),
                percent(stats.popularity.top_10_percent)
            ),
        ),
    ];
    rows.extend(stats.time.as_ref().map(|time| ("time", format!("{} to {}", time.first_day, time.last_day))));
    let ties = stats.time.as_ref().filter(|time| time.ties > 0);
    rows.extend(
        ties.map(|time| ("ties", format!("{} interactions in the same second as the one before", count(time.ties)))),
    );
    let provenance = [("source", &info.source), ("licence", &info.licence)];
    rows.extend(provenance.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.clone())));
    plain(rows.into_iter().map(|(name, value)| [name.to_owned(), value]))
}

fn histogram(bins: &[Bin]) -> Table {
    let most = bins.iter().map(|bin| bin.users).max().unwrap_or(0).max(1);
    let mut table = plain(bins.iter().map(|bin| {
        let range = if bin.from == bin.to { bin.from.to_string() } else { format!("{}–{}", bin.from, bin.to) };
        [range, count(bin.users), "█".repeat((bin.users * BAR).div_ceil(most))]
    }));
    align_right(&mut table, &[0, 1]);
    table
}

fn largest_categories(stats: &Stats) -> Table {
    let rows = stats.categories.largest.iter().map(|category| {
        let share = category.items as f64 / stats.items as f64;
        [category.name.clone(), count(category.items), percent(share)]
    });
    let mut table = plain(rows);
    align_right(&mut table, &[1, 2]);
    table
}

fn attributes(stats: &Stats) -> Table {
    let rows = stats.attributes.iter().map(|a| [a.name.clone(), count(a.items), percent(a.coverage)]);
    let mut table = plain(rows);
    align_right(&mut table, &[1, 2]);
    table
}

/// Creates a table without borders.
fn plain<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).add_rows(rows);
    table
}

fn align_right(table: &mut Table, columns: &[usize]) {
    for &column in columns {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

fn count(number: usize) -> String {
    HumanCount(number as u64).to_string()
}

fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
