//! Ctrl-C: the step at hand is finished and saved, then the process ends with code 130. A second Ctrl-C ends at once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

static SIGNALS: AtomicUsize = AtomicUsize::new(0);
static HANDLER: OnceLock<()> = OnceLock::new();

/// Starts listening for Ctrl-C (and SIGTERM). Without this call a signal ends the process as usual.
pub fn listen() {
    HANDLER.get_or_init(|| {
        // Where another handler stands already, the process keeps that one's behaviour.
        let _ = ctrlc::set_handler(|| {
            if SIGNALS.fetch_add(1, Ordering::SeqCst) > 0 {
                std::process::exit(130);
            }
            eprintln!("\ninterrupted: finishing the step and saving (once more to stop at once)");
        });
    });
}

/// Whether the user has asked to stop.
pub fn requested() -> bool {
    SIGNALS.load(Ordering::SeqCst) > 0
}
