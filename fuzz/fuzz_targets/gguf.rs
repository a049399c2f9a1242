//! GGUF: the header, the sizes and the tokenizer that it describes, and every tensor.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tiller_models::files::TensorSource;
use tiller_models::files::gguf::Gguf;
use tiller_models::llama::LlamaConfig;
use tiller_models::tokenizer::Tokenizer;

fuzz_target!(|bytes: &[u8]| {
    let Ok(gguf) = Gguf::from_bytes(Path::new("fuzzed.gguf"), bytes.to_vec()) else { return };
    let _ = LlamaConfig::from_gguf(&gguf);
    if let Ok(tokenizer) = Tokenizer::from_gguf(&gguf) {
        let _ = tokenizer.encode("1. Heat (1995)\n", true);
    }
    for name in gguf.names() {
        let _ = gguf.read_f32(&name);
    }
});
