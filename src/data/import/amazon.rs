//! Amazon Review v2 (Ni, Li and McAuley, EMNLP 2019), read as method §1.2 does: no rating filter, the first row of a
//! pair, categories as prefixes of the path without its department. The files keep the HTML entities of the web pages.

use std::path::Path;

use html_escape::decode_html_entities;
use serde::Deserialize;
use serde_json::Value;

use super::{files_in, not_the_files};
use crate::data::filter::Repeats;
use crate::data::input::{InputLine, LineReader, quote};
use crate::data::raw::{RawData, RawItem};
use crate::{Error, Result};

/// The deepest category path. Its prefixes take space by the square of its depth; real ones have ten levels or so.
const DEEPEST_PATH: usize = 64;

/// A line of the meta file, as far as it matters.
#[derive(Deserialize)]
struct Meta {
    asin: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    category: Vec<String>,
    #[serde(default)]
    brand: Value,
    #[serde(default)]
    price: Value,
}

/// A line of the reviews file, as far as it matters.
#[derive(Deserialize)]
struct Review {
    #[serde(rename = "reviewerID")]
    reviewer: String,
    asin: String,
    #[serde(rename = "unixReviewTime")]
    time: i64,
}

/// Reads the one reviews file and the one meta_* file of a folder.
pub(super) fn read(folder: &Path) -> Result<RawData> {
    let (meta, reviews) = locate(folder)?;
    let source = format!("Amazon Review v2: {}, {}", meta, reviews);
    let mut raw = RawData::new(source, "not stated by the publisher; made for research", &["price", "brand"]);
    raw.repeats = Repeats::FirstInFile;
    read_meta(&folder.join(meta), &mut raw)?;
    read_reviews(&folder.join(reviews), &mut raw)?;
    Ok(raw)
}

fn locate(folder: &Path) -> Result<(String, String)> {
    let files = files_in(folder)?;
    let is_json = |name: &String| name.ends_with(".json") || name.ends_with(".json.gz");
    let (meta, reviews): (Vec<&String>, Vec<&String>) =
        files.iter().filter(|name| is_json(name)).partition(|name| name.starts_with("meta_"));
    match (meta.as_slice(), reviews.as_slice()) {
        ([meta], [reviews]) => Ok((meta.to_string(), reviews.to_string())),
        _ => Err(not_the_files(folder, "one reviews file and one meta_* file, .json or .json.gz", &files)),
    }
}

fn read_meta(path: &Path, raw: &mut RawData) -> Result<()> {
    let mut lines = LineReader::open(path)?;
    while let Some(line) = lines.next_line()? {
        let meta: Meta = parse(&line)?;
        if meta.category.len() > DEEPEST_PATH {
            return Err(Error::bad_input(line.place())
                .expected(format!("a category path of at most {DEEPEST_PATH} levels"))
                .found(meta.category.len())
                .into());
        }
        if meta.category.is_empty() {
            raw.dropped.unusable_items += 1;
            continue;
        }
        raw.push_item(RawItem {
            key: meta.asin,
            title: decode_html_entities(&meta.title).into_owned(),
            categories: prefixes(&meta.category),
            attributes: vec![price(&meta.price), brand(&meta.brand)],
        })?;
    }
    Ok(())
}

fn read_reviews(path: &Path, raw: &mut RawData) -> Result<()> {
    let mut lines = LineReader::open(path)?;
    while let Some(line) = lines.next_line()? {
        let review: Review = parse(&line)?;
        raw.push_interaction(&review.reviewer, &review.asin, review.time)?;
    }
    Ok(())
}

fn parse<'a, T: Deserialize<'a>>(line: &InputLine<'a>) -> Result<T> {
    let text = line.utf8()?;
    serde_json::from_str(text).map_err(|error| {
        Error::bad_input(line.place())
            .expected("a JSON object of Amazon Review v2")
            .found(format!("{} ({error})", quote(text)))
            .next("the 2014 and 2023 releases have other layouts; fetch the 2018 one")
            .into()
    })
}

/// The path X > A > B gives "A" and "A, B": the department falls away, and the deepest category stands last.
fn prefixes(path: &[String]) -> Vec<String> {
    let names: Vec<String> = path.iter().skip(1).map(|name| decode_html_entities(name).into_owned()).collect();
    (1..=names.len()).map(|depth| names[..depth].join(", ")).collect()
}

/// A price such as "$1,299.00" as a plain number; ranges, texts and scraps of pages are no price.
fn price(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default().trim().trim_start_matches('$').replace(',', "");
    let digits_and_dot = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if digits_and_dot && text.parse::<f64>().is_ok() { text } else { String::new() }
}

/// A brand, unless it is a scrap of a page.
fn brand(value: &Value) -> String {
    let text = decode_html_entities(value.as_str().unwrap_or_default());
    if text.contains('<') { String::new() } else { text.into_owned() }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use crate::data::assemble::{ImportRules, assemble};
    use crate::data::filter::KCore;
    use crate::data::import::SourceFormat::Amazon;
    use crate::data::import::tests::{read_files, tell};
    use crate::data::titles::truncate_title;

    const META: &[u8] = br#"{"asin": "B1", "title": "Heat &amp; Dust", "category": ["Movies & TV", "Drama", "Old &amp; New"], "brand": "Acme", "price": "$1,012.99"}
{"asin": "B1", "title": "Heat again", "category": ["Movies & TV", "Drama"]}
{"asin": "B2", "title": "Alone", "category": ["Movies & TV"], "brand": null, "price": "$5.99 - $9.99"}
{"asin": "B3", "title": "", "category": ["Movies & TV"]}
{"asin": "B4", "title": "Uncategorised", "category": [], "price": ""}
"#;

    const REVIEWS: &[u8] =
        br#"{"reviewerID": "A", "asin": "B1", "overall": 1.0, "unixReviewTime": 30, "reviewText": "\u2028"}
{"reviewerID": "A", "asin": "B2", "overall": 5.0, "unixReviewTime": 20}
{"reviewerID": "A", "asin": "B1", "overall": 5.0, "unixReviewTime": 10}
{"reviewerID": "A", "asin": "B4", "overall": 5.0, "unixReviewTime": 10}
"#;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn categories_are_prefixes_without_the_department() {
        let files = [("meta_Movies.json.gz", gzip(META)), ("Movies_5.json.gz", gzip(REVIEWS))];
        let files = files.each_ref().map(|(name, bytes)| (*name, bytes.as_slice()));
        let raw = read_files(Amazon, &files).unwrap();
        assert_eq!((raw.dropped.unusable_items, raw.dropped.repeated_items), (2, 1));
        let (items, histories) = tell(raw);
        assert_eq!(items, ["B1: Heat & Dust [Drama|Drama, Old & New] {1012.99|Acme}", "B2: Alone [] {|}"]);
        assert_eq!(histories, ["A: B1@30 B2@20 B1@10"]);
    }

    #[test]
    fn the_first_row_of_a_pair_counts_even_where_a_later_one_is_older() {
        let raw = read_files(Amazon, &[("meta_Movies.json", META), ("Movies_5.json", REVIEWS)]).unwrap();
        let rules = ImportRules { name: "a".into(), core: KCore::OFF, shorten: &truncate_title, titles: String::new() };
        let (dataset, _) = assemble(raw, &rules).unwrap();
        assert_eq!(dataset.users[0].timestamps, [20, 30]);
        assert_eq!(dataset.catalogue.title(dataset.users[0].items[1]), "Heat & Dust");
    }

    #[test]
    fn damaged_lines_and_a_second_department_are_refused() {
        let torn =
            read_files(Amazon, &[("meta_M.json", META), ("M.json", b"{\"asin\": \"B1\"}")]).unwrap_err().to_string();
        assert!(torn.contains("M.json line 1") && torn.contains("reviewerID"), "{torn}");
        let python =
            read_files(Amazon, &[("meta_M.json", b"\n{'asin': 'B1'}"), ("M.json", b"")]).unwrap_err().to_string();
        assert!(python.contains("meta_M.json line 2"), "{python}");
        let path = format!("{{\"asin\": \"B1\", \"title\": \"x\", \"category\": [{}\"z\"]}}", "\"y\",".repeat(100_000));
        let deep = read_files(Amazon, &[("meta_M.json", path.as_bytes()), ("M.json", b"")]).unwrap_err().to_string();
        assert!(deep.contains("at most 64 levels, found 100001"), "{deep}");
        let two = read_files(Amazon, &[("meta_M.json", META), ("M.json", REVIEWS), ("N.json", REVIEWS)]).unwrap_err();
        assert!(two.to_string().contains("N.json"), "{two}");
    }
}
