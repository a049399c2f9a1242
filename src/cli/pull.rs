//! `tiller pull`: download of a model or a data set by name.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::Global;
use super::json::print_json;
use crate::Result;
use crate::pull::entry::{self, FileSource, PullEntry};
use crate::pull::{self, Pulled, home, receipt};

const EXAMPLES: &str = "\
Examples:
  tiller pull --list
  tiller pull smollm2-135m
  tiller pull movielens-latest-small --to raw
  tiller pull movielens-latest-small --from ~/Downloads/ml-latest-small.zip";

/// The flags of `tiller pull`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Name of the model or data set
    #[arg(required_unless_present = "list", conflicts_with = "list")]
    name: Option<String>,
    /// List all names with licence, size, hash and sources
    #[arg(long)]
    list: bool,
    /// Install into DIR/NAME instead of the user's data folder (set by TILLER_HOME)
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
    /// Install from manually downloaded files, after verifying their hashes
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "list")]
    from: Vec<PathBuf>,
}

/// Runs `tiller pull`.
///
/// # Errors
/// An unknown name, no working source, files with other hashes, a full disk.
pub fn run(args: &Args, global: &Global) -> Result<()> {
    match &args.name {
        Some(name) => pull_one(&entry::find(name)?, args, global),
        None => list(args, global),
    }
}

fn pull_one(entry: &PullEntry, args: &Args, global: &Global) -> Result<()> {
    let parent = parent(entry, args.to.as_deref())?;
    eprintln!("{}: {} ({})", entry.name, entry.about, entry.licence);
    let pulled = if args.from.is_empty() {
        pull::pull(entry, &parent)?
    } else {
        pull::install_from(entry, &parent, &args.from)?
    };
    let fresh = matches!(pulled, Pulled::Fresh(_));
    let folder = pulled.folder();
    if global.json {
        let answer = json!({ "name": entry.name, "kind": entry.kind, "licence": entry.licence, "path": folder,
            "fresh": fresh, "next": next_step(entry, folder, args) });
        println!("{answer}");
    } else {
        println!("{}: {}", if fresh { "pulled" } else { "already there, whole" }, folder.display());
        println!("next: {}", next_step(entry, folder, args));
    }
    Ok(())
}

fn parent(entry: &PullEntry, to: Option<&Path>) -> Result<PathBuf> {
    to.map_or_else(|| home::folder(entry.kind), |folder| Ok(folder.to_owned()))
}

/// The command to use the installed entry.
fn next_step(entry: &PullEntry, folder: &Path, args: &Args) -> String {
    match (&entry.format, &args.to) {
        (Some(format), _) => format!("tiller data import --format {format} {} --out {}", quoted(folder), entry.name),
        (None, Some(_)) => format!("use it as --model {}", quoted(folder)),
        (None, None) => format!("use it as --model {}", entry.name),
    }
}

/// Quotes a path for a shell.
fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    if text.contains(char::is_whitespace) { format!("\"{text}\"") } else { text }
}

fn list(args: &Args, global: &Global) -> Result<()> {
    let mut lines = Vec::new();
    for entry in entry::known() {
        let folder = parent(&entry, args.to.as_deref())?.join(&entry.name);
        let here = receipt::is_whole(&folder).then_some(folder);
        lines.push((entry, here));
    }
    if global.json {
        let lines: Vec<_> = lines.iter().map(|(entry, here)| as_json(entry, here.as_deref())).collect();
        print_json(&lines)?;
    } else {
        lines.iter().for_each(|(entry, here)| print(entry, here.as_deref()));
        println!("whole hashes and addresses: tiller pull --list --json");
    }
    Ok(())
}

fn as_json(entry: &PullEntry, here: Option<&Path>) -> serde_json::Value {
    let file = |file: &entry::RemoteFile| {
        let sources: Vec<_> = file.sources().collect();
        json!({ "name": file.name, "bytes": file.bytes, "sha256": file.sha256, "sources": sources })
    };
    let bundles: Vec<Vec<_>> = entry.bundles.iter().map(|bundle| bundle.files.iter().map(file).collect()).collect();
    json!({ "name": entry.name, "kind": entry.kind, "about": entry.about, "licence": entry.licence, "home": entry.home,
        "format": entry.format, "path": here, "bundles": bundles })
}

fn print(entry: &PullEntry, here: Option<&Path>) {
    println!("{}: {}", entry.name, entry.about);
    println!("  licence: {}", entry.licence);
    println!("  home: {}", entry.home);
    for (index, bundle) in entry.bundles.iter().enumerate() {
        println!("  {}{}", if index == 0 { "" } else { "or " }, indicatif::HumanBytes(bundle.bytes()));
        for file in &bundle.files {
            let from: Vec<_> = file.from.iter().map(FileSource::host).collect();
            println!("    {}  sha256 {:.16}…  from {}", file.name, file.sha256, from.join(", "));
        }
    }
    println!("  here: {}\n", here.map_or("not pulled".into(), |path| path.display().to_string()));
}
