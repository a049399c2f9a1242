//! Clauses beside a wish or a refusal: other people, reasons, verdicts, exceptions, parts of a list.

use super::table::{Row, Sheet};

pub(super) const SHEET: Sheet =
    Sheet { films: FILMS, games: GAMES, unclear_films: UNCLEAR_FILMS, unclear_games: UNCLEAR_GAMES };

const FILMS: &[Row] = &[
    ("I love westerns but my mum doesn't", "-k 10 --more Western", &["my mum doesn't"]),
    ("my wife loves horror, I hate it", "-k 10 --less Horror", &[]),
    ("I don't like horror but my wife does", "-k 10 --less Horror", &["my wife does"]),
    ("I hate westerns, my dad loves them", "-k 10 --less Western", &["my dad loves them"]),
    ("I don't want horror, and my kids don't either", "-k 10 --less Horror", &[]),
    ("I love westerns but not my wife", "-k 10 --more Western", &["not my wife"]),
    ("she hates musicals, so do I", "-k 10 --less Musical", &[]),
    ("war films bore me and so do westerns", "-k 10 --less War --less Western", &[]),
    ("no war; the same goes for westerns", "-k 10 --less War --less Western", &[]),
    ("I love westerns and the same goes for musicals", "-k 10 --where 'category=Western|Musical'", &[]),
    ("I like noir and she likes animation", "-k 10 --where 'category=Film-Noir|Animation'", &[]),
    ("I like comedies, but my wife prefers drama", "-k 10 --where 'category=Comedy|Drama'", &[]),
    ("I like thrillers better than westerns", "-k 10 --more Thriller --less Western", &[]),
    ("no war and absolutely comedies", "-k 10 --more Comedy --less War", &[]),
    ("definitely no crime and definitely a musical", "-k 10 --more Musical --less Crime", &[]),
    ("no war and definitely funny", "-k 10 --less War", &["definitely funny"]),
    ("no drama, and preferably something funny", "-k 10 --more Comedy --less Drama", &[]),
    ("I hate westerns and war films as well", "-k 10 --less Western", &["war films as well"]),
    ("I can do without war, crime and everything sad", "-k 10 --less War --less Crime", &["everything sad"]),
    ("no war and all comedies", "-k 10 --less War", &["all comedies"]),
    ("no westerns, half of them", "-k 10 --less Western", &["half of them"]),
    ("exclude westerns, I have seen all of those", "-k 10 --less Western", &["I have seen all of those"]),
    ("no horror, at most one of them", "-k 10 --share 'Horror<=1'", &[]),
    (
        "kindly exclude films from Japan and the UK, as I've been through all of those",
        "-k 10 --where 'country!=Japan' --where 'country!=United Kingdom'",
        &["as I've been through all of those"],
    ),
    ("comedies, except that I don't want French ones", "-k 10 --more Comedy --where 'country!=France'", &[]),
    ("comedies, except no French ones", "-k 10 --more Comedy --where 'country!=France'", &[]),
    ("everything except I don't want war", "-k 10 --less War", &[]),
    ("westerns, except when they are romantic", "-k 10 --more Western --less Romance", &[]),
    (
        "comedies without romance or comedies with war",
        "-k 10 --more Comedy --share 'category=Romance and category!=War<=0'",
        &[],
    ),
    (
        "comedies without romance and dramas without war",
        "-k 10 --share 'category=Romance and category!=Drama<=0' --share 'category!=Comedy and category=War<=0' --share 'category=Romance and category=War<=0' --where 'category=Comedy|Drama'",
        &[],
    ),
    (
        "horror without comedy or horror from Japan",
        "-k 10 --more Horror --share 'category=Comedy and country!=Japan<=0'",
        &[],
    ),
    ("thrillers without crime or westerns", "-k 10 --more Thriller --less Crime --less Western", &[]),
    ("one western, one musical, the rest up to you", "-k 10 --share 'Western=1' --share 'Musical=1'", &[]),
    ("mostly thrillers but a few comedies too", "-k 10 --share 'Thriller>=6' --share 'Comedy=3'", &["too"]),
    ("mainly drama, and the rest action", "-k 10 --share 'Drama>=6' --where 'category=Drama|Action'", &[]),
    ("at least 3 comedies, the rest dramas", "-k 10 --share 'Comedy>=3' --where 'category=Comedy|Drama'", &[]),
    ("comedies and one western", "-k 10 --share 'Western=1' --where 'category=Comedy|Western'", &[]),
    ("three of the ten films should be comedies", "-k 10 --share 'Comedy=3'", &[]),
    ("at least 2 of 6 movies comedies", "-k 6 --share 'Comedy>=2'", &[]),
    ("four to six musicals and nothing else", "-k 4 --more Musical", &[]),
    ("every second one a comedy", "-k 10 --share 'Comedy=50%'", &[]),
    ("8 films, every second one a western", "-k 8 --share 'Western=50%'", &[]),
    ("both war and romance in one film", "-k 10 --more War --more Romance", &[]),
    ("both comedies and dramas", "-k 10 --where 'category=Comedy|Drama'", &[]),
    ("I'm 34, comedies please", "-k 10 --more Comedy", &["34"]),
    ("we're 5, comedies please", "-k 10 --more Comedy", &["5"]),
    ("my two children, aged 6 and 9, enjoy animation", "-k 10 --more Animation", &["aged 6 and 9"]),
    ("dramas about the sixties", "-k 10 --more Drama", &["about the sixties"]),
    ("some films about war, made after 1990", "-k 10 --more War --where 'year>1990'", &[]),
    (
        "us comedies not from the 80s",
        "-k 10 --more Comedy --share 'year>=1980 and year<=1989<=0' --where 'country=USA'",
        &[],
    ),
    ("crime movies <2h", "-k 10 --more Crime --where 'runtime<120'", &[]),
    ("comedies < $10", "-k 10 --more Comedy --where 'price<10'", &[]),
    ("sci-fi < 2000", "-k 10 --more Sci-Fi --where 'year<2000'", &[]),
    ("horror 👎", "-k 10 --less Horror", &[]),
    ("romance ❌ comedy ✅", "-k 10 --less Romance", &["comedy ✅"]),
    ("🚫 horror", "-k 10 --less Horror", &[]),
    ("smth funny plz", "-k 10 --more Comedy", &[]),
    ("movies 4 kids", "-k 10 --more Children", &[]),
    ("thrillers if you've got them, failing that westerns", "-k 10 --where 'category=Thriller|Western'", &[]),
    (
        "Since my husband fell asleep during the last three dramas, we'd prefer action tonight.",
        "-k 10 --more Action",
        &["Since my husband fell asleep during the last three dramas"],
    ),
    ("We would be delighted if half of the eight films were comedies.", "-k 8 --share 'Comedy=50%'", &[]),
    (
        "If it isn't too much trouble, I'd like a list of 9 crime films without any horror in them.",
        "-k 9 --more Crime --less Horror",
        &["If it isn't too much trouble"],
    ),
    ("Could you suggest a few thrillers? My dad is 72.", "-k 3 --more Thriller", &["72"]),
    ("My grandmother grew up in the fifties, no war.", "-k 10 --less War", &["My grandmother grew up in the fifties"]),
];

const GAMES: &[Row] = &[
    ("4 sim games tops $20", "-k 4 --more Simulation --where 'price<=20'", &[]),
    ("no shooters and something with puzzles", "-k 10 --more Puzzle --less Shooter", &[]),
    ("I like puzzles, my brother doesn't", "-k 10 --more Puzzle", &["my brother doesn't"]),
    ("stealth games; ditto racing", "-k 10 --where 'category=Stealth|Racing'", &[]),
];

/// Sentences of which too much is unclear to take anything from them.
const UNCLEAR_FILMS: &[&str] = &[
    "my wife loves horror but I don't",
    "my dad doesn't like westerns but I do",
    "westerns are great, not me",
    "dramas 😴",
    "2 comedies each",
    "one comedy each for the two of us",
    "one fewer drama",
    "movies set in the 1940s",
];

const UNCLEAR_GAMES: &[&str] = &["my kids play shooters, I don't"];
