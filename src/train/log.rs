//! The log of a training: a line of metrics.jsonl, and the same numbers for TensorBoard.

use serde::Serialize;
use serde_json::Value;

use super::tensorboard::EventFile;
use crate::run::folder::RunFolder;
use crate::{Error, Result};

/// The log of a run, in both forms.
pub struct Log<'a> {
    run: &'a mut RunFolder,
    events: EventFile,
}

impl<'a> Log<'a> {
    /// The log of `run`, whose lines are good up to step `last`; later ones, and one that was cut off, are dropped, since a
    /// resumed training writes them again. `None` drops all.
    ///
    /// # Errors
    /// The run folder cannot be read or written.
    pub fn open(run: &'a mut RunFolder, last: Option<u64>) -> Result<Self> {
        run.retain_metrics(|line| line["step"].as_u64().is_some_and(|step| Some(step) <= last))?;
        let events = EventFile::create(run.path(), last.map_or(0, |last| last + 1))?;
        Ok(Self { run, events })
    }

    /// The run itself.
    pub fn run(&self) -> &RunFolder {
        self.run
    }

    /// Appends a record, which names its own `step`. TensorBoard gets every number in it, under its key, behind `group` if there is one.
    ///
    /// # Errors
    /// A record without a step, a full disk.
    pub fn record(&mut self, group: &str, record: &impl Serialize) -> Result<()> {
        let value = serde_json::to_value(record).map_err(|e| Error::Failed(format!("metrics.jsonl: {e}")))?;
        let step =
            value["step"].as_u64().ok_or_else(|| Error::Failed("metrics.jsonl: a line without a step".into()))?;
        let mut scalars = Vec::new();
        numbers(group, &value, &mut scalars);
        self.run.log(&value)?;
        self.events.scalars(step, &scalars)
    }

    /// Appends a text for TensorBoard.
    ///
    /// # Errors
    /// A full disk.
    pub fn text(&mut self, step: u64, tag: &str, text: &str) -> Result<()> {
        self.events.text(step, tag, text)
    }
}

/// All numbers within a value, by their path from `tag` on; the step, which is the axis, is none of them.
fn numbers(tag: &str, value: &Value, found: &mut Vec<(String, f64)>) {
    match value {
        Value::Number(number) => found.extend(number.as_f64().map(|number| (tag.to_owned(), number))),
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(key, _)| *key != "step");
            let under = |key: &str| if tag.is_empty() { key.to_owned() } else { format!("{tag}/{key}") };
            fields.for_each(|(key, value)| numbers(&under(key), value, found));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tensorboard_gets_the_numbers_of_a_line_by_their_paths() {
        let mut found = Vec::new();
        numbers("v", &json!({ "step": 3, "I0": { "HR": 0.5, "note": "x" }, "loss": 2, "none": null }), &mut found);
        assert_eq!(found, [("v/I0/HR".to_owned(), 0.5), ("v/loss".to_owned(), 2.0)]);
        let mut found = Vec::new();
        numbers("", &json!({ "I0": { "HR": 0.5 } }), &mut found);
        assert_eq!(found, [("I0/HR".to_owned(), 0.5)]);
    }

    #[test]
    fn a_log_goes_on_after_the_step_that_was_saved() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = RunFolder::create(folder.path(), &toml::Table::new()).unwrap();
        let mut log = Log::open(&mut run, None).unwrap();
        for step in 1..=4 {
            log.record("train", &json!({ "step": step, "loss": 0.5 })).unwrap();
        }
        assert!(log.record("train", &json!({ "loss": 0.5 })).is_err());
        drop(run);
        let mut run = RunFolder::reopen(folder.path()).unwrap();
        Log::open(&mut run, Some(2)).unwrap().record("train", &json!({ "step": 3, "loss": 0.25 })).unwrap();
        let text = std::fs::read_to_string(folder.path().join("metrics.jsonl")).unwrap();
        let lines = ["{\"step\":1,\"loss\":0.5}", "{\"step\":2,\"loss\":0.5}", "{\"step\":3,\"loss\":0.25}"];
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    }
}
