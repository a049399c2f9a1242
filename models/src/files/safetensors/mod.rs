//! Safetensors: a JSON header, then the tensors' bytes. A model is one such file, or a folder with one or several shards.
//!
//! The `safetensors` crate reads the header and checks that the tensors follow one another without a hole or an overlap, and that each
//! has as many bytes as its shape and type ask for. The rest is checked here: the length of the header, that the last tensor ends with
//! the file, names that occur twice, and an index that points out of its folder.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use ::safetensors::Dtype;
use ::safetensors::tensor::Metadata;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::blocks::Format;
use super::bytes::ByteFile;
use super::gguf::Description;
use super::json::UniqueMap;
use super::weights::Stored;
use super::{TensorSource, json, missing_tensor};
use crate::atomic::compute_atomically;
use crate::{Error, Result};

const FILE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

/// The header's length is written as a little-endian u64 before it.
const LENGTH_BYTES: usize = 8;

/// The longest header, in bytes: ten times that of a Llama of a thousand blocks.
const MOST_HEADER: usize = 16 << 20;

/// The tensors of a safetensors file, or of a model folder (`model.safetensors`, or its index and the shards that it names).
#[derive(Debug)]
pub struct Safetensors {
    place: PathBuf,
    shards: Vec<ByteFile>,
    tensors: BTreeMap<String, Entry>,
}

/// The position of a tensor.
#[derive(Debug)]
struct Entry {
    shard: usize,
    shape: Vec<usize>,
    dtype: Dtype,
    bytes: Range<usize>,
}

impl Safetensors {
    /// Opens a .safetensors file, or a folder with `model.safetensors` or `model.safetensors.index.json`.
    ///
    /// # Errors
    /// A path that is not there, a folder without either file, a header that does not describe its file exactly, a name that
    /// occurs twice, an index whose shards lie elsewhere or lack a tensor.
    pub fn open(path: &Path) -> Result<Self> {
        let mut opened = Self { place: path.to_path_buf(), shards: Vec::new(), tensors: BTreeMap::new() };
        if !path.is_dir() {
            opened.add_shard(ByteFile::open(path)?)?;
        } else if path.join(FILE).exists() {
            opened.add_shard(ByteFile::open(&path.join(FILE))?)?;
        } else if path.join(INDEX).exists() {
            opened.add_indexed_shards(path)?;
        } else {
            let expected = format!("a folder with {FILE} or {INDEX}");
            return Err(Error::bad_input(path.display())
                .expected(expected)
                .found("neither of them")
                .next("name a Hugging Face model folder, or one .gguf file")
                .into());
        }
        Ok(opened)
    }

    /// Reads the header of a file with these bytes, as if it lay at `place`.
    ///
    /// # Errors
    /// As [`Safetensors::open`].
    pub fn from_bytes(place: &Path, bytes: Vec<u8>) -> Result<Self> {
        let mut opened = Self { place: place.to_path_buf(), shards: Vec::new(), tensors: BTreeMap::new() };
        opened.add_shard(ByteFile::in_memory(place, bytes))?;
        Ok(opened)
    }

    /// Takes in the tensors of `file`.
    fn add_shard(&mut self, file: ByteFile) -> Result<()> {
        for (name, entry) in read_header(&file)? {
            let entry = Entry { shard: self.shards.len(), ..entry };
            if self.tensors.insert(name.clone(), entry).is_some() {
                return Err(Error::bad_input(file.path().display())
                    .expected("tensors that no other shard has")
                    .found(format!("{name} a second time"))
                    .into());
            }
        }
        self.shards.push(file);
        Ok(())
    }

    /// Takes in every file that the index of `folder` names, and checks that they hold the tensors that it promises.
    fn add_indexed_shards(&mut self, folder: &Path) -> Result<()> {
        #[derive(Deserialize)]
        struct Index {
            weight_map: UniqueMap<String>,
        }
        let path = folder.join(INDEX);
        let Index { weight_map: UniqueMap(shard_of) } =
            json::read(&path, "an index with a weight_map from tensor to file")?;

        let mut shards: Vec<&String> = shard_of.values().collect();
        shards.sort();
        shards.dedup();
        for shard in shards {
            if !is_plain_name(shard) {
                return Err(Error::bad_input(path.display())
                    .expected("shards beside the index, named without a folder")
                    .found(format!("{shard:?}"))
                    .next("do not use this model: its index reaches outside its folder")
                    .into());
            }
            self.add_shard(ByteFile::open(&folder.join(shard))?)?;
        }
        for (name, shard) in &shard_of {
            if !self.tensors.contains_key(name) {
                return Err(Error::bad_input(path.display())
                    .expected(format!("{name} in {shard}"))
                    .found("no such tensor there")
                    .next("fetch the model again; index and shards are of different versions")
                    .into());
            }
        }
        Ok(())
    }

    /// Returns true if two tensors have the same shape and the same values.
    ///
    /// # Errors
    /// No tensor of one of these names; values that cannot be read.
    pub fn is_same(&self, name: &str, other: &str) -> Result<bool> {
        let alike = |a: &Entry, b: &Entry| (&a.shape, a.dtype) == (&b.shape, b.dtype);
        let (a, b) = (self.stored(name)?, self.stored(other)?);
        Ok(alike(self.entry(name)?, self.entry(other)?) && a.is_same(&b)?)
    }

    fn stored<'a>(&'a self, name: &'a str) -> Result<Stored<'a>> {
        let entry = self.entry(name)?;
        let format = match entry.dtype {
            Dtype::F32 => Format::F32,
            Dtype::F16 => Format::F16,
            Dtype::BF16 => Format::BF16,
            other => {
                return Err(Error::bad_input(format!("{}: tensor {name}", self.place.display()))
                    .expected("values of type F32, F16 or BF16")
                    .found(other)
                    .next("convert the model to one of these types")
                    .into());
            }
        };
        Ok(Stored { file: &self.shards[entry.shard], bytes: entry.bytes.clone(), format, name })
    }

    fn entry(&self, name: &str) -> Result<&Entry> {
        self.tensors.get(name).ok_or_else(|| missing_tensor(&self.place, name))
    }
}

impl TensorSource for Safetensors {
    fn names(&self) -> Vec<String> {
        self.tensors.keys().cloned().collect()
    }

    fn shape(&self, name: &str) -> Option<Vec<usize>> {
        self.tensors.get(name).map(|entry| entry.shape.clone())
    }

    fn bytes(&self, name: &str) -> Result<usize> {
        Ok(self.entry(name)?.bytes.len())
    }

    fn read_f32(&self, name: &str) -> Result<Vec<f32>> {
        self.stored(name)?.values()
    }

    fn place(&self) -> &Path {
        &self.place
    }
}

/// Every tensor of `file` by name.
fn read_header(file: &ByteFile) -> Result<Vec<(String, Entry)>> {
    let refuse = |found: String| -> Error {
        Error::bad_input(file.path().display())
            .expected("a whole safetensors file")
            .found(found)
            .next("fetch the file again; it may be cut short")
            .into()
    };
    if file.len() < LENGTH_BYTES {
        return Err(refuse(format!("{} bytes", file.len())));
    }
    let length: [u8; LENGTH_BYTES] = file.read(0..LENGTH_BYTES)?.try_into().expect("as many as were asked for");
    let length = u64::from_le_bytes(length);
    let most = MOST_HEADER.min(file.len() - LENGTH_BYTES);
    let data_start = match usize::try_from(length) {
        Ok(length) if length <= most => LENGTH_BYTES + length,
        _ => return Err(refuse(format!("a header of {length} bytes, where at most {most} can be"))),
    };
    let header = file.read(LENGTH_BYTES..data_start)?;
    serde_json::from_slice::<UniqueMap<IgnoredAny>>(&header).map_err(|e| refuse(e.to_string()))?;
    let metadata: Metadata = serde_json::from_slice(&header).map_err(|e| refuse(e.to_string()))?;
    if metadata.data_len() != file.len() - data_start {
        let (described, held) = (metadata.data_len(), file.len() - data_start);
        return Err(refuse(format!("tensors of {described} bytes, and {held} bytes for them")));
    }
    let entry = |info: &::safetensors::tensor::TensorInfo| Entry {
        shard: 0,
        shape: info.shape.clone(),
        dtype: info.dtype,
        bytes: data_start + info.data_offsets.0..data_start + info.data_offsets.1,
    };
    Ok(metadata.tensors().into_iter().map(|(name, info)| (name, entry(info))).collect())
}

/// Returns true if `name` names a file of its own folder: no root, no `..`, no separator of any system.
fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(_)), None)) && !name.contains(['/', '\\', ':'])
}

/// Writes float32 `tensors` (name, shape, values) with string `metadata` to `path`, atomically.
///
/// The tensors lie in the order in which they are given, so that the same call always writes the same bytes.
///
/// # Errors
/// I/O errors; `path` then keeps what it held before.
///
/// # Panics
/// Where a tensor's values are not as many as its shape says, or a name comes twice: both are faults of the caller.
pub fn write<'a>(
    path: &Path,
    tensors: impl IntoIterator<Item = (&'a str, &'a [usize], &'a [f32])>,
    metadata: &[(&str, &str)],
) -> Result<()> {
    let (descriptions, values): (Vec<_>, Vec<_>) = tensors
        .into_iter()
        .map(|(name, shape, values)| {
            (Description { name: name.into(), shape: shape.into(), format: Format::F32 }, values)
        })
        .unzip();
    write_as(path, &descriptions, metadata, |i| Ok(values[i].iter().flat_map(|value| value.to_le_bytes()).collect()))
}

/// Writes `tensors` of plain numbers to `path`, atomically; `bytes_of` is asked for the bytes of each in turn.
///
/// # Errors
/// Those of `bytes_of`, and I/O errors; `path` then keeps what it held before.
///
/// # Panics
/// Bytes that are not as many as the description says, a name that comes twice, blocks: all are faults of the caller.
pub fn write_as(
    path: &Path,
    tensors: &[Description],
    metadata: &[(&str, &str)],
    mut bytes_of: impl FnMut(usize) -> Result<Vec<u8>>,
) -> Result<()> {
    let header = header(tensors, metadata);
    compute_atomically(path, |file| {
        let failed = || Error::io(path, "write");
        file.write_all(&(header.len() as u64).to_le_bytes()).map_err(failed())?;
        file.write_all(header.as_bytes()).map_err(failed())?;
        for (i, tensor) in tensors.iter().enumerate() {
            let bytes = bytes_of(i)?;
            assert_eq!(bytes.len(), tensor.size(), "{}: shape {:?}", tensor.name, tensor.shape);
            file.write_all(&bytes).map_err(failed())?;
        }
        Ok(())
    })
}

fn header(tensors: &[Description], metadata: &[(&str, &str)]) -> String {
    let mut header = serde_json::Map::new();
    if !metadata.is_empty() {
        header
            .insert("__metadata__".into(), metadata.iter().copied().collect::<BTreeMap<_, _>>().into_iter().collect());
    }
    let mut end = 0;
    for tensor in tensors {
        let dtype = match tensor.format {
            Format::F32 => "F32",
            Format::F16 => "F16",
            Format::BF16 => "BF16",
            blocks => panic!("{}: {blocks} is no plain number", tensor.name),
        };
        let start = end;
        end += tensor.size();
        let info = json!({ "dtype": dtype, "shape": tensor.shape, "data_offsets": [start, end] });
        assert!(header.insert(tensor.name.clone(), info).is_none(), "{}: written twice", tensor.name);
    }
    // Spaces after the header bring the data to an 8-byte boundary, as the format asks.
    let mut header = serde_json::Value::Object(header).to_string();
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(LENGTH_BYTES) - header.len()));
    header
}

#[cfg(test)]
mod tests;
