//! Writing a GGUF file (version 3): the head at once, then one tensor after the other, so that no model has to fit in memory.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use super::value::{ARRAY, Array, Value};
use super::{DEFAULT_ALIGNMENT, Format};
use crate::atomic::compute_atomically;
use crate::{Error, Result};

/// A tensor to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// Its name, such as "blk.0.attn_q.weight".
    pub name: String,
    /// Row-major; a row is a whole number of blocks.
    pub shape: Vec<usize>,
    /// The format of its values.
    pub format: Format,
}

impl Description {
    /// The bytes of the values.
    pub fn size(&self) -> usize {
        self.shape.iter().product::<usize>() / self.format.block_values() * self.format.block_bytes()
    }
}

/// Writes `metadata` and `tensors` to `path`, atomically; `bytes_of` is asked for the bytes of each tensor in turn.
///
/// Whole numbers are written in 32 bits where they fit, floating-point numbers always, as llama.cpp expects of its keys.
///
/// # Errors
/// Those of `bytes_of`, and I/O errors; `path` then keeps what it held before.
///
/// # Panics
/// Bytes that are not as many as the description says: a fault of the caller.
pub fn write(
    path: &Path,
    metadata: &[(String, Value)],
    tensors: &[Description],
    mut bytes_of: impl FnMut(usize) -> Result<Vec<u8>>,
) -> Result<()> {
    compute_atomically(path, |file| {
        let put = |file: &mut BufWriter<&File>, bytes: &[u8]| file.write_all(bytes).map_err(Error::io(path, "write"));
        put(file, &padded(head(metadata, tensors)))?;
        for (i, tensor) in tensors.iter().enumerate() {
            let bytes = bytes_of(i)?;
            assert_eq!(bytes.len(), tensor.size(), "{}", tensor.name);
            put(file, &padded(bytes))?;
        }
        Ok(())
    })
}

/// Everything before the data.
fn head(metadata: &[(String, Value)], tensors: &[Description]) -> Vec<u8> {
    let mut head = b"GGUF".to_vec();
    head.extend(3_u32.to_le_bytes());
    head.extend((tensors.len() as u64).to_le_bytes());
    head.extend((metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        put_text(&mut head, key);
        put_value(&mut head, value);
    }
    let mut offset = 0;
    for tensor in tensors {
        put_text(&mut head, &tensor.name);
        head.extend((tensor.shape.len() as u32).to_le_bytes());
        // The contiguous dimension comes first.
        tensor.shape.iter().rev().for_each(|n| head.extend((*n as u64).to_le_bytes()));
        head.extend(tensor.format.ggml_type().to_le_bytes());
        head.extend((offset as u64).to_le_bytes());
        offset += tensor.size().next_multiple_of(DEFAULT_ALIGNMENT);
    }
    head
}

fn padded(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.resize(bytes.len().next_multiple_of(DEFAULT_ALIGNMENT), 0);
    bytes
}

fn put_text(to: &mut Vec<u8>, text: &str) {
    to.extend((text.len() as u64).to_le_bytes());
    to.extend(text.as_bytes());
}

/// A type number and the value.
fn put_value(to: &mut Vec<u8>, value: &Value) {
    let as_array = match value {
        Value::Unsigned(n) => Array::Unsigned(vec![*n]),
        Value::Signed(n) => Array::Signed(vec![*n]),
        Value::Float(x) => Array::Float(vec![*x]),
        Value::Bool(flag) => Array::Bool(vec![*flag]),
        Value::String(text) => Array::String(vec![text.clone()]),
        Value::Array(array) => {
            to.extend(ARRAY.to_le_bytes());
            put_array(to, array);
            return;
        }
    };
    let (kind, bytes) = elements(&as_array);
    to.extend(kind.to_le_bytes());
    to.extend(bytes);
}

/// The elements' type number, their count, and the elements.
fn put_array(to: &mut Vec<u8>, array: &Array) {
    let (kind, bytes) = elements(array);
    to.extend(kind.to_le_bytes());
    to.extend((array.len() as u64).to_le_bytes());
    to.extend(bytes);
}

/// The type number of the elements of an array, and their bytes.
fn elements(array: &Array) -> (u32, Vec<u8>) {
    let mut bytes = Vec::new();
    let kind = match array {
        Array::Unsigned(all) if all.iter().all(|n| u32::try_from(*n).is_ok()) => {
            all.iter().for_each(|n| bytes.extend((*n as u32).to_le_bytes()));
            4
        }
        Array::Unsigned(all) => {
            all.iter().for_each(|n| bytes.extend(n.to_le_bytes()));
            10
        }
        Array::Signed(all) if all.iter().all(|n| i32::try_from(*n).is_ok()) => {
            all.iter().for_each(|n| bytes.extend((*n as i32).to_le_bytes()));
            5
        }
        Array::Signed(all) => {
            all.iter().for_each(|n| bytes.extend(n.to_le_bytes()));
            11
        }
        Array::Float(all) => {
            all.iter().for_each(|x| bytes.extend((*x as f32).to_le_bytes()));
            6
        }
        Array::Bool(all) => {
            bytes.extend(all.iter().map(|flag| u8::from(*flag)));
            7
        }
        Array::String(all) => {
            all.iter().for_each(|text| put_text(&mut bytes, text));
            8
        }
        Array::Array(all) => {
            all.iter().for_each(|array| put_array(&mut bytes, array));
            ARRAY
        }
    };
    (kind, bytes)
}
