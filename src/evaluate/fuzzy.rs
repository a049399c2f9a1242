//! The catalogue title nearest to a misspelt one (method §10.3, method B19).
//!
//! An index finds it without comparing every title. Each title is cut into [`PIECES`] pieces; fewer edits than pieces leave one of them
//! whole, and it stands in the misspelt title no further from its place than there are edits (the segments of Li, Deng, Wang and Feng 2011,
//! "Pass-Join"). So only titles that share such a piece are compared.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::Range;

use crate::data::{Catalogue, ItemId};

/// The most edits that are forgiven, and the most per hundred characters.
const MOST_EDITS: usize = 3;
const EDITS_PERCENT: usize = 15;
const PIECES: usize = MOST_EDITS + 1;

/// Finds the titles of a catalogue that are nearest to given ones.
#[derive(Debug, Clone)]
pub struct TitleIndex<'a> {
    catalogue: &'a Catalogue,
    /// The hash of every piece of every title, with the item; ascending.
    pieces: Vec<(u64, ItemId)>,
}

impl<'a> TitleIndex<'a> {
    /// An index of all titles.
    pub fn new(catalogue: &'a Catalogue) -> Self {
        let mut pieces = Vec::with_capacity(PIECES * catalogue.len());
        for item in catalogue.ids() {
            let title: Vec<char> = catalogue.title(item).chars().collect();
            let hashes = (0..PIECES).map(|number| hash(title.len(), number, &title[piece(title.len(), number)]));
            pieces.extend(hashes.map(|hash| (hash, item)));
        }
        pieces.sort_unstable();
        Self { catalogue, pieces }
    }

    /// The item with this title, or else the one with the nearest title: at most 3 edits away (insertions, deletions and
    /// substitutions), at most 15 % of this title's length, and nearer than every other.
    pub fn nearest(&self, title: &str) -> Option<ItemId> {
        if let Some(item) = self.catalogue.by_title(title) {
            return Some(item);
        }
        let characters: Vec<char> = title.chars().collect();
        let most = (characters.len() * EDITS_PERCENT / 100).min(MOST_EDITS);
        if most == 0 {
            return None;
        }
        let distance = |&item: &ItemId| (strsim::levenshtein(title, self.catalogue.title(item)), item);
        let near = self.sharing_a_piece(&characters, most);
        let near: Vec<(usize, ItemId)> = near.iter().map(distance).filter(|&(edits, _)| edits <= most).collect();
        let &(least, nearest) = near.iter().min()?;
        let is_only_one = near.iter().filter(|&&(edits, _)| edits == least).count() == 1;
        is_only_one.then_some(nearest)
    }

    /// Replaces titles by the nearest of the catalogue; those without one stay.
    pub fn correct(&self, titles: &[impl AsRef<str>]) -> Vec<String> {
        let correct = |title: &str| self.nearest(title).map_or(title, |item| self.catalogue.title(item)).to_owned();
        titles.iter().map(|title| correct(title.as_ref())).collect()
    }

    /// The items whose titles may be within `most` edits, each once.
    fn sharing_a_piece(&self, title: &[char], most: usize) -> Vec<ItemId> {
        let mut found = Vec::new();
        for length in title.len().saturating_sub(most)..=title.len() + most {
            for number in 0..PIECES {
                let Range { start, end } = piece(length, number);
                for shifted in start.saturating_sub(most)..=start + most {
                    if let Some(part) = title.get(shifted..shifted + (end - start)) {
                        found.extend(self.with_piece(hash(length, number, part)));
                    }
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    fn with_piece(&self, hash: u64) -> impl Iterator<Item = ItemId> {
        let from = self.pieces.partition_point(|&(other, _)| other < hash);
        self.pieces[from..].iter().take_while(move |&&(other, _)| other == hash).map(|&(_, item)| item)
    }
}

/// The range of piece `number` in a title of `length` characters; all pieces are nearly equally long.
fn piece(length: usize, number: usize) -> Range<usize> {
    length * number / PIECES..length * (number + 1) / PIECES
}

fn hash(length: usize, number: usize, piece: &[char]) -> u64 {
    let mut hasher = DefaultHasher::new();
    (length, number, piece).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::Item;

    fn catalogue(titles: impl IntoIterator<Item = String>) -> Catalogue {
        let item = |title: String| Item { key: title.clone(), title, ..Item::default() };
        Catalogue::new(titles.into_iter().map(item).collect(), Vec::new(), Vec::new())
    }

    fn meant(titles: &[&str], asked: &str) -> Option<String> {
        let catalogue = catalogue(titles.iter().map(|title| title.to_string()));
        TitleIndex::new(&catalogue).nearest(asked).map(|item| catalogue.title(item).to_owned())
    }

    #[test]
    fn a_title_is_forgiven_one_edit_for_every_seven_characters_and_three_at_most() {
        let godfather = "The Godfather Part II";
        assert_eq!(meant(&[godfather], godfather).as_deref(), Some(godfather));
        assert_eq!(meant(&[godfather], "The Godfather, Part II.").as_deref(), Some(godfather), "two put in");
        assert_eq!(
            meant(&[godfather], "Th Godfaher Part I").as_deref(),
            None,
            "three left out of 21 are too many for 18"
        );
        assert_eq!(meant(&[godfather], "TheGodfather Prt IIII").as_deref(), None, "four edits");
        assert_eq!(meant(&[godfather], "TheGodfather Prt III").as_deref(), Some(godfather), "three edits of 20");
        assert_eq!(meant(&["Heat"], "Heet"), None, "a short title has to be right");
        assert_eq!(meant(&["Heat (1995)"], "heat (1995)").as_deref(), Some("Heat (1995)"), "case is an edit");
        assert_eq!(meant(&[], "The Godfather"), None);
        assert_eq!(meant(&["", "Up"], ""), Some(String::new()));
    }

    #[test]
    fn the_nearest_wins_wherever_it_stands_and_a_tie_is_nobodys() {
        let (near, far) = ("Star Trek: Generations 2", "Star Trek: Generation 33");
        for titles in [[near, far], [far, near]] {
            assert_eq!(meant(&titles, "Star Trek: Generations 3").as_deref(), Some(near));
        }
        assert_eq!(meant(&["Toy Story 2", "Toy Story 3"], "Toy Story 4"), None);
    }

    #[test]
    fn what_means_nothing_stays_as_it_is() {
        let catalogue = catalogue(["The Godfather".to_owned()]);
        let index = TitleIndex::new(&catalogue);
        assert_eq!(index.correct(&["The Godfathr", "Here you go:"]), ["The Godfather", "Here you go:"]);
    }

    /// Few letters, so that titles are near each other.
    fn titles() -> impl Strategy<Value = Vec<String>> {
        let title = prop_oneof!["[abé]{0,12}", "(lorem|ipsum|dolor| ){4,9}[ab]{0,4}"];
        prop::collection::hash_set(title, 0..30).prop_map(|titles| titles.into_iter().collect())
    }

    proptest! {
        #[test]
        fn the_index_finds_what_comparing_everything_finds(
            titles in titles(), pick in any::<prop::sample::Index>(), edits in prop::collection::vec((any::<prop::sample::Index>(), 0..3u8), 0..5)
        ) {
            let mut asked: Vec<char> = if titles.is_empty() { vec!['a'; 8] } else { pick.get(&titles).chars().collect() };
            for (place, edit) in edits {
                let place = place.index(asked.len() + 1);
                match edit {
                    0 => asked.insert(place, 'b'),
                    1 if place < asked.len() => { asked.remove(place); }
                    _ if place < asked.len() => asked[place] = 'ß',
                    _ => {}
                }
            }
            let asked: String = asked.into_iter().collect();
            let catalogue = catalogue(titles);
            let most = (asked.chars().count() * 15 / 100).min(3);
            let mut by_distance: Vec<(usize, ItemId)> =
                catalogue.ids().map(|item| (strsim::levenshtein(&asked, catalogue.title(item)), item)).collect();
            by_distance.sort();
            let expected = match by_distance.as_slice() {
                [(0, item), ..] => Some(*item),
                [(first, _), (second, _), ..] if first == second => None,
                [(first, item), ..] if *first <= most => Some(*item),
                _ => None,
            };
            prop_assert_eq!(TitleIndex::new(&catalogue).nearest(&asked), expected);
        }
    }
}
