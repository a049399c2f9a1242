//! The language model that trained: which of its weights do, and where they are written once they are worth it.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::Device;
use tiller_kernels::MatmulPrecision;
use tiller_kernels::quant::QuantScheme;
use tiller_models::item_tokens::ItemVectors;
use tiller_models::language_model::LanguageModel;
use tiller_models::lora::{Adapter, LoraConfig};
use tiller_models::tokenizer::TokenizerFiles;

use crate::{Error, Result};

/// The best adapter of a run, a PEFT folder.
pub const ADAPTER: &str = "adapter";
/// The best model of a run that trains all weights, a Hugging Face folder.
pub const MODEL: &str = "model";

/// A language model in training.
pub struct TrainableModel {
    /// The model, on a device that differentiates.
    pub model: LanguageModel,
    trained: TrainedPart,
}

/// The trained part of the model.
enum TrainedPart {
    /// Low-rank parts beside frozen weights; the adapter is what is written beside its numbers.
    Adapter(Box<Adapter>),
    /// All weights; the tokenizer's files go with them. The folder is the one that they come from.
    Full(TokenizerFiles, PathBuf),
}

impl TrainableModel {
    /// The model at `path` with a fresh adapter, its own weights frozen and packed by `scheme` (QLoRA). `name` is what the adapter remembers
    /// of the model.
    ///
    /// # Errors
    /// A model that cannot be read, a recipe that does not fit it.
    pub fn with_adapter(
        path: &Path,
        name: &str,
        scheme: Option<QuantScheme>,
        (recipe, seed): (&LoraConfig, u64),
        device: &Device,
    ) -> Result<Self> {
        Self::adapted(LanguageModel::load_quantized(path, None, scheme, device)?, name, (recipe, seed), device)
    }

    /// `model` with a fresh adapter.
    fn adapted(
        mut model: LanguageModel,
        name: &str,
        (recipe, seed): (&LoraConfig, u64),
        device: &Device,
    ) -> Result<Self> {
        let mut adapter = recipe.adapter(model.llama.linears(), seed, device)?;
        adapter.base_model = Some(name.to_owned());
        model.llama = model.llama.with_adapter(&adapter)?.train();
        adapter.loras.clear(); // the model's own, from now on
        Ok(Self { model, trained: TrainedPart::Adapter(Box::new(adapter)) })
    }

    /// [`TrainableModel::with_adapter`] with an item token for each of `titles`, whose rows move with a projection of `vectors`. The
    /// tokenizer is written into the folder of the run.
    ///
    /// # Errors
    /// As [`TrainableModel::with_adapter`] and [`LanguageModel::with_item_tokens`].
    pub fn with_item_tokens(
        path: &Path,
        name: &str,
        scheme: Option<QuantScheme>,
        (recipe, seed): (&LoraConfig, u64),
        (titles, vectors): (&[&str], &ItemVectors),
        run: &Path,
        device: &Device,
    ) -> Result<Self> {
        let folder = run.join(ADAPTER);
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder, "create"))?;
        let model = LanguageModel::with_item_tokens(path, titles, vectors, &folder, scheme, device)?;
        Self::adapted(model, name, (recipe, seed), device)
    }

    /// The model at `path` with the adapter in a PEFT folder, which is trained further; its own weights frozen and packed by `scheme`.
    ///
    /// # Errors
    /// A model or an adapter that cannot be read, or that do not fit each other.
    pub fn with_trained_adapter(
        path: &Path,
        adapter: &Path,
        scheme: Option<QuantScheme>,
        device: &Device,
    ) -> Result<Self> {
        let mut model = LanguageModel::load_quantized(path, Some(adapter), scheme, device)?;
        let mut adapter = Adapter::read(adapter, &model.llama.config().projections(), device)?;
        model.llama = model.llama.train();
        adapter.loras.clear(); // the model's own, from now on
        Ok(Self { model, trained: TrainedPart::Adapter(Box::new(adapter)) })
    }

    /// The model in the Hugging Face folder at `path`, of which everything trained.
    ///
    /// # Errors
    /// A model that cannot be read, or a .gguf file, beside which no tokenizer lies that could be written again.
    pub fn full(path: &Path, device: &Device) -> Result<Self> {
        let files = TokenizerFiles::of(path)?;
        let mut model = LanguageModel::load(path, None, device)?;
        model.llama = model.llama.trainable().train();
        Ok(Self { model, trained: TrainedPart::Full(files, path.to_owned()) })
    }

    /// This model with matrix products of this precision on a CPU.
    #[must_use]
    pub fn with_matmul_precision(mut self, precision: MatmulPrecision) -> Self {
        self.model.llama = self.model.llama.with_matmul_precision(precision);
        self
    }

    /// Returns true if all weights are trained.
    pub fn is_full(&self) -> bool {
        matches!(self.trained, TrainedPart::Full(..))
    }

    /// The folder that [`TrainableModel::write`] writes, in that of a run.
    pub fn folder(&self, run: &Path) -> PathBuf {
        run.join(match self.trained {
            TrainedPart::Adapter(_) => ADAPTER,
            TrainedPart::Full(..) => MODEL,
        })
    }

    /// Removes what an earlier training has written there, so that it is not taken for this one's; never the model that this one
    /// begins with.
    ///
    /// # Errors
    /// A file that cannot be removed.
    pub fn remove_stale(&self, run: &Path) -> Result<()> {
        let folder = self.folder(run);
        let weights = match &self.trained {
            TrainedPart::Adapter(_) => folder.join("adapter_model.safetensors"),
            TrainedPart::Full(_, from) if is_same(from, &folder) => return Ok(()),
            TrainedPart::Full(..) => folder.join("model.safetensors"),
        };
        if weights.exists() {
            std::fs::remove_file(&weights).map_err(Error::io(&weights, "remove"))?;
        }
        Ok(())
    }

    /// Writes what has been learnt into the folder of a run: a PEFT folder, or a Hugging Face folder.
    ///
    /// # Errors
    /// The disk is full, or the device does not give the weights back.
    pub fn write(&self, run: &Path) -> Result<()> {
        let folder = self.folder(run);
        std::fs::create_dir_all(&folder).map_err(Error::io(&folder, "create"))?;
        match &self.trained {
            TrainedPart::Adapter(adapter) => {
                let mut adapter = adapter.as_ref().clone();
                adapter.take_from(self.model.llama.valid().linears());
                adapter.items = self.model.item_tokens()?;
                adapter.write(&folder)
            }
            TrainedPart::Full(files, _) => self.model.llama.write_with(files, &folder),
        }
    }
}

fn is_same(a: &Path, b: &Path) -> bool {
    a.canonicalize().is_ok_and(|a| b.canonicalize().is_ok_and(|b| a == b))
}

/// The quantization scheme of this name; `None` for plain floats.
///
/// # Errors
/// A name that is no scheme.
pub fn scheme(name: &str) -> Result<Option<QuantScheme>> {
    let scheme = name.parse::<QuantScheme>().map_err(|_| {
        let schemes = QuantScheme::ALL.map(QuantScheme::name).join(", ");
        Error::bad_input("--quant").expected(format!("one of {schemes}")).found(name)
    })?;
    Ok(Some(scheme).filter(|&scheme| scheme != QuantScheme::F32))
}
