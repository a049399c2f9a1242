//! The student that a configuration asks for.

use burn::tensor::Device;

use super::config::SftConfig;
use crate::instruct::Instructor;
use crate::pull::resolve_model;
use crate::run::folder::RunFolder;
use crate::teacher::Scorer;
use crate::train::plan::{Plan, Site, sizes_of};
use crate::train::student::{MODEL, Student};
use crate::{Error, Result};

impl SftConfig {
    /// The student as it is before its first step. One that is made from nothing lies in the folder of the run: a `fresh` run makes
    /// it, a resumed one finds it there.
    ///
    /// # Errors
    /// A model that cannot be read or has no room for the adapter.
    pub fn student(
        &self,
        run: &RunFolder,
        instructor: &Instructor<impl Scorer>,
        fresh: bool,
        device: &Device,
    ) -> Result<Student> {
        if let Some(scratch) = &self.scratch {
            let folder = run.path().join(MODEL);
            if fresh {
                scratch.write(&folder, instructor, self.seed, device)?;
            }
            return Student::whole(&folder, device);
        }
        let (name, path) = (self.model_name()?, resolve_model(self.model_name()?)?);
        if self.full {
            return Student::whole(&path, device);
        }
        Student::with_adapter(&path, name, self.scheme()?, (&self.lora.recipe(), self.seed), device)
    }

    /// What the training will take of memory on `device`, from the headers of the model's files alone.
    ///
    /// # Errors
    /// A model that cannot be read.
    pub fn plan(&self, device: &Device) -> Result<Plan> {
        let llama = match &self.scratch {
            Some(scratch) => scratch.llama(scratch.vocab_size)?,
            None => sizes_of(&resolve_model(self.model_name()?)?)?,
        };
        Ok(Plan::new(&llama, self.scheme()?, self, Site::of(device)))
    }

    fn model_name(&self) -> Result<&str> {
        self.model.as_deref().ok_or_else(|| {
            Error::bad_input("--model")
                .expected("a Hugging Face folder, a .gguf file, or a name of `tiller pull --list`")
                .found("none")
                .next("`tiller pull smollm2-135m` fetches a small one; or make one from nothing with --scratch tiny")
                .into()
        })
    }
}
