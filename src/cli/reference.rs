//! The reference of every command and setting, made from the code: docs/reference.md.

use std::fmt::Write;

use clap::{Command, CommandFactory};
use serde::Serialize;

use super::Cli;
use crate::experiment;
use crate::ppo::PpoConfig;
use crate::teacher::TeacherConfig;
use crate::train::sft::SftConfig;
use crate::{Error, Result};

/// Characters in a line of help.
const WIDTH: usize = 110;

/// Every command under the name that is typed, parents before their children.
pub fn commands() -> Vec<(String, Command)> {
    let mut root = Cli::command().term_width(WIDTH);
    root.build();
    let mut found = Vec::new();
    collect(&root, "", &mut found);
    found
}

fn collect(command: &Command, parent: &str, found: &mut Vec<(String, Command)>) {
    let name = format!("{parent} {}", command.get_name()).trim_start().to_owned();
    found.push((name.clone(), command.clone()));
    for child in command.get_subcommands().filter(|child| child.get_name() != "help") {
        collect(child, &name, found);
    }
}

/// docs/reference.md.
///
/// # Errors
/// Default settings that TOML cannot say.
pub fn markdown() -> Result<String> {
    let mut page = String::from(
        "# Reference\n\nMade from the code by `tiller completions markdown > docs/reference.md`; a test holds the two together.\n",
    );
    for (name, mut command) in commands() {
        let help = command.render_long_help().to_string();
        let lines: String = help.lines().flat_map(|line| [line.trim_end(), "\n"]).collect();
        write!(page, "\n## {name}\n\n```text\n{}\n```\n", lines.trim_end()).expect("strings take everything");
    }
    page.push_str("\n# Settings\n\nKeys of `--config FILE.toml` and `--set KEY=VALUE`, with their defaults.\n");
    for (command, toml) in [
        ("sasrec train", defaults::<TeacherConfig>()?),
        ("sft", defaults::<SftConfig>()?),
        ("ppo", defaults::<PpoConfig>()?),
        ("experiment", of_experiments()?),
    ] {
        write!(page, "\n## {command}\n\n```toml\n{}\n```\n", toml.trim_end()).expect("strings take everything");
    }
    page.push_str("\nBeside these, `teacher`, `sft` and `ppo` are tables with the keys of those commands, above.\n");
    Ok(page)
}

/// The settings that experiments have beside those of the commands that they run.
fn of_experiments() -> Result<String> {
    let failed = |e: toml::ser::Error| Error::Failed(format!("defaults: {e}"));
    let mut settings = toml::Table::try_from(experiment::ExperimentSettings::default()).map_err(failed)?;
    settings.retain(|key, _| !["teacher", "sft", "ppo"].contains(&key));
    toml::to_string_pretty(&settings).map_err(failed)
}

fn defaults<T: Default + Serialize>() -> Result<String> {
    toml::to_string_pretty(&T::default()).map_err(|e| Error::Failed(format!("defaults: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_says_what_the_commands_say() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference.md");
        let written = std::fs::read_to_string(path).unwrap();
        assert!(written == markdown().unwrap(), "run `tiller completions markdown > docs/reference.md`");
    }

    #[test]
    fn every_command_that_does_something_has_an_example() {
        for (name, mut command) in commands() {
            if command.get_subcommands().next().is_none() {
                let help = command.render_long_help().to_string();
                assert!(help.contains(&format!("Examples:\n  {}", "tiller")), "{name} --help has no example:\n{help}");
            }
        }
    }
}
