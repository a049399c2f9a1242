//! The models of tiller and the files that they come in.
//!
//! Dependencies run one way: a model reads as mathematics and leaves buffers and shaders to `tiller-kernels`.
//!
//! A Llama with an adapter learns a line by heart. This one is made from scratch; [`language_model::LanguageModel`] loads a
//! Hugging Face folder or a .gguf file, with its tokenizer and its chat template.
//!
//! ```
//! use burn::module::Module;
//! use burn::tensor::Device;
//! use tiller_models::llama::{Llama, LlamaConfig, RopeScaling};
//! use tiller_models::lora::LoraConfig;
//! use tiller_models::optim::{AdamW, AdamWConfig, Gradients};
//! use tiller_models::train::{ForwardOptions, Sample};
//!
//! # fn main() -> tiller_models::Result<()> {
//! let device = Device::flex(); // or tiller_kernels::device::open("auto")?.device
//! let config = LlamaConfig {
//!     vocab_size: 32,
//!     d_model: 16,
//!     d_ff: 32,
//!     n_layers: 1,
//!     n_heads: 2,
//!     n_kv_heads: 1,
//!     head_dim: 8,
//!     max_positions: 64,
//!     rms_eps: 1e-5,
//!     rope_theta: 10_000.0,
//!     rope_scaling: RopeScaling::None,
//!     tied_embeddings: false,
//! };
//! let base = Llama::from_scratch(&config, 7, &device)?;
//! let recipe = LoraConfig { rank: 4, alpha: 8.0, dropout: 0.0, targets: vec!["all-linear".into(), "lm_head".into()] };
//! let adapter = recipe.adapter(base.linears(), 7, &device)?;
//! let mut llama = base.with_adapter(&adapter)?.train();
//!
//! let line = Sample { tokens: vec![3, 14, 15, 9, 26], scored: 1..5 };
//! let loss = |llama: &Llama| llama.score(&[line.clone()], &ForwardOptions::default()).nll();
//! let before = loss(&llama).into_scalar::<f32>();
//! let mut adamw = AdamW::new(AdamWConfig::default());
//! for _ in 0..20 {
//!     let gradients = Gradients::of(loss(&llama), &llama);
//!     llama = adamw.step(llama, gradients, 0.02).0;
//! }
//! assert!(loss(&llama).into_scalar::<f32>() < 0.5 * before);
//! # Ok(())
//! # }
//! ```

pub mod archive;
pub mod atomic;
pub mod chat;
pub mod engine;
pub mod error;
pub mod files;
pub mod language_model;
pub mod llama;
pub mod lora;
pub mod memory;
pub mod optim;
pub mod presets;
pub mod quantize;
pub mod random;
pub mod sasrec;
pub mod tokenizer;
pub mod train;
pub mod value_head;
pub mod weights;

pub use error::{Error, Result};
