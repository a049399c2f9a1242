//! What a training holds on the CPU beside what was planned, to the byte: this program counts what it takes from its allocator. What the
//! allocator and the system round up is left out, and so is what is there before the model.
//!
//! How many threads there are is said, not found: where two batches are computed side by side, whether both hold their most at the same
//! moment is up to the system, so that the plan can only be a bound of it.

#![allow(unsafe_code)] // an allocator is unsafe by its interface

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use burn::module::Module;
use burn::tensor::Device;
use rayon::ThreadPoolBuilder;
use tiller::train::from_scratch::ScratchSize;
use tiller::train::gradient::gradient;
use tiller::train::plan::{ComputeDevice, SftMemoryPlan};
use tiller::train::sft::{SftConfig, SftLoraConfig};
use tiller_models::llama::{Llama, LlamaConfig};
use tiller_models::lora::Dropout;
use tiller_models::optim::AdamW;
use tiller_models::train::{ForwardOptions, Sample, WeightedExample};

/// The system's allocator, counted.
struct Counted;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is the system allocator's.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Relaxed) + layout.size();
        MOST.fetch_max(held, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counted = Counted;

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
    let batches = vec![vec![example; config.batch]; config.gradient_accumulation_steps];
    let dropout = Dropout { p: config.lora.dropout, seed: config.seed, first_sample: 0 };
    let how = |_| ForwardOptions { dropout: Some(dropout), ..ForwardOptions::default() };
    for _ in 0..2 {
        let (gradients, _) = gradient(&llama, &batches, config.activation_checkpointing, how);
        llama = adamw.step(llama.clone(), gradients, 1e-3).0;
    }
}

/// The bytes that the training held at most on so many threads, and its plan.
fn held_and_planned(threads: usize, sizes: &LlamaConfig, config: &SftConfig) -> (usize, SftMemoryPlan) {
    /// The count is the whole program's.
    static ALONE: Mutex<()> = Mutex::new(());
    let _alone = ALONE.lock();
    let device = Device::flex();
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    pool.install(|| {
        // The threads' own tiles come with the first products and stay.
        train(sizes, config, &device);
        let plan = SftMemoryPlan::new(sizes, config.scheme().unwrap(), config, ComputeDevice::of(&device));
        let before = HELD.load(Relaxed);
        MOST.store(before, Relaxed);
        train(sizes, config, &device);
        (MOST.load(Relaxed) - before, plan)
    })
}

/// What was held, as a part of what was planned for tensors.
fn share(held: usize, plan: &SftMemoryPlan) -> f64 {
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
