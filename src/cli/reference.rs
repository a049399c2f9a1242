//! The reference of all commands and settings, docs/reference.md, generated from the code.

use std::fmt::Write;

use clap::{Command, CommandFactory};

use super::Cli;
use super::settings::{Setting, markdown as markdown_table, settings};
use crate::Result;
use crate::experiment;
use crate::ppo::PpoConfig;
use crate::teacher::TeacherConfig;
use crate::train::sft::SftConfig;

/// Characters in a line of help.
const WIDTH: usize = 110;

/// All commands by their full name, parents before children.
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
/// Default settings that TOML cannot represent.
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
    for (command, settings) in [
        ("sasrec train", settings::<TeacherConfig>()?),
        ("sft", settings::<SftConfig>()?),
        ("ppo", settings::<PpoConfig>()?),
        ("experiment", of_experiments()?),
    ] {
        write!(page, "\n## {command}\n\n{}", markdown_table(&settings)).expect("strings take everything");
    }
    page.push_str("\nBeside these, `teacher`, `sft` and `ppo` are tables with the keys of those commands, above.\n");
    Ok(page)
}

/// The settings of experiments without those of the commands that they run.
fn of_experiments() -> Result<Vec<Setting>> {
    let mut settings = settings::<experiment::ExperimentSettings>()?;
    let of_commands = |key: &str| ["teacher.", "sft.", "ppo."].iter().any(|table| key.starts_with(table));
    settings.retain(|setting| !of_commands(&setting.key));
    Ok(settings)
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
