//! The output of an importer: items and histories as in the source, before filtering.

use serde::{Deserialize, Serialize};

use super::filter::{Interaction, Repeats};
use super::interner::Interner;
use super::titles::clean;
use crate::Result;

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

/// Counts of dropped records by reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Dropped {
    /// Items without a title (or, for Amazon, without a category path).
    pub unusable_items: u64,
    /// Further rows of a known item.
    pub repeated_items: u64,
    /// Interactions without user, item or time.
    pub incomplete_interactions: u64,
    /// Interactions with an item that is not in the catalogue.
    pub interactions_of_unknown_items: u64,
    /// Further interactions of one user with one item.
    pub repeated_interactions: u64,
    /// Interactions removed by the k-core filter.
    pub interactions_below_core: u64,
}

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
    /// Records dropped so far.
    pub dropped: Dropped,
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

    /// Adds an item. An item without key or title, or with a known key, is counted and dropped.
    ///
    /// # Errors
    /// More items than ids.
    pub fn push_item(&mut self, item: RawItem) -> Result<()> {
        let key = clean(&item.key);
        if key.is_empty() || clean(&item.title).is_empty() {
            self.dropped.unusable_items += 1;
        } else if self.item_keys.get(&key).is_some() {
            self.dropped.repeated_items += 1;
        } else {
            self.item_keys.intern(&key)?;
            self.items.push(RawItem { key, ..item });
        }
        Ok(())
    }

    /// Returns true if an item has this key.
    pub fn has_item(&self, key: &str) -> bool {
        self.item_keys.get(&clean(key)).is_some()
    }

    /// Adds an interaction. One without a user or with an unknown item is counted and dropped.
    ///
    /// # Errors
    /// More users than ids.
    pub fn push_interaction(&mut self, user: &str, item: &str, timestamp: i64) -> Result<()> {
        let user = clean(user);
        let Some(item) = self.item_keys.get(&clean(item)) else {
            self.dropped.interactions_of_unknown_items += 1;
            return Ok(());
        };
        if user.is_empty() {
            self.dropped.incomplete_interactions += 1;
            return Ok(());
        }
        let user = self.users.intern(&user)? as usize;
        if user == self.histories.len() {
            self.histories.push(Vec::new());
        }
        self.histories[user].push(Interaction { item, timestamp });
        Ok(())
    }

    /// Splits the source into items, user keys, and the users' histories in file order.
    pub fn into_parts(self) -> (Vec<RawItem>, Vec<String>, Vec<Vec<Interaction>>) {
        (self.items, self.users.into_vec(), self.histories)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_counted() {
        let mut raw = RawData::new("test", "none", &[]);
        let item = |key: &str, title: &str| RawItem { key: key.into(), title: title.into(), ..RawItem::default() };
        for item in [item("1", "One"), item(" 1\u{7}", "Uno"), item("2", " \n "), item("", "None")] {
            raw.push_item(item).unwrap();
        }
        for (user, item) in [("u", "1"), ("u", " 1"), ("v\n", "1"), ("u", "9"), (" ", "1")] {
            raw.push_interaction(user, item, 0).unwrap();
        }
        let dropped = Dropped {
            unusable_items: 2,
            repeated_items: 1,
            incomplete_interactions: 1,
            interactions_of_unknown_items: 1,
            ..Dropped::default()
        };
        assert_eq!(raw.dropped, dropped);
        let (items, users, histories) = raw.into_parts();
        assert_eq!((items.len(), users), (1, vec!["u".to_owned(), "v".to_owned()]));
        assert_eq!(histories.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    }
}
