//! The memory of a training on the CPU, compared with its plan to the byte. The count leaves out what the allocator and the system round
//! up, and what is held before the model.
//!
//! How many threads there are is said, not found: where two batches are computed side by side, whether both hold their most at the same
//! moment is up to the system, so that the plan can only be a bound of it.

use burn::module::Module;
use burn::tensor::Device;
use rayon::ThreadPoolBuilder;
use tiller::train::ProcessMemory;
use tiller::train::from_scratch::ScratchSize;
use tiller::train::gradient::gradient;
use tiller::train::micro_batch::MicroBatches;
use tiller::train::sft::{SftConfig, SftLoraConfig};
use tiller_models::llama::{Llama, LlamaConfig};
use tiller_models::lora::Dropout;
use tiller_models::memory::{ComputeDevice, MemoryEstimate, StepSize};
use tiller_models::optim::AdamW;
use tiller_models::train::{ForwardOptions, Sample, WeightedExample};

use crate::common::heap::{alone, most_held};

/// Two steps of a training of `sizes`, each with the longest samples, and some more batches than are computed side by side.
fn train(sizes: &LlamaConfig, config: &SftConfig, device: &Device) {
    let llama = Llama::from_scratch_quantized(sizes, config.scheme().unwrap(), config.seed, device).unwrap();
    let mut llama = match config.full {
        true => llama.trainable(),
        false => {
            let adapter = config.lora.recipe().adapter(llama.linears(), config.seed, device).unwrap();
            llama.with_adapter(&adapter).unwrap()
        }
    }
    .train();
    let mut adamw = AdamW::new(config.optimiser);
    let tokens: Vec<u32> = (0..config.max_tokens as u32).map(|token| token * 31 % sizes.vocab_size as u32).collect();
    let example = WeightedExample::of(Sample { tokens, scored: config.max_tokens / 2..config.max_tokens });
    let parts = vec![vec![example; config.batch]; config.gradient_accumulation_steps];
    let batches = MicroBatches { parts, parallel: ComputeDevice::of(device).parallel() };
    let dropout = Dropout { p: config.lora.dropout, seed: config.seed, first_sample: 0 };
    let how = |_| ForwardOptions { dropout: Some(dropout), ..ForwardOptions::default() };
    for _ in 0..2 {
        let (gradients, _) = gradient(&llama, &batches, config.activation_checkpointing, how);
        llama = adamw.step(llama.clone(), gradients, 1e-3).0;
    }
}

/// The bytes that the training held at most on so many threads, and its plan.
fn held_and_planned(threads: usize, sizes: &LlamaConfig, config: &SftConfig) -> (usize, MemoryEstimate) {
    let device = Device::flex();
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        // The threads' own tiles come with the first products and stay.
        train(sizes, config, &device);
        let compute_device = ComputeDevice::of(&device);
        let step = StepSize {
            micro_batch: config.batch,
            parallel: compute_device.parallel(),
            micro_batches: config.gradient_accumulation_steps,
            seq: config.max_tokens.min(sizes.max_positions),
        };
        let plan = config.memory(sizes.clone(), compute_device).unwrap().estimate(&step);
        (most_held(|| train(sizes, config, &device)).1, plan)
    })
}

/// The bytes held, as a part of those planned for tensors.
fn share(held: usize, plan: &MemoryEstimate) -> f64 {
    held as f64 / (plan.total - plan.program) as f64
}

fn from_scratch(size: ScratchSize) -> LlamaConfig {
    size.from_scratch().llama(size.from_scratch().vocab_size).unwrap()
}

/// Few words, so that logits are few.
fn terse() -> LlamaConfig {
    LlamaConfig { vocab_size: 512, ..from_scratch(ScratchSize::Small) }
}

/// A full training, by one batch a step.
fn full() -> SftConfig {
    SftConfig { batch: 8, gradient_accumulation_steps: 1, max_tokens: 128, full: true, ..SftConfig::default() }
}

#[test]
fn a_training_holds_what_was_planned_within_a_tenth() {
    let _alone = alone();
    let [tiny, small] = [ScratchSize::Tiny, ScratchSize::Small].map(from_scratch);
    let grouped = LlamaConfig { n_heads: 4, n_kv_heads: 1, head_dim: 32, tied_embeddings: false, ..small.clone() };
    // More weights than activations: the optimiser takes most.
    let wide = LlamaConfig { d_model: 512, d_ff: 1024, head_dim: 256, ..small.clone() };

    let adapted = SftConfig { full: false, ..full() };
    let steady = SftConfig { lora: SftLoraConfig { dropout: 0.0, ..SftLoraConfig::default() }, ..adapted.clone() };
    let recomputed = SftConfig { activation_checkpointing: true, ..adapted.clone() };
    let settings = [
        ("tiny, all", &tiny, full()),
        ("tiny, all, long", &tiny, SftConfig { batch: 2, max_tokens: 512, ..full() }),
        ("terse, all, five batches", &terse(), SftConfig { gradient_accumulation_steps: 5, ..full() }),
        ("small, all, recomputed", &small, SftConfig { activation_checkpointing: true, max_tokens: 256, ..full() }),
        ("wide, all", &wide, SftConfig { batch: 1, max_tokens: 64, ..full() }),
        ("grouped, rank 16", &grouped, adapted.clone()),
        ("small, rank 16", &small, adapted),
        ("small, rank 16, no dropout", &small, SftConfig { batch: 4, max_tokens: 256, ..steady.clone() }),
        ("small, rank 16, recomputed", &small, recomputed),
        ("small, rank 16 over q4", &small, SftConfig { quant: "q4".into(), ..steady }),
    ];
    for (name, sizes, config) in settings {
        let (held, plan) = held_and_planned(1, sizes, &config);
        let share = share(held, &plan);
        println!("{name}: held {held}, {share:.3} of what was planned");
        assert!((0.9..=1.1).contains(&share), "{name}: held {held} bytes of {plan:?}");
    }
}

#[test]
fn batches_side_by_side_hold_more_than_one_does_and_at_most_a_tenth_more_than_was_planned() {
    let _alone = alone();
    let config = SftConfig { gradient_accumulation_steps: 5, ..full() };
    let (of_one, _) = held_and_planned(1, &terse(), &config);
    for threads in [2, 4] {
        let (held, plan) = held_and_planned(threads, &terse(), &config);
        let share = share(held, &plan);
        println!("{threads} threads: held {held}, {share:.3} of what was planned");
        assert!(share <= 1.1, "{threads} threads: held {held} bytes of {plan:?}");
        assert!(held > of_one, "{threads} threads hold {held} bytes, one {of_one}");
    }
}

/// Set in the process that measures itself.
const MEASURES_ITSELF: &str = "TILLER_TEST_MEASURES_ITSELF";

/// The tests before this one leave memory behind that the system takes back at any time, so a process of its own is measured.
#[test]
fn memory_that_is_taken_shows() {
    let _alone = alone();
    if std::env::var_os(MEASURES_ITSELF).is_some() {
        return taken_memory_shows();
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "memory::memory_that_is_taken_shows"])
        .env(MEASURES_ITSELF, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(child.status.success() && said.contains("1 passed"), "{said}");
}

fn taken_memory_shows() {
    let mut memory = ProcessMemory::default();
    let before = memory.now().unwrap();
    let taken = vec![1u8; 64 << 20];
    let with = memory.now().unwrap();
    assert!(with >= before + (48 << 20), "{before} {with}");
    assert!(taken.iter().all(|&byte| byte == 1) && memory.peak >= with);
}
