//! Progress on stderr: a bar with rate and ETA in a terminal, nothing where stderr is a file or a pipe.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar over `total` units of `unit` ("examples", "users", "bytes").
///
/// It shows rate and ETA, and its message is free for the latest figure.
pub fn bar(label: &'static str, total: u64, unit: &'static str) -> ProgressBar {
    let counts = if unit == "bytes" {
        "{bytes}/{total_bytes} {bytes_per_sec}".to_owned()
    } else {
        format!("{{human_pos}}/{{human_len}} {unit} {{per_sec}}")
    };
    let template = format!("{{prefix}} {{bar:24}} {counts} ETA {{eta}} {{msg}}");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr_with_hz(8)).with_style(style);
    bar.set_prefix(label);
    bar
}

/// A spinner for work whose length is not known.
pub fn spinner(label: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {prefix} {human_pos} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8)).with_style(style);
    spinner.set_prefix(label);
    spinner.enable_steady_tick(Duration::from_millis(125));
    spinner
}
