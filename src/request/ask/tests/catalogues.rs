//! Small catalogues.

use crate::data::{Catalogue, CategoryId, Item};

/// Films with year, price and country.
pub fn films() -> Catalogue {
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

/// Films of fifteen kinds, with year, price, country and running time.
pub fn cinema() -> Catalogue {
    const CATEGORIES: [&str; 15] = [
        "Animation",
        "Film-Noir",
        "Sci-Fi",
        "Drama",
        "Thriller",
        "Documentary",
        "War",
        "Comedy",
        "Western",
        "Children",
        "Horror",
        "Action",
        "Romance",
        "Musical",
        "Crime",
    ];
    const COUNTRIES: [&str; 5] = ["France", "Japan", "USA", "United Kingdom", "South Korea"];
    let items = (0..30u32).map(|at| {
        let year = 1960 + at * 2 + at / 6;
        let title = format!("Reel {} ({year})", at + 1);
        let numbers = [
            year.to_string(),
            format!("{}.50", 3 + at),
            COUNTRIES[at as usize % 5].to_owned(),
            (80 + at * 2).to_string(),
        ];
        let categories = [at % 15, (at * 4 + 1) % 15].map(CategoryId);
        Item { key: title.clone(), title, categories: categories.to_vec(), attributes: numbers.to_vec() }
    });
    let attributes = ["year", "price", "country", "runtime"].map(str::to_owned).to_vec();
    Catalogue::new(items.collect(), CATEGORIES.map(str::to_owned).to_vec(), attributes)
}

/// Games of twelve kinds, with year, price and publisher.
pub fn arcade() -> Catalogue {
    const CATEGORIES: [&str; 12] = [
        "Racing",
        "Fighting",
        "Adventure",
        "Stealth",
        "Sports",
        "Platformer",
        "Puzzle",
        "Strategy",
        "RPG",
        "Shooter",
        "Simulation",
        "Horror",
    ];
    const PUBLISHERS: [&str; 5] = ["Kestrel Games", "Paper Fox", "Blue Anvil", "Northlight", "Old Pier"];
    let items = (0..24u32).map(|at| {
        let title = format!("Level {}", at + 1);
        let numbers = [(1994 + at).to_string(), format!("{}.99", at * 2), PUBLISHERS[at as usize % 5].to_owned()];
        let categories = [at % 12, (at * 5 + 2) % 12].map(CategoryId);
        Item { key: title.clone(), title, categories: categories.to_vec(), attributes: numbers.to_vec() }
    });
    let attributes = ["year", "price", "publisher"].map(str::to_owned).to_vec();
    Catalogue::new(items.collect(), CATEGORIES.map(str::to_owned).to_vec(), attributes)
}
