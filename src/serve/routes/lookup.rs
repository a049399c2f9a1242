//! `GET /v1/catalogue`, `/v1/items` and `/v1/users`: what there is to ask about.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::data::{Catalogue, CategoryId, Item};
use crate::serve::answer::{attributes, categories};
use crate::serve::app::App;
use crate::serve::compute::compute;
use crate::serve::error::ApiError;
use crate::serve::http::{Call, Response};

/// Hits of a search without `limit`, and with the largest one.
const USUAL_LIMIT: usize = 20;
const LARGEST_LIMIT: usize = 200;

/// Titles of a user's history that are shown, the newest ones.
const SHOWN_HISTORY: usize = 10;

/// Values of a column of text that are listed; a column of more is searched by typing.
const LISTED_VALUES: usize = 200;

#[derive(Serialize)]
struct CatalogueView<'a> {
    name: &'a str,
    items: usize,
    users: usize,
    interactions: usize,
    categories: Vec<CategoryView<'a>>,
    attributes: Vec<ColumnView<'a>>,
}

#[derive(Serialize)]
struct CategoryView<'a> {
    name: &'a str,
    items: usize,
}

/// A further column: its range where all values are numbers, else its values.
#[derive(Serialize)]
struct ColumnView<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    range: Option<[f64; 2]>,
    values: Vec<&'a str>,
}

/// Describes the data set.
pub fn catalogue(app: &App) -> Response {
    let catalogue = &app.dataset.catalogue;
    let category = |(id, name)| CategoryView { name, items: catalogue.members(CategoryId(id)).len() };
    let names = catalogue.categories().iter().map(String::as_str);
    let columns = catalogue.attributes().iter().enumerate();
    Response::json(&CatalogueView {
        name: &app.dataset.name,
        items: catalogue.len(),
        users: app.dataset.users.len(),
        interactions: app.dataset.interactions(),
        categories: (0..).zip(names).map(category).collect(),
        attributes: columns.map(|(column, name)| column_view(column, name, catalogue)).collect(),
    })
}

fn column_view<'a>(column: usize, name: &'a str, catalogue: &'a Catalogue) -> ColumnView<'a> {
    let values = catalogue.items().iter().filter_map(|item| item.attributes.get(column));
    let values: BTreeSet<&str> = values.map(String::as_str).filter(|value| !value.is_empty()).collect();
    let numbers: Option<Vec<f64>> = values.iter().map(|value| value.parse().ok()).collect();
    let range = numbers.filter(|numbers| !numbers.is_empty()).map(|numbers| {
        let fold = |start, pick: fn(f64, f64) -> f64| numbers.iter().copied().fold(start, pick);
        [fold(f64::INFINITY, f64::min), fold(f64::NEG_INFINITY, f64::max)]
    });
    let is_listed = range.is_none() && values.len() <= LISTED_VALUES;
    ColumnView { name, range, values: values.into_iter().filter(|_| is_listed).collect() }
}

#[derive(Serialize)]
struct ItemView<'a> {
    id: &'a str,
    title: &'a str,
    categories: Vec<String>,
    attributes: Map<String, Value>,
}

/// Finds items by their titles.
///
/// # Errors
/// 400 for a limit that is no number.
pub fn items(app: &App, call: &Call) -> Result<Response, ApiError> {
    let (query, limit) = (call.parameter("query").unwrap_or_default(), limit(call)?);
    let catalogue = &app.dataset.catalogue;
    let view = |item: &'static Item| ItemView {
        id: &item.key,
        title: &item.title,
        categories: categories(item, catalogue),
        attributes: attributes(item, catalogue),
    };
    let found = compute(|| search(catalogue.items(), &query, limit, |item| &item.title));
    Ok(Response::json(&found.into_iter().map(view).collect::<Vec<_>>()))
}

#[derive(Serialize)]
struct UserView<'a> {
    user: &'a str,
    interactions: usize,
    /// The newest titles, oldest first.
    history: Vec<&'a str>,
}

/// Finds users by their keys.
///
/// # Errors
/// 400 for a limit that is no number.
pub fn users(app: &App, call: &Call) -> Result<Response, ApiError> {
    let (query, limit) = (call.parameter("query").unwrap_or_default(), limit(call)?);
    let found = compute(|| search(&app.dataset.users, &query, limit, |user| &user.key));
    let views = found.into_iter().map(|user| {
        let newest = &user.items[user.items.len().saturating_sub(SHOWN_HISTORY)..];
        let history = newest.iter().map(|&item| app.dataset.catalogue.title(item)).collect();
        UserView { user: &user.key, interactions: user.items.len(), history }
    });
    Ok(Response::json(&views.collect::<Vec<_>>()))
}

fn limit(call: &Call) -> Result<usize, ApiError> {
    let Some(text) = call.parameter("limit") else { return Ok(USUAL_LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=LARGEST_LIMIT).contains(limit));
    limit.ok_or_else(|| {
        ApiError::bad_request("limit", format!("1 to {LARGEST_LIMIT}"), format!("{text:?}"), "ask for fewer")
    })
}

/// The entries whose names contain `query`, in any case of letters: those that begin with it first, then those with a word that does.
fn search<'a, T>(entries: &'a [T], query: &str, limit: usize, name: impl Fn(&T) -> &str) -> Vec<&'a T> {
    let query = query.trim().to_lowercase();
    let place = |entry: &T| {
        let name = name(entry).to_lowercase();
        match name.find(&query)? {
            0 => Some(0),
            _ if name.contains(&format!(" {query}")) => Some(1),
            _ => Some(2),
        }
    };
    let mut found: Vec<(u8, &T)> = entries.iter().filter_map(|entry| Some((place(entry)?, entry))).collect();
    found.sort_by_key(|(place, _)| *place);
    found.into_iter().take(limit).map(|(_, entry)| entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_with_the_query_come_first() {
        let titles = ["The Heat", "Wheat", "Heat (1995)", "Ran", "White Heat"].map(String::from);
        let found = |query: &str, limit| {
            search(&titles, query, limit, |title| title).into_iter().map(String::as_str).collect::<Vec<_>>()
        };
        assert_eq!(found(" heAT ", 9), ["Heat (1995)", "The Heat", "White Heat", "Wheat"]);
        assert_eq!(found("heat", 2), ["Heat (1995)", "The Heat"]);
        assert_eq!(found("", 2), ["The Heat", "Wheat"]);
        assert!(found("zebra", 9).is_empty());
    }
}
