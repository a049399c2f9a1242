//! The Steam data of UCSD (Kang and McAuley, ICDM 2018): a Python literal a line, not JSON whatever the name says.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::object::{parse, price, text};
use super::{files_in, not_the_files};
use crate::data::input::LineReader;
use crate::data::markup::decode_entities;
use crate::data::raw::{InteractionRules, RawData, RawInteraction, RawItem};
use crate::data::time::leading_year;
use crate::{Error, Result};

/// A line of steam_games, as far as it matters.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Game {
    id: Value,
    title: Value,
    app_name: Value,
    genres: Value,
    release_date: Value,
    price: Value,
    developer: Value,
}

/// A line of steam_reviews, as far as it matters.
#[derive(Deserialize)]
struct Review {
    username: Value,
    product_id: Value,
    #[serde(default)]
    date: Value,
}

/// Reads steam_games and steam_reviews of a folder.
pub(super) fn read(folder: &Path, rules: InteractionRules) -> Result<RawData> {
    let (games, reviews) = locate(folder)?;
    let source = format!("Steam (UCSD): {games}, {reviews}");
    let mut raw =
        RawData::new(source, "not stated by the publisher; made for research", &["year", "price", "developer"]);
    raw.rules = rules;
    read_games(&folder.join(games), &mut raw)?;
    read_reviews(&folder.join(reviews), &mut raw)?;
    Ok(raw)
}

fn locate(folder: &Path) -> Result<(String, String)> {
    let files = files_in(folder)?;
    let find = |stem: &str| {
        let mut names = files.iter();
        names.find(|name| [".json", ".json.gz"].iter().any(|end| **name == format!("{stem}{end}"))).cloned()
    };
    if let (Some(games), Some(reviews)) = (find("steam_games"), find("steam_reviews")) {
        return Ok((games, reviews));
    }
    let expected = "steam_games and steam_reviews, .json or .json.gz";
    match files.iter().find(|name| name.starts_with("australian_")) {
        Some(australian) => Err(Error::bad_input(folder.display())
            .expected(expected)
            .found(format!("{australian}, of the Australian release, which is laid out otherwise"))
            .next("fetch steam_reviews.json.gz, which lies beside these files on the page of the data")
            .into()),
        None => Err(not_the_files(folder, expected, &files)),
    }
}

fn read_games(path: &Path, raw: &mut RawData) -> Result<()> {
    let mut lines = LineReader::open(path)?;
    while let Some(line) = lines.next_line()? {
        let game: Game = parse(&line, "a game as a Python dictionary, such as {u'id': u'10'}, or as JSON")?;
        let title = Some(text(&game.title)).filter(|title| !title.is_empty()).unwrap_or_else(|| text(&game.app_name));
        let genres = game.genres.as_array().into_iter().flatten().filter_map(Value::as_str);
        let year = leading_year(&text(&game.release_date));
        raw.push_item(RawItem {
            key: text(&game.id),
            title,
            categories: genres.map(str::to_owned).collect(),
            attributes: vec![
                year.map_or_else(String::new, |year| year.to_string()),
                game_price(&game.price),
                decode_entities(&text(&game.developer)).into_owned(),
            ],
        })?;
    }
    Ok(())
}

fn read_reviews(path: &Path, raw: &mut RawData) -> Result<()> {
    let mut lines = LineReader::open(path)?;
    while let Some(line) = lines.next_line()? {
        let review: Review = parse(&line, "a review as a Python dictionary with username and product_id, or as JSON")?;
        let [user, item, time] = [&review.username, &review.product_id, &review.date].map(text);
        raw.push_interaction(RawInteraction { user: &user, item: &item, rating: "", time: &time }, || line.place())?;
    }
    Ok(())
}

/// A price as a number; "Free to Play" and its kind are 0, other texts no price.
fn game_price(value: &Value) -> String {
    match value {
        Value::String(text) if text.trim().to_lowercase().starts_with("free") => "0".to_owned(),
        _ => price(value),
    }
}

#[cfg(test)]
mod tests {
    use crate::data::import::SourceFormat::Steam;
    use crate::data::import::tests::{read_files, tell};

    const GAMES: &[u8] = br"{u'genres': [u'Action', u'Indie'], u'title': u'Caf\xe9 Wars', u'price': 4.99, u'id': u'10', u'release_date': u'2018-01-04', u'developer': u'Kotoshiro'}
{u'app_name': u'Only an App', u'price': u'Free To Play', u'id': u'20', u'release_date': u'Soon..'}
{u'title': u'No number', u'price': None}
{u'title': u'', u'app_name': u'Odd', u'price': u'Third-party', u'id': u'30', u'genres': None}
";

    #[test]
    fn games_and_reviews_are_read() {
        let reviews =
            br"{u'username': u'Chaos Syren', u'product_id': u'20', u'date': u'2017-12-17', u'text': u'it\'s ok'}
{u'username': u'Chaos Syren', u'product_id': u'10', u'date': u'2017-12-01', 'hours': 0.1}
{u'username': u'Chaos Syren', u'product_id': u'30'}
{u'username': u'Other', u'product_id': u'99', u'date': u'2017-12-01'}
";
        let raw = read_files(Steam, &[("steam_games.json", GAMES), ("steam_reviews.json", reviews)]).unwrap();
        let dropped = raw.dropped;
        assert_eq!(
            (dropped.unusable_items, dropped.interactions_without_time, dropped.interactions_of_unknown_items),
            (1, 1, 1)
        );
        let (items, histories) = tell(raw);
        assert_eq!(
            items,
            ["10: Café Wars [Action|Indie] {2018|4.99|Kotoshiro}", "20: Only an App [] {|0|}", "30: Odd [] {||}",]
        );
        assert_eq!(histories, ["Chaos Syren: 20@1513468800 10@1512086400"]);
    }

    #[test]
    fn ids_may_be_numbers_and_lines_json() {
        let games = b"{'app_name': 'G', 'id': 7, 'genres': ['Animation &amp; Modeling'], 'price': '$4.99'}\n\
            {\"title\": \"H\", \"id\": 8.0, \"genres\": null, \"early_access\": false}\n";
        let reviews = b"{'username': 1, 'product_id': 7, 'date': '1970-01-02'}\n\
            {\"username\": 1, \"product_id\": 8, \"date\": \"1970-01-03\"}\n";
        let raw = read_files(Steam, &[("steam_games.json", games), ("steam_reviews.json", reviews)]).unwrap();
        let (items, histories) = tell(raw);
        assert_eq!(items, ["7: G [Animation & Modeling] {|4.99|}", "8: H [] {||}"]);
        assert_eq!(histories, ["1: 7@86400 8@172800"]);
    }

    #[test]
    fn the_australian_files_are_told_from_the_reviews() {
        let files = [("australian_users_items.json", &b""[..]), ("steam_games.json", GAMES)];
        let message = read_files(Steam, &files).unwrap_err().to_string();
        assert!(message.contains("australian_users_items.json, of the Australian release"), "{message}");
        assert!(message.contains("next: fetch steam_reviews.json.gz"), "{message}");
    }

    #[test]
    fn a_line_that_is_no_dictionary_is_named() {
        for (line, reason) in [(&b"\n[1]"[..], "no object"), (b"\n{u'id': }", "a value expected at byte 9")] {
            let message =
                read_files(Steam, &[("steam_games.json", line), ("steam_reviews.json", b"")]).unwrap_err().to_string();
            assert!(message.contains("steam_games.json line 2") && message.contains(reason), "{message}");
        }
    }
}
