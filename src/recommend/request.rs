//! What is asked of a recommender: for whom, how many, and what there should be more or less of.

use serde::Serialize;

use crate::data::{Catalogue, CategoryId, ItemId};

/// One question to a recommender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What was taken so far, oldest first. The prompt shows the newest of it; none of it is a valid answer.
    pub history: Vec<ItemId>,
    /// How many items are asked for.
    pub count: usize,
    /// What the list should have more or less of.
    pub wishes: Vec<Wish>,
}

/// A wish about a category (the intentions +C and −C of task I1, method §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Items of this category, please.
    More(CategoryId),
    /// Nothing of this category.
    Less(CategoryId),
}

impl Wish {
    /// The category that the wish is about.
    pub fn category(self) -> CategoryId {
        match self {
            Wish::More(category) | Wish::Less(category) => category,
        }
    }
}

/// A request in words, for machine-readable output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InWords {
    history: Vec<String>,
    count: usize,
    more: Vec<String>,
    less: Vec<String>,
}

impl Request {
    /// The request with titles and category names in the place of numbers.
    pub fn in_words(&self, catalogue: &Catalogue) -> InWords {
        let name = |wish: &Wish| catalogue.categories()[wish.category().index()].clone();
        let (more, less): (Vec<_>, Vec<_>) = self.wishes.iter().partition(|wish| matches!(wish, Wish::More(_)));
        InWords {
            history: self.history.iter().map(|&item| catalogue.title(item).to_owned()).collect(),
            count: self.count,
            more: more.into_iter().map(name).collect(),
            less: less.into_iter().map(name).collect(),
        }
    }
}
