//! Amazon reviews in the releases of 2014 (McAuley et al., SIGIR 2015), 2018 (Ni, Li and McAuley, EMNLP 2019) and 2023
//! (Hou et al., 2024), read as method §1.2 does: the first row of a pair, categories as prefixes of the path without its
//! department. Titles, categories and brands are cut out of web pages.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::log::LogColumns;
use super::object::{parse, price, text};
use super::{files_in, not_the_files};
use crate::data::csv_file::{CsvColumn, CsvFile};
use crate::data::filter::Repeats;
use crate::data::input::LineReader;
use crate::data::markup::visible_text;
use crate::data::raw::{InteractionRules, RawData, RawInteraction, RawItem};
use crate::{Error, Result};

/// The deepest category path. Its prefixes take space by the square of its depth; real ones have ten levels or so.
const DEEPEST_PATH: usize = 64;

/// The endings of the files, as they are downloaded. Reviews of 2023 are also there as CSV.
const ENDINGS: [&str; 6] = [".json", ".json.gz", ".jsonl", ".jsonl.gz", ".csv", ".csv.gz"];

/// A line of the meta file, as far as it matters.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    asin: Value,
    parent_asin: Value,
    title: Value,
    category: Value,
    categories: Value,
    brand: Value,
    store: Value,
    price: Value,
}

/// A line of the reviews file, as far as it matters.
#[derive(Deserialize)]
struct Review {
    #[serde(rename = "reviewerID", alias = "user_id")]
    reviewer: Value,
    #[serde(default)]
    asin: Value,
    #[serde(default)]
    parent_asin: Value,
    #[serde(default, rename = "overall", alias = "rating")]
    rating: Value,
    #[serde(default, rename = "unixReviewTime", alias = "timestamp")]
    time: Value,
}

/// Reads the one reviews file and the one meta_* file of a folder.
pub(super) fn read(folder: &Path, rules: InteractionRules) -> Result<RawData> {
    let (meta, reviews) = locate(folder)?;
    let source = format!("Amazon reviews: {meta}, {reviews}");
    let mut raw = RawData::new(source, "not stated by the publisher; made for research", &["price", "brand"]);
    raw.repeats = Repeats::FirstInFile;
    raw.rules = rules;
    read_meta(&folder.join(meta), &mut raw)?;
    let read = if reviews.contains(".csv") { read_ratings } else { read_reviews };
    read(&folder.join(reviews), &mut raw)?;
    Ok(raw)
}

fn locate(folder: &Path) -> Result<(String, String)> {
    let files = files_in(folder)?;
    let is_known = |name: &&String| ENDINGS.iter().any(|end| name.ends_with(end));
    let (meta, reviews): (Vec<&String>, Vec<&String>) =
        files.iter().filter(is_known).partition(|name| name.starts_with("meta_"));
    match (meta.as_slice(), reviews.as_slice()) {
        ([meta], [reviews]) => Ok((meta.to_string(), reviews.to_string())),
        _ => Err(not_the_files(folder, "one reviews file and one meta_* file, .json, .jsonl or .gz of these", &files)),
    }
}

fn read_meta(path: &Path, raw: &mut RawData) -> Result<()> {
    let mut lines = LineReader::open(path)?;
    while let Some(line) = lines.next_line()? {
        let meta: Meta = parse(&line, "an item of an Amazon release as JSON, with asin and title")?;
        let paths = [paths(&meta.category), paths(&meta.categories)].concat();
        if let Some(deep) = paths.iter().map(Vec::len).find(|&depth| depth > DEEPEST_PATH) {
            return Err(Error::bad_input(line.place())
                .expected(format!("a category path of at most {DEEPEST_PATH} levels"))
                .found(deep)
                .into());
        }
        raw.push_page_item(RawItem {
            key: product(&meta.parent_asin, &meta.asin),
            title: text(&meta.title),
            categories: paths.iter().flat_map(|path| prefixes(path)).collect(),
            attributes: vec![price(&meta.price), [&meta.brand, &meta.store].map(brand).concat()],
        })?;
    }
    Ok(())
}

fn read_reviews(path: &Path, raw: &mut RawData) -> Result<()> {
    let mut lines = LineReader::open(path)?;
    while let Some(line) = lines.next_line()? {
        let review: Review = parse(&line, "a review of an Amazon release as JSON, with reviewerID or user_id")?;
        let (user, item) = (text(&review.reviewer), product(&review.parent_asin, &review.asin));
        let (rating, time) = (text(&review.rating), text(&review.time));
        let interaction = RawInteraction { user: &user, item: &item, rating: &rating, time: &time };
        raw.push_interaction(interaction, || line.place())?;
    }
    Ok(())
}

/// Reads `user_id,parent_asin,rating,timestamp`, with any other columns.
fn read_ratings(path: &Path, raw: &mut RawData) -> Result<()> {
    let mut file = CsvFile::open(path)?;
    let [user, item, rating] = ["user_id", "parent_asin", "rating"].map(CsvColumn::fixed);
    let time = CsvColumn { holds_times: true, ..CsvColumn::fixed("timestamp") };
    let columns = LogColumns { user, item, rating, time }.find(&file, raw.rules)?;
    while let Some(row) = file.next_row()? {
        raw.push_interaction(columns.interaction(&row), || row.place())?;
    }
    Ok(())
}

/// The id of a product: in the release of 2023 that of all its variants, by which reviews and items are joined.
fn product(parent: &Value, own: &Value) -> String {
    Some(text(parent)).filter(|id| !id.is_empty()).unwrap_or_else(|| text(own))
}

/// The category paths of an item: of one path, of a list of paths, or of none.
fn paths(value: &Value) -> Vec<Vec<String>> {
    let names = |names: &[Value]| names.iter().filter_map(Value::as_str).filter_map(category).collect::<Vec<_>>();
    let Some(entries) = value.as_array() else { return Vec::new() };
    let lists = entries.iter().filter_map(Value::as_array).map(|list| names(list));
    [names(entries)].into_iter().chain(lists).filter(|path| !path.is_empty()).collect()
}

/// The name of a category, unless it is a scrap of a page.
fn category(page: &str) -> Option<String> {
    visible_text(page).filter(|name| !name.is_empty())
}

/// The path X > A > B gives "A" and "A, B": the department falls away, and the deepest category stands last.
fn prefixes(path: &[String]) -> Vec<String> {
    let names = path.get(1..).unwrap_or_default();
    (1..=names.len()).map(|depth| names[..depth].join(", ")).collect()
}

/// A brand, unless it is a scrap of a page.
fn brand(value: &Value) -> String {
    let page = text(value);
    if page.contains('<') { String::new() } else { visible_text(&page).unwrap_or_default() }
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
        assert_eq!((raw.dropped.unusable_items, raw.dropped.repeated_items), (1, 1));
        let (items, histories) = tell(raw);
        let expected =
            ["B1: Heat & Dust [Drama|Drama, Old & New] {1012.99|Acme}", "B2: Alone [] {|}", "B4: Uncategorised [] {|}"];
        assert_eq!(items, expected);
        assert_eq!(histories, ["A: B1@30 B2@20 B1@10 B4@10"]);
    }

    #[test]
    fn the_first_row_of_a_pair_counts_even_where_a_later_one_is_older() {
        let raw = read_files(Amazon, &[("meta_Movies.json", META), ("Movies_5.json", REVIEWS)]).unwrap();
        let rules = ImportRules { name: "a".into(), core: KCore::OFF, shorten: &truncate_title, titles: String::new() };
        let (dataset, _) = assemble(raw, &rules).unwrap();
        assert_eq!(dataset.users[0].timestamps, [10, 20, 30]);
        assert_eq!(dataset.catalogue.title(dataset.users[0].items[2]), "Heat & Dust");
    }

    #[test]
    fn the_release_of_2023_joins_variants_by_their_parent() {
        let meta = br#"{"main_category": "All Beauty", "title": "Soap", "price": 9.5, "store": "S", "categories": [], "parent_asin": "B0"}
{"title": "Comb", "price": null, "store": null, "categories": ["Beauty", "Hair", "Combs"], "parent_asin": "B1"}
"#;
        let reviews = br#"{"rating": 5.0, "title": "x", "asin": "V7", "parent_asin": "B0", "user_id": "AE", "timestamp": 1600000027123}
{"rating": 2.0, "title": "x", "asin": "V8", "parent_asin": "B1", "user_id": "AE", "timestamp": 1600000028123}
"#;
        let raw = read_files(Amazon, &[("meta_Soap.jsonl", meta), ("Soap.jsonl", reviews)]).unwrap();
        let (items, histories) = tell(raw);
        assert_eq!(items, ["B0: Soap [] {9.5|S}", "B1: Comb [Hair|Hair, Combs] {|}"]);
        assert_eq!(histories, ["AE: B0@1600000027 B1@1600000028"]);
        let csv = b"user_id,parent_asin,rating,timestamp,history\nAE,B1,5.0,1600000027123,B0\n";
        let raw = read_files(Amazon, &[("meta_Soap.jsonl", meta), ("Soap.train.csv", csv)]).unwrap();
        assert_eq!(tell(raw).1, ["AE: B1@1600000027"]);
    }

    #[test]
    fn the_release_of_2014_has_lists_of_paths_as_json_or_as_python() {
        let json = br#"{"asin": "B0", "title": "Soap", "price": 3, "categories": [["Beauty", "Bath"], ["Home", "Bath", "Soap"]]}"#;
        let python = br#"{'asin': 'B0', 'title': "Soap", 'price': 3, 'categories': [['Beauty', 'Bath'], ['Home', 'Bath', 'Soap']], 'x': None}"#;
        for meta in [&json[..], python] {
            let raw = read_files(Amazon, &[("meta_Soap.json", meta), ("reviews_Soap_5.json", REVIEWS)]).unwrap();
            assert_eq!(tell(raw).0, ["B0: Soap [Bath|Bath|Bath, Soap] {3|}"]);
        }
    }

    #[test]
    fn scraps_of_pages_are_cleaned_or_left_out() {
        let meta = br#"{"asin": "B0", "title": "var aPageStart = (new Date()).getTime();", "category": ["A", "B"]}
{"asin": "B1", "title": "<span id=\"productTitle\">Velvet</span>", "category": ["A", "<b>B</b>", "</span></span>"], "brand": "<img>"}
{"asin": "B2", "title": null, "category": null}
{"asin": "B3", "title": "L&amp;#39;&Eacute;t&eacute;", "category": null, "price": NaN}
"#;
        let raw = read_files(Amazon, &[("meta_M.json", meta), ("M.json", REVIEWS)]).unwrap();
        assert_eq!((raw.dropped.page_scraps, raw.dropped.unusable_items), (1, 1));
        assert_eq!(tell(raw).0, ["B1: Velvet [B] {|}", "B3: L'Été [] {|}"]);
    }

    #[test]
    fn damaged_lines_and_a_second_department_are_refused() {
        let torn =
            read_files(Amazon, &[("meta_M.json", META), ("M.json", b"{\"asin\": \"B1\"}")]).unwrap_err().to_string();
        assert!(torn.contains("M.json line 1") && torn.contains("reviewerID"), "{torn}");
        let cut =
            read_files(Amazon, &[("meta_M.json", b"\n{\"asin\": \"B1"), ("M.json", b"")]).unwrap_err().to_string();
        assert!(cut.contains("meta_M.json line 2") && cut.contains("a closing quote"), "{cut}");
        let path = format!("{{\"asin\": \"B1\", \"title\": \"x\", \"category\": [{}\"z\"]}}", "\"y\",".repeat(100_000));
        let deep = read_files(Amazon, &[("meta_M.json", path.as_bytes()), ("M.json", b"")]).unwrap_err().to_string();
        assert!(deep.contains("at most 64 levels, found 100001"), "{deep}");
        let two = read_files(Amazon, &[("meta_M.json", META), ("M.json", REVIEWS), ("N.json", REVIEWS)]).unwrap_err();
        assert!(two.to_string().contains("N.json"), "{two}");
    }
}
