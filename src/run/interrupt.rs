//! Ctrl-C: the process ends with code 130. Who can save first listens: the step at hand is finished and saved, then the process ends. A
//! second Ctrl-C ends at once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// What a process that was interrupted ends with.
const CODE: i32 = 130;

static SIGNALS: AtomicUsize = AtomicUsize::new(0);
static SAVES: AtomicBool = AtomicBool::new(false);
static HANDLER: OnceLock<()> = OnceLock::new();

/// Whoever holds it asks [`requested`] now and then, and saves before the process ends.
#[derive(Debug)]
#[must_use = "nobody listens once it is dropped"]
pub struct InterruptGuard(());

impl Drop for InterruptGuard {
    fn drop(&mut self) {
        SAVES.store(false, Ordering::SeqCst);
    }
}

/// Ends the process with code 130 on Ctrl-C (and SIGTERM), at once where nobody listens. Files are whole then: they are written
/// atomically.
pub fn install() {
    HANDLER.get_or_init(|| {
        // Where another handler stands already, the process keeps that one's behaviour.
        let _ = ctrlc::set_handler(|| {
            if SIGNALS.fetch_add(1, Ordering::SeqCst) > 0 || !SAVES.load(Ordering::SeqCst) {
                std::process::exit(CODE);
            }
            eprintln!("\ninterrupted: finishing the step and saving (once more to stop at once)");
        });
    });
}

/// From here on Ctrl-C is a request, until the answer is dropped.
pub fn defer() -> InterruptGuard {
    install();
    SAVES.store(true, Ordering::SeqCst);
    InterruptGuard(())
}

/// Whether the user has asked to stop.
pub fn requested() -> bool {
    SIGNALS.load(Ordering::SeqCst) > 0
}
