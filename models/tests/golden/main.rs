//! What the references recorded, held against: the Llama, its decode engine, and weight files. States and generators lie in `tests/golden`.

mod engine;
mod gguf;
mod llama;
mod quantize;
mod state;
