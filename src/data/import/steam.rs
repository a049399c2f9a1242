//! The Steam data of UCSD (Kang and McAuley, ICDM 2018): a Python literal a line, not JSON whatever the name says.

use std::path::Path;

use serde_json::Value;

use super::{files_in, literal, not_the_files};
use crate::data::input::{InputLine, LineReader, quote};
use crate::data::raw::{RawData, RawItem};
use crate::data::time::{leading_year, parse_timestamp};
use crate::{Error, Result};

/// Reads steam_games and steam_reviews of a folder.
pub(super) fn read(folder: &Path) -> Result<RawData> {
    let files = files_in(folder)?;
    let find =
        |stem: &str| files.iter().find(|name| [".json", ".json.gz"].iter().any(|end| **name == format!("{stem}{end}")));
    let (Some(games), Some(reviews)) = (find("steam_games"), find("steam_reviews")) else {
        return Err(not_the_files(folder, "steam_games and steam_reviews, .json or .json.gz", &files));
    };
    let source = format!("Steam (UCSD): {games}, {reviews}");
    let mut raw =
        RawData::new(source, "not stated by the publisher; made for research", &["year", "price", "developer"]);
    read_games(&folder.join(games), &mut raw)?;
    read_reviews(&folder.join(reviews), &mut raw)?;
    Ok(raw)
}

fn read_games(path: &Path, raw: &mut RawData) -> Result<()> {
    let mut lines = LineReader::open(path)?;
    while let Some(line) = lines.next_line()? {
        let game = parse(&line)?;
        let title = Some(text(&game, "title")).filter(|title| !title.is_empty()).unwrap_or(text(&game, "app_name"));
        let genres = game["genres"].as_array().into_iter().flatten().filter_map(Value::as_str);
        raw.push_item(RawItem {
            key: text(&game, "id").to_owned(),
            title: title.to_owned(),
            categories: genres.map(str::to_owned).collect(),
            attributes: vec![
                leading_year(text(&game, "release_date")).map_or_else(String::new, |year| year.to_string()),
                price(&game["price"]),
                text(&game, "developer").to_owned(),
            ],
        })?;
    }
    Ok(())
}

fn read_reviews(path: &Path, raw: &mut RawData) -> Result<()> {
    let mut lines = LineReader::open(path)?;
    while let Some(line) = lines.next_line()? {
        let review = parse(&line)?;
        let (user, game) = (text(&review, "username"), text(&review, "product_id"));
        match parse_timestamp(text(&review, "date")) {
            Some(timestamp) if !user.is_empty() && !game.is_empty() => raw.push_interaction(user, game, timestamp)?,
            _ => raw.dropped.incomplete_interactions += 1,
        }
    }
    Ok(())
}

fn parse(line: &InputLine) -> Result<Value> {
    let text = line.utf8()?;
    let value = literal::parse(text).and_then(|value| value.is_object().then_some(value).ok_or("no dictionary".into()));
    value.map_err(|reason| {
        Error::bad_input(line.place())
            .expected("a Python dictionary, such as {u'id': u'10'}")
            .found(format!("{} ({reason})", quote(text)))
            .into()
    })
}

/// A field of text; empty where it is missing or something else.
fn text<'a>(record: &'a Value, field: &str) -> &'a str {
    record[field].as_str().unwrap_or_default()
}

/// A price as a number; "Free to Play" and its kind are 0, other texts no price.
fn price(value: &Value) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) if text.trim().to_lowercase().starts_with("free") => "0".to_owned(),
        _ => String::new(),
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
            (dropped.unusable_items, dropped.incomplete_interactions, dropped.interactions_of_unknown_items),
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
    fn a_line_that_is_no_dictionary_is_named() {
        for (line, reason) in [(&b"\n[1]"[..], "no dictionary"), (b"\n{u'id': }", "a value expected at byte 9")] {
            let message =
                read_files(Steam, &[("steam_games.json", line), ("steam_reviews.json", b"")]).unwrap_err().to_string();
            assert!(message.contains("steam_games.json line 2") && message.contains(reason), "{message}");
        }
    }
}
