//! A model with item tokens: from its folder to an adapter's, to a merged folder and to a GGUF file.

use burn::module::Module;

use super::*;
use crate::chat::MessageKind;
use crate::item_tokens::ItemVectors;
use crate::optim::{AdamW, AdamWConfig};
use crate::quantize::{Blocks, quantize};
use crate::tokenizer::Tokenizer;
use crate::train::{ForwardOptions, WeightedExample};

const TITLES: [&str; 5] = ["Heat (1995)", "Up", "It", "Amélie", "Ran"];

fn vectors() -> ItemVectors {
    ItemVectors { values: (0..TITLES.len() * 4).map(|i| (i as f32 * 0.8).sin()).collect(), width: 4 }
}

/// The model in `folder` with item tokens and an adapter, both of which a step has moved, and the adapter's folder.
fn trained(folder: &TempDir, adapter: &Path) -> LanguageModel {
    let device = Device::flex();
    let mut model =
        LanguageModel::with_item_tokens(folder.path(), &TITLES, &vectors(), adapter, None, &device).unwrap();
    let lora_config = LoraConfig { rank: 2, alpha: 4.0, dropout: 0.0, targets: vec!["all-linear".into()] };
    let mut parts = lora_config.adapter(model.llama.linears(), 3, &device).unwrap();
    model.llama = model.llama.with_adapter(&parts).unwrap().train();
    let first = model.codec.tokenizer.item_token(TITLES[0]).unwrap();
    let tokens = vec![5, first, 9, first + 3, 7, first + 4];
    let example = WeightedExample::of(crate::train::Sample { scored: 1..tokens.len(), tokens });
    let gradients = model.llama.gradient(&[example], 1.0, &ForwardOptions::default(), false).0;
    model.llama = AdamW::new(AdamWConfig::adam()).step(model.llama, gradients, 0.05).0.valid();
    parts.take_from(model.llama.linears());
    parts.items = model.item_tokens().unwrap();
    parts.write(adapter).unwrap();
    model
}

fn logits(llama: &Llama, tokens: &[u32]) -> Vec<f32> {
    llama.forward(&Batch::left_padded(&[tokens])).try_into_vec_as().unwrap()
}

fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    let off = found.iter().zip(expected).map(|(found, expected)| (found - expected).abs()).fold(0.0, f32::max);
    assert!(off < 1e-4, "off by {off}");
}

fn ids(tokenizer: &Tokenizer) -> Vec<Option<u32>> {
    TITLES.iter().map(|title| tokenizer.item_token(title)).collect()
}

#[test]
fn item_tokens_go_with_the_adapter_into_every_form_of_the_model() {
    // Four rows of padding, and one more.
    let (folder, place) = (model_folder(IDS + 4), tempfile::tempdir().unwrap());
    let adapter = place.path().join("adapter");
    std::fs::create_dir(&adapter).unwrap();
    let model = trained(&folder, &adapter);
    let expected: Vec<Option<u32>> = (480..485).map(Some).collect();
    assert_eq!((model.llama.config().vocab_size, ids(&model.codec.tokenizer)), (485, expected.clone()));
    let tokens = [5, 480, 9, 484, 481];
    let of_training = logits(&model.llama, &tokens);

    let loaded = load(&folder, Some(&adapter)).unwrap();
    assert_eq!(ids(&loaded.codec.tokenizer), expected);
    assert_close(&logits(&loaded.llama, &tokens), &of_training);
    let (rows, again) = (model.item_tokens().unwrap().unwrap().rows, loaded.item_tokens().unwrap().unwrap().rows);
    assert_eq!(rows, again);

    let [merged, file] = ["merged", "model.gguf"].map(|name| place.path().join(name));
    std::fs::create_dir(&merged).unwrap();
    let files = loaded.tokenizer_files(folder.path()).unwrap();
    loaded.llama.merged().unwrap().write_with(&files, &merged).unwrap();
    quantize(&merged, Blocks::F32, &file, &mut |_, _, _| ()).unwrap();
    for path in [&merged, &file] {
        let whole = LanguageModel::load(path, None, &Device::flex()).unwrap();
        assert_eq!(ids(&whole.codec.tokenizer), expected);
        assert_close(&logits(&whole.llama, &tokens), &of_training);
    }

    let exact = StorageOptions { exact: true, ..StorageOptions::default() };
    let engine = InferenceModel::load(folder.path(), Some(&adapter), exact, &Device::flex()).unwrap();
    let how = GenerateOptions { max_new_tokens: 12, sampling: Sampling::Greedy, seed: 1 };
    let prompts = [tokens.to_vec(), vec![483, 480]];
    let of_engine = engine.generate(GenerateRequest::new(&prompts, how)).unwrap();
    assert_eq!(of_engine, loaded.generate(GenerateRequest::new(&prompts, how)).unwrap());
}

#[test]
fn prompts_of_a_model_with_item_tokens_are_short() {
    let (folder, place) = (model_folder(IDS), tempfile::tempdir().unwrap());
    let model = trained(&folder, place.path());
    let base = load(&folder, None).unwrap();
    let messages = [
        Message::new(Role::System, "You recommend."),
        Message::new(Role::User, "Recommend films.").of_kind(MessageKind::Opening),
        Message::new(Role::Assistant, "Of course.").of_kind(MessageKind::Opening),
        Message::new(Role::User, "I chose 'Heat (1995)' → 'Up'. Ten!").of_kind(MessageKind::Request),
        Message::new(Role::Assistant, "1. It\n"),
        Message::new(Role::User, " Up\n"),
    ];
    let text = |model: &LanguageModel| {
        let ids = model.codec.encode_chat(&messages).unwrap();
        let items: Vec<u32> = ids.iter().copied().filter(|id| *id >= 480).collect();
        (items, model.codec.tokenizer.decode(&ids, false).unwrap())
    };
    let (items, short) = text(&model);
    assert_eq!(items, [480, 481], "the user's own text has none");
    assert!(short.contains("I chose Heat (1995)\n Up\n. Ten!") && !short.contains("Of course."), "{short}");
    let (items, whole) = text(&base);
    assert!(items.is_empty() && whole.contains("'Heat (1995)' → 'Up'") && whole.contains("Of course."), "{whole}");
}

#[test]
fn an_adapter_with_item_tokens_is_refused_by_another_model() {
    let (folder, place) = (model_folder(IDS), tempfile::tempdir().unwrap());
    trained(&folder, place.path());
    let other = crate::llama::testing::folder(&LlamaConfig { vocab_size: 300, ..tiny_config() });
    for name in ["tokenizer.json", "tokenizer_config.json"] {
        std::fs::copy(folder.path().join(name), other.path().join(name)).unwrap();
    }
    let error = load(&other, Some(place.path())).unwrap_err();
    assert!(error.exit_code() == 2 && error.to_string().contains("item tokens"), "{error}");
    let few = LanguageModel::with_item_tokens(other.path(), &TITLES, &vectors(), place.path(), None, &Device::flex());
    assert!(few.unwrap_err().to_string().contains("480 ids"));
}
