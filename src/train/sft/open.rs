//! The trainable that a configuration asks for.

use burn::tensor::Device;

use super::config::SftConfig;
use crate::instruct::ExampleBuilder;
use crate::pull::resolve_model;
use crate::run::folder::RunFolder;
use crate::teacher::Scorer;
use crate::train::plan::{ComputeDevice, SftMemoryPlan, sizes_of};
use crate::train::trainable_model::{MODEL, TrainableModel};
use crate::{Error, Result};

impl SftConfig {
    /// The trainable as it is before its first step. One that is trained from scratch lies in the folder of the run: a `fresh` run makes
    /// it, a resumed one finds it there.
    ///
    /// # Errors
    /// A model that cannot be read or has no room for the adapter.
    pub fn trainable_model(
        &self,
        run: &RunFolder,
        builder: &ExampleBuilder<impl Scorer>,
        fresh: bool,
        device: &Device,
    ) -> Result<TrainableModel> {
        if let Some(from_scratch) = &self.from_scratch {
            let folder = run.path().join(MODEL);
            if fresh {
                from_scratch.write(&folder, builder, self.seed, device)?;
            }
            return TrainableModel::full(&folder, device);
        }
        let (name, path) = (self.model_name()?, resolve_model(self.model_name()?)?);
        if self.full {
            return TrainableModel::full(&path, device);
        }
        TrainableModel::with_adapter(&path, name, self.scheme()?, (&self.lora.recipe(), self.seed), device)
    }

    /// What the training will take of memory on `device`, from the headers of the model's files alone.
    ///
    /// # Errors
    /// A model that cannot be read.
    pub fn plan(&self, device: &Device) -> Result<SftMemoryPlan> {
        let llama = match &self.from_scratch {
            Some(from_scratch) => from_scratch.llama(from_scratch.vocab_size)?,
            None => sizes_of(&resolve_model(self.model_name()?)?)?,
        };
        Ok(SftMemoryPlan::new(&llama, self.scheme()?, self, ComputeDevice::of(device)))
    }

    fn model_name(&self) -> Result<&str> {
        self.model.as_deref().ok_or_else(|| {
            Error::bad_input("--model")
                .expected("a Hugging Face folder, a .gguf file, or a name of `tiller pull --list`")
                .found("none")
                .next("`tiller pull smollm2-135m` fetches a small one; or train one from scratch with --from-scratch tiny")
                .into()
        })
    }
}
