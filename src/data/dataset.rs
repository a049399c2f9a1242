//! The data set in memory: a catalogue of items and the time-ordered histories of users.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

/// An item's number. 0 is the padding item; items count from 1 in order of first appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ItemId(pub u32);

impl ItemId {
    /// The padding item, never recommended.
    pub const PAD: ItemId = ItemId(0);

    /// The row of this item in a table that starts with the padding row.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A category's number, in order of first appearance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CategoryId(pub u32);

impl CategoryId {
    /// The position of this category in [`Catalogue::categories`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An item of the catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Item {
    /// The item's identifier in the source data.
    pub key: String,
    /// The unique, cleaned title that prompts and answers use.
    pub title: String,
    /// Its categories, broad before narrow: the last one is the deepest.
    pub categories: Vec<CategoryId>,
    /// Values of [`Catalogue::attributes`], in that order; empty where unknown.
    pub attributes: Vec<String>,
}

/// All items, with lookups by id, key, title and category.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    items: Vec<Item>,
    categories: Vec<String>,
    attributes: Vec<String>,
    members: Vec<Vec<ItemId>>,
    by_key: HashMap<String, ItemId>,
    by_title: HashMap<String, ItemId>,
    by_category: HashMap<String, CategoryId>,
}

impl Catalogue {
    /// Creates a catalogue of `items`, whose category ids index `categories`.
    ///
    /// Keys and titles must be unique: import ensures it, reading checks it.
    pub fn new(items: Vec<Item>, categories: Vec<String>, attributes: Vec<String>) -> Self {
        let mut members = vec![Vec::new(); categories.len()];
        let (mut by_key, mut by_title) = (HashMap::new(), HashMap::new());
        for (index, item) in items.iter().enumerate() {
            let id = ItemId(index as u32 + 1);
            by_key.insert(item.key.clone(), id);
            by_title.insert(item.title.clone(), id);
            for category in &item.categories {
                members[category.index()].push(id);
            }
        }
        let by_category = categories.iter().enumerate().map(|(i, name)| (name.clone(), CategoryId(i as u32))).collect();
        Self { items, categories, attributes, members, by_key, by_title, by_category }
    }

    /// The number of items; ids run from 1 to this number.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Returns true for a catalogue without items.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// An identifier of the catalogue: the number of items and a hash of their keys in id order.
    pub fn fingerprint(&self) -> String {
        let mut hash = Sha256::new();
        for item in &self.items {
            hash.update((item.key.len() as u64).to_le_bytes());
            hash.update(&item.key);
        }
        let digest = hash.finalize();
        let hex: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        format!("{} items, {hex}", self.len())
    }

    /// Every item's id, ascending.
    pub fn ids(&self) -> impl Iterator<Item = ItemId> + use<> {
        (1..=self.items.len() as u32).map(ItemId)
    }

    /// The item of an id between 1 and [`Catalogue::len`].
    pub fn item(&self, id: ItemId) -> &Item {
        &self.items[id.index() - 1]
    }

    /// The title of an item.
    pub fn title(&self, id: ItemId) -> &str {
        &self.item(id).title
    }

    /// All items, in the order of their ids (the first has id 1).
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Names of the categories; a [`CategoryId`] is a position here.
    pub fn categories(&self) -> &[String] {
        &self.categories
    }

    /// Names of the further attribute columns.
    pub fn attributes(&self) -> &[String] {
        &self.attributes
    }

    /// The items of a category, ascending.
    pub fn members(&self, category: CategoryId) -> &[ItemId] {
        &self.members[category.index()]
    }

    /// The category of a name.
    pub fn category(&self, name: &str) -> Option<CategoryId> {
        self.by_category.get(name).copied()
    }

    /// The item with this key in the source data.
    pub fn by_key(&self, key: &str) -> Option<ItemId> {
        self.by_key.get(key).copied()
    }

    /// The item with exactly this title.
    pub fn by_title(&self, title: &str) -> Option<ItemId> {
        self.by_title.get(title).copied()
    }
}

/// A user and their history, oldest interaction first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The user's identifier in the source data.
    pub key: String,
    /// The items of the history, in order of time; each item once.
    pub items: Vec<ItemId>,
    /// The times of the interactions in unix seconds, parallel to `items`.
    pub timestamps: Vec<i64>,
}

/// A data set: catalogue and users.
#[derive(Debug, Clone)]
pub struct Dataset {
    /// Its name, for reports.
    pub name: String,
    /// The items.
    pub catalogue: Catalogue,
    /// The users, in order of first appearance in the source.
    pub users: Vec<User>,
}

impl Dataset {
    /// The number of (user, item) pairs.
    pub fn interactions(&self) -> usize {
        self.users.iter().map(|user| user.items.len()).sum()
    }

    /// The user with this key in the source data.
    pub fn user(&self, key: &str) -> Option<&User> {
        self.users.iter().find(|user| user.key == key)
    }
}
