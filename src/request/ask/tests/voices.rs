//! Sentences of many voices: rejecting verbs, idioms, corrections, scores, questions, other people, amounts.

use super::table::{Row, expect};
use super::{arcade, cinema};
use crate::request::ask::AskParser;

const FILMS: [Row; 115] = [
    ("boycott romance", "-k 10 --less Romance", &[]),
    ("ditch the westerns", "-k 10 --less Western", &[]),
    ("I loathe musicals", "-k 10 --less Musical", &[]),
    ("I detest war films with a passion", "-k 10 --less War", &["passion"]),
    ("scrap the dramas, 6 films", "-k 6 --less Drama", &[]),
    ("horror gives me nightmares", "-k 10 --less Horror", &[]),
    ("westerns put me to sleep", "-k 10 --less Western", &[]),
    ("I've gone off comedies", "-k 10 --less Comedy", &[]),
    ("spare me the romance", "-k 10 --less Romance", &[]),
    ("cut out anything with war in it", "-k 10 --less War", &[]),
    ("omit documentaries please", "-k 10 --less Documentary", &[]),
    ("steer clear of horror", "-k 10 --less Horror", &[]),
    ("keep me away from musicals", "-k 10 --less Musical", &[]),
    ("say no to horror", "-k 10 --less Horror", &[]),
    ("I despise thrillers; 4 films please", "-k 4 --less Thriller", &[]),
    ("down with westerns", "-k 10 --less Western", &[]),
    ("I refuse to watch horror", "-k 10 --less Horror", &[]),
    ("screw romance, action it is", "-k 10 --more Action --less Romance", &[]),
    ("horror makes me sick", "-k 10 --less Horror", &[]),
    ("mute the dramas", "-k 10 --less Drama", &[]),
    ("the last thing tonight needs is drama", "-k 10 --less Drama", &[]),
    ("the last thing I want is a musical", "-k 10 --less Musical", &[]),
    ("horror is the worst", "-k 10 --less Horror", &[]),
    ("westerns are my least favourite", "-k 10 --less Western", &[]),
    ("anything rather than a war movie", "-k 10 --less War", &[]),
    ("enough drama in my life already", "-k 10 --less Drama", &["life"]),
    ("you can keep your musicals", "-k 10 --less Musical", &[]),
    ("a western is just what I need", "-k 10 --more Western", &[]),
    ("nothing beats a good thriller", "-k 10 --more Thriller", &[]),
    ("I could watch comedies all day", "-k 10 --more Comedy", &[]),
    ("you can't go wrong with a comedy", "-k 10 --more Comedy", &[]),
    ("I'm a sucker for musicals", "-k 10 --more Musical", &[]),
    ("I'm sick and tired of crime films", "-k 10 --less Crime", &[]),
    ("horror is not my thing", "-k 10 --less Horror", &[]),
    ("horror isn't my cup of tea", "-k 10 --less Horror", &[]),
    ("not really into sci-fi", "-k 10 --less Sci-Fi", &[]),
    ("dramas. No: comedies.", "-k 10 --more Comedy", &[]),
    ("a western, no: a comedy", "-k 10 --more Comedy", &[]),
    ("westerns - scratch that, musicals", "-k 10 --more Musical", &[]),
    ("comedies, I mean dramas", "-k 10 --more Drama", &[]),
    ("5 comedies, sorry, 6", "-k 6 --more Comedy", &[]),
    ("horror... wait, actually thrillers", "-k 10 --more Thriller", &[]),
    ("five films. make that seven", "-k 7", &[]),
    ("action, or rather crime", "-k 10 --more Crime", &[]),
    ("4 thrillers from the 80s, no, the 90s", "-k 4 --more Thriller --where 'year>=1990 and year<=1999'", &[]),
    ("comedies. On second thought, no comedies.", "-k 10 --less Comedy", &[]),
    ("no horror. ok, maybe one", "-k 10 --share 'Horror<=1'", &[]),
    ("5 films, at least 7 of them dramas", "-k 5", &["at least 7 of them dramas"]),
    ("comedies with a rating above 7", "-k 10 --more Comedy", &["rating above 7"]),
    ("sci-fi, 5 stars only", "-k 10 --more Sci-Fi", &["5 stars"]),
    ("do you have any westerns?", "-k 10 --more Western", &[]),
    ("got anything without romance?", "-k 10 --less Romance", &[]),
    ("what is a film noir?", "-k 10 --more Film-Noir", &[]),
    ("which comedies are under 90 minutes?", "-k 10 --more Comedy --where 'runtime<90'", &[]),
    ("is there a musical from Japan?", "-k 10 --more Musical --where 'country=Japan'", &[]),
    ("how about something from the 70s?", "-k 10 --where 'year>=1970 and year<=1979'", &[]),
    ("can I have three documentaries that aren't about war?", "-k 3 --more Documentary --less War", &[]),
    ("any chance of a thriller without crime?", "-k 10 --more Thriller --less Crime", &[]),
    (
        "my son loves animation, my daughter can't stand it",
        "-k 10 --more Animation",
        &["son", "daughter can't stand it"],
    ),
    ("my girlfriend doesn't like westerns", "-k 10 --less Western", &[]),
    ("we both love musicals", "-k 10 --more Musical", &[]),
    ("my husband is not into romance, nor am I", "-k 10 --less Romance", &[]),
    ("the kids want animation, no horror of course", "-k 10 --more Animation --less Horror", &[]),
    (
        "everyone keeps recommending dramas to me; I want comedies",
        "-k 10 --more Comedy",
        &["everyone keeps recommending dramas"],
    ),
    ("maybe a western", "-k 10 --more Western", &[]),
    ("comedies, preferably from France", "-k 10 --more Comedy --where 'country=France'", &[]),
    ("possibly something with robots in it, sci-fi", "-k 10 --more Sci-Fi", &["robots"]),
    ("horror only if it is from Japan", "-k 10 --share 'category=Horror and country!=Japan<=0'", &[]),
    ("ideally no dramas", "-k 10 --less Drama", &[]),
    ("I'm not sure about westerns", "-k 10 --less Western", &[]),
    ("kind of in the mood for crime", "-k 10 --more Crime", &[]),
    ("I might want a documentary", "-k 10 --more Documentary", &[]),
    ("none of the westerns", "-k 10 --less Western", &[]),
    ("nothing but documentaries", "-k 10 --more Documentary", &[]),
    ("all but the musicals", "-k 10 --less Musical", &[]),
    ("everything except war and westerns", "-k 10 --less War --less Western", &[]),
    ("not a single musical in the list", "-k 10 --less Musical", &[]),
    ("8 films, half of them comedies and none of them horror", "-k 8 --less Horror --share 'Comedy=50%'", &[]),
    ("two thirds dramas", "-k 10 --share 'Drama~7'", &[]),
    ("a quarter of the list should be musicals", "-k 10 --share 'Musical~25%'", &[]),
    ("the majority should be comedies", "-k 10 --share 'Comedy>=6'", &[]),
    ("no fewer than three westerns", "-k 10 --share 'Western>=3'", &[]),
    (
        "12 films: 4 comedies, 4 dramas, 4 thrillers",
        "-k 12 --share 'Comedy=4' --share 'Drama=4' --share 'Thriller=4'",
        &[],
    ),
    ("every other film a comedy", "-k 10 --share 'Comedy=50%'", &[]),
    ("three comedies max in a list of 9", "-k 9 --share 'Comedy<=3'", &[]),
    ("only two horror films out of ten", "-k 10 --share 'Horror=2'", &[]),
    ("something from 1985 or so", "-k 10 --where 'year>=1985 and year<=1985'", &[]),
    ("I have about 2 hours tonight", "-k 10 --where 'runtime<=120'", &[]),
    ("I am 45 years old and love westerns", "-k 10 --more Western", &["I am 45 years old"]),
    ("comedies for 2 people", "-k 10 --more Comedy", &["2 people"]),
    ("an hour and a half at most", "-k 10 --where 'runtime<=90'", &[]),
    ("between 80 and 100 minutes, no dramas", "-k 10 --less Drama --where 'runtime>=80 and runtime<=100'", &[]),
    ("crime movies from the last century", "-k 10 --more Crime --where 'year>=1901 and year<=2000'", &[]),
    (
        "nineties thrillers under an hour and a half",
        "-k 10 --more Thriller --where 'year>=1990 and year<=1999' --where 'runtime<90'",
        &[],
    ),
    ("dramas from nineteen eighty-five", "-k 10 --more Drama --where 'year>=1985 and year<=1985'", &[]),
    ("twenty-one films", "-k 21", &[]),
    ("I watched 3 comedies yesterday, now I want drama", "-k 10 --more Drama", &["I watched 3 comedies yesterday"]),
    ("funny films", "-k 10 --more Comedy", &[]),
    ("non-musicals", "-k 10 --less Musical", &[]),
    ("drama-free evening", "-k 10 --less Drama", &[]),
    ("animated films", "-k 10 --more Animation", &[]),
    ("a romantic thriller", "-k 10 --more Romance --more Thriller", &[]),
    ("dramatic westerns", "-k 10 --more Drama --more Western", &[]),
    ("scifi & thrillers", "-k 10 --where 'category=Sci-Fi|Thriller'", &[]),
    ("noir", "-k 10 --more Film-Noir", &[]),
    ("un-funny dramas", "-k 10 --more Drama --less Comedy", &[]),
    (
        "comedies and dramas but not westerns or war",
        "-k 10 --less Western --less War --where 'category=Comedy|Drama'",
        &[],
    ),
    ("yes to comedies, no to dramas", "-k 10 --more Comedy --less Drama", &[]),
    ("horror yes, romance no", "-k 10 --more Horror --less Romance", &[]),
    (
        "crime without romance or musicals, plus some action",
        "-k 10 --more Crime --less Romance --less Musical --share 'Action>=1'",
        &[],
    ),
    (
        "no romance, no war, no musicals, just good comedies",
        "-k 10 --more Comedy --less Romance --less War --less Musical",
        &[],
    ),
    ("neither horror nor war; sci-fi if you have it", "-k 10 --more Sci-Fi --less Horror --less War", &[]),
    (
        "drama, not romantic, not about war, after 2000",
        "-k 10 --more Drama --less Romance --less War --where 'year>2000'",
        &[],
    ),
    (
        "5 westerns or war films, nothing before 1975, nothing over two hours",
        "-k 5 --where 'category=Western|War' --where 'year>=1975' --where 'runtime<=120'",
        &[],
    ),
    ("animation but for adults, not children", "-k 10 --more Animation --less Children", &["but for adults"]),
];

const GAMES: [Row; 13] = [
    ("no way am I playing horror", "-k 10 --less Horror", &[]),
    ("hold the puzzles", "-k 10 --less Puzzle", &[]),
    ("a western, no: a puzzle game", "-k 10 --more Puzzle", &["western"]),
    ("a pair of shooters", "-k 2 --more Shooter", &[]),
    ("6 games, 3 or more of them RPGs", "-k 6 --share 'RPG>=3'", &[]),
    ("up to two racing games, the rest strategy", "-k 10 --share 'Racing<=2' --where 'category=Racing|Strategy'", &[]),
    ("free strategy games", "-k 10 --more Strategy --where 'price<=0'", &[]),
    ("strategy for 2 players", "-k 10 --more Strategy", &["2 players"]),
    ("10-20 dollar puzzle games", "-k 10 --more Puzzle --where 'price>=10 and price<=20'", &[]),
    ("rpg's", "-k 10 --more RPG", &[]),
    ("strategic games without any fighting", "-k 10 --more Strategy --less Fighting", &[]),
    (
        "shooters and racers, no horror, no stealth",
        "-k 10 --less Horror --less Stealth --where 'category=Shooter|Racing'",
        &[],
    ),
    (
        "RPGs from Paper Fox but not from before 2010",
        "-k 10 --more RPG --where 'publisher=Paper Fox' --where 'year>=2010'",
        &[],
    ),
];

/// Sentences of which too much is unclear to take anything from them.
const UNCLEAR_FILMS: [&str; 16] = [
    "my kids get scared by horror",
    "I'd sooner die than watch a romance",
    "give horror a miss",
    "war films without the war",
    "comedies but no comedies",
    "horror that isn't horror",
    "I give war films 2 out of 10",
    "westerns: 1/10",
    "I'd rate horror zero stars",
    "9/10 would watch a comedy again",
    "why is there horror in my list?",
    "who likes horror anyway?",
    "they said horror is great but I'm not convinced",
    "if it's a comedy, it must be short",
    "I guess horror would be ok",
    "films I can rent for 5 dollars",
];

const UNCLEAR_GAMES: [&str; 2] = ["I suck at platformers", "games for under a tenner"];

#[test]
fn many_voices_are_read_as_meant() {
    expect(&cinema(), FILMS);
    expect(&arcade(), GAMES);
}

#[test]
fn unclear_voices_say_nothing() {
    let (films, games) = (cinema(), arcade());
    let (films, games) = (AskParser::new(&films), AskParser::new(&games));
    let of_films = UNCLEAR_FILMS.iter().map(|text| (text, films.read(text, 10)));
    let of_games = UNCLEAR_GAMES.iter().map(|text| (text, games.read(text, 10)));
    for (text, reading) in of_films.chain(of_games) {
        assert!(!reading.says_something(), "{text:?}: {reading:?}");
    }
}
