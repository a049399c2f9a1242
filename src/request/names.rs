//! Names as users type them, found in a catalogue or answered with the nearest ones.

use crate::data::input::quote;
use crate::data::{Catalogue, CategoryId, ItemId};
use crate::{Error, Result};

/// The category of a name that stands at `place`, in any case of letters.
///
/// # Errors
/// No such category; the nearest names are suggested.
pub fn category(place: &str, name: &str, catalogue: &Catalogue) -> Result<CategoryId> {
    let name = name.trim();
    let in_any_case = || {
        let at = catalogue.categories().iter().position(|category| same_text(category, name))?;
        Some(CategoryId(at as u32))
    };
    catalogue.category(name).or_else(in_any_case).ok_or_else(|| {
        let known = catalogue.categories().iter().map(String::as_str);
        unknown(place, "a category of the data set", name, known, "`tiller data stats DIR` lists the categories")
    })
}

/// The item of a title that stands at `place`.
///
/// # Errors
/// No such title; the nearest titles are suggested.
pub fn item(place: &str, title: &str, catalogue: &Catalogue) -> Result<ItemId> {
    catalogue.by_title(title.trim()).ok_or_else(|| {
        let known = catalogue.items().iter().map(|item| item.title.as_str());
        unknown(place, "a title of the catalogue", title, known, "items.csv has every title")
    })
}

/// The error for a name that nothing `known` has.
pub fn unknown<'a>(
    place: &str,
    expected: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
    otherwise: &str,
) -> Error {
    Error::bad_input(place).expected(expected).found(quote(name)).next(nearest(name, known, otherwise)).into()
}

/// "did you mean …?" with the known names most alike to `name`, three at most, if any is alike at all; then what helps `otherwise`.
pub fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>, otherwise: &str) -> String {
    const ALIKE: f64 = 0.75;
    let name = name.to_lowercase();
    let mut by_likeness: Vec<(f64, &str)> = known
        .map(|known| (strsim::jaro_winkler(&name, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    by_likeness.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    let nearest: Vec<String> = by_likeness.into_iter().take(3).map(|(_, known)| quote(known)).collect();
    if nearest.is_empty() {
        otherwise.to_owned()
    } else {
        format!("did you mean {}? {otherwise}", nearest.join(" or "))
    }
}

/// Returns true for names that are equal in any case of letters.
pub fn same_text(a: &str, b: &str) -> bool {
    a == b || a.to_lowercase() == b.to_lowercase()
}
