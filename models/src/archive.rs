//! Checkpoints: named tensors and metadata in one safetensors file.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use burn::tensor::TensorData;
use safetensors::{Dtype, SafeTensors};

use crate::files::safetensors::write;
use crate::{Error, Result};

/// Tensors of f32 by name.
pub type NamedTensors = BTreeMap<String, TensorData>;

/// The contents of a file: tensors, and strings by key.
#[derive(Debug, Clone, Default)]
pub struct Archive {
    /// The tensors.
    pub tensors: NamedTensors,
    /// The metadata, such as the configuration that the tensors belong to.
    pub words: HashMap<String, String>,
}

impl Archive {
    /// Writes the archive; `path` is either the old file or the new one, whatever happens in between.
    ///
    /// # Errors
    /// The disk is full or the folder cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut tensors = Vec::with_capacity(self.tensors.len());
        for (name, data) in &self.tensors {
            let values = data.as_slice::<f32>().map_err(|e| Error::Failed(format!("tensor {name}: {e}")))?;
            tensors.push((name.as_str(), data.shape().as_slice(), values));
        }
        let words: Vec<_> = self.words.iter().map(|(key, word)| (key.as_str(), word.as_str())).collect();
        write(path, tensors, &words)
    }

    /// Reads an archive.
    ///
    /// # Errors
    /// A file that is not there, is cut off, or holds something other than f32 tensors.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(Error::io(path, "read"))?;
        let bad = |place: String, found: String| {
            let next = "the file may be cut off: train again, or copy it again";
            Error::bad_input(place).expected("finite f32 numbers in the safetensors format").found(found).next(next)
        };
        let place = path.display().to_string();
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| bad(place.clone(), e.to_string()))?;
        let file = SafeTensors::deserialize(&bytes).map_err(|e| bad(place.clone(), e.to_string()))?;
        let mut tensors = NamedTensors::new();
        for (name, view) in file.iter() {
            if view.dtype() != Dtype::F32 {
                return Err(bad(format!("{place} tensor {name}"), view.dtype().to_string()).into());
            }
            let values: Vec<f32> = bytemuck::pod_collect_to_vec(view.data());
            if values.iter().any(|value| !value.is_finite()) {
                return Err(bad(format!("{place} tensor {name}"), "NaN or infinite numbers".into()).into());
            }
            tensors.insert(name.to_owned(), TensorData::new(values, view.shape().to_vec()));
        }
        Ok(Self { tensors, words: header.metadata().clone().unwrap_or_default() })
    }

    /// The word of a key.
    ///
    /// # Errors
    /// No such key; `path` names the file.
    pub fn word(&self, key: &str, path: &Path) -> Result<&str> {
        self.words.get(key).map(String::as_str).ok_or_else(|| {
            let place = format!("{} metadata", path.display());
            Error::bad_input(place).expected(key).found("no such key").next("is it a file that tiller wrote?").into()
        })
    }

    /// Takes the tensors whose names start with `prefix` and a dot, under the rest of their names.
    pub fn take(&mut self, prefix: &str) -> NamedTensors {
        let under = |name: &str| name.strip_prefix(prefix)?.strip_prefix('.').map(str::to_owned);
        let (taken, left) = std::mem::take(&mut self.tensors).into_iter().partition(|(name, _)| under(name).is_some());
        self.tensors = left;
        NamedTensors::into_iter(taken).filter_map(|(name, data)| Some((under(&name)?, data))).collect()
    }

    /// Adds tensors under `prefix` and a dot.
    pub fn put(&mut self, prefix: &str, tensors: NamedTensors) {
        self.tensors.extend(tensors.into_iter().map(|(name, data)| (format!("{prefix}.{name}"), data)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive() -> Archive {
        let mut archive = Archive::default();
        archive.put("model", [("a".to_owned(), TensorData::new(vec![1f32, -2.0], [1, 2]))].into());
        archive.put("adam", [("a".to_owned(), TensorData::new(vec![f32::MIN_POSITIVE], [1]))].into());
        archive.words.insert("epoch".into(), "3".into());
        archive
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        archive().write(&path).unwrap();
        let mut read = Archive::read(&path).unwrap();
        assert_eq!(read.word("epoch", &path).unwrap(), "3");
        assert_eq!(read.tensors, archive().tensors);
        assert_eq!(read.take("model")["a"], TensorData::new(vec![1f32, -2.0], [1, 2]));
        assert_eq!(read.tensors.len(), 1);
        assert!(read.word("step", &path).unwrap_err().to_string().contains("expected step"));
    }

    #[test]
    fn a_file_cut_off_anywhere_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.safetensors");
        archive().write(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        for length in 0..whole.len() {
            std::fs::write(&path, &whole[..length]).unwrap();
            assert_eq!(Archive::read(&path).unwrap_err().exit_code(), 2, "{length} bytes");
        }
    }
}
