//! The words of synthetic titles. No noun belongs to two genres, so no title does either.

/// A genre: its name, its weight among the genres, and its words.
pub(super) struct Genre {
    /// The category's name.
    pub(super) name: &'static str,
    /// Its share of the films, relative to the others.
    pub(super) weight: u64,
    /// Its adjectives, comma-separated.
    adjectives: &'static str,
    /// Its nouns, comma-separated.
    nouns: &'static str,
}

impl Genre {
    /// The adjectives.
    pub(super) fn adjectives(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.adjectives.split(", ")
    }

    /// The nouns.
    pub(super) fn nouns(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.nouns.split(", ")
    }
}

/// Fictional places.
pub(super) fn places() -> impl Iterator<Item = &'static str> {
    PLACES.split(", ")
}

/// The ring of genres: tastes drift to the next one, and films mix neighbours.
pub(super) const GENRES: [Genre; 12] = [
    Genre {
        name: "Comedy",
        weight: 15,
        adjectives: "Borrowed, Clumsy, Cheerful, Lopsided, Tipsy, Unlikely, Backwards, Hasty, Noisy, Second-Hand, \
            Well-Meant, Wobbly",
        nouns: "Landlord, Umbrella, Goose, Wedding Cake, Plumber, Caravan, Trombone, Neighbour, Sandwich, Bicycle, \
            Moustache, Timetable, Parrot, Deckchair, Understudy, Raffle",
    },
    Genre {
        name: "Romance",
        weight: 9,
        adjectives: "Tender, Late, Unsent, Summer, Gentle, Patient, Folded, Secret, Amber, Faithful, Shy, Moonlit",
        nouns: "Letter, Waltz, Orchard, Balcony, Promise, Ribbon, Serenade, Rose Garden, Reunion, Bookshop, Sonata, \
            Valentine, Proposal, Terrace, Keepsake, Dance Card",
    },
    Genre {
        name: "Drama",
        weight: 14,
        adjectives: "Quiet, Broken, Ordinary, Winter, Unfinished, Pale, Honest, Distant, Heavy, Empty, Common, Slow",
        nouns: "Inheritance, Kitchen, Daughter, Verdict, Ferry, Schoolhouse, Apology, Harvest, Stairwell, \
            Confession, Funeral, Photograph, Widow, Quarrel, Threshold, Vineyard",
    },
    Genre {
        name: "War",
        weight: 5,
        adjectives: "Grey, Last, Forgotten, Frozen, Muddy, Surrendered, Northern, Steadfast, Ragged, Sleepless, Ninth, \
            Barren",
        nouns: "Regiment, Trench, Bridgehead, Convoy, Armistice, Bugler, Garrison, Medal, Front Line, Deserter, \
            Barricade, Dispatch, Minefield, Platoon, Furlough, Sentry",
    },
    Genre {
        name: "Western",
        weight: 4,
        adjectives: "Dusty, Lonesome, Crooked, Sunburnt, Wild, Rusted, Bitter, Drifting, Painted, Red, Thirsty, \
            Windswept",
        nouns: "Canyon, Saddle, Marshal, Stagecoach, Saloon, Mustang, Homestead, Spur, Prospector, Lasso, Mesa, \
            Railhead, Gunsmith, Coyote, Frontier, Water Tower",
    },
    Genre {
        name: "Action",
        weight: 12,
        adjectives: "Burning, Maximum, Relentless, Final, Steel, Savage, Double, Reckless, Rapid, Explosive, Hard, \
            Zero-Hour",
        nouns: "Strike, Countdown, Runway, Fuse, Overdrive, Hijack, Freight Train, Payload, Skyscraper, Commando, \
            Pursuit, Detonator, Hostage, Motorcade, Rampage, Blockade",
    },
    Genre {
        name: "Adventure",
        weight: 8,
        adjectives: "Lost, Sunken, Uncharted, Golden, Roaming, Daring, Southern, Hidden, Farthest, Buried, Stormy, \
            Restless",
        nouns: "Expedition, Compass, Lagoon, Treasure, Glacier, Caravel, Jungle, Explorer, Island, Waterfall, Atlas, \
            Shipwreck, Summit, Idol, Lighthouse, Pearl Diver",
    },
    Genre {
        name: "Fantasy",
        weight: 7,
        adjectives: "Enchanted, Silver, Sleeping, Thorned, Starlit, Wandering, Sworn, Elder, Glass, Feathered, Oaken, \
            Nameless",
        nouns: "Dragon, Kingdom, Sorceress, Talisman, Griffin, Chalice, Spellbook, Giant, Throne, Wishing Well, \
            Changeling, Sceptre, Unicorn, Cauldron, Oracle, Moonstone",
    },
    Genre {
        name: "Science Fiction",
        weight: 9,
        adjectives: "Orbital, Hollow, Electric, Synthetic, Infinite, Parallel, Binary, Outer, Weightless, Distilled, \
            Magnetic, Quantum",
        nouns: "Colony, Android, Satellite, Wormhole, Reactor, Starship, Algorithm, Airlock, Nebula, Cosmonaut, \
            Transmission, Moon Base, Hologram, Comet, Antenna, Gravity Well",
    },
    Genre {
        name: "Horror",
        weight: 7,
        adjectives: "Whispering, Rotten, Black, Crawling, Cursed, Bleeding, Faceless, Restive, Unhallowed, Pallid, \
            Starving, Locked",
        nouns: "Cellar, Doll, Crypt, Scarecrow, Asylum, Graveyard, Ritual, Mirror, Attic, Leech, Mannequin, Coffin, \
            Poltergeist, Lullaby, Sawmill, Well-Keeper",
    },
    Genre {
        name: "Mystery",
        weight: 6,
        adjectives: "Missing, Blue, Unsigned, Silent, Veiled, Third, Curious, Coded, Vanishing, Torn, Foggy, \
            Thirteenth",
        nouns: "Witness, Alibi, Riddle, Clue, Footprint, Keyhole, Manor, Cipher, Magpie, Night Porter, Inkwell, \
            Auction, Disguise, Telegram, Librarian, Study",
    },
    Genre {
        name: "Crime",
        weight: 8,
        adjectives: "Dirty, Marked, Cold, Counterfeit, Midnight, Guilty, Wanted, Stolen, Shallow, Concrete, Neon, Paid",
        nouns: "Heist, Detective, Racket, Alley, Informer, Getaway, Precinct, Ransom, Safecracker, Syndicate, \
            Casino, Smuggler, Warehouse, Blackmail, Parole, Kingpin",
    },
];

/// Fictional places, comma-separated.
const PLACES: &str = "\
    Marrowby, Velloria, Port Ansel, Quillhaven, Estrada Bay, Thornwick, Old Severin, Lake Ombra, Castermoor, \
    Dunmarrow, Fallowgate, Isla Verane, Kestrel Point, Low Harrow, Mirefield, Norrund, Orsolino, Pellworth, \
    Ravensholt, Saint Ebrin, Tamsin Hill, Upper Gantry, Vostrava, Wexcombe, Yarrow Street, Zell am Moor, \
    Ashgrove, Brindle Creek, Corvane, Drumlow, Ellisport, Gravenstrand";

/// Production countries and their weights.
pub(super) const COUNTRIES: [(&str, u64); 12] = [
    ("United States", 30),
    ("India", 12),
    ("United Kingdom", 10),
    ("France", 9),
    ("Japan", 8),
    ("South Korea", 7),
    ("Nigeria", 6),
    ("Germany", 5),
    ("Mexico", 4),
    ("Italy", 4),
    ("Sweden", 3),
    ("Brazil", 2),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_word_serves_twice_where_that_would_make_titles_meet() {
        let nouns: Vec<_> = GENRES.iter().flat_map(Genre::nouns).collect();
        let distinct = |words: &[&str]| words.iter().collect::<HashSet<_>>().len() == words.len();
        assert!(distinct(&nouns) && distinct(&places().collect::<Vec<_>>()));
        assert!(GENRES.iter().all(|genre| distinct(&genre.adjectives().collect::<Vec<_>>())));
        assert!(GENRES.iter().all(|genre| (genre.adjectives().count(), genre.nouns().count()) == (12, 16)));
    }
}
