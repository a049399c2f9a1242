//! Words for kinds of things that catalogues name differently. A catalogue's own names always come first.

/// Words that mean a category, whatever the catalogue calls it.
pub(super) struct Synonym {
    /// The categories meant, by any of the names that catalogues give them; the first one that the catalogue has counts.
    /// Several entries are alternatives of which each item has one.
    pub of: &'static [&'static str],
    /// Words that describe a thing, between commas: "funny and scary" is both at once.
    pub adjectives: &'static str,
    /// Words that name things, between commas: "comedies and thrillers" are some of either.
    pub nouns: &'static str,
    /// True for words that only suggest the categories, so that the reading is reported.
    pub loose: bool,
}

const fn same(of: &'static [&'static str], adjectives: &'static str, nouns: &'static str) -> Synonym {
    Synonym { of, adjectives, nouns, loose: false }
}

const fn near(of: &'static [&'static str], adjectives: &'static str, nouns: &'static str) -> Synonym {
    Synonym { of, adjectives, nouns, loose: true }
}

/// The table. Names between `|` are one category's under different catalogues.
pub(super) const SYNONYMS: [Synonym; 39] = [
    same(&["Comedy|Comedies"], "funny, comedic, comical, hilarious, humorous, amusing, witty", "humour, humor, laughs"),
    same(&["Drama"], "dramatic", ""),
    same(&["Romance|Romantic"], "romantic", "love story, romance, love"),
    same(&["Horror"], "scary, frightening, spooky, terrifying, creepy", "slasher, horror story"),
    same(&["Thriller|Suspense|Mystery & Thrillers"], "thrilling, suspenseful", "suspense"),
    same(
        &["Sci-Fi|Science Fiction|Science Fiction & Fantasy|SciFi|Sci Fi"],
        "futuristic",
        "sci fi, scifi, sf, science fiction",
    ),
    same(&["Fantasy"], "fantastical, magical", ""),
    same(&["Action"], "action packed, actionpacked", ""),
    same(&["Adventure"], "adventurous", ""),
    same(&["Animation|Animated"], "animated", "cartoon, anime, animation"),
    same(&["Documentary|Documentaries"], "", "docu, doc, documentary"),
    same(&["Mystery"], "mysterious", "whodunit, whodunnit"),
    same(&["Crime"], "criminal", "gangster, mafia, heist"),
    same(&["History|Historical"], "historical, historic", "history"),
    same(&["Biography|Biographies"], "biographical, autobiographical", "biopic, life story"),
    same(&["War|Military & War|Military"], "wartime, military", "war"),
    same(&["Western|Westerns"], "", "cowboy"),
    same(&["Music|Musical"], "", "concert"),
    same(&["Musical|Musicals"], "", "show tune"),
    same(&["Sport|Sports"], "sporty, athletic", "sport"),
    same(&["Film-Noir|Noir"], "", "noir, film noir"),
    same(&["Short|Shorts"], "", "short film, short movie"),
    same(
        &["Children|Children's|Kids|Kids & Family|Family"],
        "child friendly, kid friendly",
        "child, kid, children, children film, children movie",
    ),
    same(&["Family|Kids & Family|Children|Children's"], "family friendly", "family, whole family"),
    same(&["RPG|TitleRole-Playing"], "role playing", "role playing game"),
    same(&["Massively Multiplayer|MMO"], "massive multiplayer", "mmo, mmorpg"),
    same(&["Indie|Independent"], "independent", ""),
    same(&["Simulation|Simulator"], "", "sim, simulator"),
    same(&["Strategy"], "strategic, tactical", ""),
    same(&["Shooter"], "", "fps, first person shooter, shoot em up"),
    same(&["Platformer|Platform"], "", "platform game, jump and run, platforming"),
    same(&["Fighting"], "", "beat em up, brawler, fighting game"),
    same(&["Racing"], "", "racer, racing game"),
    same(&["Stealth"], "stealthy, sneaky", ""),
    near(
        &["Comedy|Comedies", "Family|Children"],
        "light, lighthearted, light hearted, feel good, feelgood, uplifting, cheerful",
        "",
    ),
    near(
        &["Action", "Crime", "Horror", "Thriller|Suspense", "War"],
        "violent, brutal, bloody, gory",
        "violence, blood, gore, brutality",
    ),
    near(&["Drama"], "sad, serious, moving, touching", "tearjerker, tear jerker"),
    near(&["Action", "Thriller|Suspense", "Adventure"], "exciting, gripping", "excitement"),
    near(&["Crime", "Mystery"], "", "detective, police, murder"),
];

/// Words for things that belong to several categories at once.
pub(super) const BOTH: [(&str, [&str; 2]); 3] = [
    ("romcom, rom com", ["Romance|Romantic", "Comedy|Comedies"]),
    ("dramedy, tragicomedy", ["Comedy|Comedies", "Drama"]),
    ("space opera, space western", ["Sci-Fi|Science Fiction", "Adventure"]),
];

/// Countries by the names that catalogues give them, with the adjectives of people and things from there.
const DEMONYMS: [(&str, &str); 34] = [
    ("france", "french"),
    ("germany|west germany", "german"),
    ("italy", "italian"),
    ("spain", "spanish"),
    ("united kingdom|uk|great britain|england", "british, english made, uk, united kingdom"),
    ("usa|united states|us|united states of america", "american, us, the us, usa, united states"),
    ("japan", "japanese"),
    ("south korea|korea", "korean, south korean, korea"),
    ("china", "chinese"),
    ("hong kong", "hong kong"),
    ("india", "indian"),
    ("australia", "australian"),
    ("canada", "canadian"),
    ("mexico", "mexican"),
    ("brazil", "brazilian"),
    ("argentina", "argentinian, argentine"),
    ("russia|soviet union", "russian"),
    ("poland", "polish"),
    ("sweden", "swedish"),
    ("norway", "norwegian"),
    ("denmark", "danish"),
    ("finland", "finnish"),
    ("iceland", "icelandic"),
    ("ireland", "irish"),
    ("netherlands|the netherlands", "dutch, holland"),
    ("belgium", "belgian"),
    ("austria", "austrian"),
    ("switzerland", "swiss"),
    ("greece", "greek"),
    ("turkey", "turkish"),
    ("iran", "iranian, persian"),
    ("thailand", "thai"),
    ("new zealand", "kiwi"),
    ("hungary", "hungarian"),
];

/// The other names of a country and the adjectives that mean it.
pub(super) fn demonyms(country: &str) -> impl Iterator<Item = &'static str> {
    let named = DEMONYMS.iter().filter(move |(names, _)| names.split('|').any(|name| name == country));
    named.flat_map(|(_, adjectives)| adjectives.split(", "))
}
