//! Flag values by name, for library types that know nothing of clap.

use std::str::FromStr;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::Error;
use crate::instruct::Preset;
use crate::reward::Level;
use crate::task::TaskFamily;

/// The families of tasks.
pub(super) fn task_family() -> impl TypedValueParser<Value = TaskFamily> {
    named([
        ("I0", "The user's next item"),
        ("I1", "A list of a category, or without one"),
        ("I2", "A list with at most, at least or about a share of a category"),
        ("I3", "Items of a category for no user in particular, and the category of an item"),
        ("I4", "Conversation, which keeps the model's ability to chat"),
    ])
}

/// The presets of sampling rules.
pub(super) fn preset() -> impl TypedValueParser<Value = Preset> {
    named([
        ("default", "The method with its open points resolved"),
        ("paper", "The authors' rules, including their quirks"),
    ])
}

/// The levels of rewards.
pub(super) fn reward_level() -> impl TypedValueParser<Value = Level> {
    named([
        ("item", "A reward at the end of every item"),
        ("list", "One reward at the end of the list"),
        ("both", "Both"),
    ])
}

/// A parser of values with these names and descriptions.
fn named<T, const N: usize>(names: [(&'static str, &'static str); N]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = Error> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names.map(|(name, help)| PossibleValue::new(name).help(help)))
        .try_map(|name| name.parse::<T>())
}
