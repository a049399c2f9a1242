//! Item tokens in PEFT folders: names, shapes and keys as PEFT 0.18 writes them.

use burn::tensor::Device;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::llama::Llama;
use crate::llama::LlamaConfig;
use crate::llama::testing::tiny_config;
use crate::lora::{Adapter, LoraConfig};

/// Three item tokens behind an id.
fn items(first: usize, tied: bool) -> ItemTokens {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tokenizer/byte_level.json");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(golden, folder.path().join("tokenizer.json")).unwrap();
    let files = TokenizerFiles::of(folder.path()).unwrap().with_item_tokens(&["Heat", "Up", "It"], first).unwrap();
    let rows = |step: f32| (0..3 * 16).map(|i| (i as f32 * step).cos()).collect();
    let rows = ItemRows { first, d_model: 16, embedding: rows(0.4), lm_head: (!tied).then(|| rows(0.6)) };
    ItemTokens { rows, files }
}

fn llama(tied_embeddings: bool) -> Llama {
    Llama::from_scratch(&LlamaConfig { tied_embeddings, ..tiny_config() }, 3, &Device::flex()).unwrap()
}

fn adapter(tied: bool) -> Adapter {
    let lora_config = LoraConfig { rank: 2, alpha: 4.0, dropout: 0.0, targets: vec!["q_proj".into()] };
    let adapter = lora_config.adapter(llama(tied).linears(), 5, &Device::flex()).unwrap();
    Adapter { items: Some(items(40, tied)), ..adapter }
}

fn written(tied: bool) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    adapter(tied).write(folder.path()).unwrap();
    folder
}

fn read_back(folder: &TempDir) -> Result<Adapter> {
    Adapter::read(folder.path(), &llama(true).config().projections(), &Device::flex())
}

fn config(folder: &TempDir) -> Value {
    serde_json::from_slice(&std::fs::read(folder.path().join(CONFIG)).unwrap()).unwrap()
}

fn reconfigured(indices: Value) -> TempDir {
    let folder = written(true);
    let mut config = config(&folder);
    config["trainable_token_indices"] = indices;
    std::fs::write(folder.path().join(CONFIG), config.to_string()).unwrap();
    folder
}

#[test]
fn rows_and_their_tokenizer_are_written_as_peft_writes_them_and_read_back() {
    for tied in [true, false] {
        let folder = written(tied);
        let source = Safetensors::open(&folder.path().join("adapter_model.safetensors")).unwrap();
        let tables: Vec<String> = source.names().into_iter().filter(|name| name.contains("token")).collect();
        let embedding = "base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta";
        let (names, indices) = match tied {
            true => (vec![embedding], json!([40, 41, 42])),
            false => (
                vec!["base_model.model.lm_head.token_adapter.trainable_tokens_delta", embedding],
                json!({ "embed_tokens": [40, 41, 42], "lm_head": [40, 41, 42] }),
            ),
        };
        assert_eq!(tables, names);
        assert_eq!(source.shape(embedding), Some(vec![3, 16]));
        assert_eq!(config(&folder)["trainable_token_indices"], indices);
        let tokenizer: Value =
            serde_json::from_slice(&std::fs::read(folder.path().join("tokenizer.json")).unwrap()).unwrap();
        let added = tokenizer["added_tokens"].as_array().unwrap();
        assert!(
            added.iter().any(|token| token["id"] == 41 && token["content"] == " Up\n" && token["special"] == false)
        );

        let (read, expected) = (read_back(&folder).unwrap().items.unwrap(), items(40, tied));
        assert_eq!((read.rows, read.files), (expected.rows, expected.files));
    }
}

#[test]
fn an_adapter_without_item_tokens_names_no_tokens() {
    let folder = tempfile::tempdir().unwrap();
    Adapter { items: None, ..adapter(true) }.write(folder.path()).unwrap();
    assert!(config(&folder).get("trainable_token_indices").is_none() && !folder.path().join("tokenizer.json").exists());
    assert!(read_back(&folder).unwrap().items.is_none());
}

#[test]
fn ids_and_rows_have_to_agree() {
    let refused = |indices: Value| {
        let error = read_back(&reconfigured(indices.clone())).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{indices}");
        error.to_string()
    };
    for indices in [
        json!([40, 42, 43]),
        json!([40, 41]),
        json!([42, 41, 40]),
        json!({ "embed_tokens": [40, 41, 42], "lm_head": [40, 41, 42] }),
        json!({ "embed_tokens": [40, 41, 42], "lm_head": [40] }),
        json!({ "lm_head": [40, 41, 42] }),
        json!({ "embed_tokens": [40, 41, 42], "wte": [40, 41, 42] }),
        json!([usize::MAX - 1, usize::MAX]),
        json!([-1, 0, 1]),
        json!("all"),
        json!([]),
        Value::Null,
    ] {
        let message = refused(indices.clone());
        assert!(message.contains("trainable_token_indices"), "{indices}: {message}");
    }
    let folder = written(true);
    std::fs::remove_file(folder.path().join("tokenizer.json")).unwrap();
    assert!(read_back(&folder).unwrap_err().to_string().contains("tokenizer.json"));
}

#[test]
fn item_tokens_leave_the_output_projection_to_their_rows() {
    let lora_config = LoraConfig { rank: 2, alpha: 4.0, dropout: 0.0, targets: vec!["lm_head".into()] };
    let with_head = lora_config.adapter(llama(true).linears(), 5, &Device::flex()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    Adapter { items: Some(items(40, true)), ..with_head }.write(folder.path()).unwrap();
    assert!(read_back(&folder).unwrap_err().to_string().contains("lm_head"));
}
