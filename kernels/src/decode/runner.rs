//! The runner of steps: it submits their launches and reads sampled tokens back without stalling the GPU.

use super::buffers::Buffer;
use super::launch::Launch;
use super::step_inputs::{SAMPLED_TOKEN_WORDS, SampledToken, StepCounts, StepInputs};
use crate::device::Gpu;
use crate::kernel::FLOPS_PER_LAUNCH;

/// The work of one submission, so that no watchdog (TDR) resets a slow GPU: half a second at 70 GFLOP/s.
pub const FLOPS_PER_SUBMISSION: usize = FLOPS_PER_LAUNCH;

/// Counters of the work of a [`Runner`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunnerStats {
    /// Steps, counting those again whose requests did not fit at once.
    pub steps: usize,
    /// Tokens taken through the model.
    pub tokens: usize,
    /// Dispatches.
    pub launches: usize,
    /// Submissions to the queue.
    pub submissions: usize,
    /// Bytes of weights and of the cache that were read.
    pub bytes: usize,
    /// Operations of products and of attention, two per multiply-add.
    pub operations: usize,
}

/// Submits launches and counts them.
#[derive(Debug)]
pub struct Runner {
    gpu: Gpu,
    /// Read-back buffers for reuse.
    spare: Vec<Buffer>,
    /// The most FLOPs of one submission.
    pub(super) flops_at_once: usize,
    /// The work so far.
    pub work: RunnerStats,
}

/// Sampled tokens that are being read back.
#[derive(Debug)]
pub struct Pending {
    copy: Buffer,
    submission: wgpu::SubmissionIndex,
}

impl Runner {
    /// Runs on the device of `gpu`.
    pub fn new(gpu: Gpu) -> Self {
        Runner { gpu, spare: Vec::new(), flops_at_once: FLOPS_PER_SUBMISSION, work: RunnerStats::default() }
    }

    /// Writes the inputs of a step. Work that was submitted before still sees the previous ones.
    pub fn write(&mut self, step_inputs: &StepInputs, buffer: &Buffer) {
        self.gpu.queue.write_buffer(buffer, 0, bytemuck::cast_slice(&step_inputs.words));
        self.work.steps += 1;
    }

    /// Submits the launches of a step of these counts, in as many submissions as [`FLOPS_PER_SUBMISSION`]
    /// requires.
    pub fn submit<'a>(&mut self, launches: impl IntoIterator<Item = &'a Launch>, counts: &StepCounts) {
        let encoder = self.encode(launches, counts);
        self.gpu.queue.submit([encoder.finish()]);
    }

    /// [`submit`](Runner::submit), then a copy of `sampled_tokens` that the host can read.
    pub fn submit_and_fetch<'a>(
        &mut self,
        launches: impl IntoIterator<Item = &'a Launch>,
        counts: &StepCounts,
        sampled_tokens: &Buffer,
    ) -> Pending {
        let copy = self.spare.pop().filter(|spare| spare.size() == sampled_tokens.size()).unwrap_or_else(|| {
            self.gpu.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("sampled tokens"),
                size: sampled_tokens.size(),
                usage: wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::MAP_READ,
                mapped_at_creation: false,
            })
        });
        let mut encoder = self.encode(launches, counts);
        encoder.copy_buffer_to_buffer(sampled_tokens, 0, &copy, 0, sampled_tokens.size());
        let submission = self.gpu.queue.submit([encoder.finish()]);
        // A copy that cannot be mapped shows when it is read.
        copy.map_async(wgpu::MapMode::Read, .., |_| {});
        Pending { copy, submission }
    }

    /// Encodes launches. All submissions but the last are already made.
    fn encode<'a>(
        &mut self,
        launches: impl IntoIterator<Item = &'a Launch>,
        counts: &StepCounts,
    ) -> wgpu::CommandEncoder {
        let mut rest = launches.into_iter().peekable();
        loop {
            let mut encoder = self.gpu.device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            let mut operations = 0;
            while let Some(launch) = rest.peek() {
                let more = launch.operations(counts);
                if operations > 0 && operations + more > self.flops_at_once {
                    break;
                }
                launch.encode(&mut pass, counts);
                operations += more;
                self.work.launches += usize::from(launch.workgroups(counts) > 0);
                self.work.bytes += launch.bytes(counts);
                rest.next();
            }
            drop(pass);
            self.work.operations += operations;
            self.work.submissions += 1;
            if rest.peek().is_none() {
                return encoder;
            }
            self.gpu.queue.submit([encoder.finish()]);
        }
    }

    /// Waits for the sampled tokens of all slots.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn wait(&mut self, pending: Pending) -> Result<Vec<SampledToken>, String> {
        let Pending { copy, submission } = pending;
        let wait = wgpu::PollType::Wait { submission_index: Some(submission), timeout: None };
        self.gpu.device.poll(wait).map_err(|e| format!("the device is lost, it does not respond: {e}"))?;
        let mapped =
            copy.get_mapped_range(..).map_err(|e| format!("the device is lost, it returned no tokens: {e}"))?;
        let sampled_tokens =
            bytemuck::cast_slice(&mapped).chunks_exact(SAMPLED_TOKEN_WORDS).map(SampledToken::of).collect();
        drop(mapped);
        copy.unmap();
        self.spare.push(copy);
        Ok(sampled_tokens)
    }
}
