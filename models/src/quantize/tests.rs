//! Quantized models are read again: sizes, weights, tokenizer; and what cannot be written is named.

use std::path::PathBuf;

use burn::tensor::Device;
use proptest::prelude::*;
use tempfile::TempDir;
use tiller_kernels::quant::PackedMatrix;

use super::*;
use crate::chat::{ChatTemplate, Message, Role};
use crate::files::TensorSource;
use crate::files::blocks::{Format, dequantize};
use crate::files::gguf::Gguf;
use crate::files::safetensors::Safetensors;
use crate::llama::testing::{folder, tiny_config, weights, write_weights};
use crate::llama::{Batch, Llama, LlamaConfig, RopeScaling};
use crate::tokenizer::{Tokenizer, TokenizerFiles};

/// Rows of one block of 32, so that nothing has to be kept wider; of 480 tokens, as the small tokenizers have.
fn config() -> LlamaConfig {
    LlamaConfig { vocab_size: 480, d_model: 32, d_ff: 64, head_dim: 8, ..tiny_config() }
}

fn write(from: &Path, blocks: Blocks, to: &Path) -> QuantizeSummary {
    quantize(from, blocks, to, &mut |_, _, _| {}).unwrap()
}

fn logits(path: &Path) -> Vec<f32> {
    let llama = Llama::load(path, &Device::flex()).unwrap();
    llama.forward(&Batch::left_padded(&[vec![3, 14, 15, 9, 26], vec![5, 35]])).try_into_vec_as().unwrap()
}

fn golden_tokenizer(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tokenizer").join(name)
}

/// A model with a small tokenizer and a chat template.
fn with_tokenizer(form: &str) -> TempDir {
    let folder = folder(&config());
    std::fs::copy(golden_tokenizer(&format!("{form}.json")), folder.path().join("tokenizer.json")).unwrap();
    let bos = if form == "byte_level" { "<|im_start|>" } else { "<s>" };
    let settings = serde_json::json!({ "chat_template": "{{ messages[0].content }}{{ eos_token }}!", "bos_token": bos,
        "add_bos_token": true });
    std::fs::write(folder.path().join("tokenizer_config.json"), settings.to_string()).unwrap();
    folder
}

#[test]
fn floats_are_the_same_model_in_a_file_and_in_a_folder_again() {
    let llama3 =
        RopeScaling::Llama3 { factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, original_max_positions: 32 };
    for rope_scaling in [RopeScaling::None, RopeScaling::Linear { factor: 2.0 }, llama3] {
        for tied_embeddings in [true, false] {
            let config = LlamaConfig { tied_embeddings, rope_scaling: rope_scaling.clone(), ..config() };
            let model = Llama::from_scratch(&config, 3, &Device::flex()).unwrap();
            let target = tempfile::tempdir().unwrap();
            let [folder, file, again] = ["folder", "model.gguf", "again"].map(|name| target.path().join(name));
            model.write(&folder).unwrap();
            let summary = write(&folder, Blocks::F32, &file);
            assert_eq!(summary.bytes_after, summary.bytes_before);
            assert!(summary.kinds.iter().all(|kind| kind.rms_error == 0.0 && kind.format == "F32"));

            // Divisors have 32 bits.
            let near = |a: Vec<f32>, b: Vec<f32>| a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(near(logits(&file), logits(&folder)), "{rope_scaling:?}");
            let read = LlamaConfig::from_gguf(&Gguf::open(&file).unwrap()).unwrap();
            let rope_scaling = match rope_scaling {
                RopeScaling::Llama3 { .. } => RopeScaling::Divisors(config.rope_divisors().unwrap()),
                ref other => other.clone(),
            };
            // So has what is added to the mean square.
            let rms_eps = f64::from(config.rms_eps as f32);
            assert_eq!(read, LlamaConfig { rope_scaling: rope_scaling.clone(), rms_eps, ..config });

            if !matches!(rope_scaling, RopeScaling::Divisors(_)) {
                write(&file, Blocks::F32, &again);
                let [before, after] = [&folder, &again].map(|folder| Safetensors::open(folder).unwrap());
                assert_eq!(before.names(), after.names());
                for name in before.names() {
                    assert_eq!(before.read_f32(&name).unwrap(), after.read_f32(&name).unwrap(), "{name}");
                }
            }
        }
    }
}

#[test]
fn what_has_the_blocks_already_is_copied_bit_for_bit() {
    let folder = with_tokenizer("byte_level");
    for blocks in [Blocks::Q4_0, Blocks::Q4_1, Blocks::Q8_0, Blocks::F16] {
        let [once, twice] = ["once.gguf", "twice.gguf"].map(|name| folder.path().join(name));
        assert!(write(folder.path(), blocks, &once).kinds.iter().any(|kind| kind.rms_error > 0.0));
        assert!(write(&once, blocks, &twice).kinds.iter().all(|kind| kind.rms_error == 0.0));
        let [gguf, again] = [&once, &twice].map(|file| Gguf::open(file).unwrap());
        assert!(gguf.entries().eq(again.entries()), "{blocks}");
        assert_eq!(gguf.names(), again.names());
        assert!(gguf.names().iter().all(|name| gguf.raw(name).unwrap() == again.raw(name).unwrap()), "{blocks}");
        assert_eq!(gguf.format("blk.1.attn_q.weight").unwrap(), Format::from(blocks));
        assert_eq!(gguf.format("blk.1.attn_norm.weight").unwrap(), Format::F32);
    }
}

#[test]
fn rows_that_blocks_do_not_fit_are_kept_wider() {
    let folder = folder(&LlamaConfig { d_model: 32, d_ff: 24, head_dim: 8, ..tiny_config() });
    let file = folder.path().join("model.gguf");
    for (asked, d_model, d_ff) in [(Blocks::Q4_K, Format::Q4_1, Format::F16), (Blocks::Q8_0, Format::Q8_0, Format::F16)]
    {
        write(folder.path(), asked, &file);
        let gguf = Gguf::open(&file).unwrap();
        assert_eq!(gguf.format("blk.0.ffn_up.weight").unwrap(), d_model);
        assert_eq!(gguf.format("blk.0.ffn_down.weight").unwrap(), d_ff);
    }
}

#[test]
fn the_tokenizer_and_the_template_go_along() {
    for form in ["byte_level", "sentence_piece"] {
        let folder = with_tokenizer(form);
        let [file, again] = ["model.gguf", "again"].map(|name| folder.path().join(name));
        write(folder.path(), Blocks::Q8_0, &file);
        write(&file, Blocks::F16, &again);
        let expected = Tokenizer::from_path(folder.path()).unwrap();
        for place in [&file, &again] {
            let found = Tokenizer::from_path(place).unwrap();
            assert_eq!((found.bos(), found.eos_ids()), (expected.bos(), expected.eos_ids()), "{form}");
            for text in ["The 12 owls' night\n\n  (1999) naïve 😀", "<|im_end|> </s> a  b", "Ωμέγα x86"] {
                assert_eq!(found.encode(text, true).unwrap(), expected.encode(text, true).unwrap(), "{form} {text}");
                let ids = expected.encode_plain(text).unwrap();
                assert_eq!(found.encode_plain(text).unwrap(), ids, "{form} {text}");
                assert_eq!(found.decode(&ids, true).unwrap(), expected.decode(&ids, true).unwrap());
            }
            let template = ChatTemplate::from_path(place, &found).unwrap();
            assert_eq!(template.render(&[Message::new(Role::User, "Hey")], false).unwrap(), "Hey!");
        }
    }
}

/// Changes a JSON file of a model.
fn change(folder: &Path, name: &str, change: impl FnOnce(&mut serde_json::Value)) {
    let path = folder.join(name);
    let mut json = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut json);
    std::fs::write(path, json.to_string()).unwrap();
}

#[test]
fn the_ids_of_special_tokens_go_along_from_file_to_file() {
    let folder = with_tokenizer("byte_level");
    let ids = serde_json::json!({ "bos_token_id": 1, "eos_token_id": [2, 37], "pad_token_id": 0 });
    change(folder.path(), "config.json", |config| {
        ids.as_object().unwrap().iter().for_each(|(key, id)| config[key] = id.clone());
    });
    let [copy, file, again] = ["copy", "model.gguf", "again"].map(|name| folder.path().join(name));
    write(folder.path(), Blocks::F32, &copy);
    write(folder.path(), Blocks::F32, &file);
    write(&file, Blocks::F32, &again);
    let merged = folder.path().join("merged");
    std::fs::create_dir(&merged).unwrap();
    let files = TokenizerFiles::of(folder.path()).unwrap();
    Llama::load(folder.path(), &Device::flex()).unwrap().write_with(&files, &merged).unwrap();
    for place in [&copy, &merged, &again] {
        let config: serde_json::Value =
            serde_json::from_slice(&std::fs::read(place.join("config.json")).unwrap()).unwrap();
        for key in ["bos_token_id", "pad_token_id"] {
            assert_eq!(config[key], ids[key], "{} {key}", place.display());
        }
    }
    for place in [&copy, &merged, &file, &again] {
        let found = Tokenizer::from_path(place).unwrap();
        assert_eq!(
            (found.bos(), found.eos_ids(), found.pad()),
            (Some(1), &[2, 37, 0][..], Some(0)),
            "{}",
            place.display()
        );
    }
}

#[test]
fn what_a_gguf_cannot_say_about_a_tokenizer_is_refused() {
    let refused = |name: &str, spoil: &dyn Fn(&mut serde_json::Value)| {
        let folder = with_tokenizer("byte_level");
        let file = folder.path().join("model.gguf");
        std::fs::write(folder.path().join("generation_config.json"), "{}").unwrap();
        change(folder.path(), name, spoil);
        let error = quantize(folder.path(), Blocks::F32, &file, &mut |_, _, _| {}).unwrap_err();
        assert!(error.exit_code() == 2 && !file.exists(), "{error}");
        error.to_string()
    };
    let normalised = refused("tokenizer.json", &|json| json["normalizer"] = serde_json::json!({ "type": "NFC" }));
    assert!(normalised.contains("no normaliser") && normalised.contains("NFC"), "{normalised}");
    let stripping = refused("tokenizer.json", &|json| json["added_tokens"][1]["lstrip"] = true.into());
    assert!(stripping.contains("<|im_start|>") && stripping.contains("lstrip"), "{stripping}");
    let stops = refused("generation_config.json", &|json| json["eos_token_id"] = serde_json::json!([2, 40, 41, 42]));
    assert!(stops.contains("at most 3 stop tokens"), "{stops}");
}

#[test]
fn a_model_without_a_tokenizer_is_written_without_one() {
    let folder = folder(&config());
    let file = folder.path().join("model.gguf");
    write(folder.path(), Blocks::F16, &file);
    assert_eq!(Gguf::open(&file).unwrap().str("tokenizer.ggml.model").unwrap(), "no_vocab");
    write(&file, Blocks::F32, &folder.path().join("again"));
    assert!(!folder.path().join("again/tokenizer.json").exists());
}

#[test]
fn what_cannot_be_written_is_named_and_leaves_what_was_there() {
    let folder = with_tokenizer("byte_level");
    let file = folder.path().join("model.gguf");
    write(folder.path(), Blocks::Q4_0, &file);
    let before = std::fs::read(&file).unwrap();
    let refused = |from: &Path, blocks, to: &Path| {
        let error = quantize(from, blocks, to, &mut |_, _, _| {}).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{error}");
        error.to_string()
    };
    let no_folder = refused(folder.path(), Blocks::Q4_0, &folder.path().join("elsewhere"));
    assert!(no_folder.contains("--out") && no_folder.contains(".gguf"), "{no_folder}");

    // Cut at every space and nowhere else: no rule of GGUF's.
    let path = folder.path().join("tokenizer.json");
    let mut tokenizer: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    tokenizer["pre_tokenizer"] = serde_json::json!({ "type": "WhitespaceSplit" });
    std::fs::write(&path, tokenizer.to_string()).unwrap();
    let rule = refused(folder.path(), Blocks::Q4_0, &file);
    assert!(rule.contains("tokenizer: expected a splitting rule"), "{rule}");
    std::fs::remove_file(&path).unwrap();

    let mut infinite = weights(&config());
    infinite.last_mut().unwrap().values[3] = f32::INFINITY;
    infinite[4].values[40] = 1e9;
    write_weights(&folder.path().join("model.safetensors"), &infinite);
    let range = refused(folder.path(), Blocks::F16, &file);
    assert!(range.contains(infinite[4].name.trim_end_matches(".weight")), "{range}");
    assert!(std::fs::read(&file).unwrap() == before);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn blocks_lose_half_a_step_at_most_and_read_as_what_was_packed(seed: u64, spread in 0.01f32..10.0) {
        let values: Vec<f32> = crate::random::Normal::new(seed).draw(4 * 512, spread);
        for blocks in Blocks::ALL {
            let packed = PackedMatrix::from_f32(blocks.scheme(), 4, 512, &values).unwrap();
            let read = dequantize(blocks.into(), &blocks.bytes(&packed));
            prop_assert!(read.iter().zip(packed.to_f32()).all(|(read, packed)| *read == packed), "{}", blocks);
            for (before, after) in values.chunks(32).zip(read.chunks(32)) {
                let largest = before.iter().fold(0f32, |largest, value| largest.max(value.abs()));
                let (low, high) = before.iter().fold((0f32, 0f32), |(l, h), v| (l.min(*v), h.max(*v)));
                // A half rounds by 1/2048; on the side of the other sign, q4_0 ends a whole step before its largest weight.
                let (half_step, rounding) = match blocks {
                    Blocks::F32 => (0.0, 0.0),
                    Blocks::F16 => (0.0, largest / 2048.0),
                    Blocks::Q8_0 => (largest / 254.0, largest / 2048.0),
                    Blocks::Q4_0 => (largest / 8.0, largest / 2048.0),
                    Blocks::Q4_1 => ((high - low) / 30.0, 2.0 * largest / 1024.0),
                    // Its steps are themselves multiples of a step of all groups together.
                    Blocks::Q4_K => continue,
                };
                for (before, after) in before.iter().zip(after) {
                    prop_assert!((before - after).abs() <= half_step + rounding, "{}: {} became {}", blocks, before, after);
                }
            }
        }
    }
}
