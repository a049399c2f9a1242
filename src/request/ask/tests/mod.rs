//! Texts and what they ask for: a table by hand, and everything that tiller says itself.

mod properties;
mod table;

use crate::data::{Catalogue, CategoryId, Item};

/// Films with year, price and country.
fn films() -> Catalogue {
    const CATEGORIES: [&str; 12] = [
        "Comedy",
        "Drama",
        "Horror",
        "Sci-Fi",
        "Romance",
        "War",
        "Action",
        "Thriller",
        "Animation",
        "Crime",
        "Family",
        "History",
    ];
    const ROWS: [(&str, &[u32], [&str; 3]); 14] = [
        ("Heat (1995)", &[6, 9], ["1995", "9.99", "France"]),
        ("Heat (1972)", &[1], ["1972", "4.50", "Italy"]),
        ("The Godfather (1972)", &[1, 9], ["1972", "14", "Italy"]),
        ("Schindler's List (1993)", &[1, 11, 5], ["1993", "12", "Poland"]),
        ("Amélie (2001)", &[0, 4], ["2001", "8", "France"]),
        ("Up (2009)", &[8, 10], ["2009", "10", ""]),
        ("Alien (1979)", &[2, 3], ["1979", "7", "United Kingdom"]),
        ("Groundhog Day (1993)", &[0], ["1993", "6", "Italy"]),
        ("Titanic (1997)", &[1, 4], ["1997", "11", "United Kingdom"]),
        ("Mr. Nobody (2009)", &[3], ["2009", "13", "Belgium"]),
        ("12 Angry Men (1957)", &[1], ["1957", "3", ""]),
        ("Jaws (1975)", &[2, 7], ["1975", "5", "France"]),
        ("Good Bye, Lenin! (2003)", &[0, 1], ["2003", "9", "Germany"]),
        ("Paddington (2014)", &[0, 10], ["2014", "20", "United Kingdom"]),
    ];
    let item = |(title, categories, attributes): &(&str, &[u32], [&str; 3])| Item {
        key: (*title).to_owned(),
        title: (*title).to_owned(),
        categories: categories.iter().copied().map(CategoryId).collect(),
        attributes: attributes.map(str::to_owned).to_vec(),
    };
    let attributes = ["year", "price", "country"].map(str::to_owned).to_vec();
    Catalogue::new(ROWS.iter().map(item).collect(), CATEGORIES.map(str::to_owned).to_vec(), attributes)
}
