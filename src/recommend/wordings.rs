//! The wordings of everything that a request may ask, each in several phrasings. `{kind}` is a category or a condition,
//! `{amount}` a part of the list or a number of items, `{titles}` titles in quotes.

use std::ops::Range;

/// The number of phrasings of each part of a request.
pub const PHRASINGS: usize = 6;

/// The phrasings that language models are trained on.
pub const TRAINING_PHRASINGS: Range<usize> = 0..4;

/// The phrasings that no training example has: models are evaluated on them.
pub const HELD_OUT_PHRASINGS: Range<usize> = 4..PHRASINGS;

/// Returns true where [`AT_MOST`], [`AT_LEAST`] and [`ABOUT`] in this phrasing also tell that the kind is liked or disliked, as the method's
/// LP and MP do ("like it, but at most …"). The other phrasings only state the share (LP1).
pub fn tells_feeling(phrasing: usize) -> bool {
    phrasing % 2 == 1
}

/// One thing to ask, phrased in different ways.
pub type Phrasings = [&'static str; PHRASINGS];

/// +C: every item is of the category.
pub const MORE: Phrasings = [
    "I am in the mood for '{kind}'.",
    "Please recommend items of the kind '{kind}'.",
    "I would like to see more '{kind}'.",
    "'{kind}' is what I am looking for.",
    "Items in the category '{kind}' would suit me best.",
    "Let it be '{kind}' this time.",
];

/// −C: no item is of the category.
pub const LESS: Phrasings = [
    "I am not in the mood for '{kind}'.",
    "Please leave out items of the kind '{kind}'.",
    "I do not want to see any '{kind}'.",
    "'{kind}' is not what I am looking for.",
    "Items in the category '{kind}' would not suit me at all.",
    "Anything but '{kind}' this time.",
];

/// Every item satisfies a condition.
pub const WHERE: Phrasings = [
    "Every item must have {kind}.",
    "Only items with {kind}, please.",
    "I am looking for {kind} and nothing else.",
    "Leave out whatever does not have {kind}.",
    "All of the list should satisfy {kind}.",
    "The condition is {kind}.",
];

/// LP: no more than so many of a kind.
pub const AT_MOST: Phrasings = [
    "At most {amount} may be '{kind}'.",
    "I like '{kind}', but let no more than {amount} be of it.",
    "Keep '{kind}' down to {amount} or fewer.",
    "'{kind}' is to my taste, yet I can do with {amount} and not more.",
    "'{kind}' should make up {amount} at the very most.",
    "Fond as I am of '{kind}', stop at {amount}.",
];

/// MP: no fewer than so many of a kind.
pub const AT_LEAST: Phrasings = [
    "At least {amount} should be '{kind}'.",
    "I do not like '{kind}', but let no fewer than {amount} be of it.",
    "Give me '{kind}' for {amount} or more.",
    "'{kind}' is not to my taste, yet I need {amount} of it as a minimum.",
    "'{kind}' should make up {amount} at the very least.",
    "Little as I care for '{kind}', do not go below {amount}.",
];

/// EP: nearly so many of a kind.
pub const ABOUT: Phrasings = [
    "About {amount} should be '{kind}'.",
    "I like '{kind}', so let roughly {amount} be of it.",
    "Give me '{kind}' for some {amount}, give or take one item.",
    "I do not mind '{kind}' for {amount} or close to it.",
    "'{kind}' should make up {amount}, more or less.",
    "Something near {amount} of '{kind}' would please me.",
];

/// Just so many of a kind.
pub const EXACTLY: Phrasings = [
    "Exactly {amount} should be '{kind}'.",
    "Let {amount} be '{kind}', no more and no fewer.",
    "Give me '{kind}' for {amount} precisely.",
    "I want '{kind}' for just {amount}.",
    "'{kind}' should make up {amount}, neither above nor below.",
    "Of '{kind}' I want {amount}, not one more or less.",
];

/// Items that must be in the list.
pub const MUST: Phrasings = [
    "The list must include {titles}.",
    "Be sure to have {titles} in it.",
    "Do not forget {titles}.",
    "I insist on {titles}.",
    "{titles} should be part of the list.",
    "Whatever else you choose, include {titles}.",
];

/// Items that must not be in the list.
pub const EXCLUDE: Phrasings = [
    "The list must not include {titles}.",
    "Spare me {titles}.",
    "Do not recommend {titles}.",
    "I do not want {titles}.",
    "{titles} should not be part of the list.",
    "Whatever else you choose, leave out {titles}.",
];

/// The only items to choose from.
pub const CANDIDATES: Phrasings = [
    "Choose from these items alone: {titles}.",
    "The candidates are: {titles}.",
    "Select from the following items: {titles}.",
    "Pick only among these: {titles}.",
    "These are the items at hand: {titles}. Take no others.",
    "Nothing but these items can be had: {titles}.",
];
