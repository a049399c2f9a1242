//! Conditions on items, as users write them: `year>=2010`, `price<20 and brand=Lego`, `category=Comedy|Drama`.
//!
//! A condition is one or more terms joined by "and" or a comma, all of which have to hold. A term is a field (an attribute column of the
//! data set, or `category`), one of `= != < <= > >=`, and a value; `=` and `!=` take alternatives between `|`. Names and values
//! are matched without regard to case, numbers by value. An unknown (empty) attribute satisfies no term, whatever it says,
//! because nothing can be promised about it.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;

use super::names::{category, nearest, same_text};
use crate::data::{Catalogue, CategoryId, Item, ItemSet};
use crate::{Error, Result};

/// A condition on an item.
#[derive(Debug, Clone, PartialEq)]
pub struct Predicate {
    text: String,
    terms: Vec<Term>,
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Category { any_of: Vec<CategoryId>, holds: bool },
    Value { column: usize, any_of: Vec<String>, holds: bool },
    Number { column: usize, comparison: Comparison, than: f64 },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Below,
    AtMost,
    Above,
    AtLeast,
}

/// The field that stands for an item's categories.
const CATEGORY: &str = "category";
const OPERATORS: [char; 4] = ['<', '>', '=', '!'];

impl Predicate {
    /// Reads a condition such as `year>=2010 and brand=Lego|Duplo` with the fields and values of `catalogue`.
    ///
    /// # Errors
    /// A term without operator, an unknown field, category or value, a comparison of something that has no numbers.
    pub fn parse(text: &str, catalogue: &Catalogue) -> Result<Self> {
        let terms = split_terms(text).into_iter().map(|term| Term::parse(term, catalogue)).collect::<Result<_>>()?;
        Ok(Self { text: text.trim().to_owned(), terms })
    }

    /// Membership in a category of `catalogue`.
    pub fn category(id: CategoryId, catalogue: &Catalogue) -> Self {
        let text = catalogue.categories()[id.index()].clone();
        Self { text, terms: vec![Term::Category { any_of: vec![id], holds: true }] }
    }

    /// Membership in one of some categories of `catalogue`.
    pub fn any_category(any_of: &[CategoryId], catalogue: &Catalogue) -> Self {
        let names: Vec<&str> = any_of.iter().map(|id| catalogue.categories()[id.index()].as_str()).collect();
        let text = format!("{CATEGORY}={}", names.join("|"));
        Self { text, terms: vec![Term::Category { any_of: any_of.to_vec(), holds: true }] }
    }

    /// All of some conditions at once.
    pub fn all(conditions: impl IntoIterator<Item = Predicate>) -> Self {
        let (texts, terms): (Vec<String>, Vec<Vec<Term>>) = conditions.into_iter().map(|c| (c.text, c.terms)).unzip();
        Self { text: texts.join(" and "), terms: terms.concat() }
    }

    /// Returns true where an item satisfies every term.
    pub fn matches(&self, item: &Item) -> bool {
        self.terms.iter().all(|term| term.matches(item))
    }

    /// The items that satisfy it.
    pub fn items(&self, catalogue: &Catalogue) -> ItemSet {
        ItemSet::from_items(catalogue.len(), catalogue.ids().filter(|&id| self.matches(catalogue.item(id))))
    }
}

impl fmt::Display for Predicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Term {
    fn parse(text: &str, catalogue: &Catalogue) -> Result<Self> {
        let place = format!("the condition {text:?}");
        let bad = |found: String, next: String| -> Error {
            let expected = "FIELD OP VALUE with OP one of = != < <= > >=";
            Error::bad_input(&place).expected(expected).found(found).next(next).into()
        };
        let Some((field, operator, value)) = split_at_operator(text) else {
            return Err(bad("no operator".into(), "write for example year>=2010".into()));
        };
        if value.is_empty() {
            return Err(bad("no value".into(), format!("write a value after {operator}")));
        }
        let alternatives = value.split('|').map(str::trim);

        if same_text(field, CATEGORY) {
            if !matches!(operator, "=" | "!=") {
                return Err(bad(format!("{operator} on a category"), "write = or !=".into()));
            }
            let any_of = alternatives.map(|name| category(&place, name, catalogue)).collect::<Result<_>>()?;
            return Ok(Term::Category { any_of, holds: operator == "=" });
        }

        let fields = catalogue.attributes();
        let Some(column) = fields.iter().position(|name| same_text(name, field)) else {
            let known: Vec<String> = fields.iter().cloned().chain([CATEGORY.to_owned()]).collect();
            return Err(bad(format!("no field {field:?}"), format!("the fields are {}", known.join(", "))));
        };
        let comparison = match operator {
            "=" | "!=" => {
                let any_of: Vec<String> = alternatives.map(str::to_owned).collect();
                if let Some(unseen) = any_of.iter().find(|value| !occurs(value, column, catalogue)) {
                    let values = distinct_values(column, catalogue);
                    let next = nearest(unseen, values.into_iter(), "items.csv has every value");
                    return Err(bad(format!("no item with {field}={unseen}"), next));
                }
                return Ok(Term::Value { column, any_of, holds: operator == "=" });
            }
            "<" => Comparison::Below,
            "<=" => Comparison::AtMost,
            ">" => Comparison::Above,
            ">=" => Comparison::AtLeast,
            other => return Err(bad(format!("the operator {other:?}"), "write one of = != < <= > >=".into())),
        };
        let Some(than) = number(value) else {
            return Err(bad(format!("{value:?}, which is no number"), format!("write a number after {operator}")));
        };
        if catalogue.items().iter().all(|item| attribute(item, column).and_then(number).is_none()) {
            return Err(bad(format!("no number in the column {field}"), "compare it with = or !=".into()));
        }
        Ok(Term::Number { column, comparison, than })
    }

    fn matches(&self, item: &Item) -> bool {
        match self {
            Term::Category { any_of, holds } => item.categories.iter().any(|id| any_of.contains(id)) == *holds,
            Term::Value { column, any_of, holds } => attribute(item, *column)
                .is_some_and(|value| any_of.iter().any(|wanted| same_value(wanted, value)) == *holds),
            Term::Number { column, comparison, than } => attribute(item, *column)
                .and_then(number)
                .and_then(|value| value.partial_cmp(than))
                .is_some_and(|order| comparison.holds(order)),
        }
    }
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Comparison::Below => order.is_lt(),
            Comparison::AtMost => order.is_le(),
            Comparison::Above => order.is_gt(),
            Comparison::AtLeast => order.is_ge(),
        }
    }
}

/// Cuts at every "and" or comma that begins a new term: one with no other of them before the next operator.
///
/// So `brand=Black and Decker and price<20` has two terms, and `category=Comedy, Romantic` has one.
fn split_terms(text: &str) -> Vec<&str> {
    let joints: Vec<(usize, usize)> = [" and ", " AND ", ","]
        .iter()
        .flat_map(|joint| text.match_indices(joint).map(|(at, joint)| (at, at + joint.len())))
        .collect();
    let mut starts: Vec<(usize, usize)> = joints
        .iter()
        .copied()
        .filter(|&(_, end)| {
            let operator = text[end..].find(OPERATORS).map(|at| end + at);
            operator.is_some_and(|operator| !joints.iter().any(|&(at, _)| (end..operator).contains(&at)))
        })
        .collect();
    starts.sort_unstable();

    let mut terms = Vec::new();
    let mut from = 0;
    for (at, end) in starts {
        terms.push(text[from..at].trim());
        from = end;
    }
    terms.push(text[from..].trim());
    terms
}

/// `year >= 2010` in its three parts.
fn split_at_operator(term: &str) -> Option<(&str, &str, &str)> {
    let start = term.find(OPERATORS)?;
    let length = term[start..].find(|c| !OPERATORS.contains(&c)).unwrap_or(term.len() - start);
    let (operator, value) = term[start..].split_at(length);
    Some((term[..start].trim(), operator, value.trim()))
}

/// An item's value in a column; `None` where it is unknown.
fn attribute(item: &Item, column: usize) -> Option<&str> {
    item.attributes.get(column).map(|value| value.trim()).filter(|value| !value.is_empty())
}

/// A number as catalogues write it, with or without a currency sign.
pub(crate) fn number(text: &str) -> Option<f64> {
    text.trim().trim_start_matches(['$', '€', '£']).parse().ok().filter(|number: &f64| number.is_finite())
}

fn same_value(a: &str, b: &str) -> bool {
    same_text(a, b) || number(a).is_some_and(|a| number(b) == Some(a))
}

fn occurs(value: &str, column: usize, catalogue: &Catalogue) -> bool {
    catalogue.items().iter().any(|item| attribute(item, column).is_some_and(|other| same_value(value, other)))
}

fn distinct_values(column: usize, catalogue: &Catalogue) -> BTreeSet<&str> {
    catalogue.items().iter().filter_map(|item| attribute(item, column)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ItemId;

    /// Category, year, price and brand of five items; the last knows nothing but its category.
    fn shop() -> Catalogue {
        let categories = vec!["Bricks".to_owned(), "Toys, Outdoor".to_owned()];
        let row = |n: usize, category: u32, attributes: [&str; 3]| Item {
            key: n.to_string(),
            title: format!("Thing {n}"),
            categories: vec![CategoryId(category)],
            attributes: attributes.map(str::to_owned).to_vec(),
        };
        let items = vec![
            row(1, 0, ["2009", "$19.99", "Lego"]),
            row(2, 0, ["2010", "20", "Duplo"]),
            row(3, 1, ["2011.0", "35.5", "Black and Decker"]),
            row(4, 1, ["soon", "5", "lego"]),
            row(5, 1, ["", " ", ""]),
        ];
        Catalogue::new(items, categories, ["year", "price", "Brand"].map(str::to_owned).to_vec())
    }

    fn ids(text: &str) -> Vec<usize> {
        let shop = shop();
        Predicate::parse(text, &shop).unwrap().items(&shop).iter().map(ItemId::index).collect()
    }

    #[test]
    fn conditions_mean_what_they_say() {
        assert_eq!(ids("year>=2010"), [2, 3]);
        assert_eq!(ids("year > 2010"), [3]);
        assert_eq!(ids("price<20"), [1, 4]);
        assert_eq!(ids("PRICE <= 20"), [1, 2, 4]);
        assert_eq!(ids("year=2011"), [3]);
        assert_eq!(ids("brand=lego"), [1, 4]);
        assert_eq!(ids("brand!=Lego"), [2, 3], "an unknown brand is not promised to be another one");
        assert_eq!(ids("brand=Lego|Duplo"), [1, 2, 4]);
        assert_eq!(ids("category=bricks"), [1, 2]);
        assert_eq!(ids("category!=Bricks"), [3, 4, 5]);
    }

    #[test]
    fn conjunctions_split_only_where_a_term_begins() {
        assert_eq!(ids("brand=Lego and price<10"), [4]);
        assert_eq!(ids("price<30, year>=2009 AND brand=Lego"), [1]);
        assert_eq!(ids("brand=Black and Decker and price<100"), [3]);
        assert_eq!(ids("category=Toys, Outdoor"), [3, 4, 5]);
        assert_eq!(ids("category=Toys, Outdoor, price<10"), [4]);
    }

    #[test]
    fn what_cannot_be_read_is_said_with_a_next_step() {
        let shop = shop();
        for (text, told) in [
            ("year", "no operator"),
            ("year>=", "no value"),
            ("yaer>=2010", "the fields are year, price, Brand, category"),
            ("year>=new", "no number"),
            ("brand>3", "no number in the column brand"),
            ("year=>2010", "the operator \"=>\""),
            ("brand=Legoo", "did you mean \"Lego\""),
            ("category=Brick", "did you mean \"Bricks\""),
            ("category>Bricks", "write = or !="),
            ("price<20 and", "no number"),
            ("", "no operator"),
            ("≥=2010", "no field"),
        ] {
            let error = Predicate::parse(text, &shop).unwrap_err();
            assert!(error.to_string().contains(told), "{text:?} gave: {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }
}
