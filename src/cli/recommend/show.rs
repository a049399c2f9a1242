//! Prints lists to stdout: as text, with a mark beside each item that is not valid, or as one JSON object per line.

use std::io::{Write, stdout};

use super::parsed_ask::ParsedAsk;
use super::queue::UserRequest;
use super::rows::{ListFormat, csv_header, csv_rows, trec_rows};
use crate::cli::json::json_line;
use crate::constrain::ConstraintStats;
use crate::data::titles::{clean, is_unsafe};
use crate::recommend::recommender::{List, Recommender};
use crate::recommend::record::ListRecord;
use crate::recommend::{CheckedItem, Status};
use crate::request::Request;
use crate::{Error, Result};

/// Prints lists.
pub struct ListPrinter<'a> {
    pub recommender: &'a Recommender<'a>,
    /// The text of `--ask`, parsed.
    pub parsed_ask: Option<&'a ParsedAsk>,
    /// Print the prompt with each list.
    pub prompt: bool,
    pub format: ListFormat,
}

impl ListPrinter<'_> {
    /// Prints what stands before the first list.
    pub fn begin(&self) -> Result<()> {
        if self.format == ListFormat::Csv { print(&csv_header()?) } else { Ok(()) }
    }

    /// Prints a finished list.
    pub fn list(&self, asked: &UserRequest, list: &List) -> Result<()> {
        let catalogue = self.recommender.catalogue();
        print(&match self.format {
            ListFormat::Table => self.page(asked, list)?,
            ListFormat::Jsonl => self.record(asked, list)?,
            ListFormat::Csv => csv_rows(asked, list, catalogue)?,
            ListFormat::Trec => trec_rows(asked, list, catalogue)?,
        })
    }

    /// Answers a request and prints the answer while it is written.
    pub fn stream(&self, asked: &UserRequest) -> Result<()> {
        print(&self.heading(asked)?)?;
        let items = |text: &str| self.recommender.items(asked.prepared.compiled(), text);
        let mut live = LiveList::new(&items);
        let mut printed = Ok(());
        let list = self.recommender.recommend_streaming(&asked.prepared, &mut |text| {
            if printed.is_ok() {
                printed = print(&live.next(text));
            }
        })?;
        printed?;
        print(&live.end())?;
        print(&summary(asked.prepared.request(), &list))?;
        let rate = list.tokens as f64 / list.seconds;
        eprintln!("tokens: {}, seconds: {:.1}, tokens/s: {rate:.1}", list.tokens, list.seconds);
        Ok(())
    }

    fn record(&self, asked: &UserRequest, list: &List) -> Result<String> {
        let (recommender, user) = (self.recommender, asked.user.as_deref());
        let prompt = self.prompt.then(|| recommender.prompt_text(&asked.prepared)).transpose()?;
        let record = ListRecord::new(user, &asked.prepared, recommender.mode(), list, recommender.catalogue());
        let guide_weight = recommender.guide_weight();
        let record = ListRecord { ask: self.parsed_ask, guide_weight, prompt, ..record };
        Ok(json_line(&record)? + "\n")
    }

    /// A finished list for people. An answer without a single item is shown as it is.
    fn page(&self, asked: &UserRequest, list: &List) -> Result<String> {
        let mut page = self.heading(asked)?;
        if list.items.is_empty() {
            list.text.lines().for_each(|line| page += &format!("  | {}\n", clean(line)));
        }
        for (index, item) in list.items.iter().enumerate() {
            let score = list.log_probs.as_ref().and_then(|scores| scores.get(index));
            let score = score.map_or_else(String::new, |score| format!("  (log-probability {score:.2})"));
            page += &format!("{:3}. {}{score}{}\n", index + 1, clean(&item.title), mark(item));
        }
        Ok(page + &summary(asked.prepared.request(), list))
    }

    fn heading(&self, asked: &UserRequest) -> Result<String> {
        let mut heading = String::new();
        if self.prompt {
            let prompt = self.recommender.prompt_text(&asked.prepared)?;
            prompt.lines().for_each(|line| heading += &format!("  > {}\n", clean(line)));
        }
        if let Some(user) = &asked.user {
            heading += &format!("user {}\n", clean(user));
        }
        Ok(heading)
    }
}

/// The mark beside an item that is not valid.
fn mark(item: &CheckedItem) -> String {
    let wrong = match (item.status, &item.breaks) {
        (Status::Ok, None) => return String::new(),
        (Status::Ok, Some(rule)) => format!("breaks: {}", clean(rule)),
        (Status::Surplus, _) => "more than asked for".to_owned(),
        (Status::NotExist, _) => "not in the catalogue".to_owned(),
        (Status::Repeat, _) => "repeated".to_owned(),
        (Status::InHistory, _) => "already taken".to_owned(),
    };
    format!("  [{wrong}]")
}

/// One line that counts the items by their state, and one with the statistics of constrained decoding.
fn summary(request: &Request, list: &List) -> String {
    let count = |wanted: &dyn Fn(&CheckedItem) -> bool| list.items.iter().filter(|item| wanted(item)).count();
    let of = |status: Status| count(&|item| item.status == status);
    let against = count(&|item| item.breaks.is_some());
    let missing = request.mandatory.iter().filter(|item| !list.items.iter().any(|line| line.item == Some(**item)));
    let counts = [
        (of(Status::Ok) - against, "good"),
        (against, "against the request"),
        (missing.count(), "missing that had to be there"),
        (of(Status::NotExist), "not in the catalogue"),
        (of(Status::Repeat), "repeated"),
        (of(Status::InHistory), "already taken"),
        (of(Status::Surplus), "more than asked for"),
    ];
    let counts = counts.iter().filter(|&&(n, name)| n > 0 || name == "good");
    let words: Vec<_> = counts.map(|(n, name)| format!("{n} {name}")).collect();
    let guidance = list.guidance.map(|guidance| guided(list.tokens, guidance) + "\n");
    format!("{} asked for: {}\n{}", request.k, words.join(", "), guidance.unwrap_or_default())
}

/// Statistics of constrained decoding in a sentence; logits that were not computed are not counted.
fn guided(tokens: usize, guidance: ConstraintStats) -> String {
    let ConstraintStats { steps, choices, drafted, confirmed, observed, changed, .. } = guidance;
    let mut parts = vec![format!("{tokens} tokens in {steps} steps")];
    if drafted > 0 {
        parts.push(format!("{confirmed} of {drafted} drafted choices accepted, of {choices} in all"));
    }
    if observed > 0 {
        let lost = 100.0 * guidance.mean_removed_mass();
        parts.push(format!(
            "the constraint changed {changed} of {choices} choices and removed {lost:.0}% of the probability"
        ));
    }
    parts.join("; ")
}

/// An answer that is printed while it is written: each line gets its mark when it ends.
pub struct LiveList<'a> {
    /// The checked items of an answer's beginning.
    items: &'a dyn Fn(&str) -> Vec<CheckedItem>,
    /// The answer so far.
    text: String,
    /// True before anything of the current line is printed.
    at_line_start: bool,
    /// The number of items that have their mark.
    marked: usize,
}

impl<'a> LiveList<'a> {
    /// `items` checks the beginning of an answer.
    pub fn new(items: &'a dyn Fn(&str) -> Vec<CheckedItem>) -> Self {
        Self { items, text: String::new(), at_line_start: true, marked: 0 }
    }

    /// Returns the text to print for the next piece of the answer, without the blank before a number.
    pub fn next(&mut self, piece: &str) -> String {
        let mut out = String::new();
        for character in piece.chars() {
            self.text.push(character);
            match character {
                '\n' => out += &self.end_line(),
                ' ' if self.at_line_start => {}
                _ => {
                    let safe = !is_unsafe(character.encode_utf8(&mut [0; 4]));
                    out.push(if safe { character } else { char::REPLACEMENT_CHARACTER });
                    self.at_line_start = false;
                }
            }
        }
        out
    }

    /// Returns the text to print at the end of a line: the item's mark, if the line is an item.
    fn end_line(&mut self) -> String {
        let items = (self.items)(&self.text);
        let marks = items[self.marked..].iter().map(mark);
        let out = marks.chain(["\n".to_owned()]).collect();
        (self.marked, self.at_line_start) = (items.len(), true);
        out
    }

    /// Returns the text to print at the end of the answer.
    pub fn end(mut self) -> String {
        if self.at_line_start { String::new() } else { self.end_line() }
    }
}

/// Prints to stdout, where the reader may have gone.
fn print(text: &str) -> Result<()> {
    let mut out = stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(Error::io("stdout", "write"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every numbered line is an item that does not exist.
    fn items(text: &str) -> Vec<CheckedItem> {
        let numbered = text.lines().filter(|line| line.trim().starts_with(|c: char| c.is_ascii_digit()));
        numbered
            .map(|line| CheckedItem { title: line.into(), item: None, status: Status::NotExist, breaks: None })
            .collect()
    }

    fn live(pieces: &[&str]) -> String {
        let mut live = LiveList::new(&items);
        let out: String = pieces.iter().map(|piece| live.next(piece)).collect();
        out + &live.end()
    }

    #[test]
    fn each_line_gets_its_mark_when_it_ends_however_the_pieces_fall() {
        let expected = "Sure:\n1. Heat  [not in the catalogue]\n2. Ran \u{fffd}[2J  [not in the catalogue]\n";
        let text = "Sure:\n1. Heat\n 2. Ran \u{1b}[2J";
        assert_eq!(live(&[text]), expected);
        assert_eq!(live(&[text, "\n"]), expected);
        let pieces: Vec<String> = text.chars().map(String::from).collect();
        assert_eq!(live(&pieces.iter().map(String::as_str).collect::<Vec<_>>()), expected);
        assert_eq!(live(&[]), "");
    }
}
