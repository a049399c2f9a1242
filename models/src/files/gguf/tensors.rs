//! The descriptions of the tensors, checked against the bytes that follow them.

use std::collections::BTreeMap;
use std::ops::Range;

use super::super::blocks::Format;
use super::cursor::Cursor;
use crate::Result;

/// ggml's tensors have at most four dimensions.
const MAX_DIMENSIONS: u32 = 4;

/// More tensors than any Llama of the most blocks that are read has.
const MAX_TENSORS: usize = 1 << 16;

/// A description is at least an empty name's length, the number of dimensions, one of them, a type and an offset.
pub(super) const LEAST_BYTES: usize = 8 + 4 + 8 + 4 + 8;

/// The position, shape and format of a tensor.
#[derive(Debug)]
pub(super) struct Entry {
    /// Row-major: the file's dimensions in reverse, for it names the contiguous one first.
    pub(super) shape: Vec<usize>,
    pub(super) format: Format,
    /// Within the file.
    pub(super) bytes: Range<usize>,
}

/// Reads `n_tensors` descriptions, after which the data begin at the next multiple of `alignment` in a file of `file_bytes`.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    n_tensors: usize,
    alignment: usize,
    file_bytes: usize,
) -> Result<BTreeMap<String, Entry>> {
    if n_tensors > MAX_TENSORS {
        cursor.reading = "count of the tensors".into();
        return Err(cursor.error(format!("at most {MAX_TENSORS}"), n_tensors));
    }
    let mut tensors = BTreeMap::new();
    for index in 0..n_tensors {
        cursor.reading = format!("description of tensor {index}");
        let name = cursor.string()?;
        cursor.reading = format!("tensor {name}");
        let entry = read_entry(cursor, alignment)?;
        if tensors.insert(name, entry).is_some() {
            return Err(cursor.error("every tensor once", "it a second time"));
        }
    }
    let data_start = cursor.position().next_multiple_of(alignment);
    for (name, entry) in &mut tensors {
        cursor.reading = format!("tensor {name}");
        entry.bytes = place_in_file(&entry.bytes, data_start, file_bytes).ok_or_else(|| {
            let found = format!("{} bytes from {}", entry.bytes.len(), entry.bytes.start);
            cursor.error(format!("its data within {} bytes", file_bytes.saturating_sub(data_start)), found)
        })?;
    }
    refuse_overlaps(cursor, &tensors)?;
    Ok(tensors)
}

/// Reads what follows a tensor's name; the bytes of the result count from the start of the data.
fn read_entry(cursor: &mut Cursor<'_>, alignment: usize) -> Result<Entry> {
    let n_dimensions = cursor.u32()?;
    if !(1..=MAX_DIMENSIONS).contains(&n_dimensions) {
        return Err(cursor.error(format!("1 to {MAX_DIMENSIONS} dimensions"), n_dimensions));
    }
    let dimensions = (0..n_dimensions).map(|_| cursor.u64()).collect::<Result<Vec<_>>>()?;
    let format = read_format(cursor)?;
    let offset = cursor.u64()?;

    let Some((shape, size)) = shape_and_size(&dimensions, format) else {
        let expected =
            format!("rows of a multiple of {} values and a size that a file can have", format.block_values());
        return Err(cursor.error(expected, format!("dimensions {dimensions:?} of {format}")));
    };
    match usize::try_from(offset).ok().and_then(|start| Some(start..start.checked_add(size)?)) {
        Some(bytes) if bytes.start.is_multiple_of(alignment) => Ok(Entry { shape, format, bytes }),
        _ => Err(cursor.error(format!("an offset that is a multiple of {alignment}"), offset)),
    }
}

fn read_format(cursor: &mut Cursor<'_>) -> Result<Format> {
    let number = cursor.u32()?;
    Format::ALL.into_iter().find(|format| format.ggml_type() == number).ok_or_else(|| {
        let known = Format::ALL.map(|format| format.to_string()).join(", ");
        cursor.error(format!("one of the formats {known}"), format!("ggml type {number}"))
    })
}

/// The row-major shape and the size in bytes, unless a row isn't made of whole blocks or the size overflows.
fn shape_and_size(dimensions: &[u64], format: Format) -> Option<(Vec<usize>, usize)> {
    let shape = dimensions.iter().rev().map(|&n| usize::try_from(n).ok()).collect::<Option<Vec<_>>>()?;
    let values = shape.iter().try_fold(1_usize, |product, &n| product.checked_mul(n))?;
    let whole_blocks = shape.last()?.is_multiple_of(format.block_values());
    let size = (values / format.block_values()).checked_mul(format.block_bytes())?;
    whole_blocks.then_some((shape, size))
}

fn place_in_file(bytes: &Range<usize>, data_start: usize, file_bytes: usize) -> Option<Range<usize>> {
    let (start, end) = (data_start.checked_add(bytes.start)?, data_start.checked_add(bytes.end)?);
    (end <= file_bytes).then_some(start..end)
}

fn refuse_overlaps(cursor: &mut Cursor<'_>, tensors: &BTreeMap<String, Entry>) -> Result<()> {
    let mut by_start: Vec<_> = tensors.iter().filter(|(_, entry)| !entry.bytes.is_empty()).collect();
    by_start.sort_by_key(|(_, entry)| entry.bytes.start);
    for pair in by_start.windows(2) {
        let ((before, first), (name, second)) = (pair[0], pair[1]);
        if first.bytes.end > second.bytes.start {
            cursor.reading = format!("tensor {name}");
            return Err(cursor.error("data of its own", format!("data that overlap with those of {before}")));
        }
    }
    Ok(())
}
