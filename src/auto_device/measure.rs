//! The speed of lists by a random model of a size class, on the GPU and on the CPU.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use tiller_kernels::device::gpu_of;
use tiller_kernels::quant::{PackedMatrix, QuantScheme};
use tiller_models::engine::{Engine, EngineOptions, RandomWeights, WeightSource};
use tiller_models::language_model::Backend;
use tiller_models::llama::LlamaConfig;
use tiller_models::presets::ModelPreset;

use super::size::cut;
use crate::Result;
use crate::bench::llm::{BenchModel, LlmTest};

/// Seconds of timed runs on each device.
const SECONDS: f64 = 0.3;

/// The lists that a command writes at once. A GPU gains more from a batch than a CPU does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchClass {
    /// One list, or two.
    Single,
    /// More; measured with eight.
    Batch,
}

impl BatchClass {
    /// The class of so many lists at once.
    pub fn of(lists: usize) -> Self {
        if lists > 2 { Self::Batch } else { Self::Single }
    }

    /// Sequences side by side in a measurement.
    pub fn sequences(self) -> usize {
        match self {
            Self::Single => 1,
            Self::Batch => 8,
        }
    }
}

/// The speed of lists on both devices, in tokens a second, prompts included.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceSpeeds {
    /// On the CPU, with all threads.
    pub cpu: f64,
    /// On the GPU.
    pub gpu: f64,
}

impl DeviceSpeeds {
    /// Returns true if `--device auto` takes the CPU.
    pub fn cpu_is_faster(self) -> bool {
        self.cpu > self.gpu
    }
}

/// Measures both devices, one after the other.
///
/// # Errors
/// A device that fails or has too little memory.
pub fn measure(size: ModelPreset, batch: BatchClass, gpu: &Device) -> Result<DeviceSpeeds> {
    Ok(DeviceSpeeds {
        cpu: tokens_per_second(size, batch, &Device::flex())?,
        gpu: tokens_per_second(size, batch, gpu)?,
    })
}

/// The tokens a second of a preset, as those of its smaller model and the ratio of their weights.
fn tokens_per_second(size: ModelPreset, batch: BatchClass, device: &Device) -> Result<f64> {
    let model = cut(size);
    let share = model.parameters() as f64 / size.llama().parameters() as f64;
    let test = LlmTest::ShortLists(batch.sequences());
    // The formats that `tiller pull` and the flags of inference have by default.
    let options = EngineOptions {
        max_batch: test.rows(),
        max_tokens: test.tokens(),
        quant: Some(QuantScheme::Q4Affine),
        integer_products: gpu_of(device).is_none(),
        ..EngineOptions::default()
    };
    let engine = Engine::new(&mut RepeatedRows(RandomWeights::new(model)), device, options)?;
    Ok(BenchModel(Backend::Engine(Box::new(engine))).fastest(test, SECONDS)? * share)
}

/// Random matrices whose first rows repeat: to pack every row would take longer than the measurement.
struct RepeatedRows(RandomWeights);

/// Rows of a matrix before they repeat.
const PATTERN: usize = 16;

impl WeightSource for RepeatedRows {
    fn config(&self) -> &LlamaConfig {
        self.0.config()
    }

    fn matrix(&mut self, module: &str, [rows, cols]: [usize; 2], scheme: Option<QuantScheme>) -> Result<PackedMatrix> {
        let pattern = self.0.matrix(module, [rows.min(PATTERN), cols], scheme)?;
        Ok(PackedMatrix::of_rows((0..rows).map(|row| (&pattern, row % pattern.rows()))))
    }

    fn vector(&mut self, module: &str, width: usize) -> Result<Vec<f32>> {
        self.0.vector(module, width)
    }
}
