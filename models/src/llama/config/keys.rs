//! Named values of a file, with checks whose errors name the file and the key.

use crate::error::BadInput;
use crate::{Error, Result};

/// A value as JSON and GGUF have them.
pub(super) enum Found<'a> {
    Unsigned(u64),
    Number(f64),
    Flag(bool),
    Text(&'a str),
    /// Anything else, in words.
    Other(String),
}

impl std::fmt::Display for Found<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Found::Unsigned(n) => write!(f, "{n}"),
            Found::Number(x) => write!(f, "{x}"),
            Found::Flag(flag) => write!(f, "{flag}"),
            Found::Text(text) => write!(f, "{text:?}"),
            Found::Other(words) => f.write_str(words),
        }
    }
}

/// A file's values by key.
pub(super) trait Keys {
    /// The value at `key`; JSON's null counts as absent.
    fn find(&self, key: &str) -> Option<Found<'_>>;

    /// The file and the key, for messages.
    fn place(&self, key: &str) -> String;

    /// Starts an error at `key`.
    fn at(&self, key: &str) -> BadInput {
        Error::bad_input(self.place(key)).next("check that this is a Llama, and fetch the file again if so")
    }

    /// A whole number from 1 to `most`.
    fn size(&self, key: &str, most: usize, default: Option<usize>) -> Result<usize> {
        let expected = format!("a whole number from 1 to {most}");
        match (self.find(key), default) {
            (Some(Found::Unsigned(n)), _) => match usize::try_from(n) {
                Ok(n) if (1..=most).contains(&n) => Ok(n),
                _ => Err(self.at(key).expected(expected).found(n).into()),
            },
            (Some(other), _) => Err(self.at(key).expected(expected).found(other).into()),
            (None, Some(default)) => Ok(default),
            (None, None) => Err(self.at(key).expected(expected).found("no such key").into()),
        }
    }

    /// A number above `above` and at most `most`.
    fn number(&self, key: &str, above: f64, most: f64, default: Option<f64>) -> Result<f64> {
        let expected = format!("a number above {above}, at most {most}");
        let number = match (self.find(key), default) {
            (Some(Found::Number(x)), _) => x,
            (Some(Found::Unsigned(n)), _) => n as f64,
            (Some(other), _) => return Err(self.at(key).expected(expected).found(other).into()),
            (None, Some(default)) => return Ok(default),
            (None, None) => return Err(self.at(key).expected(expected).found("no such key").into()),
        };
        if number > above && number <= most {
            Ok(number)
        } else {
            Err(self.at(key).expected(expected).found(number).into())
        }
    }

    /// A flag; false where there is none.
    fn flag(&self, key: &str) -> Result<bool> {
        match self.find(key) {
            None => Ok(false),
            Some(Found::Flag(flag)) => Ok(flag),
            Some(other) => Err(self.at(key).expected("true or false").found(other).into()),
        }
    }

    /// A text, or `default` where there is none.
    fn text<'a>(&'a self, key: &str, default: &'a str) -> Result<&'a str> {
        match self.find(key) {
            None => Ok(default),
            Some(Found::Text(text)) => Ok(text),
            Some(other) => Err(self.at(key).expected("a text").found(other).into()),
        }
    }

    /// Refuses any other value than `only`; an absent key counts as `only`.
    fn require(&self, key: &str, only: &str) -> Result<()> {
        match self.text(key, only)? {
            text if text == only => Ok(()),
            other => Err(self.at(key).expected(format!("{only:?}")).found(format!("{other:?}")).into()),
        }
    }

    /// Refuses a key of another architecture, unless its value changes nothing.
    fn refuse_foreign(&self, key: &str) -> Result<()> {
        match self.find(key) {
            None | Some(Found::Flag(false) | Found::Unsigned(0 | 1)) => Ok(()),
            Some(Found::Number(x)) if x == 0.0 || x == 1.0 => Ok(()),
            Some(other) => Err(self.at(key).expected("no such key, for a Llama has none").found(other).into()),
        }
    }

    /// Refuses attention to a window of the latest tokens, unless it is as long as the longest sequence.
    fn refuse_window(&self, key: &str, max_positions: usize) -> Result<()> {
        match self.find(key) {
            None | Some(Found::Flag(false) | Found::Unsigned(0)) => Ok(()),
            Some(Found::Unsigned(window)) if window >= max_positions as u64 => Ok(()),
            Some(other) => {
                let expected = format!("attention to all of {max_positions} positions, without a window");
                Err(self.at(key).expected(expected).found(other).into())
            }
        }
    }

    /// Refuses a feature that this implementation has not: the flag must be false or absent.
    fn refuse_flag(&self, key: &str) -> Result<()> {
        match self.flag(key)? {
            false => Ok(()),
            true => Err(self.at(key).expected("false").found("true, which is not supported").into()),
        }
    }
}
