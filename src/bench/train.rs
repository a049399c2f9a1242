//! The speed and memory of a training of a model of a well-known shape: random weights, random tokens.

use std::time::Instant;

use burn::module::Module;
use burn::tensor::Device;
use serde::Serialize;
use tiller_kernels::count_launches;
use tiller_kernels::device::gpu_of;
use tiller_kernels::quant::QuantScheme;
use tiller_models::llama::{Llama, LlamaConfig};
use tiller_models::memory::ComputeDevice;
use tiller_models::optim::AdamW;
use tiller_models::presets::ModelPreset;
use tiller_models::train::{ForwardOptions, Sample, WeightedExample};

use super::cost::StepCost;
use crate::data::rng::SeededRng;
use crate::train::ProcessMemory;
use crate::train::gradient::gradient;
use crate::train::memory::does_not_fit;
use crate::train::micro_batch::MicroBatches;
use crate::train::sft::{SftConfig, SftLoraConfig};
use crate::{Error, Result};

/// The training that is benchmarked.
#[derive(Debug, Clone, Serialize)]
pub struct BenchedTraining {
    /// The shape's name.
    pub shape: String,
    /// The scheme of the frozen weights.
    pub weights: &'static str,
    /// The trained part: "all", or the adapter's rank.
    pub trained: String,
    /// Samples of a step.
    pub batch: usize,
    /// Tokens of a sample; the second half is scored.
    pub tokens: usize,
}

/// The measurements.
#[derive(Debug, Clone, Serialize)]
pub struct TrainBenchRow {
    /// The training.
    #[serde(flatten)]
    pub training: BenchedTraining,
    /// Seconds of a step: the median, the least and the most.
    pub seconds: [f64; 3],
    /// Tokens per second, by the median.
    pub tokens_per_second: f64,
    /// The most main memory that the process has held, in bytes; what a GPU holds is not in it.
    pub memory_bytes: u64,
    /// The planned memory, in bytes.
    pub planned_bytes: u64,
    /// Kernels that a step launches; none on the CPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launches: Option<usize>,
    /// The least cost of a step.
    #[serde(flatten)]
    pub cost: StepCost,
}

/// The counts.
#[derive(Debug, Clone, Serialize)]
pub struct TrainStepCounts {
    /// The training.
    #[serde(flatten)]
    pub training: BenchedTraining,
    /// Kernels that a step of a narrow twin launches. A wide model launches more where one product is too long for one launch.
    pub launches: usize,
    /// The least cost of a step.
    #[serde(flatten)]
    pub cost: StepCost,
}

/// Times `steps` steps of a training of `shape` by `config`, after a first one that is not counted.
///
/// # Errors
/// A shape that the scheme or the adapter does not fit, a training that does not fit into `available` bytes.
pub fn measure(
    shape: (&str, ModelPreset),
    config: &SftConfig,
    steps: usize,
    available: Option<u64>,
    device: &Device,
) -> Result<TrainBenchRow> {
    let config = &alone(config);
    let (sizes, scheme) = (shape.1.llama(), config.scheme()?);
    let compute_device = ComputeDevice::of(device);
    let step = config.step_size(&sizes, compute_device);
    let plan = config.memory(sizes.clone(), compute_device)?.estimate(&step);
    if available.is_some_and(|available| available < plan.total) {
        return Err(does_not_fit("the training", &plan, available, "try a smaller --batch, --tokens or --shape"));
    }
    let mut trainee = Trainee::new(sizes.clone(), config, device)?;
    let (mut memory, mut seconds, mut launched) = (ProcessMemory::default(), Vec::new(), 0);
    for _ in 0..=steps {
        let start = Instant::now();
        launched = count_launches(|| trainee.step(config)).1;
        memory.now();
        seconds.push(start.elapsed().as_secs_f64());
    }
    // The first step compiles kernels.
    let mut seconds = seconds.split_off(1);
    seconds.sort_by(f64::total_cmp);
    let median = seconds[seconds.len() / 2];
    Ok(TrainBenchRow {
        training: BenchedTraining::of(shape.0, scheme, config),
        seconds: [median, seconds[0], seconds[seconds.len() - 1]],
        tokens_per_second: (config.batch * config.max_tokens) as f64 / median,
        memory_bytes: memory.peak,
        planned_bytes: plan.total,
        launches: gpu_of(device).is_some().then_some(launched),
        cost: StepCost::of_step(&sizes, scheme, config),
    })
}

/// Counts what a step of a training of `shape` by `config` takes, for shapes of any size: the launches are those of a model as deep, but
/// narrow, on `device`.
///
/// # Errors
/// A shape that the scheme or the adapter does not fit, the CPU, which launches nothing.
pub fn count(shape: (&str, ModelPreset), config: &SftConfig, device: &Device) -> Result<TrainStepCounts> {
    if gpu_of(device).is_none() {
        return Err(Error::bad_input("--count")
            .expected("an adapter to launch kernels on")
            .found("the CPU")
            .next("name a GPU or a software adapter with --device; `tiller doctor` lists them")
            .into());
    }
    let (sizes, scheme) = (shape.1.llama(), config.scheme()?);
    let narrow = LlamaConfig {
        vocab_size: 512,
        d_model: 256,
        d_ff: 256,
        n_heads: 4,
        n_kv_heads: 2,
        head_dim: 64,
        ..sizes.clone()
    };
    let short = SftConfig { batch: 1, max_tokens: 32, ..config.clone() };
    let mut twin = Trainee::new(narrow, &short, device)?;
    twin.step(&short);
    Ok(TrainStepCounts {
        training: BenchedTraining::of(shape.0, scheme, config),
        launches: count_launches(|| twin.step(&short)).1,
        cost: StepCost::of_step(&sizes, scheme, config),
    })
}

/// The part of a training that is measured: a step of one batch, without dropout.
fn alone(config: &SftConfig) -> SftConfig {
    let lora = SftLoraConfig { dropout: 0.0, ..config.lora.clone() };
    SftConfig { gradient_accumulation_steps: 1, micro_batch: Some(config.batch), lora, ..config.clone() }
}

impl BenchedTraining {
    fn of(shape: &str, scheme: Option<QuantScheme>, config: &SftConfig) -> Self {
        Self {
            shape: shape.to_owned(),
            weights: scheme.unwrap_or(QuantScheme::F32).name(),
            trained: if config.full { "all".into() } else { format!("rank {}", config.lora.rank) },
            batch: config.batch,
            tokens: config.max_tokens,
        }
    }
}

/// A model in training.
struct Trainee {
    sizes: LlamaConfig,
    llama: Llama,
    adamw: AdamW,
    steps: u64,
}

impl Trainee {
    fn new(sizes: LlamaConfig, config: &SftConfig, device: &Device) -> Result<Self> {
        let llama = Llama::from_scratch_quantized(&sizes, config.scheme()?, config.seed, device)?;
        let llama = if config.full {
            llama.trainable()
        } else {
            let adapter = config.lora.recipe().adapter(llama.linears(), config.seed, device)?;
            llama.with_adapter(&adapter)?
        };
        let llama = llama.train().with_matmul_precision(config.matmul_precision);
        Ok(Self { sizes, llama, adamw: AdamW::new(config.optimiser), steps: 0 })
    }

    /// One step on random tokens.
    fn step(&mut self, config: &SftConfig) {
        let parts = vec![samples(&self.sizes, config, self.steps)];
        let batch = MicroBatches { parts, parallel: 1 };
        let recompute = config.activation_checkpointing;
        let (gradients, _) = gradient(&self.llama, &batch, recompute, |_| ForwardOptions::default());
        self.llama = self.adamw.step(self.llama.clone(), gradients, config.schedule.lr).0;
        self.steps += 1;
    }
}

/// Samples of random tokens, of which the second half is scored.
fn samples(sizes: &LlamaConfig, config: &SftConfig, step: u64) -> Vec<WeightedExample> {
    let mut rng = SeededRng::new(config.seed, step);
    let mut sample = || {
        let tokens = (0..config.max_tokens).map(|_| rng.below(sizes.vocab_size as u64) as u32).collect();
        WeightedExample::of(Sample { tokens, scored: config.max_tokens / 2..config.max_tokens })
    };
    (0..config.batch).map(|_| sample()).collect()
}

#[cfg(test)]
mod tests {
    use tiller_kernels::test_gpu;

    use super::*;

    #[test]
    fn a_step_is_timed_for_adapters_and_for_whole_models() {
        let small = SftConfig { batch: 2, max_tokens: 32, ..SftConfig::default() };
        for config in [small.clone(), SftConfig { full: true, ..small }] {
            let row = measure(("tiny", ModelPreset::Tiny), &config, 3, None, &Device::flex()).unwrap();
            let [median, least, most] = row.seconds;
            assert!(0.0 < least && least <= median && median <= most);
            assert_eq!(row.tokens_per_second, 64.0 / median);
            assert!(row.planned_bytes > 0 && row.cost.flops > 0 && row.launches.is_none());
            let error = measure(("tiny", ModelPreset::Tiny), &config, 1, Some(1 << 10), &Device::flex()).unwrap_err();
            assert_eq!(error.exit_code(), 3);
        }
    }

    #[test]
    fn launches_are_counted_where_there_are_any_and_grow_with_the_depth() {
        let config = SftConfig { quant: "q4".into(), ..SftConfig::default() };
        let error = count(("tiny", ModelPreset::Tiny), &config, &Device::flex()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        let device = test_gpu().device;
        let [shallow, again] = [(); 2].map(|()| count(("tiny", ModelPreset::Tiny), &config, &device).unwrap());
        assert!(shallow.launches > 50 && shallow.launches == again.launches, "{shallow:?} {again:?}");
        let recomputed = SftConfig { activation_checkpointing: true, ..config };
        assert!(count(("tiny", ModelPreset::Tiny), &recomputed, &device).unwrap().launches > shallow.launches);
    }
}
