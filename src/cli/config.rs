//! The configuration flags of training commands.

use std::path::PathBuf;

use crate::run::config::ConfigLayers;

/// Settings from a file and from the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ConfigArgs {
    /// Read settings from a TOML file; a run's config.toml repeats that run
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// Set one key of the configuration, e.g. --set optimiser.lr=0.001 (repeatable)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

impl From<ConfigArgs> for ConfigLayers {
    fn from(ConfigArgs { config, sets }: ConfigArgs) -> Self {
        Self { config, sets }
    }
}
