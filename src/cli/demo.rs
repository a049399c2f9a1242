//! `tiller demo`: the whole way once, from interactions to lists, as the very commands that a user would type.

use std::path::PathBuf;

use clap::Parser;

use super::{Cli, Global};
use crate::data::Dataset;
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller demo
  tiller demo --out somewhere --users 5
  tiller demo --data ml-latest-small-5core";

/// The flags of `tiller demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Take this data set folder instead of a world of invented films
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The language model: a Hugging Face folder, a .gguf file, or a name of `tiller pull --list`
    #[arg(long, default_value = MODEL, value_name = "PATH|NAME")]
    model: String,
    /// Where the demo keeps its data set and its teacher
    #[arg(long, default_value = "tiller-demo", value_name = "DIR")]
    out: PathBuf,
    /// For how many users lists are made
    #[arg(long, default_value_t = 3, value_name = "N")]
    users: usize,
}

/// A small Llama that runs on any machine; pulled where it is not there yet.
const MODEL: &str = "smollm2-135m";

/// Runs `tiller demo`.
///
/// # Errors
/// Those of the commands that it runs: a folder that cannot be written, a model that cannot be fetched.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let demo = Demo { global };
    let out = |name: &str| args.out.join(name).display().to_string();
    let data = match &args.data {
        Some(folder) => folder.display().to_string(),
        None => {
            let films = out("films");
            demo.tiller(&["data", "synth", "--users", "1500", "--items", "400", "--out", &films])?;
            films
        }
    };
    demo.tiller(&["data", "stats", &data])?;

    let teacher = out("teacher");
    demo.tiller(&["sasrec", "train", &data, "--epochs", "12", "--out", &teacher])?;
    demo.tiller(&["sasrec", "eval", &data, "--run", &teacher])?;

    let users = some_users(&data, args.users)?;
    for user in &users {
        demo.tiller(&["sasrec", "topk", &data, "--run", &teacher, "--user", user, "-k", "5"])?;
    }

    if args.model == MODEL {
        demo.tiller(&["pull", MODEL])?;
    }
    for user in &users {
        demo.tiller(&["recommend", &data, "--model", &args.model, "--user", user, "-k", "5"])?;
    }
    println!("\n{}", whats_next(&data, &args.model, users.first().map_or("ID", String::as_str)));
    Ok(())
}

/// Runs commands and shows each before it runs.
struct Demo<'a> {
    global: &'a Global,
}

impl Demo<'_> {
    fn tiller(&self, words: &[&str]) -> Result<()> {
        println!("\n$ tiller {}", words.join(" "));
        let line = ["tiller"].iter().chain(words);
        let cli = Cli::try_parse_from(line).map_err(|e| Error::Failed(format!("the demo's own command: {e}")))?;
        super::run(cli.command, self.global)
    }
}

/// The keys of the first users.
fn some_users(data: &str, count: usize) -> Result<Vec<String>> {
    let dataset = Dataset::read(data.as_ref())?;
    Ok(dataset.users.iter().take(count).map(|user| user.key.clone()).collect())
}

fn whats_next(data: &str, model: &str, user: &str) -> String {
    format!(
        "Try next:\n  \
         tiller sasrec topk {data} --run … --history TITLE TITLE       lists for somebody new\n  \
         tiller recommend {data} --model {model} --user {user} --json  the same for machines\n  \
         tiller data import --help                                     your own ratings"
    )
}
