//! Doc comments open with a noun phrase or a verb, so that an index of items reads as one.

use super::expect_none;
use super::source::{CRATES, sources};

/// Openings that need the item's name to be understood.
const RIDDLES: [&str; 11] =
    ["What", "How", "Whether", "Where", "So many", "The same", "As", "When", "Who", "Whatever", "Nothing"];

#[test]
fn doc_summaries_are_noun_phrases_or_verbs() {
    let mut findings = Vec::new();
    for source in sources(&[&CRATES[..], &["tests", "benches", "examples"]].concat()) {
        let mut in_block = false;
        for (number, line) in (1..).zip(source.text.lines()) {
            let doc = doc_text(line);
            if let Some(summary) = doc.filter(|_| !in_block)
                && let Some(opening) = RIDDLES.iter().find(|opening| opens_with(summary, opening))
            {
                findings.push(format!("{}:{number}: opens with \"{opening}\": {summary}", source.path));
            }
            in_block = doc.is_some();
        }
    }
    expect_none("a doc summary is a noun phrase or a third-person verb", &findings);
}

/// The text of a line of documentation.
fn doc_text(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
    (!text.starts_with('/')).then(|| text.trim_start())
}

fn opens_with(summary: &str, opening: &str) -> bool {
    summary.strip_prefix(opening).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-'))
}
