//! How long steps take.

use std::time::{Duration, Instant};

use crate::device::Gpu;
use crate::pipelines::ComputeStep;

/// The time of one run over several measurements, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Microseconds {
    /// The middle one.
    pub median: f64,
    /// The fastest.
    pub min: f64,
    /// The slowest.
    pub max: f64,
}

/// Measurements of a run.
const REPEATS: usize = 7;

/// A measurement takes this long at least, so that submitting and waiting weigh little; and not much longer, for the watchdogs
/// of drivers.
const LONG_ENOUGH: Duration = Duration::from_millis(20);

/// The runs of one measurement at most.
const MOST_RUNS: usize = 1 << 14;

/// Times one of `runs`, which are taken in turns: they do the same work on different data, so that no cache holds it.
pub(super) fn time(gpu: &Gpu, runs: &[Vec<ComputeStep>]) -> Microseconds {
    let take = |count: usize| {
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        runs.iter().cycle().take(count).flatten().for_each(|step| step.encode(&mut pass));
        drop(pass);
        let commands = encoder.finish();
        let start = Instant::now();
        gpu.queue.submit([commands]);
        gpu.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
        start.elapsed()
    };
    take(1); // the driver compiles
    let mut count = 1;
    while take(count) < LONG_ENOUGH && count < MOST_RUNS {
        count *= 2;
    }
    let mut each: Vec<f64> = (0..REPEATS).map(|_| take(count).as_secs_f64() * 1e6 / count as f64).collect();
    each.sort_by(f64::total_cmp);
    Microseconds { median: each[REPEATS / 2], min: each[0], max: each[REPEATS - 1] }
}
