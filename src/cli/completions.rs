//! `tiller completions`: shell completions, man pages and the reference, generated from the command definitions.

use std::io::{Write, stdout};
use std::path::PathBuf;

use clap::{CommandFactory, ValueEnum};
use clap_complete::Shell;
use tiller_models::atomic::write_atomically;

use super::{Cli, Global, reference};
use crate::{Error, Result};

const EXAMPLES: &str = "\
Examples:
  tiller completions bash > ~/.local/share/bash-completion/completions/tiller
  tiller completions zsh > ~/.zfunc/_tiller
  tiller completions man --out ~/.local/share/man/man1
  tiller completions markdown > docs/reference.md";

/// The flags of `tiller completions`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Output: completions for a shell, man pages, or the Markdown reference of all commands and settings
    form: Form,
    /// Folder for the man pages, one per command (with `man`)
    #[arg(long, value_name = "DIR", required_if_eq("form", "man"))]
    out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Bash,
    Zsh,
    Fish,
    Powershell,
    Elvish,
    Man,
    Markdown,
}

/// Runs `tiller completions`.
///
/// # Errors
/// Output that cannot be written.
pub fn run(args: &Args, _global: &Global) -> Result<()> {
    let shell = match args.form {
        Form::Bash => Shell::Bash,
        Form::Zsh => Shell::Zsh,
        Form::Fish => Shell::Fish,
        Form::Powershell => Shell::PowerShell,
        Form::Elvish => Shell::Elvish,
        Form::Man => return man_pages(args.out.clone().unwrap_or_default()),
        Form::Markdown => return print(reference::markdown()?.as_bytes()),
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "tiller", &mut script);
    print(&script)
}

fn print(bytes: &[u8]) -> Result<()> {
    stdout().write_all(bytes).map_err(Error::io("stdout", "write"))
}

/// Writes `tiller.1`, `tiller-recommend.1` and so on.
fn man_pages(folder: PathBuf) -> Result<()> {
    std::fs::create_dir_all(&folder).map_err(Error::io(&folder, "create"))?;
    for (name, command) in reference::commands() {
        let name = name.replace(' ', "-");
        let mut page = Vec::new();
        let command = command.disable_help_subcommand(true).display_name(name.clone());
        clap_mangen::Man::new(command).render(&mut page).map_err(Error::io(&folder, "write"))?;
        write_atomically(&folder.join(format!("{name}.1")), |w| w.write_all(&page))?;
    }
    Ok(())
}
