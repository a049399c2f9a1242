//! The errors of choosing, opening and using a device.

/// The error of a device that cannot be chosen, opened or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// `--device` names something that this machine does not have.
    #[error(
        "--device {asked}: expected auto, gpu, cpu or part of an adapter's name, found no match among {known}\n  next: run `tiller doctor` to list the adapters"
    )]
    Unknown {
        /// The value of `--device`.
        asked: String,
        /// The adapters of this machine, joined.
        known: String,
    },
    /// `--device` is part of the names of several adapters.
    #[error("--device {asked}: expected the name of one adapter, found {candidates}\n  next: give more of the name")]
    Ambiguous {
        /// The value of `--device`.
        asked: String,
        /// The adapters that it could mean, joined.
        candidates: String,
    },
    /// `--device gpu` on a machine without one.
    #[error("--device gpu: {found}\n  next: {next}")]
    NoGpu {
        /// The reason, and the adapters that exist instead.
        found: String,
        /// The next step for the user.
        next: String,
    },
    /// The adapter offers less than WebGPU's default limits, which the portable kernels need.
    #[error("{adapter}: expected WebGPU's default limits, found {shortfall}\n  next: use `--device cpu`")]
    Unfit {
        /// The adapter's name.
        adapter: String,
        /// The limits that it misses.
        shortfall: String,
    },
    /// The adapter exists, but its driver did not open a device.
    #[error("{adapter}: the driver gave no device: {reason}\n  next: try `--device cpu`, or update the driver")]
    Unopened {
        /// The adapter's name.
        adapter: String,
        /// The driver's words.
        reason: String,
    },
    /// The device was lost during the work: unplugged, or reset by its driver (TDR).
    #[error(
        "{stage}: the device was lost\n  next: run it again (a training goes on with --resume), or on another --device"
    )]
    Lost {
        /// The work that failed.
        stage: String,
    },
    /// The device ran out of memory during the work.
    #[error(
        "{stage}: the device has no memory left\n  next: try a smaller batch or model, close what else uses the device, or take `--device cpu`"
    )]
    OutOfMemory {
        /// The work that failed.
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
