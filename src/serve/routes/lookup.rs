//! `GET /v1/catalogue`, `/v1/items` and `/v1/users`: what there is to ask about.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::data::{Catalogue, CategoryId, Item};
use crate::serve::answer::{attributes, categories};
use crate::serve::app::App;
use crate::serve::compute::compute;
use crate::serve::error::ApiError;

/// Hits of a search without `limit`, and with the largest one.
const USUAL_LIMIT: usize = 20;
const LARGEST_LIMIT: usize = 200;

/// Titles of a user's history that are shown, the newest ones.
const SHOWN_HISTORY: usize = 10;

/// The parameters of a search.
#[derive(Deserialize)]
#[serde(default)]
pub struct Search {
    query: String,
    limit: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self { query: String::new(), limit: USUAL_LIMIT }
    }
}

/// Values of a column of text that are listed; a column of more is searched by typing.
const LISTED_VALUES: usize = 200;

#[derive(Serialize)]
pub struct CatalogueView<'a> {
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
pub async fn catalogue(State(app): State<Arc<App>>) -> Json<CatalogueView<'static>> {
    let catalogue = &app.dataset.catalogue;
    let category = |(id, name)| CategoryView { name, items: catalogue.members(CategoryId(id)).len() };
    let names = catalogue.categories().iter().map(String::as_str);
    let columns = catalogue.attributes().iter().enumerate();
    Json(CatalogueView {
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
pub struct ItemHit<'a> {
    id: &'a str,
    title: &'a str,
    categories: Vec<String>,
    attributes: Map<String, Value>,
}

/// Finds items by their titles.
///
/// # Errors
/// 400 for a limit that is no number.
pub async fn items(State(app): State<Arc<App>>, search: SearchQuery) -> Result<Json<Vec<ItemHit<'static>>>, ApiError> {
    let search = checked(search)?;
    let catalogue = &app.dataset.catalogue;
    let view = |item: &'static Item| ItemHit {
        id: &item.key,
        title: &item.title,
        categories: categories(item, catalogue),
        attributes: attributes(item, catalogue),
    };
    let found = compute(|| search.among(catalogue.items(), |item| &item.title));
    Ok(Json(found.into_iter().map(view).collect()))
}

#[derive(Serialize)]
pub struct UserHit<'a> {
    user: &'a str,
    interactions: usize,
    /// The newest titles, oldest first.
    history: Vec<&'a str>,
}

/// Finds users by their keys.
///
/// # Errors
/// 400 for a limit that is no number.
pub async fn users(State(app): State<Arc<App>>, search: SearchQuery) -> Result<Json<Vec<UserHit<'static>>>, ApiError> {
    let search = checked(search)?;
    let dataset = app.dataset;
    let found = compute(|| search.among(&dataset.users, |user| &user.key));
    let views = found.into_iter().map(|user| {
        let newest = &user.items[user.items.len().saturating_sub(SHOWN_HISTORY)..];
        let history = newest.iter().map(|&item| dataset.catalogue.title(item)).collect();
        UserHit { user: &user.key, interactions: user.items.len(), history }
    });
    Ok(Json(views.collect()))
}

/// The parameters as they came.
type SearchQuery = Result<Query<Search>, QueryRejection>;

fn checked(search: SearchQuery) -> Result<Search, ApiError> {
    let Query(search) = search?;
    if (1..=LARGEST_LIMIT).contains(&search.limit) {
        return Ok(search);
    }
    Err(ApiError::bad_request("limit", format!("1 to {LARGEST_LIMIT}"), search.limit.to_string(), "ask for fewer"))
}

impl Search {
    /// The entries whose names contain the query, in any case of letters: those that begin with it first, then those with a word that
    /// does.
    fn among<'a, T>(&self, entries: &'a [T], name: impl Fn(&T) -> &str) -> Vec<&'a T> {
        let query = self.query.trim().to_lowercase();
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
        found.into_iter().take(self.limit).map(|(_, entry)| entry).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_begin_with_the_query_come_first() {
        let titles = ["The Heat", "Wheat", "Heat (1995)", "Ran", "White Heat"].map(String::from);
        let found = |query: &str, limit| {
            let search = Search { query: query.to_owned(), limit };
            search.among(&titles, |title| title).into_iter().map(String::as_str).collect::<Vec<_>>()
        };
        assert_eq!(found(" heAT ", 9), ["Heat (1995)", "The Heat", "White Heat", "Wheat"]);
        assert_eq!(found("heat", 2), ["Heat (1995)", "The Heat"]);
        assert_eq!(found("", 2), ["The Heat", "Wheat"]);
        assert!(found("zebra", 9).is_empty());
    }
}
