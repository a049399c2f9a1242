//! Metadata values: numbers, flags, strings, and arrays of one kind of them.

use std::fmt;

use super::cursor::Cursor;
use crate::Result;

/// A metadata value. Numbers are widened to 64 bits: the file's choice among 8, 16, 32 and 64 carries no meaning.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// uint8 to uint64.
    Unsigned(u64),
    /// int8 to int64.
    Signed(i64),
    /// float32 or float64.
    Float(f64),
    /// A flag.
    Bool(bool),
    /// UTF-8 text.
    String(String),
    /// An array.
    Array(Array),
}

/// An array of values of one kind.
#[derive(Debug, Clone, PartialEq)]
pub enum Array {
    /// uint8 to uint64.
    Unsigned(Vec<u64>),
    /// int8 to int64.
    Signed(Vec<i64>),
    /// float32 or float64.
    Float(Vec<f64>),
    /// Flags.
    Bool(Vec<bool>),
    /// UTF-8 texts.
    String(Vec<String>),
    /// Arrays, whose kinds may differ.
    Array(Vec<Array>),
}

/// The maximum nesting depth of arrays. No known file nests them at all.
const MAX_DEPTH: usize = 4;

/// The number in the file that announces an array.
pub(super) const ARRAY: u32 = 9;

/// Reads a type number and the value after it.
pub(super) fn read_value(cursor: &mut Cursor<'_>) -> Result<Value> {
    Ok(match cursor.u32()? {
        0 => Value::Unsigned(u8::from_le_bytes(cursor.array()?).into()),
        1 => Value::Signed(i8::from_le_bytes(cursor.array()?).into()),
        2 => Value::Unsigned(u16::from_le_bytes(cursor.array()?).into()),
        3 => Value::Signed(i16::from_le_bytes(cursor.array()?).into()),
        4 => Value::Unsigned(u32::from_le_bytes(cursor.array()?).into()),
        5 => Value::Signed(i32::from_le_bytes(cursor.array()?).into()),
        6 => Value::Float(f32::from_le_bytes(cursor.array()?).into()),
        7 => Value::Bool(read_bool(cursor)?),
        8 => Value::String(cursor.string()?),
        ARRAY => Value::Array(read_array(cursor, 1)?),
        10 => Value::Unsigned(u64::from_le_bytes(cursor.array()?)),
        11 => Value::Signed(i64::from_le_bytes(cursor.array()?)),
        12 => Value::Float(f64::from_le_bytes(cursor.array()?)),
        other => return Err(unknown_type(cursor, other)),
    })
}

/// Reads an array's element type, its length and its elements.
fn read_array(cursor: &mut Cursor<'_>, depth: usize) -> Result<Array> {
    if depth > MAX_DEPTH {
        return Err(cursor.error(format!("arrays nested at most {MAX_DEPTH} deep"), "deeper ones"));
    }
    Ok(match cursor.u32()? {
        0 => Array::Unsigned(elements(cursor, 1, |c| Ok(u8::from_le_bytes(c.array()?).into()))?),
        1 => Array::Signed(elements(cursor, 1, |c| Ok(i8::from_le_bytes(c.array()?).into()))?),
        2 => Array::Unsigned(elements(cursor, 2, |c| Ok(u16::from_le_bytes(c.array()?).into()))?),
        3 => Array::Signed(elements(cursor, 2, |c| Ok(i16::from_le_bytes(c.array()?).into()))?),
        4 => Array::Unsigned(elements(cursor, 4, |c| Ok(u32::from_le_bytes(c.array()?).into()))?),
        5 => Array::Signed(elements(cursor, 4, |c| Ok(i32::from_le_bytes(c.array()?).into()))?),
        6 => Array::Float(elements(cursor, 4, |c| Ok(f32::from_le_bytes(c.array()?).into()))?),
        7 => Array::Bool(elements(cursor, 1, read_bool)?),
        // A string is at least its length, an array its element type and its length.
        8 => Array::String(elements(cursor, 8, Cursor::string)?),
        ARRAY => Array::Array(elements(cursor, 12, |c| read_array(c, depth + 1))?),
        10 => Array::Unsigned(elements(cursor, 8, |c| Ok(u64::from_le_bytes(c.array()?)))?),
        11 => Array::Signed(elements(cursor, 8, |c| Ok(i64::from_le_bytes(c.array()?)))?),
        12 => Array::Float(elements(cursor, 8, |c| Ok(f64::from_le_bytes(c.array()?)))?),
        other => return Err(unknown_type(cursor, other)),
    })
}

/// Reads a length and as many elements of at least `least_bytes` bytes.
fn elements<'a, T>(
    cursor: &mut Cursor<'a>,
    least_bytes: usize,
    mut element: impl FnMut(&mut Cursor<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let count = cursor.count("array elements", least_bytes)?;
    (0..count).map(|_| element(cursor)).collect()
}

fn read_bool(cursor: &mut Cursor<'_>) -> Result<bool> {
    match cursor.array()? {
        [0] => Ok(false),
        [1] => Ok(true),
        [other] => Err(cursor.error("a flag, 0 or 1", other)),
    }
}

fn unknown_type(cursor: &Cursor<'_>, number: u32) -> crate::Error {
    cursor.error("a value type from 0 to 12", format!("type {number}"))
}

/// A description of a value for messages: the value itself if it is short.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Unsigned(n) => write!(f, "{n}"),
            Value::Signed(n) => write!(f, "{n}"),
            Value::Float(x) => write!(f, "{x:?}"),
            Value::Bool(b) => write!(f, "{b}"),
            Value::String(text) => write!(f, "{:?}", text.chars().take(80).collect::<String>()),
            Value::Array(array) => write!(f, "an array of {}", array.len()),
        }
    }
}

impl Array {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Array::Unsigned(all) => all.len(),
            Array::Signed(all) => all.len(),
            Array::Float(all) => all.len(),
            Array::Bool(all) => all.len(),
            Array::String(all) => all.len(),
            Array::Array(all) => all.len(),
        }
    }

    /// Returns true if there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
