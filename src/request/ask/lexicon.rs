//! The lexicon of a catalogue: names of categories, attribute values, fields and titles.

use std::collections::HashMap;

use super::spelling::{forms, near_enough};
use super::synonyms::{BOTH, SYNONYMS, demonyms};
use super::tokens::{NameLookup, key};
use crate::data::{Catalogue, CategoryId, Item, ItemId};
use crate::request::Predicate;
use crate::request::predicate::number;

/// A word or name for categories.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CategoryTerm {
    /// An item has to lie in one of each.
    pub all: Vec<Vec<CategoryId>>,
    /// True for a word that describes items ("funny") rather than naming them ("comedies").
    pub adjective: bool,
    /// True for a word that only suggests these categories.
    pub loose: bool,
}

/// A value of an attribute column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AttributeValue {
    pub column: usize,
    pub value: String,
}

/// The kinds of numbers that people speak of without naming a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    Year,
    Price,
    Duration,
    Rating,
    /// A column that only its name tells of.
    Other,
}

impl Dimension {
    /// The names of columns that hold it.
    fn names(self) -> &'static [&'static str] {
        match self {
            Dimension::Year => &["year", "released", "release"],
            Dimension::Price => &["price", "cost"],
            Dimension::Duration => &["runtime", "duration", "length", "minutes", "playtime", "running"],
            Dimension::Rating => &["rating", "score", "stars"],
            Dimension::Other => &[],
        }
    }

    /// The reason why a measure of it counts for nothing where no column holds it.
    pub fn lacking(self) -> &'static str {
        match self {
            Dimension::Year => "the data set has no column of years",
            Dimension::Price => "the data set has no column of prices",
            Dimension::Duration => "the data set has no column of running times",
            Dimension::Rating => "the data set has no column of ratings",
            Dimension::Other => "the data set has no such column",
        }
    }
}

/// Everything in a catalogue that has a name.
pub(super) struct Lexicon<'a> {
    pub catalogue: &'a Catalogue,
    kinds: HashMap<String, CategoryTerm>,
    values: HashMap<String, AttributeValue>,
    /// By title, whole and without the year in brackets at its end.
    titles: HashMap<String, Vec<ItemId>>,
    /// By the beginning of a title up to its colon.
    series: HashMap<String, Vec<ItemId>>,
    fields: HashMap<String, usize>,
    /// The numbers of each column, ascending.
    numbers: Vec<Vec<f64>>,
}

/// The most words that a name is looked up with.
pub(super) const LONGEST_NAME: usize = 12;

impl<'a> Lexicon<'a> {
    pub fn new(catalogue: &'a Catalogue) -> Self {
        let fields = catalogue.attributes().iter().enumerate().map(|(column, name)| (key(name), column));
        Self {
            catalogue,
            kinds: kinds(catalogue),
            values: values(catalogue),
            titles: titles(catalogue),
            series: series(catalogue),
            fields: fields.collect(),
            numbers: (0..catalogue.attributes().len()).map(|column| numbers(catalogue, column)).collect(),
        }
    }

    pub fn kind(&self, key: &str) -> Option<&CategoryTerm> {
        self.kinds.get(key)
    }

    pub fn value(&self, key: &str) -> Option<&AttributeValue> {
        self.values.get(key)
    }

    /// The items of a title; several where only the year tells them apart.
    pub fn titled(&self, key: &str) -> &[ItemId] {
        self.titles.get(key).map_or(&[], Vec::as_slice)
    }

    /// The items whose titles begin with a name and a colon.
    pub fn in_series(&self, key: &str) -> &[ItemId] {
        self.series.get(key).map_or(&[], Vec::as_slice)
    }

    /// The column of a field's name.
    pub fn field(&self, key: &str) -> Option<usize> {
        self.fields.get(key).copied()
    }

    /// The column that holds numbers of a dimension.
    pub fn column(&self, dimension: Dimension) -> Option<usize> {
        dimension.names().iter().find_map(|name| {
            let named =
                |column: &usize| key(&self.catalogue.attributes()[*column]).split(' ').any(|part| part == *name);
            (0..self.numbers.len()).find(|column| named(column) && !self.numbers[*column].is_empty())
        })
    }

    /// The dimension that a column's name tells.
    pub fn dimension(&self, column: usize) -> Dimension {
        let dimensions = [Dimension::Year, Dimension::Price, Dimension::Duration, Dimension::Rating];
        dimensions.into_iter().find(|dimension| self.column(*dimension) == Some(column)).unwrap_or(Dimension::Other)
    }

    /// The minutes in one unit of the column of running times.
    pub fn minutes_in_duration(&self) -> f64 {
        let Some(column) = self.column(Dimension::Duration) else { return 1.0 };
        // Nothing that is listed runs for less than ten minutes on the median.
        let numbers = self.numbers(column);
        if numbers[numbers.len() / 2] < 10.0 { 60.0 } else { 1.0 }
    }

    /// The numbers of a column, ascending.
    pub fn numbers(&self, column: usize) -> &[f64] {
        &self.numbers[column]
    }

    /// The number of an item in a column.
    pub fn number_of(&self, item: ItemId, column: usize) -> Option<f64> {
        self.catalogue.item(item).attributes.get(column).and_then(|text| number(text))
    }

    /// The one kind that a misspelt word is near enough to, with its right spelling.
    pub fn nearest_kind(&self, word: &str) -> Option<(&str, &CategoryTerm)> {
        let (name, kind) = near_enough(word, self.kinds.iter().map(|(name, kind)| (name.as_str(), kind)))?;
        Some((name, kind))
    }

    /// The one title that a misspelt one is near enough to.
    pub fn nearest_title(&self, key: &str) -> Option<&[ItemId]> {
        near_enough(key, self.titles.iter().map(|(name, ids)| (name.as_str(), ids))).map(|(_, ids)| ids.as_slice())
    }
}

impl NameLookup for Lexicon<'_> {
    fn is_name(&self, text: &str) -> bool {
        let known = self.catalogue.by_title(text).is_some() || self.catalogue.category(text).is_some();
        known || (text.contains(['<', '>', '=']) && Predicate::parse(text, self.catalogue).is_ok())
    }

    fn condition(&self, text: &str) -> Option<usize> {
        let operator = text.find(['<', '>', '=', '!'])?;
        let field = text[..operator].trim_end();
        if field.contains(['.', ',', '\n']) || !(field == "category" || self.field(&key(field)).is_some()) {
            return None;
        }
        const LONGEST: usize = 300;
        let is_condition = |end: &usize| Predicate::parse(&text[..*end], self.catalogue).is_ok();
        // It may end behind any character but a blank; a longer one wins, yet the sentence keeps its full stop.
        let ends = text.char_indices().map(|(at, c)| (at + c.len_utf8(), c)).take_while(|(end, _)| *end <= LONGEST);
        let ends: Vec<usize> = ends.filter(|(_, c)| !c.is_whitespace()).map(|(end, _)| end).collect();
        let within_word = |end: usize| {
            let last = text[..end].chars().next_back().is_some_and(char::is_alphanumeric);
            last && text[end..].starts_with(char::is_alphanumeric)
        };
        let end = *ends.iter().rev().find(|end| !within_word(**end) && is_condition(end))?;
        let bare = text[..end].trim_end_matches(['.', ',', ';', '!', '?']).len();
        Some(if is_condition(&bare) { bare } else { end })
    }
}

/// All names of categories: their own in one and in many, the last part of a path, and the words of the table.
fn kinds(catalogue: &Catalogue) -> HashMap<String, CategoryTerm> {
    let mut kinds = HashMap::new();
    let name = |all: Vec<Vec<CategoryId>>, adjective| CategoryTerm { all, adjective, loose: false };
    for (id, category) in (0..).map(CategoryId).zip(catalogue.categories()) {
        kinds.entry(key(category)).or_insert_with(|| name(vec![vec![id]], false));
    }
    for (id, category) in (0..).map(CategoryId).zip(catalogue.categories()) {
        for form in forms(&key(category)) {
            kinds.entry(form).or_insert_with(|| name(vec![vec![id]], false));
        }
    }
    let called = |names: &str| names.split('|').find_map(|name| kinds_of(catalogue, name));
    for (words, parts) in BOTH {
        if let [Some(a), Some(b)] = parts.map(called) {
            insert(&mut kinds, words, &name(vec![vec![a], vec![b]], false));
        }
    }
    for synonym in &SYNONYMS {
        let any_of: Vec<CategoryId> = synonym.of.iter().filter_map(|names| called(names)).collect();
        if !any_of.is_empty() {
            let kind = |adjective| CategoryTerm { all: vec![any_of.clone()], adjective, loose: synonym.loose };
            insert(&mut kinds, synonym.adjectives, &kind(true));
            insert(&mut kinds, synonym.nouns, &kind(false));
        }
    }
    for (id, category) in (0..).map(CategoryId).zip(catalogue.categories()) {
        if let Some((_, last)) = category.rsplit_once(", ") {
            forms(&key(last)).into_iter().for_each(|form| {
                kinds.entry(form).or_insert_with(|| name(vec![vec![id]], false));
            });
        }
    }
    kinds.remove("");
    kinds
}

fn kinds_of(catalogue: &Catalogue, name: &str) -> Option<CategoryId> {
    let at = catalogue.categories().iter().position(|category| key(category) == key(name))?;
    Some(CategoryId(at as u32))
}

fn insert(kinds: &mut HashMap<String, CategoryTerm>, words: &str, kind: &CategoryTerm) {
    for word in words.split(", ").filter(|word| !word.is_empty()) {
        let forms = if kind.adjective { vec![word.to_owned()] } else { forms(word) };
        forms.into_iter().for_each(|form| {
            kinds.entry(form).or_insert_with(|| kind.clone());
        });
    }
}

/// The values of the columns that hold words, and the adjectives of countries. What two columns have in common belongs to the first of
/// them.
fn values(catalogue: &Catalogue) -> HashMap<String, AttributeValue> {
    let mut values = HashMap::new();
    for column in 0..catalogue.attributes().len() {
        let texts = catalogue.items().iter().filter_map(|item| item.attributes.get(column));
        for text in texts.map(|text| text.trim()).filter(|text| number(text).is_none()) {
            let named = key(text);
            let value = || AttributeValue { column, value: text.to_owned() };
            for adjective in demonyms(&named) {
                values.entry(adjective.to_owned()).or_insert_with(value);
            }
            if named.chars().count() > 2 {
                values.entry(named).or_insert_with(value);
            }
        }
    }
    values
}

fn titles(catalogue: &Catalogue) -> HashMap<String, Vec<ItemId>> {
    let mut titles: HashMap<String, Vec<ItemId>> = HashMap::new();
    let mut add = |name: String, id| {
        let ids = titles.entry(name).or_default();
        if !ids.contains(&id) {
            ids.push(id);
        }
    };
    for id in catalogue.ids() {
        let title = catalogue.title(id);
        add(key(title), id);
        let bare = without_year(title);
        add(key(bare), id);
        // MovieLens writes "Matrix, The (1999)".
        for article in [", The", ", A", ", An"] {
            if let Some(rest) = bare.strip_suffix(article) {
                add(key(&format!("{} {rest}", &article[2..])), id);
            }
        }
    }
    titles.remove("");
    titles
}

/// The items by the name before the colon of their titles: "Star Wars: A New Hope (1977)".
fn series(catalogue: &Catalogue) -> HashMap<String, Vec<ItemId>> {
    let mut series: HashMap<String, Vec<ItemId>> = HashMap::new();
    for id in catalogue.ids() {
        if let Some((name, _)) = catalogue.title(id).split_once(": ") {
            series.entry(key(name)).or_default().push(id);
        }
    }
    series
}

fn numbers(catalogue: &Catalogue, column: usize) -> Vec<f64> {
    let value = |item: &Item| item.attributes.get(column).and_then(|text| number(text));
    let mut numbers: Vec<f64> = catalogue.items().iter().filter_map(value).collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}

/// A title without what stands in brackets at its end.
fn without_year(title: &str) -> &str {
    let inside = title.strip_suffix(')').and_then(|open| open.rsplit_once(" ("));
    match inside {
        Some((before, inside)) if inside.starts_with(|c: char| c.is_ascii_digit()) && !before.is_empty() => before,
        _ => title,
    }
}
