//! The Llama, its decode engine and weight files against recorded states of reference implementations, which lie beside their generators in
//! this folder.

mod engine;
mod gguf;
mod llama;
mod quantize;
mod state;
