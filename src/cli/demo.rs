//! `tiller demo`: the whole way once, from interactions to lists that obey, as the very commands that a user would type.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Parser, ValueEnum};

use super::{Cli, Global};
use crate::data::Dataset;
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller demo
  tiller demo --size large --out somewhere
  tiller demo --data ml-latest-small-5core --model smollm2-135m";

/// The flags of `tiller demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Take this data set folder instead of a world of invented films
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Tune this language model instead of a small one trained from scratch: a Hugging Face folder, or a name of `tiller pull --list`
    #[arg(long, value_name = "PATH|NAME")]
    model: Option<String>,
    /// How long everything is trained
    #[arg(long, value_enum, default_value_t = Size::Small)]
    size: Size,
    /// Where the demo keeps everything that it makes
    #[arg(long, default_value = "tiller-demo", value_name = "DIR")]
    out: PathBuf,
}

/// How long everything is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Size {
    /// Within five minutes on two processor cores
    Small,
    /// For a quarter of an hour or more
    Large,
}

/// What a size comes to, as the flags of the commands.
struct Effort {
    users: &'static str,
    items: &'static str,
    teacher_epochs: &'static str,
    sft_epochs: &'static str,
    ppo_iterations: &'static str,
    asked_users: &'static str,
}

impl Size {
    fn effort(self) -> Effort {
        match self {
            Size::Small => Effort {
                users: "600",
                items: "60",
                teacher_epochs: "12",
                sft_epochs: "20",
                ppo_iterations: "40",
                asked_users: "40",
            },
            Size::Large => Effort {
                users: "1500",
                items: "200",
                teacher_epochs: "25",
                sft_epochs: "30",
                ppo_iterations: "100",
                asked_users: "200",
            },
        }
    }
}

/// Runs `tiller demo`.
///
/// # Errors
/// Those of the commands that it runs: a folder that cannot be written, a model that cannot be fetched.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let (start, demo, effort) = (Instant::now(), Demo { global }, args.size.effort());
    let out = |name: &str| args.out.join(name).display().to_string();
    let data = match &args.data {
        Some(folder) => folder.display().to_string(),
        None => {
            let films = out("films");
            demo.tiller(&["data", "synth", "--users", effort.users, "--items", effort.items, "--out", &films])?;
            films
        }
    };
    demo.tiller(&["data", "stats", &data])?;

    demo.says("A teacher learns from the interactions who takes what after what.");
    let teacher = out("teacher");
    demo.tiller(&["sasrec", "train", &data, "--epochs", effort.teacher_epochs, "--out", &teacher])?;

    demo.says("A language model learns to answer requests with the teacher's lists.");
    let sft = out("sft");
    let learn = ["sft", &data, "--teacher", &teacher, "--epochs", effort.sft_epochs, "--out", &sft];
    let (from_scratch, merged) = (format!("{sft}/model"), out("model"));
    // A model trained from scratch knows no other words than those of its training.
    let (model, begun, tasks) = match &args.model {
        None => {
            demo.tiller(&[&learn[..], &["--from-scratch", "tiny"]].concat())?;
            (&from_scratch, ["--run", &sft], "I0,+C:trained,-C:trained,LP20:trained,EP50:trained")
        }
        Some(model) => {
            demo.tiller(&[&learn[..], &["--model", model]].concat())?;
            demo.tiller(&["merge", &sft, "--out", &merged])?;
            (&merged, ["--model", &merged], "I0,+C,-C,LP20,EP50")
        }
    };

    demo.says("It is rewarded for lists that exist, repeat nothing, obey the request and please the teacher.");
    let ppo = out("ppo");
    let reward = ["--teacher", &teacher, "--out", &ppo, "--iterations", effort.ppo_iterations];
    demo.tiller(&[&["ppo", &data][..], &begun, &reward].concat())?;

    demo.says("The same questions to all of them: alone (free), and with lists that are kept in order (strict).");
    let adapter = format!("{ppo}/adapter");
    let tuned = ["--model", model, "--adapter", &adapter];
    let exam = ["--with-base", "--output-format", "strict", "--decode", "free,strict", "--tasks", tasks];
    let asked = ["--teacher", &teacher, "--users", effort.asked_users, "--out", &ppo];
    demo.tiller(&[&["eval", &data][..], &tuned, &exam, &asked].concat())?;
    demo.tiller(&["report", &sft, &ppo])?;

    demo.says("And lists for one of them, as asked for.");
    let (user, wish) = somebody(&data)?;
    let recommend = [&["recommend", &data][..], &tuned, &["--user", &user]].concat();
    demo.tiller(&recommend)?;
    demo.tiller(&[&recommend[..], &["--ask", &wish]].concat())?;

    demo.tells(&format!("That took {:.0} seconds. The report: {ppo}/report.html", start.elapsed().as_secs_f64()));
    demo.tells(&whats_next(&data, model, &adapter, &user));
    Ok(())
}

/// Runs commands and shows each before it runs.
struct Demo<'a> {
    global: &'a Global,
}

impl Demo<'_> {
    fn says(&self, what: &str) {
        self.tells(&format!("# {what}"));
    }

    /// With --json, stdout is for the commands' results alone.
    fn tells(&self, text: &str) {
        if self.global.json { eprintln!("\n{text}") } else { println!("\n{text}") }
    }

    fn tiller(&self, words: &[&str]) -> Result<()> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        self.tells(&format!("$ tiller {}", crate::request::flags::shell(&words)));
        let line = std::iter::once("tiller".to_owned()).chain(words);
        let cli = Cli::try_parse_from(line).map_err(|e| Error::Failed(format!("the demo's own command: {e}")))?;
        super::run(cli.command, self.global)
    }
}

/// The first user, and a wish about the categories that most items have.
fn somebody(data: &str) -> Result<(String, String)> {
    let dataset = Dataset::read(data.as_ref())?;
    let catalogue = &dataset.catalogue;
    let mut names: Vec<(usize, &str)> = catalogue
        .ids()
        .flat_map(|id| &catalogue.item(id).categories)
        .fold(vec![0; catalogue.categories().len()], |mut counts, category| {
            counts[category.index()] += 1;
            counts
        })
        .into_iter()
        .zip(catalogue.categories().iter().map(String::as_str))
        .collect();
    names.sort_unstable_by_key(|&(count, _)| std::cmp::Reverse(count));
    let user = dataset.users.first().map(|user| user.key.clone());
    let user = user.ok_or_else(|| {
        Error::bad_input(data).expected("at least one user").found("none").next("import with a lower --min-user")
    })?;
    Ok((user, wish(&names)))
}

/// Half of the most frequent category, and none of the next.
fn wish(names: &[(usize, &str)]) -> String {
    match names {
        [(_, most), (_, next), ..] => format!("ten films, at least half {most}, no {next}"),
        [(_, only)] => format!("ten films, at least half {only}"),
        [] => "ten films".to_owned(),
    }
}

fn whats_next(data: &str, model: &str, adapter: &str, user: &str) -> String {
    format!(
        "Try next:\n  \
         tiller chat {data} --model {model} --adapter {adapter} --user {user}\n  \
         tiller data import --help\n  \
         tiller experiment stages --help"
    )
}
