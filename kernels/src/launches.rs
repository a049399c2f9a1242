//! The number of kernels that a piece of work launches.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};

use burn_cubecl::cubecl::logging::{LaunchObservation, LaunchObserver};

thread_local! {
    /// Kernels that this thread has launched since counting began.
    static LAUNCHED: Cell<usize> = const { Cell::new(0) };
}

/// Counts launches per thread: cubecl calls it on the thread that issues the launch.
struct ThreadCounter;

impl LaunchObserver for ThreadCounter {
    fn launched(&self, _: &'static str) {
        LAUNCHED.set(LAUNCHED.get() + 1);
    }
}

/// Runs `work` and returns its result with the number of kernels that this thread launched meanwhile through
/// burn's runtime: ours and burn's own. Launches of other threads do not count.
pub fn count_launches<R>(work: impl FnOnce() -> R) -> (R, usize) {
    // cubecl has one slot for an observer in the process, so one observer stays in it and every thread reads
    // its own count.
    static OBSERVATION: OnceLock<LaunchObservation> = OnceLock::new();
    OBSERVATION.get_or_init(|| LaunchObservation::new(Arc::new(ThreadCounter)));
    let before = LAUNCHED.get();
    let result = work();
    (result, LAUNCHED.get() - before)
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor};

    use super::*;
    use crate::rms_norm;
    use crate::test_gpu;

    fn norm(device: &Device) {
        let x = Tensor::<2>::ones([4, 8], device);
        let weight = Tensor::<1>::ones([8], device);
        (rms_norm(x, weight, 1e-5) * 2.0).into_data();
    }

    #[test]
    fn kernels_of_ours_and_of_burn_are_counted() {
        let device = test_gpu().device;
        norm(&device);
        // Two fillings, the norm and the product.
        assert!(count_launches(|| norm(&device)).1 >= 4);
        assert_eq!(count_launches(|| 3), (3, 0));
    }

    #[test]
    fn launches_of_other_threads_do_not_count() {
        let device = test_gpu().device;
        norm(&device);
        let alone = count_launches(|| norm(&device)).1;
        let beside = count_launches(|| {
            std::thread::scope(|threads| {
                threads.spawn(|| (0..8).for_each(|_| norm(&device)));
                norm(&device);
            });
        });
        assert_eq!(beside.1, alone);
    }
}
