//! The teacher: a trained SASRec beside the data set that it was trained on.

use std::path::Path;

use burn::tensor::Device;
use tiller_models::download;
use tiller_models::item_tokens::ItemVectors;
use tiller_models::sasrec::SasRec;

use super::checkpoint::{BEST, TeacherCheckpoint};
use super::query::Scorer;
use crate::Result;
use crate::data::{Dataset, ItemId};

/// A trained SASRec, ready to be asked.
#[derive(Debug, Clone)]
pub struct Teacher {
    model: SasRec,
}

impl Teacher {
    /// A teacher with this model.
    pub fn new(model: SasRec) -> Self {
        Self { model }
    }

    /// The best model of the run in `run_dir`, which has to have been trained on this data set's catalogue.
    ///
    /// # Errors
    /// No run there, a file that is cut off, or a run on another catalogue.
    pub fn load(run_dir: &Path, dataset: &Dataset, device: &Device) -> Result<Self> {
        let checkpoint = TeacherCheckpoint::read(&run_dir.join("checkpoints").join(BEST), &dataset.catalogue)?;
        Ok(Self::new(checkpoint.model(device)?))
    }
}

impl Scorer for Teacher {
    fn n_items(&self) -> usize {
        self.model.n_items()
    }

    fn item_vectors(&self) -> Result<Option<ItemVectors>> {
        let vectors = self.model.item_vectors();
        let [_, width] = vectors.dims();
        Ok(Some(ItemVectors { values: download(vectors, "the teacher's item vectors")?, width }))
    }

    fn answer<T: Send>(&self, histories: &[&[ItemId]], answer: impl Fn(usize, &[f32]) -> T + Sync) -> Result<Vec<T>> {
        let histories: Vec<Vec<u32>> = histories.iter().map(|h| h.iter().map(|item| item.0).collect()).collect();
        let histories: Vec<&[u32]> = histories.iter().map(Vec::as_slice).collect();
        self.model.answer(&histories, answer)
    }
}
