//! The output of an importer: items and histories as in the source, before filtering.

use super::dropped::Dropped;
use super::filter::{Interaction, Repeats};
use super::input::quote;
use super::interner::Interner;
use super::markup::{decode_entities, visible_text};
use super::time::MICROS;
use super::time_column::{TimeColumn, is_missing};
use super::titles::clean;
use crate::{Error, Result};

/// An item as given by the source.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawItem {
    /// Its identifier.
    pub key: String,
    /// Its title, not yet cleaned.
    pub title: String,
    /// Its categories, broad before narrow.
    pub categories: Vec<String>,
    /// Values of [`RawData::attributes`], in that order; empty where unknown.
    pub attributes: Vec<String>,
}

/// An interaction as the source spells it.
#[derive(Debug, Clone, Copy, Default)]
pub struct RawInteraction<'a> {
    /// The user's identifier.
    pub user: &'a str,
    /// The item's identifier.
    pub item: &'a str,
    /// The rating; needed only with a minimum rating.
    pub rating: &'a str,
    /// The time, empty where it is missing.
    pub time: &'a str,
}

/// The treatment of interactions without a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MissingTime {
    /// They are left out and counted.
    #[default]
    Drop,
    /// They stand where the file has them: behind the user's interaction before them.
    FileOrder,
}

/// The choice of interactions that an import takes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct InteractionRules {
    /// The lowest rating that counts; `None` where every rating does.
    pub min_rating: Option<f64>,
    /// The treatment of interactions without a time.
    pub missing_time: MissingTime,
}

/// The time of an interaction whose place in the file stands for it.
const UNTIMED: i64 = i64::MIN;

/// A source after reading, before filtering.
#[derive(Debug, Clone, Default)]
pub struct RawData {
    /// The source description for dataset.json.
    pub source: String,
    /// The licence for dataset.json.
    pub licence: String,
    /// The names of the items' attributes.
    pub attributes: Vec<String>,
    /// The choice among repeated interactions.
    pub repeats: Repeats,
    /// The choice of interactions.
    pub rules: InteractionRules,
    /// Records dropped so far.
    pub dropped: Dropped,
    /// Interactions without a time that were kept, in the order of the file.
    pub untimed: u64,
    /// An item that an interaction names and the catalogue lacks.
    pub unknown_item: Option<String>,
    /// The times of the file of interactions.
    pub times: TimeColumn,
    items: Vec<RawItem>,
    item_keys: Interner,
    users: Interner,
    histories: Vec<Vec<Interaction>>,
}

impl RawData {
    /// Creates an empty source whose items have these attributes.
    pub fn new(source: impl Into<String>, licence: impl Into<String>, attributes: &[&str]) -> Self {
        let attributes = attributes.iter().map(|&name| name.to_owned()).collect();
        Self { source: source.into(), licence: licence.into(), attributes, ..Self::default() }
    }

    /// Adds an item. An item without key or title, or with a known key, is counted and dropped. HTML entities of its title
    /// and categories are decoded.
    ///
    /// # Errors
    /// More items than ids.
    pub fn push_item(&mut self, item: RawItem) -> Result<()> {
        let key = clean_key(&item.key);
        let title = decode_entities(&item.title).into_owned();
        if key.is_empty() || is_blank(&clean(&title)) {
            self.dropped.unusable_items += 1;
        } else if self.item_keys.get(&key).is_some() {
            self.dropped.repeated_items += 1;
        } else {
            self.item_keys.intern(&key)?;
            let categories = item.categories.iter().map(|name| decode_entities(name).into_owned());
            let categories = categories.filter(|name| !is_blank(name)).collect();
            self.items.push(RawItem { key, title, categories, ..item });
        }
        Ok(())
    }

    /// Adds an item of a web page, whose title may hold tags. One whose title is only markup or a script is counted and
    /// dropped.
    ///
    /// # Errors
    /// More items than ids.
    pub fn push_page_item(&mut self, item: RawItem) -> Result<()> {
        match visible_text(&item.title) {
            Some(title) => self.push_item(RawItem { title, ..item }),
            None => {
                self.dropped.page_scraps += 1;
                Ok(())
            }
        }
    }

    /// Returns true if an item has this key.
    pub fn has_item(&self, key: &str) -> bool {
        self.item_keys.get(&clean_key(key)).is_some()
    }

    /// Adds an interaction that stands at `place`, or counts why it is left out.
    ///
    /// # Errors
    /// A time or a rating that cannot be read, a time in another unit than the others, more users than ids.
    pub fn push_interaction(&mut self, raw: RawInteraction, place: impl Fn() -> String) -> Result<()> {
        let time = self.times.read(raw.time, &place)?;
        if self.is_below_rating(raw.rating, &place)? {
            self.dropped.interactions_below_rating += 1;
            return Ok(());
        }
        self.push_event(raw.user, raw.item, time)
    }

    /// Adds an interaction at a time in microseconds. One without user, with an unknown item, or without a time where
    /// that counts, is counted and dropped.
    ///
    /// # Errors
    /// More users than ids.
    pub fn push_event(&mut self, user: &str, item: &str, time: Option<i64>) -> Result<()> {
        let (user, key) = (clean_key(user), clean_key(item));
        if user.is_empty() || key.is_empty() {
            self.dropped.incomplete_interactions += 1;
            return Ok(());
        }
        let Some(item) = self.item_keys.get(&key) else {
            self.dropped.interactions_of_unknown_items += 1;
            self.unknown_item.get_or_insert(key);
            return Ok(());
        };
        if time.is_none() && self.rules.missing_time == MissingTime::Drop {
            self.dropped.interactions_without_time += 1;
            return Ok(());
        }
        let user = self.users.intern(&user)? as usize;
        if user == self.histories.len() {
            self.histories.push(Vec::new());
        }
        self.untimed += u64::from(time.is_none());
        self.histories[user].push(Interaction { item, time: time.unwrap_or(UNTIMED) });
        Ok(())
    }

    fn is_below_rating(&self, rating: &str, place: &impl Fn() -> String) -> Result<bool> {
        let Some(least) = self.rules.min_rating else { return Ok(false) };
        if is_missing(rating.trim()) {
            return Ok(true);
        }
        let value = rating.trim().parse::<f64>().ok().filter(|value| value.is_finite()).ok_or_else(|| {
            Error::from(
                Error::bad_input(place())
                    .expected("a rating as a number")
                    .found(quote(rating))
                    .next("name the column of ratings by --rating-column, or import without --min-rating"),
            )
        })?;
        Ok(value < least)
    }

    /// Splits the source into items, user keys, and the users' histories in file order.
    pub fn into_parts(mut self) -> (Vec<RawItem>, Vec<String>, Vec<Vec<Interaction>>) {
        self.histories.iter_mut().for_each(|history| place_untimed(history));
        (self.items, self.users.into_vec(), self.histories)
    }
}

/// Returns true for no text, and for what programs write in place of a missing text.
fn is_blank(text: &str) -> bool {
    matches!(text, "" | "nan" | "NaN" | "<NA>" | "\\N")
}

/// A cleaned identifier, empty where it is missing. Programs that read a column of numbers write 1 as 1.0: both are one id.
fn clean_key(key: &str) -> String {
    let key = clean(key);
    match key.split_once('.') {
        _ if is_blank(&key) => String::new(),
        Some((whole, zeros)) if is_number(whole) && !zeros.is_empty() && zeros.bytes().all(|digit| digit == b'0') => {
            whole.to_owned()
        }
        _ => key,
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// Gives interactions without a time that of the one before them, the first ones that of the first behind them. Where none
/// of a user has a time, they are numbered.
fn place_untimed(history: &mut [Interaction]) {
    let first_known = history.iter().map(|event| event.time).find(|&time| time != UNTIMED);
    let mut last = first_known;
    for (event, number) in history.iter_mut().zip(0..) {
        if event.time == UNTIMED {
            event.time = last.unwrap_or(number * MICROS);
        } else {
            last = Some(event.time);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_items(keys: &[&str]) -> RawData {
        let mut raw = RawData::new("test", "none", &[]);
        for &key in keys {
            raw.push_item(RawItem { key: key.into(), title: format!("Title {key}"), ..RawItem::default() }).unwrap();
        }
        raw
    }

    fn push(raw: &mut RawData, rows: &[(&str, &str, &str, &str)]) -> Result<()> {
        rows.iter().zip(1..).try_for_each(|(&(user, item, rating, time), line)| {
            raw.push_interaction(RawInteraction { user, item, rating, time }, || format!("t.csv line {line}"))
        })
    }

    fn times(raw: RawData) -> Vec<Vec<(u32, i64)>> {
        let (_, _, histories) = raw.into_parts();
        let tell = |history: &Vec<Interaction>| history.iter().map(|e| (e.item, e.time / MICROS)).collect();
        histories.iter().map(tell).collect()
    }

    #[test]
    fn what_cannot_be_used_is_counted() {
        let mut raw = RawData::new("test", "none", &[]);
        let item = |key: &str, title: &str| RawItem { key: key.into(), title: title.into(), ..RawItem::default() };
        for item in [item("1", "One"), item(" 1\u{7}", "Uno"), item("2", " \n&nbsp; "), item("", "None")] {
            raw.push_item(item).unwrap();
        }
        raw.push_page_item(item("3", "<br>")).unwrap();
        for (user, item) in [("u", "1"), ("u", " 1"), ("v\n", "1"), ("u", "9"), (" ", "1")] {
            raw.push_event(user, item, Some(0)).unwrap();
        }
        raw.push_event("u", "1", None).unwrap();
        let dropped = Dropped {
            unusable_items: 2,
            page_scraps: 1,
            repeated_items: 1,
            incomplete_interactions: 1,
            interactions_of_unknown_items: 1,
            interactions_without_time: 1,
            ..Dropped::default()
        };
        assert_eq!((raw.dropped, raw.unknown_item.as_deref()), (dropped, Some("9")));
        let (items, users, histories) = raw.into_parts();
        assert_eq!((items.len(), users), (1, vec!["u".to_owned(), "v".to_owned()]));
        assert_eq!(histories.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }

    #[test]
    fn words_for_missing_values_are_no_names() {
        let mut raw = with_items(&["1", "nan"]);
        let item = |key: &str, title: &str, category: &str| RawItem {
            key: key.into(),
            title: title.into(),
            categories: vec![category.into()],
            ..RawItem::default()
        };
        raw.push_item(item("2", "NaN", "Drama")).unwrap();
        raw.push_item(item("3", "Nanny", "nan")).unwrap();
        push(&mut raw, &[("nan", "1", "", "1"), ("u", "<NA>", "", "1"), ("Nan", "1", "", "1")]).unwrap();
        assert_eq!((raw.dropped.unusable_items, raw.dropped.incomplete_interactions), (2, 2));
        let (items, users, _) = raw.into_parts();
        assert_eq!((items[1].title.as_str(), items[1].categories.len(), users), ("Nanny", 0, vec!["Nan".to_owned()]));
    }

    #[test]
    fn whole_numbers_are_one_id_however_they_are_written() {
        let mut raw = with_items(&["1", "2.0", "2.50", "1.0.0", "x.0"]);
        push(&mut raw, &[("7", "1.0", "", "1"), ("7.0", "2", "", "2"), ("7", "2.5", "", "3"), ("7", "x.0", "", "4")])
            .unwrap();
        assert_eq!(raw.dropped.interactions_of_unknown_items, 1);
        let (items, users, histories) = raw.into_parts();
        assert_eq!(items.iter().map(|item| item.key.as_str()).collect::<Vec<_>>(), ["1", "2", "2.50", "1.0.0", "x.0"]);
        assert_eq!((users, histories[0].len()), (vec!["7".to_owned()], 3));
    }

    #[test]
    fn a_minimum_rating_leaves_out_lower_and_missing_ones() {
        let rows = [("u", "1", "4.0", "1"), ("u", "2", "3.5", "2"), ("u", "3", "", "3"), ("u", "4", " 5 ", "4")];
        let mut raw = with_items(&["1", "2", "3", "4"]);
        raw.rules.min_rating = Some(4.0);
        push(&mut raw, &rows).unwrap();
        assert_eq!(raw.dropped.interactions_below_rating, 2);
        assert!(push(&mut raw, &[("u", "1", "inf", "1")]).is_err());
        let message = push(&mut raw, &[("u", "1", "good", "1")]).unwrap_err().to_string();
        assert!(message.contains("t.csv line 1: expected a rating as a number, found \"good\""), "{message}");
        assert_eq!(times(raw), [[(0, 1), (3, 4)]]);
        let mut all = with_items(&["1", "2", "3", "4"]);
        push(&mut all, &rows).unwrap();
        assert_eq!(times(all)[0].len(), 4, "every rating counts where no minimum is set");
    }

    #[test]
    fn interactions_without_a_time_stand_where_the_file_has_them() {
        let mut raw = with_items(&["1", "2", "3", "4"]);
        raw.rules.missing_time = MissingTime::FileOrder;
        push(&mut raw, &[("u", "1", "", ""), ("u", "2", "", "9"), ("v", "4", "", ""), ("u", "3", "", "NaN")]).unwrap();
        push(&mut raw, &[("u", "4", "", "5"), ("v", "1", "", "")]).unwrap();
        assert_eq!(raw.untimed, 4);
        assert_eq!(times(raw), [vec![(0, 9), (1, 9), (2, 9), (3, 5)], vec![(3, 0), (0, 1)]]);
    }
}
