//! A pulled model with a token for each title of a catalogue.

use std::path::Path;

use burn::tensor::Device;
use tiller_kernels::quant::QuantScheme;

use super::LanguageModel;
use crate::item_tokens::{ItemRows, ItemTokens, ItemVectors, title_rows};
use crate::llama::ModelFiles;
use crate::llama::files::WeightFiles;
use crate::tokenizer::{Tokenizer, TokenizerFiles};
use crate::{Error, Result};

impl LanguageModel {
    /// Loads the model at `path` and adds a token for each of `titles`, whose row moves by a trained projection of the item's vector. The
    /// tokenizer is written to `folder`.
    ///
    /// # Errors
    /// As [`LanguageModel::load_quantized`]; titles that are alike, a tokenizer with more ids than the model has rows, more vectors than
    /// titles, a disk that is full.
    pub fn with_item_tokens(
        path: &Path,
        titles: &[&str],
        vectors: &ItemVectors,
        folder: &Path,
        quant: Option<QuantScheme>,
        device: &Device,
    ) -> Result<Self> {
        let files = ModelFiles::open(path)?;
        let items = ItemTokens::of_titles(&files, titles)?;
        items.files.write(folder)?;
        let mut model = Self::from_files(&files.with_items(items.rows.clone(), folder)?, None, quant, device)?;
        model.llama = model.llama.with_item_vectors(vectors, items.rows.first)?;
        model.items = Some(items);
        Ok(model)
    }

    /// The files of the tokenizer: those of the item tokens, or those in the model's folder at `path`.
    ///
    /// # Errors
    /// As [`TokenizerFiles::of`].
    pub fn tokenizer_files(&self, path: &Path) -> Result<TokenizerFiles> {
        self.items.as_ref().map_or_else(|| TokenizerFiles::of(path), |items| Ok(items.files.clone()))
    }

    /// The item tokens of the model, with the rows that it has now.
    ///
    /// # Errors
    /// A device that does not return them.
    pub fn item_tokens(&self) -> Result<Option<ItemTokens>> {
        let now = |items: &ItemTokens| {
            Ok(ItemTokens { rows: self.llama.trained_rows(&items.rows)?, files: items.files.clone() })
        };
        self.items.as_ref().map(now).transpose()
    }
}

impl ItemTokens {
    /// Tokens for `titles` behind the vocabulary of a model, with the rows that their words have in it.
    fn of_titles(files: &ModelFiles, titles: &[&str]) -> Result<Self> {
        let (tokenizer, described) = match &files.weights {
            WeightFiles::Gguf(gguf) => (Tokenizer::from_gguf(gguf)?, TokenizerFiles::of_gguf(gguf)?),
            WeightFiles::Folder(_) => (Tokenizer::from_path(&files.place)?, TokenizerFiles::of(&files.place)?),
        };
        let (first, rows, d_model) = (tokenizer.vocabulary_size(), files.config.vocab_size, files.config.d_model);
        if first > rows {
            return Err(Error::bad_input(files.place.display())
                .expected(format!("a tokenizer of at most {rows} ids, behind which item tokens stand"))
                .found(format!("{first} ids"))
                .next("take another model, or train without --item-tokens")
                .into());
        }
        let words = titles.iter().map(|title| tokenizer.encode_plain(&format!(" {title}")));
        let words = words.collect::<Result<Vec<_>>>()?;
        let reader = files.reader()?;
        let rows_of = |module: &str| {
            let table = reader.read(module, &[rows, d_model])?;
            Ok::<_, Error>(title_rows(&table[..first * d_model], d_model, &words))
        };
        let lm_head = (!files.config.tied_embeddings).then(|| rows_of("lm_head")).transpose()?;
        let rows = ItemRows { first, d_model, embedding: rows_of("model.embed_tokens")?, lm_head };
        Ok(Self { rows, files: described.with_item_tokens(titles, first)? })
    }
}
