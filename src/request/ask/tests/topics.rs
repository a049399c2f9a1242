//! Sentences whose first reading was wrong: prepositions that refuse, topics of a kind, kinds behind a refusal, rough measures.

use super::table::{Row, Sheet};

pub(super) const SHEET: Sheet =
    Sheet { films: FILMS, games: GAMES, unclear_films: UNCLEAR_FILMS, unclear_games: UNCLEAR_GAMES };

const FILMS: &[Row] = &[
    ("half a dozen films from outside the USA", "-k 6 --where 'country!=USA'", &[]),
    ("four films from beyond France or Japan", "-k 4", &["beyond France or Japan"]),
    ("any country but the USA", "-k 10 --where 'country!=USA'", &["country"]),
    ("non-US films", "-k 10 --where 'country!=USA'", &[]),
    ("not from the UK and not from the US", "-k 10 --where 'country!=United Kingdom' --where 'country!=USA'", &[]),
    ("musical comedies from the us", "-k 10 --more Musical --more Comedy --where country=USA", &[]),
    ("show us westerns", "-k 10 --more Western", &[]),
    ("comedies with crime and romance", "-k 10 --more Comedy --more Crime --more Romance", &[]),
    ("documentaries about war or crime", "-k 10 --more Documentary --where 'category=War|Crime'", &[]),
    (
        "comedies about crime and westerns",
        "-k 10 --where 'category=Comedy|Western' --where 'category=Crime|Western'",
        &[],
    ),
    ("something with both crime and comedy", "-k 10 --more Crime --more Comedy", &[]),
    ("a film that is both a western and a comedy", "-k 10 --more Western --more Comedy", &[]),
    ("both comedies and dramas", "-k 10 --where 'category=Comedy|Drama'", &[]),
    ("westerns depicting the war", "-k 10 --more Western", &["depicting the war"]),
    ("no horror, romantic comedies", "-k 10 --more Romance --more Comedy --less Horror", &[]),
    ("no horror, romantic comedies, no war", "-k 10 --more Romance --more Comedy --less Horror --less War", &[]),
    ("no horror something funny", "-k 10 --more Comedy --less Horror", &[]),
    ("without war recommend me a western", "-k 10 --more Western --less War", &[]),
    ("without war, crime films", "-k 10 --more Crime --less War", &[]),
    ("no horror, war", "-k 10 --less Horror --less War", &[]),
    ("no horror please we have kids", "-k 10 --less Horror", &["kids"]),
    ("I have two kids, something animated", "-k 10 --more Animation", &["two kids"]),
    ("rather comedies than westerns", "-k 10 --more Comedy --less Western", &[]),
    ("as many westerns as you can", "-k 10 --more Western", &[]),
    ("not many westerns, maybe one or two", "-k 10 --share 'Western>=1' --share 'Western<=2'", &[]),
    ("there's no such thing as too many westerns", "-k 10 --more Western", &[]),
    ("comedies light on romance", "-k 10 --more Comedy --share 'Romance<=30%'", &[]),
    ("romance-light comedies", "-k 10 --more Comedy", &["romance", "light"]),
    ("heavy on action", "-k 10 --share 'Action>=6'", &[]),
    ("I no longer like westerns", "-k 10 --less Western", &[]),
    ("westerns can wait", "-k 10 --less Western", &[]),
    ("5+ comedies", "-k 10 --share 'Comedy>=5'", &[]),
    ("a comedy for two", "-k 10 --more Comedy", &["two"]),
    ("films for 15 dollars", "-k 10 --where 'price<=15'", &[]),
    ("films that cost 15 dollars", "-k 10 --where 'price>=15 and price<=15'", &[]),
    ("max. $20", "-k 10 --where 'price<=20'", &[]),
    ("thrillers of about 100 minutes", "-k 10 --more Thriller --where 'runtime>=90 and runtime<=110'", &[]),
    ("I'm bored of thrillers, let's try westerns", "-k 10 --more Western --less Thriller", &[]),
    ("hello there! horror - no please", "-k 10 --less Horror", &[]),
];

const GAMES: &[Row] = &[
    ("I've got 15 dollars to spend", "-k 10 --where 'price<=15'", &["spend"]),
    ("strategy for less than 5 players", "-k 10 --more Strategy", &["less than 5 players"]),
    ("multiplayer shooters for under 40", "-k 10 --more Shooter --where 'price<40'", &["multiplayer"]),
];

const UNCLEAR_FILMS: &[&str] = &[
    "besides horror, anything",
    "no such luck with avoiding westerns",
    "no remakes of westerns",
    "the last thing I saw was a western",
];

const UNCLEAR_GAMES: &[&str] = &["besides shooters, whatever"];
