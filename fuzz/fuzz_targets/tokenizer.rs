//! tokenizer.json, as it lies in the folder of a model.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;
use tiller_models::tokenizer::Tokenizer;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().unwrap());

fuzz_target!(|bytes: &[u8]| {
    std::fs::write(FOLDER.path().join("tokenizer.json"), bytes).unwrap();
    if let Ok(tokenizer) = Tokenizer::from_path(FOLDER.path())
        && let Ok(ids) = tokenizer.encode("1. Heat (1995)\n<|im_end|>", true)
    {
        let _ = tokenizer.decode(&ids, true);
    }
});
