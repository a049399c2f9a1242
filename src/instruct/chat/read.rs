//! Conversations in the form of ShareGPT: `{"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]}`,
//! one object on each line, or all of them in one JSON array.

use std::fmt;
use std::io::{BufRead, Read};
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use tiller_models::chat::Role;
use tiller_models::error::BadInput;

use crate::data::input::{LineReader, open, read_error};
use crate::{Error, Result};

/// The longest array that is read, in bytes.
const LARGEST_ARRAY: u64 = 4 << 30;
/// The most conversations that are kept; more would not be drawn in any training.
const MOST_CONVERSATIONS: usize = 1_000_000;

/// Turns of two speakers in alternation: the user speaks first, and the assistant last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversation {
    /// Question, answer, question, answer, and so on.
    pub turns: Vec<String>,
}

#[derive(Deserialize)]
struct Entry {
    conversations: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    from: Speaker,
    value: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Speaker {
    #[serde(alias = "user")]
    Human,
    #[serde(alias = "assistant", alias = "chatgpt")]
    Gpt,
    System,
}

impl Conversation {
    /// The speaker of turn `number`.
    pub fn speaker(number: usize) -> Role {
        if number.is_multiple_of(2) { Role::User } else { Role::Assistant }
    }

    /// The alternating part of what was said: system turns and empty turns are left out, turns of one speaker in a row become one, and
    /// what stands before the first question or after the last answer falls away. `None` if no question is answered.
    fn of(said: Vec<Said>) -> Option<Self> {
        let spoken = said.into_iter().filter(|said| said.from != Speaker::System && !said.value.trim().is_empty());
        let mut turns: Vec<String> = Vec::new();
        for Said { from, value } in spoken.skip_while(|said| said.from == Speaker::Gpt) {
            let last_is_human = turns.len() % 2 == 1;
            match turns.last_mut() {
                Some(last) if last_is_human == (from == Speaker::Human) => {
                    last.push_str("\n\n");
                    last.push_str(value.trim());
                }
                _ => turns.push(value.trim().to_owned()),
            }
        }
        turns.truncate(turns.len() / 2 * 2);
        (!turns.is_empty()).then_some(Self { turns })
    }
}

/// Reads all conversations of a plain or gzip file in which at least one question is answered.
///
/// # Errors
/// A file that cannot be read, an entry of another form with its line, a file without any conversation or with more than
/// a million.
pub fn read(path: &Path) -> Result<Vec<Conversation>> {
    let conversations = if starts_as_array(path)? { read_array(path) } else { read_lines(path) }?;
    if conversations.is_empty() {
        return Err(form(path.display()).found("no conversation with an answered question").into());
    }
    Ok(conversations)
}

fn form(place: impl fmt::Display) -> BadInput {
    Error::bad_input(place)
        .expected(r#"{"conversations": [{"from": "human", "value": "…"}, {"from": "gpt", "value": "…"}]}"#)
        .next("bring the file into the form of ShareGPT, as JSON lines or one JSON array")
}

fn starts_as_array(path: &Path) -> Result<bool> {
    let mut reader = open(path)?;
    let start = reader.fill_buf().map_err(|e| read_error(path, e))?;
    let start = start.strip_prefix("\u{feff}".as_bytes()).unwrap_or(start);
    Ok(start.trim_ascii_start().starts_with(b"["))
}

fn read_lines(path: &Path) -> Result<Vec<Conversation>> {
    let mut lines = LineReader::open(path)?;
    let mut kept = Vec::new();
    while let Some(line) = lines.next_line()? {
        let entry: Entry = serde_json::from_str(line.utf8()?).map_err(|e| form(line.place()).found(e))?;
        kept.extend(Conversation::of(entry.conversations));
        if kept.len() > MOST_CONVERSATIONS {
            return Err(too_many(line.place()));
        }
    }
    Ok(kept)
}

fn too_many(place: impl fmt::Display) -> Error {
    Error::bad_input(place)
        .expected(format!("at most {MOST_CONVERSATIONS} conversations"))
        .found("more")
        .next("take a part of the file")
        .into()
}

/// Reads an array entry by entry, so that only what is kept is in memory.
fn read_array(path: &Path) -> Result<Vec<Conversation>> {
    let reader = open(path)?.take(LARGEST_ARRAY);
    let mut reader = serde_json::Deserializer::from_reader(reader);
    let kept = reader.deserialize_seq(Entries).and_then(|kept| reader.end().map(|()| kept));
    let kept = kept.map_err(|error| match error.is_io() {
        true => read_error(path, error.into()),
        // serde_json's message ends with the line.
        false => form(path.display()).found(error).into(),
    })?;
    if kept.len() > MOST_CONVERSATIONS { Err(too_many(path.display())) } else { Ok(kept) }
}

struct Entries;

impl<'de> Visitor<'de> for Entries {
    type Value = Vec<Conversation>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an array of conversations")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut kept = Vec::new();
        while kept.len() <= MOST_CONVERSATIONS
            && let Some(entry) = entries.next_element::<Entry>()?
        {
            kept.extend(Conversation::of(entry.conversations));
        }
        Ok(kept)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEATHER: &str = r#"{"id": 1, "conversations": [{"from": "system", "value": "Be brief."}, {"from": "gpt", "value": "Hello!"},
        {"from": "human", "value": " Hot? "}, {"from": "human", "value": "Outside."}, {"from": "gpt", "value": "Very."},
        {"from": "human", "value": "Thanks"}]}"#;

    fn read_text(text: &str) -> Result<Vec<Conversation>> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        read(file.path())
    }

    fn on_one_line(text: &str) -> String {
        text.replace('\n', " ")
    }

    #[test]
    fn lines_and_arrays_are_the_same_conversations() {
        let line = on_one_line(WEATHER);
        let expected = Conversation { turns: ["Hot?\n\nOutside.", "Very."].map(str::to_owned).into() };
        assert_eq!(read_text(&format!("{line}\n\n{line}")).unwrap(), [expected.clone(), expected.clone()]);
        assert_eq!(read_text(&format!("\u{feff}{line}")).unwrap(), std::slice::from_ref(&expected));
        assert_eq!(read_text(&format!(" [{WEATHER},\n{WEATHER}]\n")).unwrap(), [expected.clone(), expected]);
    }

    #[test]
    fn unanswered_conversations_are_left_out_and_a_file_of_them_is_refused() {
        let unanswered = r#"{"conversations": [{"from": "gpt", "value": "Hi"}, {"from": "human", "value": "Yes?"}]}"#;
        let line = on_one_line(WEATHER);
        assert_eq!(read_text(&format!("{unanswered}\n{line}")).unwrap().len(), 1);
        let error = read_text(unanswered).unwrap_err();
        assert!(error.to_string().contains("no conversation with an answered question"), "{error}");
        assert_eq!(read_text("").unwrap_err().exit_code(), 2);
        assert_eq!(read_text("[]").unwrap_err().exit_code(), 2);
    }

    #[test]
    fn another_form_is_refused_with_its_line() {
        let line = on_one_line(WEATHER);
        for (text, part) in [
            (format!("{line}\n{{\"messages\": []}}"), "line 2"),
            (format!("{line}\n{{\"conversations\": [{{\"from\": \"cat\", \"value\": \"meow\"}}]}}"), "`cat`"),
            (format!("{line}\n{{\"conversations\": [{{\"from\": \"gpt\", \"value\": 3}}]}}"), "line 2"),
            ("[\n{\"conversations\": []},\n{\"conversations\": [}]".to_owned(), "line 3"),
            (format!("[{line}"), "line 1"),
            (format!("[{line}] []"), "line 1"),
            ("[".repeat(100_000), "line 1"),
        ] {
            let error = read_text(&text).unwrap_err();
            assert!(error.to_string().contains(part), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
