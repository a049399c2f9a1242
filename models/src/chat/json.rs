//! `tojson` as `transformers` has it: Python's `json.dumps`, nothing escaped for HTML.

use minijinja::value::{Kwargs, Rest, ValueKind, ValueOrKwargs, from_args};
use minijinja::{Error, ErrorKind, State, Value};

/// The deepest nesting that is written.
const DEPTH: usize = 100;

/// The longest indentation.
const INDENT: usize = 64;

/// The JSON text of `value`. The options come in Python's order, or by name.
pub(super) fn to_json(state: &State, value: &Value, options: Rest<ValueOrKwargs>) -> Result<Value, Error> {
    type Options = (Option<Value>, Option<Value>, Option<Value>, Option<Value>, Kwargs);
    let options = options.into_values();
    let (ensure_ascii, indent, separators, sort_keys, named): Options = from_args(&options)?;
    let option = |given: Option<Value>, name: &str| -> Result<Option<Value>, Error> {
        let value = if given.is_some() { given } else { named.get(name)? };
        Ok(value.filter(|value| !value.is_none()))
    };
    let is_set = |value: Option<Value>| value.is_some_and(|value| value.is_true());
    let (ensure_ascii, sort_keys) =
        (is_set(option(ensure_ascii, "ensure_ascii")?), is_set(option(sort_keys, "sort_keys")?));
    let indent = option(indent, "indent")?.map(|value| indentation(&value)).transpose()?;
    let [item, key] = match option(separators, "separators")? {
        Some(pair) => <[String; 2]>::try_from(pair.try_iter()?.map(|part| part.to_string()).collect::<Vec<_>>())
            .map_err(|_| wrong("tojson: separators are a pair"))?,
        None => [if indent.is_some() { "," } else { ", " }, ": "].map(String::from),
    };
    named.assert_all_used()?;
    let mut writer = Writer { state, ensure_ascii, sort_keys, indent, item, key, text: String::new() };
    writer.write(value, 0)?;
    Ok(writer.text.into())
}

/// Spaces, or a text that is repeated for each level.
fn indentation(value: &Value) -> Result<String, Error> {
    let indent = match value.as_str() {
        Some(text) => text.to_owned(),
        None => " ".repeat(i64::try_from(value.clone())?.clamp(0, INDENT as i64 + 1) as usize),
    };
    if indent.len() > INDENT { Err(wrong("tojson: an indentation that long")) } else { Ok(indent) }
}

fn wrong(message: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

struct Writer<'a, 't, 'e> {
    state: &'a State<'t, 'e>,
    ensure_ascii: bool,
    sort_keys: bool,
    indent: Option<String>,
    /// Between items.
    item: String,
    /// Between a key and its value.
    key: String,
    text: String,
}

impl Writer<'_, '_, '_> {
    fn write(&mut self, value: &Value, depth: usize) -> Result<(), Error> {
        // A list may hold itself twice, and that one itself, too: a few steps make a text without end.
        self.state.consume_fuel(1)?;
        if depth > DEPTH {
            return Err(wrong("tojson: lists within lists, that deep"));
        }
        match value.kind() {
            ValueKind::Undefined | ValueKind::None => self.text.push_str("null"),
            ValueKind::Bool => self.text.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => self.text.push_str(&value.to_string()),
            ValueKind::String => self.write_string(value.as_str().unwrap_or_default())?,
            ValueKind::Seq | ValueKind::Iterable => {
                let items = value.try_iter()?.map(|item| (None, item)).collect();
                self.write_items(['[', ']'], items, depth)?;
            }
            ValueKind::Map => {
                let mut entries = Vec::new();
                for key in value.try_iter()? {
                    let item = value.get_item(&key)?;
                    entries.push((Some(self.key_text(&key)), item));
                }
                if self.sort_keys {
                    entries.sort_by(|(a, _), (b, _)| a.cmp(b));
                }
                self.write_items(['{', '}'], entries, depth)?;
            }
            _ => return Err(wrong("tojson: a value that JSON has no form for")),
        }
        Ok(())
    }

    /// A key, which JSON has as a string.
    fn key_text(&self, key: &Value) -> String {
        match key.kind() {
            ValueKind::None => "null".into(),
            ValueKind::Bool => key.is_true().to_string(),
            _ => key.to_string(),
        }
    }

    fn write_items(
        &mut self,
        [open, close]: [char; 2],
        items: Vec<(Option<String>, Value)>,
        depth: usize,
    ) -> Result<(), Error> {
        self.text.push(open);
        let is_empty = items.is_empty();
        for (number, (key, item)) in items.into_iter().enumerate() {
            if number > 0 {
                self.text.push_str(&self.item);
            }
            self.break_line(depth + 1);
            if let Some(key) = key {
                self.write_string(&key)?;
                self.text.push_str(&self.key);
            }
            self.write(&item, depth + 1)?;
        }
        if !is_empty {
            self.break_line(depth);
        }
        self.text.push(close);
        Ok(())
    }

    fn break_line(&mut self, depth: usize) {
        if let Some(indent) = &self.indent {
            self.text.push('\n');
            self.text.push_str(&indent.repeat(depth));
        }
    }

    fn write_string(&mut self, text: &str) -> Result<(), Error> {
        self.state.consume_fuel(text.len() as u64 / 64)?;
        let quoted = serde_json::to_string(text).expect("a string is JSON");
        if !self.ensure_ascii {
            self.text.push_str(&quoted);
            return Ok(());
        }
        for character in quoted.chars() {
            if character.is_ascii() && character != '\u{7f}' {
                self.text.push(character);
            } else {
                character
                    .encode_utf16(&mut [0; 2])
                    .iter()
                    .for_each(|unit| self.text.push_str(&format!("\\u{unit:04x}")));
            }
        }
        Ok(())
    }
}
