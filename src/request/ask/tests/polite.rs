//! Long polite sentences, wishes of several sentences, pairs, swaps, choices and exceptions.

use super::table::{Row, Sheet};

pub(super) const SHEET: Sheet =
    Sheet { films: FILMS, games: GAMES, unclear_films: UNCLEAR_FILMS, unclear_games: UNCLEAR_GAMES };

const FILMS: &[Row] = &[
    (
        "Good morning! My husband and I have finally got the house to ourselves this weekend, so could you suggest six romantic films?",
        "-k 6 --more Romance",
        &["house", "ourselves"],
    ),
    (
        "Since my boss has given me the day off, I thought I'd treat myself to some westerns from the seventies.",
        "-k 10 --more Western --where 'year>=1970 and year<=1979'",
        &["Since my boss has given me the day off"],
    ),
    (
        "My nephews are staying over and they're both mad about animation, so five of those would be lovely.",
        "-k 5 --more Animation",
        &["My nephews are staying over"],
    ),
    (
        "To celebrate my father's retirement we want to watch war films with him, ideally from before 1980.",
        "-k 10 --more War --where 'year<1980'",
        &["To celebrate my father's retirement", "him"],
    ),
    (
        "We usually watch crime on Sundays, but this Sunday we'd like musicals for a change.",
        "-k 10 --more Musical",
        &["We usually watch crime on Sundays", "this Sunday"],
    ),
    (
        "Do you happen to have any westerns that are shorter than 100 minutes? We've got to get up early.",
        "-k 10 --more Western --where 'runtime<100'",
        &["early"],
    ),
    (
        "We're newlyweds on a tight budget and hope you can find us dramas under 10 dollars.",
        "-k 10 --more Drama --where 'price<10'",
        &["We're newlyweds on a tight budget"],
    ),
    (
        "I teach history at a secondary school and would like to show my class three war films this term.",
        "-k 3 --more War",
        &["I teach history at a secondary school", "class", "term"],
    ),
    (
        "I was wondering whether you might be able to recommend a good documentary or two.",
        "-k 2 --more Documentary",
        &[],
    ),
    (
        "My doctor has told me to laugh more, which is why I'd like nothing but comedies for the next few days.",
        "-k 10 --more Comedy",
        &["My doctor has told me to laugh more", "few days"],
    ),
    (
        "It has been ages since I last watched a musical, so please pick one for me.",
        "-k 1 --more Musical",
        &["It has been ages since I last watched a musical"],
    ),
    (
        "Our power was out all day, and now that it's back we fancy some action, but please no crime.",
        "-k 10 --more Action --less Crime",
        &["Our power was out all day", "back"],
    ),
    (
        "I have promised my girlfriend that there won't be any horror tonight; she'd love a romance.",
        "-k 10 --more Romance --less Horror",
        &[],
    ),
    (
        "It's our anniversary, and I'd like a comedy from the year we met, 1998.",
        "-k 10 --more Comedy --where 'year>=1998 and year<=1998'",
        &["anniversary", "year we met"],
    ),
    ("My friends and I just want to chill with something animated.", "-k 10 --more Animation", &["chill"]),
    (
        "With three small children in the house we'd like animation.",
        "-k 10 --more Animation",
        &["three small children in the house"],
    ),
    (
        "I'm recovering from the flu and would love to stay in bed with some comedies, thanks a million.",
        "-k 10 --more Comedy",
        &["I'm recovering from the flu", "stay", "bed"],
    ),
    ("At my age, and I'm nearly 80, I enjoy musicals most.", "-k 10 --more Musical", &["age", "I'm nearly 80"]),
    (
        "I don't know much about films, to be honest, but my date said he likes crime, so what would you suggest?",
        "-k 10 --more Crime",
        &["I don't know much about films", "date"],
    ),
    (
        "We've invited our new neighbours from the UK, so perhaps British comedies would go down well.",
        "-k 10 --more Comedy --where 'country=United Kingdom'",
        &["We've invited our new neighbours from the UK"],
    ),
    (
        "My cousin and I are spending the bank holiday together and we'd love three war films we can afford, so under 10 dollars.",
        "-k 3 --more War --where 'price<10'",
        &["cousin and I are spending the bank holiday together", "we can afford"],
    ),
    (
        "We're looking for a present for a nine-year-old who hates horror but loves animation.",
        "-k 10 --more Animation --less Horror",
        &["present", "nine", "year-old"],
    ),
    (
        "I'd love to impress my date with a French romance.",
        "-k 10 --more Romance --where 'country=France'",
        &["impress", "date"],
    ),
    (
        "My cousin asked for horror, but since there will be children, I'd rather go for animation.",
        "-k 10 --more Animation",
        &["My cousin asked for horror", "since there will be children"],
    ),
    ("I've been meaning to watch more documentaries", "-k 10 --more Documentary", &[]),
    ("my dad said he never liked westerns", "-k 10 --less Western", &[]),
    ("comedies please. westerns too.", "-k 10 --where 'category=Comedy|Western'", &["too"]),
    ("give me comedies and give me westerns", "-k 10 --where 'category=Comedy|Western'", &[]),
    ("I love westerns, but tonight I want a comedy", "-k 10 --more Comedy", &["I love westerns"]),
    ("comedies but also dramas", "-k 10 --where 'category=Comedy|Drama'", &[]),
    ("comedies, but with romance", "-k 10 --more Comedy --more Romance", &[]),
    ("comedies, one western", "-k 10 --share 'Western=1' --where 'category=Comedy|Western'", &[]),
    ("comedies, two westerns", "-k 10 --share 'Western=2' --where 'category=Comedy|Western'", &[]),
    ("romance, 5 comedies", "-k 5 --more Romance --more Comedy", &[]),
    (
        "drama or crime but not both",
        "-k 10 --share 'category=Drama and category=Crime<=0' --where 'category=Drama|Crime'",
        &[],
    ),
    ("comedies or, if you have none, musicals", "-k 10 --where 'category=Comedy|Musical'", &[]),
    ("no two westerns", "-k 10 --share 'Western<=1'", &[]),
    ("ten films where no two are westerns", "-k 10 --share 'Western<=1'", &[]),
    ("at most a western", "-k 10 --share 'Western<=1'", &[]),
    ("a musical at the most, the rest war", "-k 10 --share 'Musical<=1' --where 'category=Musical|War'", &[]),
    ("one of them may be French", "-k 10 --share 'country=France<=1'", &[]),
    (
        "5 films: one western, the remaining four anything but western",
        "-k 5 --share 'Western=1' --share 'category!=Western>=4'",
        &[],
    ),
    (
        "10 films: 6 comedies, the other 4 anything but comedies",
        "-k 10 --share 'Comedy=6' --share 'category!=Comedy>=4'",
        &[],
    ),
    ("all of them comedies save one", "-k 10 --share 'Comedy=9'", &[]),
    ("no romance, not even in comedies", "-k 10 --less Romance", &["not even in comedies"]),
    (
        "nothing from the 60s besides westerns",
        "-k 10 --share 'category!=Western and year>=1960 and year<=1969<=0'",
        &[],
    ),
    ("westerns, but not if they are longer than two hours", "-k 10 --more Western --where 'runtime<=120'", &[]),
    ("replace the dramas with comedies", "-k 10 --more Comedy --less Drama", &[]),
    ("comedies and, if there's room, one western", "-k 10 --more Comedy", &["if there's room", "one western"]),
    ("crime or noir, whichever is cheaper", "-k 10 --where 'category=Crime|Film-Noir'", &["whichever is cheaper"]),
    ("nothing but comedies and dramas", "-k 10 --where 'category=Comedy|Drama'", &[]),
    ("I wouldn't turn down a musical", "-k 10 --more Musical", &[]),
    ("give me one list of comedies", "-k 10 --more Comedy", &[]),
    ("action, five of them, none American", "-k 5 --more Action --where 'country!=USA'", &[]),
    ("money is no object, thrillers please", "-k 10 --more Thriller", &[]),
    ("no kids around tonight, so horror", "-k 10 --more Horror", &["no kids around tonight"]),
    ("some westerns so that nobody gets bored", "-k 10 --more Western", &["nobody gets bored"]),
    ("at most two westerns so that nobody gets bored", "-k 10 --share 'Western<=2'", &["nobody gets bored"]),
    ("Before I forget: show me films from the nineties", "-k 10 --where 'year>=1990 and year<=1999'", &[]),
    (
        "I hope this isn't a stupid question: could you recommend six comedies",
        "-k 6 --more Comedy",
        &["I hope this isn't a stupid question"],
    ),
    ("we're new here, some westerns please", "-k 10 --more Western", &["we're new here"]),
    ("half comedies, half dramas. I can't wait!", "-k 10 --share 'Comedy=50%' --share 'Drama=50%'", &[]),
    ("If it's not too much trouble, half comedies, half dramas", "-k 10 --share 'Comedy=50%' --share 'Drama=50%'", &[]),
    ("we want thrillers, since it's raining", "-k 10 --more Thriller", &["since it's raining"]),
    ("some comedies while we eat", "-k 10 --more Comedy", &["while we eat"]),
    ("ten dramas without a single war film", "-k 10 --more Drama --less War", &[]),
    ("without war, or with at most one war film", "-k 10 --share 'War<=1'", &[]),
    ("leave crime out of my seven films", "-k 7 --less Crime", &[]),
];

const GAMES: &[Row] = &[
    (
        "We'd like to share four racing games with our cousins, so under 10 dollars.",
        "-k 4 --more Racing --where 'price<10'",
        &["share", "cousins"],
    ),
    ("My kids have asked for puzzles, so puzzles it is", "-k 10 --more Puzzle", &[]),
];

/// Sentences of which too much is unclear to take anything from them.
const UNCLEAR_FILMS: &[&str] = &[
    "I watched nothing but dramas",
    "no two films from the same country",
    "no two westerns in a row",
    "no five westerns",
    "not two westerns",
    "swap two dramas for comedies",
    "exchange one comedy for a thriller",
    "two comedies or two dramas",
    "one comedy per decade",
    "one western every three films",
    "My wife wants a romance, I want anything else",
    "I'd like comedies my dad hates",
    "comedies that nobody hates",
    "never a dull moment with thrillers",
    "the rest dramas",
    "I'm in two minds about horror",
    "not a day without comedy",
    "no subtitles, thrillers please",
    "I know nothing about noir, so show me some",
    "either all comedies or all dramas",
];

const UNCLEAR_GAMES: &[&str] = &["swap a shooter for a puzzle"];
