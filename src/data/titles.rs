//! Titles that a language model can generate and a parser can match: cleaned, bounded, unique (method §1.4, method B20).

use std::collections::{HashMap, HashSet};

use super::input::quote;
use super::time::leading_year;
use crate::{Error, Result};

/// The longest title in tokens, with a tokenizer.
pub const LONGEST_IN_TOKENS: usize = 64;

/// The longest title in characters, without a tokenizer.
pub const LONGEST_IN_CHARACTERS: usize = 200;

/// A function that shortens a title to a form the language model can generate: a round trip through its tokenizer, truncated.
pub type Shorten<'a> = dyn Fn(&str) -> Result<String> + 'a;

/// Truncates a title to [`LONGEST_IN_CHARACTERS`]: the [`Shorten`] of an import without a tokenizer.
///
/// # Errors
/// None; the signature is that of a tokenizer's round trip.
pub fn truncate_title(title: &str) -> Result<String> {
    Ok(title.chars().take(LONGEST_IN_CHARACTERS).collect())
}

/// Makes text safe for one line of a prompt, a CSV cell or a terminal. Control characters, line breaks and runs of
/// whitespace become one space; invisible characters that reorder or hide text are removed; the ends are trimmed.
pub fn clean(text: &str) -> String {
    let visible: String = text
        .chars()
        .filter(|&character| !is_invisible(character))
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Returns true if text contains a character that [`clean`] removes or replaces (repeated spaces are safe).
pub fn is_unsafe(text: &str) -> bool {
    text.chars().any(|character| character.is_control() || is_invisible(character) || is_line_separator(character))
}

/// Zero-width spaces, and marks and overrides of writing direction. The joiners (U+200C, U+200D) are kept: Persian,
/// Hindi and emoji need them.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}')
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_line_separator(character: char) -> bool {
    matches!(character, '\u{2028}' | '\u{2029}')
}

/// Words for the kind of a film or a game.
const KINDS: [&str; 12] = [
    "tv",
    "series",
    "mini-series",
    "miniseries",
    "mini",
    "movie",
    "film",
    "episode",
    "special",
    "short",
    "video",
    "game",
];

/// The year of a title, in the last of its brackets that starts with one, or with the kind of the film before it: `Heat (1995)`,
/// `Twin Peaks (1990–1991) (TV)`, `Hamlet (2000) (2)`, `Babylon 5 (TV Series 1993–1998)`. Square brackets count where no round one has a
/// year.
pub fn year_of(title: &str) -> Option<u16> {
    ['(', '['].into_iter().find_map(|open| {
        title.rsplit(open).zip(title.rmatches(open)).find_map(|(inside, _)| {
            let (inside, _) = inside.split_once(if open == '(' { ')' } else { ']' })?;
            leading_year(without_kind(inside.trim()))
        })
    })
}

/// The text of a bracket behind the words with which catalogues name the kind of a film.
fn without_kind(inside: &str) -> &str {
    let mut rest = inside;
    while let Some((_, behind)) = rest.split_once(' ').filter(|(word, _)| KINDS.contains(&word.to_lowercase().as_str()))
    {
        rest = behind.trim_start();
    }
    rest
}

/// The final titles of the items, in order. Each is a fixed point of [`clean`] and `shorten`, and all are distinct.
///
/// The first item of a title keeps it; the others get the suffix " (2)", " (3)" and so on, skipping used titles.
///
/// # Errors
/// A tokenizer that does not round-trip titles, or that fails.
pub fn unique_titles(titles: &[&str], shorten: &Shorten) -> Result<Vec<String>> {
    let mut titles = titles.iter().map(|title| fixed_point(title, shorten)).collect::<Result<Vec<_>>>()?;
    let mut taken = HashSet::new();
    let firsts: Vec<bool> = titles.iter().map(|title| taken.insert(title.clone())).collect();
    let mut last_numbers: HashMap<String, u32> = HashMap::new();
    for (title, _) in titles.iter_mut().zip(firsts).filter(|(_, first)| !first) {
        let number = last_numbers.entry(title.clone()).or_insert(1);
        *title = loop {
            *number += 1;
            let candidate = numbered(title, *number, shorten)?;
            if taken.insert(candidate.clone()) {
                break candidate;
            }
        };
    }
    Ok(titles)
}

/// Returns `title (number)`, with the title truncated to leave space for the number.
fn numbered(title: &str, number: u32, shorten: &Shorten) -> Result<String> {
    let mut kept = title;
    loop {
        let candidate = format!("{} ({number})", kept.trim_end());
        if fixed_point(&candidate, shorten)? == candidate {
            return Ok(candidate);
        }
        let Some((last, _)) = kept.char_indices().next_back() else { return Err(not_given_back(&candidate)) };
        kept = &kept[..last];
    }
}

/// Cleans and shortens until the title no longer changes: truncating tokens can split a character, and the rest may
/// tokenize differently.
fn fixed_point(title: &str, shorten: &Shorten) -> Result<String> {
    const ROUNDS: usize = 8;
    let mut current = clean(title);
    for _ in 0..ROUNDS {
        let next = clean(shorten(&current)?.trim_end_matches(char::REPLACEMENT_CHARACTER));
        if next.is_empty() {
            break;
        }
        if next == current {
            return Ok(current);
        }
        current = next;
    }
    Err(not_given_back(title))
}

fn not_given_back(title: &str) -> Error {
    Error::bad_input(format!("title {}", quote(title)))
        .expected("a tokenizer that gives it back after encoding and decoding")
        .found("other text each time, or none")
        .next("check --tokenizer, or import without it")
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn settled(titles: &[&str]) -> Vec<String> {
        unique_titles(titles, &truncate_title).unwrap()
    }

    #[test]
    fn hostile_titles_become_one_safe_line() {
        assert_eq!(clean(" A\u{1b}[2Jb\r\n\tc\u{202e}d\u{2028}e  f\u{a0}"), "A [2Jb cd e f");
        assert!(is_unsafe("a\u{7}") && is_unsafe("a\u{2028}b") && is_unsafe("\u{202e}a"));
        assert!(!is_unsafe("L'été  à Čachtice 👩\u{200d}🚀"));
    }

    #[test]
    fn the_year_is_read_from_the_last_bracket_that_has_one() {
        for (title, year) in [
            ("Harbour of Sand (1995) (V)", Some(1995)),
            ("Two Bridges (1990) (1994)", Some(1994)),
            ("The Ferry (1995/II) [Extended]", Some(1995)),
            ("Orchard (1977 film): Director's Cut", Some(1977)),
            ("Été ( 1983 ) (L') (TV)", Some(1983)),
            ("Low Tide (1983", None),
            ("1984)", None),
            ("Heat (1995)", Some(1995)),
            ("Sabrina (Remake) (1995) ", Some(1995)),
            ("Twin Peaks (1990–1991)", Some(1990)),
            ("Doctor Who (1963-)", Some(1963)),
            ("Hamlet (2000) (2)", Some(2000)),
            ("2001: A Space Odyssey", None),
            ("Ocean's (2)", None),
            ("Babylon 5 (TV Series 1993–1998)", Some(1993)),
            ("Lost Signal (TV Mini-Series 2001– )", Some(2001)),
            ("Night Drive (Video Game 2004)", Some(2004)),
            ("The Ferry [1995] [Extended]", Some(1995)),
            ("The Ferry (1995) [2001]", Some(1995)),
            ("The Boys (Summer of 1969)", None),
            ("The Boys (TV)", None),
            ("(500) Days", None),
            (")(", None),
        ] {
            assert_eq!(year_of(title), year, "{title}");
        }
    }

    #[test]
    fn duplicates_are_numbered_and_natural_titles_keep_theirs() {
        let titles = ["Emma (1996)", "Emma  (1996)", "Emma (1996) (2)", "Emma (1996)", "Solo"];
        assert_eq!(settled(&titles), ["Emma (1996)", "Emma (1996) (3)", "Emma (1996) (2)", "Emma (1996) (4)", "Solo"]);
    }

    #[test]
    fn the_number_of_a_duplicate_stays_within_the_cap() {
        let long = "ü".repeat(300);
        let titles = settled(&[&long, &long]);
        assert!(titles.iter().all(|title| title.chars().count() == LONGEST_IN_CHARACTERS));
        assert!(titles[1].ends_with("ü (2)"));
    }

    /// Stands for a tokenizer that knows small letters only and cuts in the middle of a character.
    fn crude(title: &str) -> Result<String> {
        let bytes = title.to_lowercase().into_bytes();
        Ok(String::from_utf8_lossy(&bytes[..bytes.len().min(9)]).into_owned())
    }

    #[test]
    fn a_tokenizer_decides_the_final_form() {
        let titles = unique_titles(&["Über Ärger!", "ÜBER ÄRG", "abcdefghü"], &crude).unwrap();
        assert_eq!(titles, ["über är", "über (2)", "abcdefgh"]);
        let lossy = |_: &str| Ok(String::new());
        assert!(unique_titles(&["Heat"], &lossy).unwrap_err().to_string().contains("--tokenizer"));
        let restless = |title: &str| Ok(format!("{title}!"));
        assert!(unique_titles(&["Heat"], &restless).is_err());
    }

    proptest! {
        #[test]
        fn final_titles_are_unique_safe_and_final(
            titles in prop::collection::vec("[ab\u{1b}\n\u{202e} ]{0,3}x.{0,3}", 0..20),
        ) {
            let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
            let once = settled(&titles);
            prop_assert_eq!(once.iter().collect::<HashSet<_>>().len(), titles.len());
            prop_assert!(once.iter().all(|title| !is_unsafe(title)));
            prop_assert_eq!(&settled(&once.iter().map(String::as_str).collect::<Vec<_>>()), &once);
        }
    }
}
