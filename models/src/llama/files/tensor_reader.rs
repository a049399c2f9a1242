//! The weights of a Llama's modules, from the tensors of a file.

use std::collections::BTreeSet;

use super::naming::{Naming, halves_from_pairs, is_rotated};
use crate::files::TensorSource;
use crate::item_tokens::{ItemRows, is_table};
use crate::llama::config::LlamaConfig;
use crate::{Error, Result};

/// Reads tensors of expected shapes.
pub(crate) struct TensorReader<'a> {
    source: &'a dyn TensorSource,
    naming: Naming,
    config: &'a LlamaConfig,
    /// The rows of item tokens, and the rows that the tables have without them.
    items: Option<(&'a ItemRows, usize)>,
}

impl<'a> TensorReader<'a> {
    /// Reads the tensors of `source`, which must be those of a Llama of these sizes: any other (a bias, an expert)
    /// belongs to another architecture, and leaving it out would change the model.
    pub(crate) fn new(
        source: &'a dyn TensorSource,
        naming: Naming,
        config: &'a LlamaConfig,
        items: Option<(&'a ItemRows, usize)>,
    ) -> Result<Self> {
        let reader = Self { source, naming, config, items };
        let known: BTreeSet<String> = config.modules().iter().map(|(module, _)| naming.tensor(module)).collect();
        let leftover = |name: &String| !known.contains(name) && !naming.is_redundant(name, config);
        match source.names().into_iter().find(leftover) {
            None => Ok(reader),
            Some(name) => Err(reader
                .at(&name)
                .expected("only tensors of a Llama")
                .found("one that it has not")
                .next("use a model of the Llama architecture, without biases")
                .into()),
        }
    }

    /// The values of the weight of `module`, in the order of Hugging Face's rows, those of item tokens among them.
    pub(crate) fn read(&self, module: &str, shape: &[usize]) -> Result<Vec<f32>> {
        self.check(module, shape)?;
        let values = self.source.read_f32(&self.naming.tensor(module))?;
        let reordered = self.naming == Naming::Gguf && is_rotated(module);
        Ok(match self.items {
            _ if reordered => halves_from_pairs(&values, self.config.head_dim, shape[1]),
            Some((rows, _)) if is_table(module) => rows.lay_over(module, values),
            _ => values,
        })
    }

    /// Checks the shape of the weight of `module`. Missing tensors are the source's error: it names the file.
    pub(crate) fn check(&self, module: &str, shape: &[usize]) -> Result<()> {
        let name = self.naming.tensor(module);
        let mut expected = shape.to_vec();
        if let Some((_, rows_on_disk)) = self.items.filter(|_| is_table(module)) {
            expected[0] = rows_on_disk;
        }
        match self.source.shape(&name) {
            Some(found) if found != expected => Err(self
                .at(&name)
                .expected(format!("shape {expected:?}, by the model's configuration"))
                .found(format!("{found:?}"))
                .into()),
            _ => Ok(()),
        }
    }

    fn at(&self, tensor: &str) -> crate::error::BadInput {
        Error::bad_input(format!("{}: tensor {tensor}", self.source.place().display()))
    }
}
