//! Flags with a fixed set of values.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// Creates a parser of the values `all` by name, which lists them with their descriptions in `--help`.
pub(super) fn choices<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name: fn(T) -> &'static str,
    about: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    let values = all.iter().map(|&value| PossibleValue::new(name(value)).help(about(value)));
    PossibleValuesParser::new(values).map(move |given| {
        let value = all.iter().find(|&&value| name(value) == given);
        *value.expect("the parser has checked the name")
    })
}
