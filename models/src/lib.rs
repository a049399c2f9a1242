//! The models of tiller and the files that they come in.
//!
//! Dependencies run one way: a model reads as mathematics, and leaves buffers and shaders to `tiller-kernels`.
//!
//! | module | contents |
//! |---|---|
//! | [`language_model`] | a Llama with its tokenizer and chat template, for training or for inference |
//! | [`llama`] | the Llama graph, its configuration and its files |
//! | [`generate`] | generation: sampling, constrained decoding, speculative decoding |
//! | [`engine`] | the decode engine for GPUs: paged KV cache, prefix cache, continuous batching |
//! | [`lora`] | LoRA adapters, and PEFT folders |
//! | [`item_tokens`] | a token for each title of a catalogue, in a pulled model |
//! | [`train`], [`optim`], [`value_head`] | losses, gradients, AdamW, the value head of PPO |
//! | [`sasrec`] | the SASRec recommender |
//! | [`tokenizer`], [`chat`] | tokenizers and chat templates |
//! | [`files`], [`quantize`], [`archive`] | safetensors, GGUF, quantization, checkpoints |
//!
//! A Llama that is trained from scratch, with a LoRA adapter that memorizes a sequence; [`LanguageModel`] loads a Hugging Face folder or a
//! .gguf file.
//!
//! ```
//! use burn::module::Module;
//! use burn::tensor::Device;
//! use tiller_models::{AdamW, AdamWConfig, ForwardOptions, Gradients, Llama, LlamaConfig, LoraConfig, RopeScaling, Sample};
//!
//! # fn main() -> tiller_models::Result<()> {
//! let device = Device::flex(); // or tiller_kernels::open("auto")?.device
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
//! let targets = vec!["all-linear".into(), "lm_head".into()];
//! let lora = LoraConfig { rank: 4, alpha: 8.0, dropout: 0.0, targets };
//! let adapter = lora.adapter(base.linears(), 7, &device)?;
//! let mut llama = base.with_adapter(&adapter)?.train();
//!
//! let sample = Sample { tokens: vec![3, 14, 15, 9, 26], scored: 1..5 };
//! let loss = |llama: &Llama| llama.score(&[sample.clone()], &ForwardOptions::default()).nll();
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
pub mod download;
pub mod engine;
pub mod error;
pub mod files;
pub mod generate;
pub mod item_tokens;
pub mod language_model;
pub mod llama;
pub mod lora;
pub mod memory;
mod named;
pub mod optim;
pub mod presets;
pub mod quantize;
pub mod random;
pub mod sasrec;
pub mod tokenizer;
pub mod train;
pub mod value_head;
pub mod weights;

pub use archive::Archive;
pub use chat::{ChatTemplate, Message, MessageKind, Role};
pub use download::download;
pub use engine::{Engine, EngineOptions};
pub use error::{Error, Result};
pub use generate::{
    Allowed, ContinuousBatch, DraftTokens, GenerateOptions, GenerateRequest, Generator, GraphGenerator, LiveSequence,
    NewSequence, OnToken, Sampling, SequenceSource, TokenConstraint, TokenLogprob, Unconstrained,
};
pub use item_tokens::{ItemRows, ItemTokens, ItemVectors};
pub use language_model::{Backend, InferenceModel, LanguageModel, StorageOptions, TextCodec};
pub use llama::{Batch, KvCache, Llama, LlamaConfig, RopeScaling};
pub use lora::{Adapter, Linear, Lora, LoraConfig};
pub use optim::{AdamW, AdamWConfig, Gradients};
pub use quantize::{QuantizeSummary, quantize};
pub use sasrec::{SasRec, SasRecConfig, SasRecExample};
pub use tokenizer::{Tokenizer, TokenizerFiles};
pub use train::{Dropout, ForwardOptions, Sample, SequenceScores, WeightedExample};
pub use value_head::ValueHead;
