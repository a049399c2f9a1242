//! Sheets of sentences about two catalogues.

use super::table::{Sheet, expect};
use super::{arcade, cinema, clauses, polite, scopes, topics, unseen, voices};
use crate::data::Catalogue;
use crate::request::ask::AskParser;

const SHEETS: [Sheet; 6] = [unseen::SHEET, voices::SHEET, topics::SHEET, scopes::SHEET, clauses::SHEET, polite::SHEET];

#[test]
fn sentences_are_read_as_meant() {
    for sheet in SHEETS {
        expect(&cinema(), sheet.films.iter().copied());
        expect(&arcade(), sheet.games.iter().copied());
    }
}

#[test]
fn unclear_sentences_say_nothing() {
    for sheet in SHEETS {
        expect_nothing(&cinema(), sheet.unclear_films);
        expect_nothing(&arcade(), sheet.unclear_games);
    }
}

/// No sentence states a request.
fn expect_nothing(catalogue: &Catalogue, texts: &[&str]) {
    let asker = AskParser::new(catalogue);
    let readings = texts.iter().map(|text| (text, asker.read(text, 10)));
    let wrong: Vec<_> = readings.filter(|(_, reading)| reading.says_something()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
