//! Timing of runs: of compute steps by GPU timestamp queries where the adapter has them, else by the wall
//! clock.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::device::Gpu;
use crate::pipelines::ComputeStep;

/// The clock that times kernels on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Clock {
    /// Timestamp queries at the beginning and the end of a compute pass: the GPU's time alone.
    GpuTimestamps,
    /// The host's clock around a submission: submitting and waiting are included.
    WallClock,
}

impl Clock {
    /// The best clock of a device.
    pub fn of(gpu: &Gpu) -> Self {
        if gpu.capabilities.timestamps { Clock::GpuTimestamps } else { Clock::WallClock }
    }
}

impl fmt::Display for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Clock::GpuTimestamps => "GPU timestamps",
            Clock::WallClock => "wall clock",
        })
    }
}

/// The time of one run over several measurements, in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Microseconds {
    /// The median.
    pub median: f64,
    /// The fastest.
    pub min: f64,
    /// The slowest.
    pub max: f64,
}

/// Measurements of a run.
const REPEATS: usize = 7;

/// The shortest measurement, so that submitting and waiting weigh little. It is not much longer, for the
/// drivers' watchdogs.
const LONG_ENOUGH: Duration = Duration::from_millis(20);

/// The most runs of one measurement.
const MOST_RUNS: usize = 1 << 14;

/// Times one of `runs`. They do the same work on different data and take turns, so that no cache holds it.
pub(super) fn time(gpu: &Gpu, clock: Clock, runs: &[Vec<ComputeStep>]) -> Microseconds {
    let queries = (clock == Clock::GpuTimestamps).then(|| TimestampQueries::new(gpu));
    let take = |count: usize| {
        let mut encoder = gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
            label: None,
            timestamp_writes: queries.as_ref().map(TimestampQueries::writes),
        });
        runs.iter().cycle().take(count).flatten().for_each(|step| step.encode(&mut pass));
        drop(pass);
        if let Some(queries) = &queries {
            queries.resolve(&mut encoder);
        }
        let commands = encoder.finish();
        let start = Instant::now();
        gpu.queue.submit([commands]);
        gpu.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
        let elapsed = start.elapsed();
        queries.as_ref().map_or(elapsed, |queries| queries.read(gpu))
    };
    microseconds(take)
}

/// The time of one run; `take` times as many runs as it is told.
pub(super) fn microseconds(mut take: impl FnMut(usize) -> Duration) -> Microseconds {
    take(1); // a driver compiles, caches fill
    let mut count = 1;
    while take(count) < LONG_ENOUGH && count < MOST_RUNS {
        count *= 2;
    }
    let mut each: Vec<f64> = (0..REPEATS).map(|_| take(count).as_secs_f64() * 1e6 / count as f64).collect();
    each.sort_by(f64::total_cmp);
    Microseconds { median: each[REPEATS / 2], min: each[0], max: each[REPEATS - 1] }
}

/// Two timestamps around a compute pass, and the buffers that they are read back through.
struct TimestampQueries {
    set: wgpu::QuerySet,
    resolved: wgpu::Buffer,
    copy: wgpu::Buffer,
}

impl TimestampQueries {
    const BYTES: u64 = 2 * size_of::<u64>() as u64;

    fn new(gpu: &Gpu) -> Self {
        let buffer = |usage| {
            gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size: Self::BYTES,
                usage,
                mapped_at_creation: false,
            })
        };
        TimestampQueries {
            set: gpu.device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count: 2,
            }),
            resolved: buffer(wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC),
            copy: buffer(wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ),
        }
    }

    fn writes(&self) -> wgpu::ComputePassTimestampWrites<'_> {
        wgpu::ComputePassTimestampWrites {
            query_set: &self.set,
            beginning_of_pass_write_index: Some(0),
            end_of_pass_write_index: Some(1),
        }
    }

    fn resolve(&self, encoder: &mut wgpu::CommandEncoder) {
        encoder.resolve_query_set(&self.set, 0..2, &self.resolved, 0);
        encoder.copy_buffer_to_buffer(&self.resolved, 0, &self.copy, 0, Self::BYTES);
    }

    /// The time between the two, after the submission is done.
    fn read(&self, gpu: &Gpu) -> Duration {
        self.copy.map_async(wgpu::MapMode::Read, .., |mapped| mapped.expect("the timestamps can be mapped"));
        gpu.device.poll(wgpu::PollType::wait_indefinitely()).expect("the device answers");
        let mapped = self.copy.get_mapped_range(..).expect("the timestamps are mapped");
        let ticks: [u64; 2] = bytemuck::pod_read_unaligned(&mapped);
        drop(mapped);
        self.copy.unmap();
        let nanoseconds = ticks[1].wrapping_sub(ticks[0]) as f64 * f64::from(gpu.queue.get_timestamp_period());
        Duration::from_nanos(nanoseconds as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::buffers::{empty, filled};
    use crate::kernel::Kernel;
    use crate::open::test_gpu;
    use crate::pipelines::Pipelines;

    #[test]
    fn every_clock_of_the_device_measures_some_time() {
        let gpu = test_gpu().gpu.unwrap();
        let mut pipelines = Pipelines::new(gpu.clone());
        let kernel = Kernel::new("roofline_copy").with("WORKGROUP", 256u32);
        let (x, y, params) = (empty(&gpu, 1 << 16), empty(&gpu, 1 << 16), filled(&gpu, &[1u32 << 12]));
        let step = pipelines.step(&kernel, &[&x, &y, &params].map(wgpu::Buffer::as_entire_binding), 16);
        let clocks = [Clock::WallClock, Clock::of(&gpu)];
        for clock in clocks {
            let us = time(&gpu, clock, &[vec![step.clone()]]);
            assert!(0.0 < us.min && us.min <= us.median && us.median <= us.max, "{clock}: {us:?}");
        }
        let has_queries = gpu.device.features().contains(wgpu::Features::TIMESTAMP_QUERY);
        assert_eq!(clocks[1] == Clock::GpuTimestamps, has_queries);
    }
}
