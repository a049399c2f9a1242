//! What a device has no room for is computed in smaller batches; the gradient of the step stays the same.

use std::fmt::Display;

use burn::tensor::Device;
use tiller_kernels::device::{DeviceError, drain, guard};

use crate::run::progress;

/// The room that a device has for batches, as far as it is known.
#[derive(Debug, Clone, Copy)]
pub struct MicroBatcher {
    /// Samples that are computed at once, at most.
    most: usize,
}

impl MicroBatcher {
    /// Room for batches of `most` samples, until the device says otherwise.
    pub fn new(most: usize) -> Self {
        Self { most }
    }

    /// Computes something of the `batches` of a `stage`. Where `device` runs out of memory, it is computed once more with each batch in
    /// halves, and so on down to single samples.
    ///
    /// # Errors
    /// A device that is lost, or has no room for a single sample.
    pub fn compute<S: Clone, T>(
        &mut self,
        stage: &dyn Display,
        batches: &[Vec<S>],
        device: &Device,
        compute: impl Fn(&[Vec<S>]) -> T,
    ) -> Result<T, DeviceError> {
        loop {
            let parts: Vec<Vec<S>> =
                batches.iter().flat_map(|batch| batch.chunks(self.most).map(<[S]>::to_vec)).collect();
            let longest = parts.iter().map(Vec::len).max().unwrap_or(0);
            match guard(stage, || Ok(compute(&parts))) {
                Err(DeviceError::OutOfMemory { .. }) if longest > 1 => {
                    drain(device);
                    self.most = longest.div_ceil(2);
                    progress::notice(&format!(
                        "{stage}: out of memory with {longest} samples; retrying with {}",
                        self.most
                    ));
                }
                outcome => return outcome,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A device with room for so many samples at once.
    fn small(most: usize) -> impl Fn(&[Vec<u32>]) -> (u32, usize) {
        move |batches| {
            let longest = batches.iter().map(Vec::len).max().unwrap_or(0);
            assert!(longest <= most, "wgpu error: Out of Memory");
            (batches.iter().flatten().sum(), longest)
        }
    }

    #[test]
    fn batches_shrink_until_they_fit_and_nothing_is_left_out() {
        let (mut micro_batcher, cpu) = (MicroBatcher::new(8), Device::flex());
        let batches = [(0..8).collect(), (8..13).collect::<Vec<u32>>()];
        let mut sum_by = |most| micro_batcher.compute(&"step 1", &batches, &cpu, small(most)).unwrap();
        assert_eq!(sum_by(8), (78, 8));
        assert_eq!(sum_by(3), (78, 2), "8 samples did not fit, 4 neither");
        assert_eq!(sum_by(8), (78, 2), "what did not fit once is not tried again");
        let error = micro_batcher.compute(&"step 2", &batches, &cpu, small(0)).unwrap_err();
        assert_eq!(error, DeviceError::OutOfMemory { stage: "step 2".into() });
    }
}
