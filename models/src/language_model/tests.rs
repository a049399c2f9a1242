//! A whole model folder: weights, tokenizer, template and adapter together.

mod items;

use burn::module::Param;
use serde_json::json;
use tempfile::TempDir;

use std::ops::ControlFlow;

use super::*;
use crate::chat::{Message, Role};
use crate::generate::{GenerateOptions, Sampling};
use crate::llama::testing::{folder, tiny_config};
use crate::llama::{Batch, LlamaConfig};
use crate::lora::LoraConfig;

/// Ids of the tokenizer in the folder `tests/golden/tokenizer`.
const IDS: usize = 480;

/// A random model with `rows` embeddings, a byte-level tokenizer and ChatML.
fn model_folder(rows: usize) -> TempDir {
    let folder = folder(&LlamaConfig { vocab_size: rows, ..tiny_config() });
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    std::fs::copy(golden.join("tokenizer/byte_level.json"), folder.path().join("tokenizer.json")).unwrap();
    std::fs::copy(golden.join("chat/chatml.jinja"), folder.path().join("chat_template.jinja")).unwrap();
    let settings = json!({ "bos_token": "<|im_start|>", "eos_token": "<|im_end|>" }).to_string();
    std::fs::write(folder.path().join("tokenizer_config.json"), settings).unwrap();
    folder
}

fn load(folder: &TempDir, adapter: Option<&Path>) -> Result<LanguageModel> {
    LanguageModel::load(folder.path(), adapter, &Device::flex())
}

fn options(max_new_tokens: usize) -> GenerateOptions {
    let sampling = Sampling::Random { temperature: 1.0, top_k: 0, top_p: 1.0 };
    GenerateOptions { max_new_tokens, sampling, seed: 1 }
}

#[test]
fn a_conversation_becomes_ids_and_is_answered() {
    // Some models have more embeddings than ids.
    let model = load(&model_folder(IDS + 32), None).unwrap();
    let prompt = model.codec.encode_chat(&[Message::new(Role::User, "ten films")]).unwrap();
    let text = model.codec.tokenizer.decode(&prompt, false).unwrap();
    assert!(text.ends_with("<|im_start|>user\nten films<|im_end|>\n<|im_start|>assistant\n"), "{text:?}");

    let mut told = Vec::new();
    let mut on_token = |row: usize, token: u32| {
        told.push((row, token));
        ControlFlow::Continue(())
    };
    let prompts = [prompt.clone(), prompt];
    let answers = model.generate(GenerateRequest::new(&prompts, options(15)).on_token(&mut on_token)).unwrap();
    assert_eq!(told.len(), answers.iter().map(Vec::len).sum::<usize>());
    assert!(answers.iter().all(|answer| (1..=15).contains(&answer.len())));
}

#[test]
fn an_answer_ends_where_the_tokenizer_says() {
    let model = load(&model_folder(IDS), None).unwrap();
    let prompts: Vec<Vec<u32>> = (0..40).map(|row| vec![row + 3]).collect();
    let answers = model.generate(GenerateRequest::new(&prompts, options(60))).unwrap();
    let ends = model.codec.tokenizer.eos_ids();
    let ended = answers.iter().filter(|answer| answer.len() < 60);
    assert!(ended.clone().count() > 0, "of 40 random answers, some meet an end by chance");
    assert!(ended.clone().all(|answer| ends.contains(answer.last().unwrap())));
    assert!(answers.iter().all(|answer| answer[..answer.len() - 1].iter().all(|token| !ends.contains(token))));
}

#[test]
fn an_adapter_is_loaded_with_its_model() {
    let folder = model_folder(IDS);
    let base = load(&folder, None).unwrap().llama;
    let lora_config = LoraConfig { rank: 2, alpha: 4.0, dropout: 0.0, targets: vec!["all-linear".into()] };
    let mut adapter = lora_config.adapter(base.linears(), 3, &Device::flex()).unwrap();
    for lora in adapter.loras.values_mut() {
        lora.b = Param::from_tensor(lora.b.val() + 0.1);
    }
    let place = tempfile::tempdir().unwrap();
    adapter.write(place.path()).unwrap();

    let logits = |llama: &Llama| llama.forward(&Batch::left_padded(&[[5, 6, 7]])).try_into_vec_as::<f32>().unwrap();
    let loaded = load(&folder, Some(place.path())).unwrap().llama;
    assert_eq!(logits(&loaded), logits(&base.with_adapter(&adapter).unwrap()));
    assert_ne!(logits(&loaded), logits(&base));
    assert_eq!(logits(&loaded.without_adapter()), logits(&base));
}

#[test]
fn a_tokenizer_with_more_ids_than_embeddings_is_refused() {
    let error = load(&model_folder(IDS - 1), None).unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("480 ids"), "{error}");
}

#[test]
fn a_folder_without_a_tokenizer_is_refused() {
    let folder = model_folder(IDS);
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    assert!(load(&folder, None).unwrap_err().to_string().contains("tokenizer.json"));
}
