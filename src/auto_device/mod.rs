//! The device of `--device auto` for lists of a language model: the faster of GPU and CPU.
//!
//! An integrated GPU may lose to the processor beside it, above all on small models, where launches weigh more than bytes. So both write
//! short lists once for each adapter, [`size`] of models and [`BatchClass`] ([`measure`]); the speeds are kept in the user's data folder
//! ([`speeds`]; `recall` measures what is missing).
//!
//! A training stays on the GPU: its steps are large products, bound by arithmetic and not by launches or bytes, so the speed of decoding
//! says nothing about them.

pub mod measure;
mod recall;
pub mod size;
pub mod speeds;

use std::path::{Path, PathBuf};

use tiller_kernels::OpenDevice;
use tiller_kernels::device::{self, AdapterFacts, DeviceError};
use tiller_models::llama::LlamaConfig;

pub use self::measure::{BatchClass, DeviceSpeeds};
pub use self::speeds::{MeasuredSpeeds, SpeedKey};

use self::measure::measure;
use self::recall::recall_or_measure;
use self::size::size_class;
use self::speeds::file_of_user;
use crate::Result;
use crate::run::progress::notice;

/// Opens the device that `--device` names, for batches of `batch` lists by the model at `model`. With `auto`, on a machine with a GPU, that
/// is the faster of GPU and CPU: measured the first time, remembered later.
///
/// # Errors
/// No such device, a driver that fails, a model that cannot be read.
pub fn open(asked: &str, model: &Path, batch: usize) -> Result<OpenDevice> {
    match gpu_of_auto(asked)? {
        Some(gpu) => open_faster((asked, gpu), &LlamaConfig::read(model)?, batch, file_of_user()),
        None => Ok(tiller_kernels::open(asked)?),
    }
}

/// The GPU that `auto` would take; `None` where another device is named, or there is no GPU.
fn gpu_of_auto(asked: &str) -> Result<Option<&'static AdapterFacts>, DeviceError> {
    if !asked.trim().eq_ignore_ascii_case("auto") {
        return Ok(None);
    }
    let adapters = device::adapters();
    Ok(device::choose(asked, adapters)?.adapter.map(|index| &adapters[index]))
}

/// Opens the CPU or the adapter that `name` opens, whichever is faster by the speeds in `file`.
fn open_faster(
    (name, adapter): (&str, &AdapterFacts),
    model: &LlamaConfig,
    batch: usize,
    file: Result<PathBuf>,
) -> Result<OpenDevice> {
    let (size, batch) = (size_class(model), BatchClass::of(batch));
    let compare = || {
        notice(&format!("measuring once whether {} or the CPU is faster for models like {size}", adapter.label()));
        measure(size, batch, &tiller_kernels::open(name)?.device)
    };
    let speeds = recall_or_measure(file, SpeedKey::new(adapter, size, batch), compare, &notice)?;
    let reason = speeds.reason();
    Ok(if speeds.speeds.cpu_is_faster() {
        let description = format!("cpu, {} cores ({reason})", device::cpu().cores);
        OpenDevice { description, ..tiller_kernels::open("cpu")? }
    } else {
        let open = tiller_kernels::open(name)?;
        OpenDevice { description: format!("{}; {reason}", open.description), ..open }
    })
}

#[cfg(test)]
mod tests;
