//! Why there is no device.

/// Why no device could be chosen or opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
    /// `--device` is part of the names of several adapters.
    #[error("--device {asked}: expected the name of one adapter, found {candidates}\n  next: give more of the name")]
    Ambiguous {
        /// What was asked for.
        asked: String,
        /// The adapters that it could mean, joined.
        candidates: String,
    },
    /// `--device gpu` on a machine without one.
    #[error("--device gpu: {found}\n  next: {next}")]
    NoGpu {
        /// Why there is none, and what is there instead.
        found: String,
        /// What can be asked for.
        next: String,
    },
    /// The adapter offers less than WebGPU promises, which is what the plainest kernels need.
    #[error("{adapter}: expected WebGPU's default limits, found {shortfall}\n  next: use `--device cpu`")]
    Unfit {
        /// The adapter's name.
        adapter: String,
        /// The limits that it misses.
        shortfall: String,
    },
    /// The adapter is there, but its driver would not give a device.
    #[error("{adapter}: the driver gave no device: {reason}\n  next: try `--device cpu`, or update the driver")]
    Unopened {
        /// The adapter's name.
        adapter: String,
        /// The driver's words.
        reason: String,
    },
    /// The device has gone in the middle of the work: unplugged, reset, or given up by its driver.
    #[error(
        "{stage}: the device was lost\n  next: run it again (a training goes on with --resume), or on another --device"
    )]
    Lost {
        /// What was being done.
        stage: String,
    },
    /// The device had no memory left in the middle of the work.
    #[error(
        "{stage}: the device has no memory left\n  next: try a smaller batch or model, close what else uses the device, or take `--device cpu`"
    )]
    OutOfMemory {
        /// What was being done.
        stage: String,
    },
}

impl DeviceError {
    /// 2 for a device that is not there or unfit, 1 for one that fails, 3 for one without memory.
    pub fn exit_code(&self) -> u8 {
        match self {
            DeviceError::Unopened { .. } | DeviceError::Lost { .. } => 1,
            DeviceError::OutOfMemory { .. } => 3,
            _ => 2,
        }
    }
}
