//! The files by which a Hugging Face folder describes its tokenizer: carried along when a model is written, or made from texts.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use ::tokenizers::decoders::byte_level::ByteLevel;
use ::tokenizers::models::TrainerWrapper;
use ::tokenizers::models::bpe::{BPE, BpeTrainer};
use ::tokenizers::pre_tokenizers::sequence::Sequence;
use ::tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use ::tokenizers::{AddedToken, DecoderWrapper, PreTokenizerWrapper, SplitDelimiterBehavior};
use serde_json::{Map, Value, json};

use super::Tokenizer;
use super::guard::MARK;
use crate::atomic::write_atomically;
use crate::chat::source as template_source;
use crate::files::gguf::Gguf;
use crate::files::{TensorSource, json};
use crate::{Error, Result};

/// The file of vocabulary, merges and added tokens.
pub(super) const TOKENIZER: &str = "tokenizer.json";
/// The file that names stop ids, besides others.
pub(super) const GENERATION: &str = "generation_config.json";

/// The files that transformers, and [`Tokenizer::from_path`](super::Tokenizer::from_path), look for.
const NAMES: [&str; 8] = [
    TOKENIZER,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    GENERATION,
    "chat_template.jinja",
    "chat_template.json",
    "tokenizer.model",
];

/// A turn is its role, its text and an end, with nothing between: few tokens, which a small model is glad of.
const TEMPLATE: &str = "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}\
    {% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}";

/// The control tokens of [`TEMPLATE`], whose ids are the first ones.
const CONTROL: [&str; 4] = ["<|end|>", "<|system|>", "<|user|>", "<|assistant|>"];

/// The smallest vocabulary: the control tokens, and a token for each byte.
const SMALLEST: usize = CONTROL.len() + 256;

/// The cuts made in a text before merging: at quotes, separators between quoted titles, line breaks, the numbers of a list with the
/// space after them, and numbers. Everything between two cuts may become one token, words and spaces alike: a title, or a turn of phrase.
/// A title therefore has the same token in a prompt and in a list.
const CUTS: &str = r"' → '|', '|'|\n|\A\d+\.|(?<=\n) \d+\.|(?<=\d\.) |\d+";

/// The files beside a model's weights that hold its tokenizer and its chat template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenizerFiles {
    /// The contents by the name of the file.
    pub(super) files: BTreeMap<&'static str, Vec<u8>>,
    /// The ids of special tokens in config.json.
    ids: Map<String, Value>,
}

/// The keys of config.json that name tokens.
const IDS: [&str; 3] = ["bos_token_id", "eos_token_id", "pad_token_id"];

/// The ids of special tokens in a configuration.
fn token_ids(config: Value) -> Map<String, Value> {
    let Value::Object(config) = config else { return Map::new() };
    config.into_iter().filter(|(key, value)| IDS.contains(&key.as_str()) && !value.is_null()).collect()
}

impl TokenizerFiles {
    /// The files of the model folder at `path`.
    ///
    /// # Errors
    /// I/O errors; a folder without tokenizer.json.
    pub fn of(path: &Path) -> Result<Self> {
        let mut files = BTreeMap::new();
        for name in NAMES {
            let file = path.join(name);
            if file.exists() {
                files.insert(name, std::fs::read(&file).map_err(Error::io(&file, "read"))?);
            }
        }
        if !files.contains_key(TOKENIZER) {
            return Err(Error::bad_input(path.display())
                .expected("a Hugging Face folder with tokenizer.json")
                .found("none")
                .next("name the folder of a model, not a .gguf file")
                .into());
        }
        let config = path.join("config.json");
        let config = if config.exists() { json::read(&config, "JSON")? } else { Value::Null };
        Ok(Self { files, ids: token_ids(config) })
    }

    /// The files that describe the tokenizer of `gguf`.
    ///
    /// # Errors
    /// As [`Tokenizer::from_gguf`](super::Tokenizer::from_gguf).
    pub fn of_gguf(gguf: &Gguf) -> Result<Self> {
        let tokenizer = Tokenizer::from_gguf(gguf)?;
        // A name makes a control token of an ordinary one; ids do not.
        let spelling = |id: Option<u32>| tokenizer.token(id.filter(|id| tokenizer.is_added(*id))?);
        let (bos, eos, pad) = (tokenizer.bos(), tokenizer.eos_ids(), tokenizer.pad());
        let settings = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "add_bos_token": tokenizer.adds_bos(),
            "clean_up_tokenization_spaces": false,
            "bos_token": spelling(bos),
            "eos_token": spelling(tokenizer.eos()),
            "pad_token": spelling(pad),
            "chat_template": template_source::in_gguf(gguf)?,
        });
        let ids = json!({ "bos_token_id": bos, "eos_token_id": eos, "pad_token_id": pad });
        Ok(Self::new(tokenizer.to_json(gguf.place())?, &settings, ids))
    }

    fn new(tokenizer: String, settings: &Value, ids: Value) -> Self {
        let pretty = |value| serde_json::to_vec_pretty(value).expect("a JSON value is always writable");
        let files = [
            (TOKENIZER, tokenizer.into_bytes()),
            ("tokenizer_config.json", pretty(settings)),
            (GENERATION, pretty(&ids)),
        ];
        Self { files: files.into(), ids: token_ids(ids) }
    }

    /// The ids of special tokens for config.json.
    pub(crate) fn ids(&self) -> &Map<String, Value> {
        &self.ids
    }

    /// Learns a byte-level BPE of at most `vocab_size` ids from `texts` (Sennrich et al. 2016, arXiv 1508.07909), with a chat
    /// template of four control tokens. Its tokens may span words, so that texts which repeat each other get short: a small model is
    /// trained on a third of the tokens that words would need. The same texts in the same order give the same files.
    ///
    /// # Errors
    /// A vocabulary without room for the control tokens and the 256 bytes.
    pub fn train<T: AsRef<str> + Send>(texts: impl Iterator<Item = T> + Send, vocab_size: usize) -> Result<Self> {
        if vocab_size < SMALLEST {
            return Err(Error::bad_input("size of the vocabulary")
                .expected(format!("{SMALLEST} or more: the bytes and the control tokens"))
                .found(vocab_size)
                .into());
        }
        let json = learn(texts, vocab_size).map_err(|e| Error::Failed(format!("tokenizer: {e}")))?;
        let settings = json!({
            "tokenizer_class": "PreTrainedTokenizerFast",
            "add_bos_token": false,
            "add_prefix_space": false,
            "clean_up_tokenization_spaces": false,
            "bos_token": null,
            "eos_token": CONTROL[0],
            "pad_token": CONTROL[0],
            "chat_template": TEMPLATE,
        });
        Ok(Self::new(json, &settings, json!({ "eos_token_id": 0, "pad_token_id": 0 })))
    }

    /// Writes the files into `folder`; each appears whole or not at all. Those of another tokenizer are removed.
    ///
    /// # Errors
    /// I/O errors.
    pub fn write(&self, folder: &Path) -> Result<()> {
        for name in NAMES {
            let path = folder.join(name);
            match self.files.get(name) {
                Some(bytes) => write_atomically(&path, |file| file.write_all(bytes))?,
                None if path.exists() => std::fs::remove_file(&path).map_err(Error::io(&path, "remove"))?,
                None => {}
            }
        }
        Ok(())
    }
}

/// tokenizer.json of a vocabulary learnt from `texts`.
fn learn<T: AsRef<str> + Send>(
    texts: impl Iterator<Item = T> + Send,
    vocab_size: usize,
) -> ::tokenizers::Result<String> {
    let cuts = Split::new(SplitPattern::Regex(CUTS.into()), SplitDelimiterBehavior::Isolated, false)?;
    let split: [PreTokenizerWrapper; 2] = [cuts.into(), ByteLevel::new(false, true, false).into()];
    let mut tokenizer = ::tokenizers::Tokenizer::new(BPE::default());
    tokenizer.with_pre_tokenizer(Some(Sequence::new(split.into())));
    tokenizer.with_decoder(Some(DecoderWrapper::from(ByteLevel::default())));
    let trainer = BpeTrainer::builder()
        .vocab_size(vocab_size)
        .min_frequency(2)
        .show_progress(false)
        .special_tokens(CONTROL.map(|token| AddedToken::from(token, true)).into())
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .build();
    tokenizer.train(&mut TrainerWrapper::from(trainer), texts.flat_map(|text| without_control(text.as_ref())))?;
    tokenizer.to_string(true)
}

/// The parts of a text, cut behind the first character of each spelling of a control token: no merge that is learnt from them ends in
/// one, which would have the id of the control token.
fn without_control(text: &str) -> Vec<String> {
    let cut = |text: String, control: &str| text.replace(control, &format!("{}{MARK}{}", &control[..1], &control[1..]));
    let cut = CONTROL.into_iter().fold(text.to_owned(), cut);
    cut.split(MARK).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{ChatTemplate, Message, Role};

    fn trained(vocab_size: usize) -> Result<TokenizerFiles> {
        let texts = (0..40).map(|i| format!("{i}. The Long Night of the Owl ({})", 1950 + i));
        TokenizerFiles::train(texts, vocab_size)
    }

    #[test]
    fn no_merge_spells_a_control_token() {
        let texts = (0..64).map(|number| format!("Up<|end|><|user|>Say {number} <|assistant|>"));
        let folder = tempfile::tempdir().unwrap();
        TokenizerFiles::train(texts, 400).unwrap().write(folder.path()).unwrap();
        let tokenizer = Tokenizer::from_path(folder.path()).unwrap();
        for control in CONTROL {
            let ids = tokenizer.encode_plain(control).unwrap();
            assert!(ids.len() > 1 && tokenizer.control(&ids).next().is_none(), "{control}: {ids:?}");
        }
    }

    #[test]
    fn any_text_is_read_and_written_with_a_learnt_vocabulary() {
        let folder = tempfile::tempdir().unwrap();
        trained(300).unwrap().write(folder.path()).unwrap();
        let tokenizer = Tokenizer::from_path(folder.path()).unwrap();
        assert!((SMALLEST..=300).contains(&tokenizer.vocabulary_size()));
        assert_eq!((tokenizer.bos(), tokenizer.eos_ids(), tokenizer.pad()), (None, &[0][..], Some(0)));
        for text in ["7. The Long Night of the Owl (1957)\n", "Amélie 😀\t<|end|>", " 30%"] {
            let ids = tokenizer.encode_plain(text).unwrap();
            assert!(!ids.contains(&0), "no control token comes out of plain text");
            assert_eq!(tokenizer.decode(&ids, true).unwrap(), text);
        }
        assert_eq!(trained(300).unwrap(), trained(300).unwrap());
        assert!(trained(SMALLEST - 1).unwrap_err().to_string().contains("260"));
    }

    #[test]
    fn a_title_is_the_same_token_in_a_prompt_and_in_a_list() {
        let folder = tempfile::tempdir().unwrap();
        let texts = ["I took 'The Long Night' → 'Owl 7'. More!", "1. The Long Night\n 2. Owl 7\n"].repeat(9);
        TokenizerFiles::train(texts.iter(), 330).unwrap().write(folder.path()).unwrap();
        let tokenizer = Tokenizer::from_path(folder.path()).unwrap();
        let tokens = |text: &str| -> Vec<String> {
            tokenizer.encode_plain(text).unwrap().iter().map(|id| tokenizer.decode(&[*id], false).unwrap()).collect()
        };
        assert_eq!(tokens(texts[0]), ["I took ", "'", "The Long Night", "' → '", "Owl ", "7", "'", ". More!"]);
        assert_eq!(tokens(texts[1]), ["1.", " ", "The Long Night", "\n", " 2.", " ", "Owl ", "7", "\n"]);
    }

    #[test]
    fn turns_of_the_learnt_template_are_single_tokens() {
        let folder = tempfile::tempdir().unwrap();
        trained(300).unwrap().write(folder.path()).unwrap();
        let tokenizer = Tokenizer::from_path(folder.path()).unwrap();
        let template = ChatTemplate::from_path(folder.path(), &tokenizer).unwrap();
        let turns = [Message::new(Role::System, "S"), Message::new(Role::User, "U")];
        assert_eq!(template.render(&turns, true).unwrap(), "<|system|>S<|end|><|user|>U<|end|><|assistant|>");
        assert_eq!(template.encode(&tokenizer, &turns, true).unwrap().len(), 7);
    }

    #[test]
    fn the_files_of_a_model_are_carried_along_unchanged() {
        let [from, to] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        trained(280).unwrap().write(from.path()).unwrap();
        std::fs::write(from.path().join("chat_template.jinja"), "{{ messages }}").unwrap();
        std::fs::write(from.path().join("model.safetensors"), "weights").unwrap();
        let files = TokenizerFiles::of(from.path()).unwrap();
        files.write(to.path()).unwrap();
        assert_eq!(TokenizerFiles::of(to.path()).unwrap(), files);
        assert_eq!(std::fs::read(to.path().join("chat_template.jinja")).unwrap(), b"{{ messages }}");
        assert!(!to.path().join("model.safetensors").exists());

        let empty = tempfile::tempdir().unwrap();
        assert!(TokenizerFiles::of(empty.path()).unwrap_err().to_string().contains("tokenizer.json"));
    }
}
