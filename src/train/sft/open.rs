//! The model that a configuration trains.

use burn::tensor::Device;
use tiller_models::llama::LlamaConfig;
use tiller_models::memory::{ComputeDevice, MemoryEstimate, StepSize};

use super::config::{FEWEST_TOKENS, ItemTokenConfig, SftConfig};
use crate::instruct::ExampleBuilder;
use crate::pull::resolve_model;
use crate::run::folder::RunFolder;
use crate::teacher::Scorer;
use crate::train::memory::does_not_fit;
use crate::train::trainable_model::{MODEL, TrainableModel};
use crate::{Error, Result};

/// The flags that make a training smaller.
const REMEDIES: &str = "try --activation-checkpointing, a smaller --batch with more --gradient-accumulation-steps, a smaller --max-tokens, \
                        --quant q4, or a smaller --rank";

impl SftConfig {
    /// The model as it is before its first step. One that is trained from scratch lies in the folder of the run: a `fresh` run makes
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
        let (scheme, recipe) = (self.scheme()?, self.lora.recipe());
        let Some(ItemTokenConfig { lr_ratio }) = self.item_tokens else {
            return TrainableModel::with_adapter(&path, name, scheme, (&recipe, self.seed), device);
        };
        let vectors = builder.teacher().item_vectors()?.ok_or_else(|| {
            Error::bad_input("--item-tokens")
                .expected("a teacher with a vector for each item")
                .found("none")
                .next("train one with `tiller sasrec train`, and let I0, I1 or I2 be among the --tasks")
        })?;
        let titles: Vec<&str> = builder.catalogue().items().iter().map(|item| item.title.as_str()).collect();
        // AdamW moves W at one pace, and a row by W · e: the length of e is the rows' own learning rate.
        let items = (&titles[..], &vectors.of_length(lr_ratio as f32));
        TrainableModel::with_item_tokens(&path, name, scheme, (&recipe, self.seed), items, run.path(), device)
    }

    /// Refuses a training that does not fit into `free` bytes of memory, before anything is loaded: with the micro-batch of the settings
    /// at the longest samples, or else with a single short sample, since the micro-batch follows from the real ones. The catalogue has so
    /// many `items`. Returns the estimate.
    ///
    /// # Errors
    /// A model that cannot be read; [`Error::DoesNotFit`] with the parts and the flags that make them smaller.
    pub fn check_memory(&self, items: usize, device: &Device, free: Option<u64>) -> Result<MemoryEstimate> {
        let mut llama = match &self.from_scratch {
            Some(from_scratch) => from_scratch.llama(from_scratch.vocab_size)?,
            None => LlamaConfig::read(&resolve_model(self.model_name()?)?)?,
        };
        if self.item_tokens.is_some() {
            llama.vocab_size += items;
        }
        let step = self.step_size(&llama, ComputeDevice::of(device));
        let estimate = self.memory(llama, ComputeDevice::of(device))?.estimate(&step);
        if free.is_some_and(|free| free < estimate.total) {
            return Err(does_not_fit("the training", &estimate, free, REMEDIES));
        }
        Ok(estimate)
    }

    /// The largest step by these settings; the smallest, where the micro-batch follows from the samples.
    pub fn step_size(&self, llama: &LlamaConfig, device: ComputeDevice) -> StepSize {
        match self.micro_batch {
            Some(micro_batch) => StepSize {
                micro_batch,
                parallel: device.parallel(),
                micro_batches: self.batch.div_ceil(micro_batch) * self.gradient_accumulation_steps,
                seq: self.max_tokens.min(llama.max_positions),
            },
            None => StepSize { micro_batch: 1, parallel: 1, micro_batches: 1, seq: FEWEST_TOKENS },
        }
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
