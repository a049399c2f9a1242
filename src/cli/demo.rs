//! `tiller demo`: the whole pipeline once, from interactions to recommendations, as the commands that a user would type.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Parser, ValueEnum};
use comfy_table::{CellAlignment, Table, presets};

use super::{Cli, Global};
use crate::data::{CategoryId, Dataset};
use crate::evaluate::{EvalTable, Evaluation};
use crate::report::{Overview, Report};
use crate::request::flags::shell;
use crate::{Error, Result};

/// The maximum width of a printed command in characters.
const WIDTH: usize = 100;

const EXAMPLES: &str = "\
Examples:
  tiller demo
  tiller demo --size large --out somewhere
  tiller demo --data ml-latest-small-5core --model smollm2-135m";

/// The flags of `tiller demo`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Data set folder [default: synthetic films]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Language model to fine-tune: a Hugging Face folder, or a name from `tiller pull --list` [default: a tiny one, trained
    /// from scratch]
    #[arg(long, value_name = "PATH|NAME")]
    model: Option<String>,
    /// Size of the data and length of the training
    #[arg(long, value_enum, default_value_t = Size::Small)]
    size: Size,
    /// Output folder
    #[arg(long, default_value = "tiller-demo", value_name = "DIR")]
    out: PathBuf,
}

/// The size of the demo.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Size {
    /// Three minutes on two CPU cores
    Small,
    /// Half an hour or more
    Large,
}

/// The flags of the commands for a size.
struct Effort {
    users: &'static str,
    items: &'static str,
    teacher_epochs: &'static str,
    sft_epochs: &'static str,
    distill_iterations: &'static str,
    ppo_iterations: &'static str,
    evaluated_users: &'static str,
}

impl Size {
    fn effort(self) -> Effort {
        match self {
            Size::Small => Effort {
                users: "600",
                items: "60",
                teacher_epochs: "12",
                sft_epochs: "20",
                distill_iterations: "150",
                ppo_iterations: "40",
                evaluated_users: "40",
            },
            Size::Large => Effort {
                users: "1500",
                items: "200",
                teacher_epochs: "25",
                sft_epochs: "30",
                distill_iterations: "800",
                ppo_iterations: "100",
                evaluated_users: "200",
            },
        }
    }
}

/// Runs `tiller demo`.
///
/// # Errors
/// Those of the commands that it runs: a folder that cannot be written, a model that cannot be read.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    let (start, demo, effort) = (Instant::now(), Demo::new(global), args.size.effort());
    let out = |name: &str| args.out.join(name).display().to_string();
    let data = match &args.data {
        Some(folder) => folder.display().to_string(),
        None => {
            demo.heading("Data: synthetic users and films.");
            let films = out("films");
            demo.tiller(&["data", "synth", "--users", effort.users, "--items", effort.items, "--out", &films])?;
            films
        }
    };

    demo.heading("The teacher, SASRec, learns from the interactions to predict the next item.");
    let teacher = out("teacher");
    demo.tiller(&["sasrec", "train", &data, "--epochs", effort.teacher_epochs, "--out", &teacher])?;

    demo.heading("A language model learns to answer requests with the teacher's lists (SFT).");
    let sft = out("sft");
    // A model trained from scratch knows only the wordings of its training examples.
    let (start_at, tasks) = match &args.model {
        None => (["--from-scratch", "tiny"], "I0,+C:trained,-C:trained,LP20:trained,EP50:trained"),
        Some(model) => (["--model", model.as_str()], "I0,+C,-C,LP20,EP50"),
    };
    let labels = ["--teacher", &teacher, "--epochs", effort.sft_epochs, "--out", &sft];
    demo.tiller(&[&["sft", &data][..], &start_at, &labels].concat())?;

    demo.heading("It corrects its own lists towards what it writes under the constraints (distillation).");
    let distilled = out("distilled");
    demo.tiller(&["distill", &data, "--run", &sft, "--iterations", effort.distill_iterations, "--out", &distilled])?;

    demo.heading("PPO rewards lists of existing, distinct items that satisfy the request and match the teacher.");
    let ppo = out("ppo");
    demo.tiller(&["ppo", &data, "--run", &distilled, "--iterations", effort.ppo_iterations, "--out", &ppo])?;

    demo.heading(
        "All systems answer the same queries: without constraints (free), with them (strict), and strict with the teacher taking \
         part in every choice (guided), by the weight that is best on validation items. The last table has the paired differences \
         of guided lists to the teacher's.",
    );
    let stages = ["--run", &sft, "--run", &distilled, "--run", &ppo];
    let protocol = ["--decode", "free,strict", "--tune-guide", "--tasks", tasks];
    let queries = ["--teacher", &teacher, "--users", effort.evaluated_users];
    demo.tiller(&[&["eval", &data][..], &stages, &protocol, &queries].concat())?;
    demo.compare(&ppo)?;
    demo.tiller(&["report", &sft, &distilled, &ppo])?;

    demo.heading("Recommendations for one user, and for a request in plain English.");
    let (user, request) = example(&data)?;
    let recommend = ["recommend", &data, "--run", &ppo, "--user", &user];
    demo.tiller(&recommend)?;
    demo.tiller(&[&recommend[..], &["--ask", &request]].concat())?;

    demo.print(&format!("The demo took {:.0} seconds. Report: {ppo}/report.html", start.elapsed().as_secs_f64()));
    demo.print(&next_steps(&data, &ppo, &user));
    let served = args.data.as_ref().unwrap_or(&args.out).display().to_string();
    let serve = ["serve", &served, "--teacher", &teacher, "--run", &ppo, "--open"];
    demo.print(&format!("See it on a page, and steer it there:\n{}", typed(&serve)));
    Ok(())
}

/// A runner of commands that prints each before it runs.
struct Demo {
    global: Global,
}

impl Demo {
    fn new(global: &Global) -> Self {
        Self { global: Global { brief: true, ..global.clone() } }
    }

    fn heading(&self, text: &str) {
        self.print(&format!("# {text}"));
    }

    /// Prints a paragraph: to stderr with --json, because stdout is for the commands' results then.
    fn print(&self, text: &str) {
        if self.global.json { eprintln!("\n{text}") } else { println!("\n{text}") }
    }

    fn tiller(&self, words: &[&str]) -> Result<()> {
        self.print(&typed(words));
        let line = ["tiller"].iter().chain(words);
        let cli = Cli::try_parse_from(line).map_err(|e| Error::Failed(format!("the demo's own command: {e}")))?;
        super::run(cli.command, &self.global)
    }

    /// Prints the key metrics of the evaluated systems, and how the guided ones differ from their teacher.
    fn compare(&self, run: &str) -> Result<()> {
        for overview in Report::read(&[run.into()])?.overviews() {
            self.print(&table(&overview).trim_fmt());
        }
        let EvalTable { header, lines } = Evaluation::read(&Path::new(run).join("eval.json"))?.guided_differences();
        self.print(&super::table::plain(header, lines).trim_fmt());
        Ok(())
    }
}

/// One row per system, one column per metric.
fn table(overview: &Overview) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["system", "decoding"].into_iter().chain(overview.figures.map(|(name, _)| name)));
    for row in &overview.rows {
        let values = row.gauges.iter().map(|gauge| gauge.as_ref().map_or("–", |gauge| &gauge.text));
        table.add_row([row.name.as_str(), &row.mode].into_iter().chain(values));
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// The command of these words as it is typed into a shell.
fn typed(words: &[&str]) -> String {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    wrapped(&format!("$ tiller {}", shell(&words)))
}

/// A command line with line continuations, so that no line exceeds [`WIDTH`].
fn wrapped(command: &str) -> String {
    let mut lines = vec![String::new()];
    for word in command.split(' ') {
        let line = lines.last_mut().expect("starts with one line");
        if line.is_empty() {
            line.push_str(word);
        } else if line.len() + 1 + word.len() <= WIDTH - 2 {
            line.push_str(&format!(" {word}"));
        } else {
            line.push_str(" \\");
            lines.push(format!("    {word}"));
        }
    }
    lines.join("\n")
}

/// The first user, and a request about the largest categories.
fn example(data: &str) -> Result<(String, String)> {
    let dataset = Dataset::read(data.as_ref())?;
    let catalogue = &dataset.catalogue;
    let mut sizes: Vec<(usize, &str)> = (0..)
        .zip(catalogue.categories())
        .map(|(id, name)| (catalogue.members(CategoryId(id)).len(), name.as_str()))
        .collect();
    sizes.sort_by_key(|&(size, _)| std::cmp::Reverse(size));
    let user = dataset.users.first().map(|user| user.key.clone());
    let user = user.ok_or_else(|| {
        Error::bad_input(data).expected("at least one user").found("none").next("import with a lower --min-user")
    })?;
    Ok((user, request(&sizes)))
}

/// At least half of the largest category, and none of the second largest.
fn request(sizes: &[(usize, &str)]) -> String {
    match sizes {
        [(_, largest), (_, second), ..] => format!("ten films, at least half {largest}, no {second}"),
        [(_, only)] => format!("ten films, at least half {only}"),
        [] => "ten films".to_owned(),
    }
}

fn next_steps(data: &str, run: &str, user: &str) -> String {
    let commands: [&[&str]; 4] = [
        &["chat", data, "--run", run, "--user", user],
        &["data", "stats", data],
        &["data", "import", "--help"],
        &["experiment", "stages", "--help"],
    ];
    format!("Try next:\n{}", commands.map(typed).join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Gauge, OverviewRow};

    #[test]
    fn the_last_tables_fit_a_terminal() {
        let figures = [("Accuracy", ""), ("Control", ""), ("Constraints met", ""), ("Format errors", "")];
        let gauge = |text: &str| Some(Gauge { text: text.to_owned(), length: 0, class: "part" });
        let row = |name: &str, mode: &str| OverviewRow {
            name: name.to_owned(),
            mode: mode.to_owned(),
            gauges: vec![gauge("0.702"), None, gauge("1.000"), gauge("10.00")],
        };
        let overview = Overview { figures, rows: vec![row("popularity", ""), row("model", "strict guided 0.15")] };
        let guided = ["sft", "distilled", "ppo"].map(|name| format!("{name} strict guided 0.15"));
        let header = std::iter::once("NDCG − SASRec".to_owned()).chain(guided);
        let difference = "+0.123 (+0.012 to +0.234)";
        let line = ["LP20:trained", difference, difference, difference].map(str::to_owned);
        let differences = crate::cli::table::plain(header, [line.to_vec()]);
        for table in [table(&overview), differences] {
            let text = table.trim_fmt();
            assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
        }
    }
}
