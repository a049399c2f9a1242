//! TensorBoard's event files: scalars and texts by step, as records with checksums.
//!
//! A file is a chain of TFRecords: the length of the data (u64, little-endian), its masked CRC-32C, the data, their masked
//! CRC-32C. The data are `Event` messages in protocol buffers' wire format, of which this writes just the fields that it needs.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::{Error, Result};

/// An event file in the making.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: File,
}

impl EventFile {
    /// Starts a new event file in `folder`. What earlier files there say about `step` and later steps no longer counts:
    /// TensorBoard drops it, since a resumed run tells it again.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn create(folder: &Path, step: u64) -> Result<Self> {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        // TensorBoard reads the files of a folder in the order of their names.
        let name = format!("events.out.tfevents.{}.{:09}.tiller", since_epoch.as_secs(), since_epoch.subsec_nanos());
        let path = folder.join(name);
        let file = File::create_new(&path).map_err(Error::io(&path, "create"))?;
        let mut events = Self { path, file };
        events.write(0, |event| event.bytes(FILE_VERSION, b"brain.Event:2"))?;
        if step > 0 {
            events.write(step, |event| event.message(SESSION_LOG, |log| log.integer(1, SESSION_START)))?;
        }
        Ok(events)
    }

    /// Appends numbers, each with its tag, in one event.
    ///
    /// # Errors
    /// The disk is full or the folder has gone.
    pub fn scalars(&mut self, step: u64, scalars: &[(String, f64)]) -> Result<()> {
        self.write(step, |event| {
            event.message(SUMMARY, |summary| {
                for (tag, value) in scalars {
                    summary.message(VALUE, |field| {
                        field.bytes(VALUE_TAG, tag.as_bytes());
                        field.float(SIMPLE_VALUE, *value as f32);
                    });
                }
            });
        })
    }

    /// Appends a text, which TensorBoard shows as Markdown.
    ///
    /// # Errors
    /// The disk is full or the folder has gone.
    pub fn text(&mut self, step: u64, tag: &str, text: &str) -> Result<()> {
        self.write(step, |event| {
            event.message(SUMMARY, |summary| {
                summary.message(VALUE, |value| {
                    value.bytes(VALUE_TAG, tag.as_bytes());
                    value.message(TENSOR, |tensor| {
                        tensor.integer(1, DT_STRING);
                        tensor.message(2, |shape| shape.message(2, |dimension| dimension.integer(1, 1)));
                        tensor.bytes(STRING_VAL, text.as_bytes());
                    });
                    value.message(METADATA, |metadata| metadata.message(1, |plugin| plugin.bytes(1, b"text")));
                });
            });
        })
    }

    fn write(&mut self, step: u64, fill: impl FnOnce(&mut Message)) -> Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut event = Message::default();
        event.double(WALL_TIME, now.as_secs_f64());
        event.integer(STEP, step);
        fill(&mut event);
        self.file.write_all(&record(&event.0)).map_err(Error::io(&self.path, "write"))
    }
}

// Field numbers of tensorflow's event.proto, summary.proto and tensor.proto.
const WALL_TIME: u64 = 1;
const STEP: u64 = 2;
const FILE_VERSION: u64 = 3;
const SUMMARY: u64 = 5;
const SESSION_LOG: u64 = 7;
const SESSION_START: u64 = 1;
const VALUE: u64 = 1;
const VALUE_TAG: u64 = 1;
const SIMPLE_VALUE: u64 = 2;
const TENSOR: u64 = 8;
const METADATA: u64 = 9;
const DT_STRING: u64 = 7;
const STRING_VAL: u64 = 8;

/// A message in protocol buffers' wire format.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn key(&mut self, field: u64, wire_type: u64) {
        self.varint(field << 3 | wire_type);
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn integer(&mut self, field: u64, value: u64) {
        self.key(field, 0);
        self.varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.key(field, 1);
        self.0.extend(value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.key(field, 5);
        self.0.extend(value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, bytes: &[u8]) {
        self.key(field, 2);
        self.varint(bytes.len() as u64);
        self.0.extend(bytes);
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }
}

/// A TFRecord around `data`.
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked(crc32c(&length)).to_le_bytes(), data, &masked(crc32c(data)).to_le_bytes()].concat()
}

/// The checksum as TFRecords store it, so that a record inside a record does not look like one.
fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// CRC-32C (Castagnoli): reflected, polynomial 0x1EDC6F41. Bit by bit, since events are few and short.
fn crc32c(bytes: &[u8]) -> u32 {
    let shift = |crc: u32, _| if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
    !bytes.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_published_one() {
        // RFC 3720, B.4, and the check value of the catalogue of CRCs.
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }

    /// The data of each record, once length and checksums are found right.
    fn records(mut file: &[u8]) -> Vec<&[u8]> {
        let mut records = Vec::new();
        while !file.is_empty() {
            let (length, rest) = file.split_at(8);
            let (length_check, rest) = rest.split_at(4);
            assert_eq!(length_check, masked(crc32c(length)).to_le_bytes());
            let (data, rest) = rest.split_at(u64::from_le_bytes(length.try_into().unwrap()) as usize);
            let (data_check, rest) = rest.split_at(4);
            assert_eq!(data_check, masked(crc32c(data)).to_le_bytes());
            records.push(data);
            file = rest;
        }
        records
    }

    #[test]
    fn a_file_holds_its_events_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut events = EventFile::create(folder.path(), 300).unwrap();
        events.scalars(300, &[("train/loss".into(), 0.5), ("train/lr".into(), 1e-3)]).unwrap();
        events.text(301, "lists", "1. Heat").unwrap();
        let file = std::fs::read(&events.path).unwrap();
        let records = records(&file);
        assert_eq!(records.len(), 4);
        // Behind the wall time (9 bytes): the step as a varint, then the rest.
        let after_time = |at: usize| &records[at][9..];
        assert_eq!(after_time(0), [&[0x10, 0, 0x1a, 13][..], b"brain.Event:2"].concat());
        assert_eq!(after_time(1), [0x10, 0xac, 0x02, 0x3a, 2, 0x08, 1]);
        let loss = [&[0x0a, 17, 0x0a, 10][..], b"train/loss", &[0x15], &0.5f32.to_le_bytes()].concat();
        let lr = [&[0x0a, 15, 0x0a, 8][..], b"train/lr", &[0x15], &1e-3f32.to_le_bytes()].concat();
        assert_eq!(after_time(2), [&[0x10, 0xac, 0x02, 0x2a, 36][..], &loss, &lr].concat());
        let tensor = [&[0x42, 17, 0x08, 7, 0x12, 4, 0x12, 2, 0x08, 1, 0x42, 7][..], b"1. Heat"].concat();
        let plugin = [&[0x4a, 8, 0x0a, 6, 0x0a, 4][..], b"text"].concat();
        let value = [&[0x0a, 36, 0x0a, 5][..], b"lists", &tensor, &plugin].concat();
        assert_eq!(after_time(3), [&[0x10, 0xad, 0x02, 0x2a, 38][..], &value].concat());
    }
}
