//! Titles that look like second parts.

use crate::data::{Catalogue, ItemId};

/// The items whose titles end, year aside, in a number as sequels have it: "Toy Story 2", "Rocky IV", "Saw: Part III".
pub fn sequels(catalogue: &Catalogue) -> Vec<ItemId> {
    catalogue.ids().filter(|&id| looks_like_sequel(catalogue.title(id))).collect()
}

fn looks_like_sequel(title: &str) -> bool {
    let name = match title.rfind(" (") {
        Some(year) if title.ends_with(')') => &title[..year],
        _ => title,
    };
    // What stands before a colon may carry the number: "Alien 3: …".
    name.split([':', '–']).map(str::trim).any(|part| {
        let mut words = part.split_whitespace().rev();
        match (words.next(), words.next()) {
            (Some(last), Some(_)) => is_part_number(last),
            _ => false,
        }
    })
}

/// 2 to 20, as digits or as Roman numbers.
fn is_part_number(word: &str) -> bool {
    const ROMAN: [&str; 9] = ["II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "XI"];
    ROMAN.contains(&word) || word.parse::<u32>().is_ok_and(|number| (2..=20).contains(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_at_the_end_make_a_sequel() {
        for title in [
            "Toy Story 2 (1999)",
            "Rocky IV (1985)",
            "Saw III",
            "Alien 3: Special (1992)",
            "The Godfather: Part II (1974)",
        ] {
            assert!(looks_like_sequel(title), "{title}");
        }
        for title in [
            "Heat (1995)",
            "12 Angry Men (1957)",
            "V (1983)",
            "Apollo 13 (1995) x",
            "1984",
            "Malcolm X (1992) (cut)",
            "Up (2009)",
        ] {
            assert!(!looks_like_sequel(title), "{title}");
        }
    }
}
