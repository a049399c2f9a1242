//! Failures of an open device: lost, or out of memory. Work on a device is guarded, and the failure becomes
//! an error.
//!
//! burn computes on a thread of its own and reports a failure in one of three ways: as the error of a
//! read-back, as a panic of the caller, or, out of memory, as a panic of its own thread, which the caller
//! does not see. So a panic hook records the failures of other threads, and [`guard`] checks all three.

use std::any::Any;
use std::cell::Cell;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::{Mutex, Once, PoisonError};

use burn::tensor::{Device, Tensor};

use super::error::DeviceError;
use super::gpu::open_devices;

/// The failure of an open device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Lost,
    OutOfMemory,
}

/// The messages in which burn and wgpu report a failure; there is no typed form.
const WORDS: [(&str, Fault); 7] = [
    ("wgpu error: out of memory", Fault::OutOfMemory),
    ("out-of-memory error happened", Fault::OutOfMemory),
    ("out of device memory", Fault::OutOfMemory),
    ("can't allocate buffer of size", Fault::OutOfMemory),
    ("the device is poisoned", Fault::Lost),
    ("the device was poisoned", Fault::Lost),
    ("device is lost", Fault::Lost),
];

impl Fault {
    fn told(text: &str) -> Option<Self> {
        let text = text.to_lowercase();
        WORDS.iter().find(|(words, _)| text.contains(words)).map(|(_, fault)| *fault)
    }

    fn at(self, stage: &dyn Display) -> DeviceError {
        let stage = stage.to_string();
        match self {
            Fault::Lost => DeviceError::Lost { stage },
            Fault::OutOfMemory => DeviceError::OutOfMemory { stage },
        }
    }
}

/// A failure that a panic of another thread has reported and no [`guard`] has turned into an error yet.
static NOTED: Mutex<Option<Fault>> = Mutex::new(None);

thread_local! {
    /// True while this thread is in a [`guard`], which catches its panics.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Installs a panic hook that records failures of a device instead of printing them: they become errors. All
/// other panics are printed as usual.
pub(crate) fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| match panic.payload_as_str().and_then(Fault::told) {
            Some(_) if GUARDED.get() => {}
            Some(fault) => drop(note(Some(fault))),
            None => usual(panic),
        }));
    });
}

/// Replaces the recorded failure.
fn note(fault: Option<Fault>) -> Option<Fault> {
    std::mem::replace(&mut NOTED.lock().unwrap_or_else(PoisonError::into_inner), fault)
}

/// Runs the `work` of a `stage`, such as "sft, step 12". If the device fails meanwhile, the work is lost and
/// the error says so.
///
/// # Errors
/// [`DeviceError::Lost`], [`DeviceError::OutOfMemory`], and the errors of the work itself.
pub fn guard<T, E: Display + From<DeviceError>>(
    stage: &dyn Display,
    work: impl FnOnce() -> Result<T, E>,
) -> Result<T, E> {
    let outer = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    let fault = note(None).or_else(|| match &outcome {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Fault::told(&error.to_string()),
        // The buffers of a lost device are invalid, and their first use panics with some other message.
        Err(payload) => words_of(payload.as_ref()).and_then(Fault::told).or_else(|| any_lost().then_some(Fault::Lost)),
    });
    match (fault, outcome) {
        (Some(fault), _) => Err(fault.at(stage).into()),
        (None, Ok(outcome)) => outcome,
        (None, Err(payload)) => resume_unwind(payload),
    }
}

/// Returns true if an open device is lost, which shows when something is read back.
fn any_lost() -> bool {
    let read = |device: &Device| Tensor::<1>::zeros([1], device).try_into_vec_as::<f32>().map_err(|e| e.to_string());
    let told = |device: &Device| match catch_unwind(AssertUnwindSafe(|| read(device))) {
        Ok(read) => read.err().as_deref().and_then(Fault::told),
        Err(payload) => words_of(payload.as_ref()).and_then(Fault::told),
    };
    open_devices().iter().any(|device| told(device) == Some(Fault::Lost))
}

fn words_of(payload: &(dyn Any + Send)) -> Option<&str> {
    payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied())
}

/// Waits until `device` is done with work that has failed, and clears the recorded failure.
pub fn drain(device: &Device) {
    // It can only report the same failure again.
    let _ = catch_unwind(AssertUnwindSafe(|| device.sync()));
    note(None);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails(work: impl FnOnce() -> Result<(), DeviceError>) -> DeviceError {
        guard(&"step 3", work).unwrap_err()
    }

    #[test]
    fn faults_become_errors_however_they_are_told_and_all_else_stays_what_it_is() {
        listen();
        let out_of_memory = DeviceError::OutOfMemory { stage: "step 3".into() };
        let lost = DeviceError::Lost { stage: "step 3".into() };
        // A panic of the caller, the error of a read-back, a panic of another thread.
        assert_eq!(fails(|| panic!("wgpu error: Out of Memory")), out_of_memory);
        assert_eq!(fails(|| std::panic::panic_any("Parent device is lost")), lost);
        let told =
            DeviceError::Unopened { adapter: "a".into(), reason: "The device is poisoned\nCaused by: …".into() };
        assert_eq!(fails(|| Err(told)), lost);
        let unheard = || {
            let _ = std::thread::spawn(|| panic!("wgpu error: Out of Memory")).join();
            Ok(())
        };
        assert_eq!(fails(unheard), out_of_memory);
        assert_eq!((lost.exit_code(), out_of_memory.exit_code()), (1, 3));
        assert_eq!(guard(&"step 4", || Ok::<_, DeviceError>(7)), Ok(7), "a fault is told once");

        let unknown = DeviceError::Unknown { asked: "Poisoned (2014)".into(), known: "none".into() };
        assert_eq!(fails(|| Err(unknown.clone())), unknown, "a title is no fault");
        let panic = catch_unwind(|| fails(|| panic!("a mistake of ours")));
        assert_eq!(words_of(panic.unwrap_err().as_ref()), Some("a mistake of ours"));
    }
}
