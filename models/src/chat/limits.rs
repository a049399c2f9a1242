//! Limits on the values that a template makes.
//!
//! minijinja counts the bytes of each text and the entries of each list that a template makes, and stops it when they are too many. A list may
//! hold another one twice, though, and that one a third: sixty short steps make a value that cannot be compared, joined or written in any
//! time. So every operand is measured as a whole where it is used (`rewrite.rs` puts the filter there) and refused beyond a limit.

use std::sync::Arc;

use minijinja::value::{Enumerator, Object, ValueKind};
use minijinja::{Error, ErrorKind, State, Value};

use super::Message;

/// The name of the filter that [`measured`] is.
pub(super) const FILTER: &str = "measured";

/// The most bytes of texts in a value: several times the longest conversation.
const MOST_BYTES: usize = 1 << 23;

/// The most entries of lists and dictionaries in a value: many times the turns of a conversation.
const MOST_ENTRIES: usize = 1 << 16;

/// The deepest nesting of lists and dictionaries.
const DEPTH: usize = 64;

/// The bytes, and the entries, that are looked at for one step.
const BYTES_OF_A_STEP: usize = 64;
const ENTRIES_OF_A_STEP: usize = 8;

/// A message as a template sees it: a dictionary with "role" and "content".
#[derive(Debug)]
pub(super) struct Turn {
    role: Value,
    content: Value,
}

impl Turn {
    /// The value of a message.
    pub(super) fn of(message: &Message) -> Value {
        Value::from_object(Self { role: message.role.name().into(), content: message.content.as_str().into() })
    }
}

impl Object for Turn {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        match key.as_str()? {
            "role" => Some(self.role.clone()),
            "content" => Some(self.content.clone()),
            _ => None,
        }
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Str(&["role", "content"])
    }
}

/// The value itself, unless it is too large. Its size is paid for in steps, before an operator or a filter looks at all of it.
pub(super) fn measured(state: &State, value: Value) -> Result<Value, Error> {
    let mut size = Size::default();
    size.add(&value, 0)?;
    state.consume_fuel((size.bytes_to_read / BYTES_OF_A_STEP + size.entries / ENTRIES_OF_A_STEP) as u64)?;
    Ok(value)
}

/// The size of a value with everything that it holds, as often as it holds it.
#[derive(Debug, Default)]
struct Size {
    entries: usize,
    bytes: usize,
    /// The bytes without the texts of a conversation: a template may look at its list of messages in every turn.
    bytes_to_read: usize,
}

impl Size {
    fn add(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        let is_map = match value.kind() {
            ValueKind::Seq | ValueKind::Iterable => false,
            ValueKind::Map => true,
            _ => {
                let bytes = value.as_bytes().map_or(0, <[u8]>::len);
                self.bytes_to_read += bytes;
                return self.add_bytes(bytes);
            }
        };
        if depth == DEPTH {
            return Err(too_large("a value nested more than 64 deep"));
        }
        if let Some(Turn { role: _, content }) = value.downcast_object_ref() {
            return self.add_bytes(content.as_str().map_or(0, str::len));
        }
        for item in value.try_iter()? {
            self.entries += 1;
            if self.entries > MOST_ENTRIES {
                return Err(too_large("a value of more than 65,536 entries"));
            }
            self.add(&item, depth + 1)?;
            if is_map {
                self.add(&value.get_item(&item)?, depth + 1)?;
            }
        }
        Ok(())
    }

    fn add_bytes(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes += bytes;
        if self.bytes > MOST_BYTES { Err(too_large("a value of more than 8 MiB")) } else { Ok(()) }
    }
}

fn too_large(found: &'static str) -> Error {
    Error::new(ErrorKind::OutOfFuel, found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Role;

    #[test]
    fn a_value_counts_with_everything_that_it_holds() {
        let size = |value: &Value| {
            let mut size = Size::default();
            size.add(value, 0).map(|()| (size.entries, size.bytes, size.bytes_to_read))
        };
        let text = Value::from("12345");
        assert_eq!(size(&text).unwrap(), (0, 5, 5));
        let list = Value::from(vec![text.clone(), text.clone()]);
        assert_eq!(size(&list).unwrap(), (2, 10, 10));
        assert_eq!(size(&minijinja::context! { k => list.clone() }).unwrap(), (3, 11, 11));
        let turn = Turn::of(&Message::new(Role::User, "12345"));
        assert_eq!(size(&Value::from(vec![turn])).unwrap(), (1, 5, 0));

        let doubled = (0..40).fold(text.clone(), |value, _| Value::from(vec![value.clone(), value]));
        assert!(size(&doubled).unwrap_err().to_string().contains("entries"));
        let long = Value::from(vec![Value::from("x".repeat(1 << 20)); 9]);
        assert!(size(&long).unwrap_err().to_string().contains("8 MiB"));
        let nested = (0..65).fold(text, |value, _| Value::from(vec![value]));
        assert!(size(&nested).unwrap_err().to_string().contains("deep"));
    }
}
