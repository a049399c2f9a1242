//! Ctrl-C handling: the process ends with code 130. Training defers the signal, finishes and saves the current step,
//! and then ends. A second Ctrl-C ends the process at once.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::progress;

/// The exit code of an interrupted process.
const CODE: i32 = 130;

static SIGNALS: AtomicUsize = AtomicUsize::new(0);
static SAVES: AtomicBool = AtomicBool::new(false);
static HANDLER: OnceLock<()> = OnceLock::new();

/// A guard that defers Ctrl-C. Its holder polls [`requested`] and saves before it ends.
#[derive(Debug)]
#[must_use = "nobody listens once it is dropped"]
pub struct InterruptGuard(());

impl Drop for InterruptGuard {
    fn drop(&mut self) {
        SAVES.store(false, Ordering::SeqCst);
    }
}

/// Installs the handler of Ctrl-C and SIGTERM: it ends the process with code 130, at once unless deferred. Files are
/// written atomically, so none is left truncated.
pub fn install() {
    HANDLER.get_or_init(|| {
        // If another handler is installed already, it stays in effect.
        let _ = ctrlc::set_handler(|| {
            if SIGNALS.fetch_add(1, Ordering::SeqCst) > 0 || !SAVES.load(Ordering::SeqCst) {
                std::process::exit(CODE);
            }
            progress::notice("\ninterrupted: finishing the step and saving (press again to stop at once)");
        });
    });
}

/// Defers Ctrl-C until the guard is dropped.
pub fn defer() -> InterruptGuard {
    install();
    SAVES.store(true, Ordering::SeqCst);
    InterruptGuard(())
}

/// Ends the process with code 0 where it still runs so long after an interrupt: for a server, whose end is an interrupt and which has nothing
/// to save.
pub fn end_within(time: Duration) {
    std::thread::spawn(move || {
        while !requested() {
            std::thread::sleep(Duration::from_millis(50));
        }
        std::thread::sleep(time);
        std::process::exit(0);
    });
}

/// Returns true after an interrupt.
pub fn requested() -> bool {
    SIGNALS.load(Ordering::SeqCst) > 0
}
