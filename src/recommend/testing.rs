//! A catalogue for the tests of this folder.

use crate::data::{Catalogue, CategoryId, Item};

/// An item whose key is made from its title.
pub fn item(title: &str, categories: &[u32]) -> Item {
    Item {
        key: format!("key of {title}"),
        title: title.into(),
        categories: categories.iter().copied().map(CategoryId).collect(),
        attributes: Vec::new(),
    }
}

/// Six titles, some of them awkward, in two categories.
pub fn catalogue() -> Catalogue {
    let items = [
        item("Heat (1995)", &[0, 1]),
        item("Ran (1985)", &[1]),
        item("Up (2009)", &[]),
        item("12 Angry Men (1957)", &[1]),
        item("2. Fast", &[0]),
        item("'Quoted' (Drama)", &[]),
    ];
    Catalogue::new(items.into(), vec!["Crime".into(), "Drama".into()], Vec::new())
}
