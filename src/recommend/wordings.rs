//! The wordings of everything that a request may ask, each in several phrasings. `{kind}` is a category or a condition,
//! `{amount}` a part of the list or a number of items, `{titles}` titles in quotes.

/// How many phrasings everything has.
pub const PHRASINGS: usize = 6;

/// One thing to ask, phrased in different ways.
pub type Wording = [&'static str; PHRASINGS];

/// +C: every item is of the category.
pub const MORE: Wording = [
    "I am in the mood for '{kind}'.",
    "Please recommend items of the kind '{kind}'.",
    "I would like to see more '{kind}'.",
    "'{kind}' is what I am looking for.",
    "Items in the category '{kind}' would suit me best.",
    "Let it be '{kind}' this time.",
];

/// −C: no item is of the category.
pub const LESS: Wording = [
    "I am not in the mood for '{kind}'.",
    "Please leave out items of the kind '{kind}'.",
    "I do not want to see any '{kind}'.",
    "'{kind}' is not what I am looking for.",
    "Items in the category '{kind}' would not suit me at all.",
    "Anything but '{kind}' this time.",
];

/// Every item satisfies a condition.
pub const WHERE: Wording = [
    "Every item must have {kind}.",
    "Only items with {kind}, please.",
    "I am looking for {kind} and nothing else.",
    "Leave out whatever does not have {kind}.",
    "All of the list should satisfy {kind}.",
    "The condition is {kind}.",
];

/// LP: no more than so many of a kind.
pub const AT_MOST: Wording = [
    "At most {amount} may be '{kind}'.",
    "Let no more than {amount} be '{kind}'.",
    "Keep '{kind}' down to {amount} or fewer.",
    "I can do with '{kind}' for up to {amount}, not more.",
    "'{kind}' should make up {amount} at the very most.",
    "Not more '{kind}' than {amount}, please.",
];

/// MP: no fewer than so many of a kind.
pub const AT_LEAST: Wording = [
    "At least {amount} should be '{kind}'.",
    "Let no fewer than {amount} be '{kind}'.",
    "Give me '{kind}' for {amount} or more.",
    "I want '{kind}' for {amount} as a minimum.",
    "'{kind}' should make up {amount} at the very least.",
    "Not less '{kind}' than {amount}, please.",
];

/// EP: nearly so many of a kind.
pub const ABOUT: Wording = [
    "About {amount} should be '{kind}'.",
    "Let roughly {amount} be '{kind}'.",
    "Give me '{kind}' for some {amount}, give or take one item.",
    "I want '{kind}' for {amount} or close to it.",
    "'{kind}' should make up {amount}, more or less.",
    "Something near {amount} of '{kind}', please.",
];

/// Just so many of a kind.
pub const EXACTLY: Wording = [
    "Exactly {amount} should be '{kind}'.",
    "Let {amount} be '{kind}', no more and no fewer.",
    "Give me '{kind}' for {amount} precisely.",
    "I want '{kind}' for just {amount}.",
    "'{kind}' should make up {amount}, neither above nor below.",
    "Of '{kind}' I want {amount}, not one more or less.",
];

/// Items that must be in the list.
pub const MUST: Wording = [
    "The list must include {titles}.",
    "Be sure to have {titles} in it.",
    "Do not forget {titles}.",
    "I insist on {titles}.",
    "{titles} should be part of the list.",
    "Whatever else you choose, include {titles}.",
];

/// Items that must not be in the list.
pub const EXCLUDE: Wording = [
    "The list must not include {titles}.",
    "Spare me {titles}.",
    "Do not recommend {titles}.",
    "I do not want {titles}.",
    "{titles} should not be part of the list.",
    "Whatever else you choose, leave out {titles}.",
];

/// The only items to choose from.
pub const CANDIDATES: Wording = [
    "Choose from these items alone: {titles}.",
    "The candidates are: {titles}.",
    "Select from the following items: {titles}.",
    "Pick only among these: {titles}.",
    "These are the items at hand: {titles}. Take no others.",
    "Nothing but these items can be had: {titles}.",
];
