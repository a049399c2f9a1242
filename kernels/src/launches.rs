//! How many kernels a piece of work launches.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn_cubecl::cubecl::logging::{LaunchObservation, LaunchObserver};

struct Counter(AtomicUsize);

impl LaunchObserver for Counter {
    fn launched(&self, _: &'static str) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What `work` returns, and how many kernels the whole process has launched meanwhile through burn's runtime: ours and burn's own.
pub fn launches<R>(work: impl FnOnce() -> R) -> (R, usize) {
    let counter = Arc::new(Counter(AtomicUsize::new(0)));
    let observation = LaunchObservation::new(counter.clone());
    let result = work();
    drop(observation);
    (result, counter.0.load(Ordering::Relaxed))
}

#[cfg(test)]
mod tests {
    use burn::tensor::Tensor;

    use super::*;
    use crate::device::test_gpu;
    use crate::rms_norm;

    #[test]
    fn kernels_of_ours_and_of_burn_are_counted() {
        let device = test_gpu().device;
        let work = || {
            let x = Tensor::<2>::ones([4, 8], &device);
            let weight = Tensor::<1>::ones([8], &device);
            (rms_norm(x, weight, 1e-5) * 2.0).into_data()
        };
        work();
        // Two fillings, the norm and the product; other tests may launch beside them.
        assert!(launches(work).1 >= 4);
        assert_eq!(launches(|| 3).0, 3);
    }
}
