//! Progress bars on stderr, with rate and ETA. Nothing is drawn if stderr is a file or a pipe.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::run::progress::{ProgressEvent, ProgressObserver};

/// An observer that draws a bar for each task of the library.
pub(super) struct Bars {
    screen: MultiProgress,
    bars: Mutex<HashMap<u64, ProgressBar>>,
}

impl Bars {
    /// Creates an observer without bars.
    pub(super) fn new() -> Self {
        let screen = MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(8));
        Self { screen, bars: Mutex::default() }
    }
}

impl ProgressObserver for Bars {
    fn report(&self, task: u64, event: ProgressEvent) {
        let mut bars = self.bars.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let ProgressEvent::Start { label, total, unit } = event {
            let bar = total.map_or_else(|| spinner(label), |total| bar(label, total, unit));
            bars.insert(task, self.screen.add(bar));
            return;
        }
        let Some(bar) = bars.get(&task) else { return };
        match event {
            ProgressEvent::Start { .. } => {}
            ProgressEvent::Total(total) => bar.set_length(total),
            ProgressEvent::Resume(position) => {
                bar.set_position(position);
                bar.reset_eta();
            }
            ProgressEvent::Position(position) => bar.set_position(position),
            ProgressEvent::Advance(count) => bar.inc(count),
            ProgressEvent::Message(text) => bar.set_message(text),
            ProgressEvent::Finish => {
                bar.finish_and_clear();
                bars.remove(&task);
            }
        }
    }

    fn notice(&self, text: &str) {
        self.screen.suspend(|| eprintln!("{text}"));
    }
}

/// Creates a bar over `total` units of `unit`; its message is free for the latest figure.
pub(super) fn bar(label: &'static str, total: u64, unit: &'static str) -> ProgressBar {
    let counts = if unit == "bytes" {
        "{bytes}/{total_bytes} {bytes_per_sec}".to_owned()
    } else {
        format!("{{human_pos}}/{{human_len}} {unit} {{per_sec}}")
    };
    let template = format!("{{prefix}} {{bar:24}} {counts} ETA {{eta}} {{msg}}");
    let style = ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let target = ProgressDrawTarget::stderr_with_hz(8);
    ProgressBar::with_draw_target(Some(total), target).with_style(style).with_prefix(label)
}

/// Creates a spinner for work of unknown length.
fn spinner(label: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{spinner} {prefix} {human_pos} {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = ProgressBar::new_spinner().with_style(style).with_prefix(label);
    spinner.enable_steady_tick(Duration::from_millis(125));
    spinner
}
