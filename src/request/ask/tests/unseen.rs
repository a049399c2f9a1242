//! Sentences that were written before any of them was tried.

use super::table::{Row, expect};
use super::{arcade, cinema};
use crate::request::ask::AskParser;

const FILMS: [Row; 120] = [
    ("I should be delighted to see a musical again", "-k 10 --more Musical", &[]),
    ("nothing that isn't from the 80s", "-k 10 --where 'year>=1980 and year<=1989'", &[]),
    ("no film that isn't a thriller", "-k 10 --more Thriller", &[]),
    ("it's not that I dislike dramas", "-k 10 --more Drama", &[]),
    ("you can't have a good evening without a comedy", "-k 10 --more Comedy", &[]),
    ("no non-animated films", "-k 10 --more Animation", &[]),
    ("don't leave out the westerns", "-k 10 --share 'Western>=1'", &[]),
    ("anything goes except musicals", "-k 10 --less Musical", &["goes"]),
    ("I've had my fill of thrillers", "-k 10 --less Thriller", &[]),
    ("romance isn't for me", "-k 10 --less Romance", &[]),
    ("save me from another drama", "-k 10 --less Drama", &[]),
    ("horror is out of the question", "-k 10 --less Horror", &[]),
    ("can we not do westerns?", "-k 10 --less Western", &[]),
    ("I'd prefer not to watch anything with war", "-k 10 --less War", &[]),
    ("please leave the crime out", "-k 10 --less Crime", &[]),
    ("musicals, no thank you", "-k 10 --less Musical", &[]),
    ("I won't watch documentaries", "-k 10 --less Documentary", &[]),
    ("scary stuff is a no", "-k 10 --less Horror", &[]),
    ("8 films, skip the sci-fi", "-k 8 --less Sci-Fi", &[]),
    ("give me four that aren't horror", "-k 4 --less Horror", &[]),
    ("six movies, hold the romance", "-k 6 --less Romance", &[]),
    ("without any war, five films please", "-k 5 --less War", &[]),
    ("a list of 7 with no musicals", "-k 7 --less Musical", &[]),
    ("top 5, nothing scary", "-k 5 --less Horror", &[]),
    ("pick three for me, anything but drama", "-k 3 --less Drama", &[]),
    ("another two, not westerns", "-k 2 --less Western", &[]),
    ("I need 9 films and zero of them may be horror", "-k 9 --less Horror", &[]),
    ("10 films, at least four not from the USA", "-k 10 --share 'country!=USA>=4'", &[]),
    ("at most a third of the list should be drama", "-k 10 --share 'Drama<=3'", &[]),
    ("mostly thrillers, but throw in a comedy", "-k 10 --share 'Thriller>=6' --share 'Comedy>=1'", &[]),
    ("6 films, all but one of them comedies", "-k 6 --share 'Comedy=5'", &[]),
    ("20% animation at least", "-k 10 --share 'Animation>=20%'", &[]),
    ("not more than one musical", "-k 10 --share 'Musical<=1'", &[]),
    ("exactly two westerns among 8 films", "-k 8 --share 'Western=2'", &[]),
    ("no more than half should be from before 1990", "-k 10 --share 'year<1990<=50%'", &[]),
    ("5 films, two of them under 100 minutes", "-k 5 --share 'runtime<100=2'", &[]),
    (
        "I want at least one from France and one from Japan",
        "-k 10 --share 'country=France>=1' --share 'country=Japan>=1'",
        &[],
    ),
    ("a thriller or two", "-k 2 --more Thriller", &[]),
    ("three dramas at the very most", "-k 10 --share 'Drama<=3'", &[]),
    ("nothing longer than an hour and forty minutes", "-k 10 --where 'runtime<=100'", &[]),
    ("a western older than 1975", "-k 10 --more Western --where 'year<1975'", &[]),
    ("films from the year I was born, 1983", "-k 10", &["films from the year I was born, 1983"]),
    ("anything between an hour and two hours long", "-k 10 --where 'runtime>=60 and runtime<=120'", &[]),
    ("dramas from 70 to 79", "-k 10 --more Drama", &["70 to 79"]),
    ("2000s crime", "-k 10 --more Crime --where 'year>=2000 and year<=2009'", &[]),
    ("sub-$10 comedies", "-k 10 --more Comedy --where 'price<10'", &[]),
    ("films with a runtime between 90 and 110", "-k 10 --where 'runtime>=90 and runtime<=110'", &[]),
    ("late 90s or early 2000s thrillers", "-k 10 --more Thriller --where 'year>=1996 and year<=2003'", &[]),
    ("Japanese or French films only", "-k 10 --where 'country=Japan|France'", &[]),
    ("not American", "-k 10 --where 'country!=USA'", &[]),
    ("a 90 minute comedy", "-k 10 --more Comedy --where 'runtime>=90 and runtime<=90'", &[]),
    (
        "It's date night: romance, comedy, whatever, just no war",
        "-k 10 --less War --where 'category=Romance|Comedy'",
        &["date"],
    ),
    (
        "Grandma is visiting, so no horror and no crime, maybe a musical",
        "-k 10 --more Musical --less Horror --less Crime",
        &["Grandma", "visiting"],
    ),
    ("ok so basically I want sci-fi but like, not the horror kind", "-k 10 --more Sci-Fi --less Horror", &[]),
    ("Could you be so kind as to suggest six documentaries?", "-k 6 --more Documentary", &[]),
    ("me want action. no drama.", "-k 10 --more Action --less Drama", &[]),
    ("gimme gimme gimme westerns", "-k 10 --more Western", &[]),
    ("any good crime?", "-k 10 --more Crime", &[]),
    ("sci-fi!!!", "-k 10 --more Sci-Fi", &[]),
    (
        "the kids would love something animated, I'd rather not have romance",
        "-k 10 --more Animation --less Romance",
        &[],
    ),
    ("What I really don't need right now is another war film", "-k 10 --less War", &[]),
    ("comedies, and I mean comedies, not dramas", "-k 10 --more Comedy --less Drama", &[]),
    (
        "broke student here, anything under 8 dollars that's not a romance",
        "-k 10 --less Romance --where 'price<8'",
        &["broke student"],
    ),
    (
        "need sth for film club, max 100 min, no hollywood musicals",
        "-k 10 --less Musical --where 'runtime<=100'",
        &["club", "hollywood"],
    ),
    ("prof says we can't pick documentaries", "-k 10 --less Documentary", &["prof says"]),
    ("two horrors and a comedy to wash it down", "-k 3 --share 'Horror=2' --share 'Comedy=1'", &["wash", "down"]),
    ("90s horror binge, 6 films", "-k 6", &["90s horror binge"]),
    (
        "nothing my parents would watch, so no dramas or musicals",
        "-k 10 --less Drama --less Musical",
        &["nothing my parents would watch"],
    ),
    ("basically anything except rom coms", "-k 10 --share 'category=Romance and category=Comedy<=0'", &[]),
    (
        "we have a six year old, so no horror and nothing over 95 minutes",
        "-k 10 --less Horror --where 'runtime<=95'",
        &["we have a six year old"],
    ),
    ("animation the whole family enjoys", "-k 10 --more Animation --more Children", &[]),
    ("the children are in bed, bring on the thrillers", "-k 10 --more Thriller", &["bed"]),
    ("is there something for kids that isn't animated?", "-k 10 --more Children --less Animation", &[]),
    (
        "my toddler adores animation but nothing longer than 85 minutes",
        "-k 10 --more Animation --where 'runtime<=85'",
        &["toddler adores"],
    ),
    (
        "no fighting, no war, no crime; 4 children's films",
        "-k 4 --more Children --less War --less Crime",
        &["no fighting"],
    ),
    (
        "I'd like a chronological survey of westerns, 8 titles, pre-1980",
        "-k 8 --where 'year<1980'",
        &["I'd like a chronological survey of westerns"],
    ),
    ("noir and neo-noir from the 70s onwards", "-k 10 --more Film-Noir --where 'year>=1970'", &["neo"]),
    (
        "exclude anything released after 2015 or costing more than 30",
        "-k 10 --where 'year<=2015' --where 'price<=30'",
        &[],
    ),
    ("ten films, no two from the same year", "-k 10", &["no two from the same year"]),
    ("equal parts drama and comedy, 8 films", "-k 8", &["equal parts drama and comedy"]),
    ("western no musical", "-k 10 --more Western --less Musical", &[]),
    ("horror 80s usa", "-k 10 --more Horror --where 'year>=1980 and year<=1989' --where 'country=USA'", &[]),
    ("no war. no drama. 3.", "-k 3 --less War --less Drama", &[]),
    ("comedy (not romantic)", "-k 10 --more Comedy --less Romance", &[]),
    ("thriller!! not crime!!", "-k 10 --more Thriller --less Crime", &[]),
    ("7x comedy", "-k 10 --more Comedy", &["7x"]),
    ("4 docs max 90min", "-k 4 --more Documentary --where 'runtime<=90'", &[]),
    ("drama/crime -war", "-k 10 --less War --where 'category=Drama|Crime'", &[]),
    ("western yes. horror no. musical no.", "-k 10 --more Western --less Horror --less Musical", &[]),
    ("Would it be possible to get a list without crime films, please?", "-k 10 --less Crime", &[]),
    ("If you don't mind, nothing with war in it.", "-k 10 --less War", &["If you don't mind"]),
    ("Might there be something French that is not a drama?", "-k 10 --less Drama --where 'country=France'", &[]),
    ("Kindly refrain from suggesting horror", "-k 10 --less Horror", &["suggesting"]),
    ("I'm afraid I don't care for westerns", "-k 10 --less Western", &["afraid"]),
    ("Perhaps a thriller, though not one about crime", "-k 10 --more Thriller --less Crime", &[]),
    ("Anything will do, as long as it isn't horror", "-k 10 --less Horror", &[]),
    ("stop recommending me dramas", "-k 10 --less Drama", &[]),
    ("for the love of god no more romance", "-k 10 --less Romance", &["god"]),
    ("your westerns suck, show me crime", "-k 10 --more Crime --less Western", &[]),
    ("horror?! absolutely not", "-k 10 --less Horror", &[]),
    ("enough already with war", "-k 10 --less War", &[]),
    ("I said comedies, not dramas!", "-k 10 --less Drama", &["I said comedies"]),
    ("comedies my ass, give me action", "-k 10 --more Action", &["comedies my ass"]),
    ("drama yes but romance please no", "-k 10 --more Drama --less Romance", &[]),
    ("all genre ok except of musical", "-k 10 --less Musical", &[]),
    ("rough day, need laughs", "-k 10 --more Comedy", &["rough day"]),
    ("I want to cry, but not because of war", "-k 10 --less War", &["cry"]),
    (
        "can't sleep, so something boring? a documentary maybe",
        "-k 10 --more Documentary",
        &["can't sleep", "so something boring"],
    ),
    ("I'd kill for a good thriller right now", "-k 10 --more Thriller", &[]),
    (
        "feeling nostalgic, 80s action",
        "-k 10 --more Action --where 'year>=1980 and year<=1989'",
        &["feeling nostalgic"],
    ),
    ("I could really go for a western", "-k 10 --more Western", &[]),
    ("crime doesn't do it for me", "-k 10 --less Crime", &[]),
    ("10 films: 6 comedies, the other 4 thrillers", "-k 10 --share 'Comedy=6' --share 'Thriller=4'", &[]),
    ("five westerns but no more than one from before 1970", "-k 5 --more Western --share 'year<1970<=1'", &[]),
    ("a list of twelve, a third of which should be documentaries", "-k 12 --share 'Documentary=4'", &[]),
    ("3-5 thrillers", "-k 10 --share 'Thriller>=3' --share 'Thriller<=5'", &[]),
    ("not fewer than 4 dramas in ten films", "-k 10 --share 'Drama>=4'", &[]),
    ("6 films, half from before 1990 and half after", "-k 6 --share 'year<1990=50%'", &["half after"]),
    ("just the one horror, please", "-k 10 --share 'Horror=1'", &[]),
    ("seven or eight crime films", "-k 10 --share 'Crime>=7' --share 'Crime<=8'", &[]),
];

const GAMES: [Row; 21] = [
    ("no stealth sections please", "-k 10 --less Stealth", &["sections"]),
    ("five games that are neither sports nor racing", "-k 5 --less Sports --less Racing", &[]),
    ("half a dozen games without fighting", "-k 6 --less Fighting", &[]),
    ("10 games with a mix of strategy and puzzle", "-k 10 --where 'category=Strategy|Puzzle'", &[]),
    ("RPGs that cost nothing", "-k 10 --more RPG --where 'price<=0'", &[]),
    ("games from the last decade, under 15 bucks", "-k 10 --where 'year>=2008' --where 'price<15'", &[]),
    ("shooters released in 2015 or 2016", "-k 10 --more Shooter --where 'year>=2015 and year<=2016'", &[]),
    ("something relaxing, no shooters", "-k 10 --less Shooter", &["relaxing"]),
    ("co-op RPGs but not turn-based", "-k 10 --more RPG", &["co", "op", "not turn-based"]),
    ("I'm done with racing, bring me strategy", "-k 10 --more Strategy --less Racing", &[]),
    ("no horror, I play at night", "-k 10 --less Horror", &["I play at night"]),
    ("12 games, a quarter of them racing, none of them horror", "-k 12 --less Horror --share 'Racing=25%'", &[]),
    ("at most two games by Paper Fox", "-k 10 --share 'publisher=Paper Fox<=2'", &[]),
    ("no jump scares, no horror, strategy only", "-k 10 --more Strategy --less Horror", &["no jump scares"]),
    ("RPGs with no strategy elements", "-k 10 --more RPG --less Strategy", &["elements"]),
    (
        "couch co-op, racing or sports, under 20 euro",
        "-k 10 --where 'category=Racing|Sports' --where 'price<20'",
        &["couch co", "op"],
    ),
    (
        "something between $5 and $15 that isn't a platformer",
        "-k 10 --less Platformer --where 'price>=5 and price<=15'",
        &[],
    ),
    ("I rage quit every platformer", "-k 10 --less Platformer", &["rage"]),
    ("nothing by Northlight", "-k 10 --where 'publisher!=Northlight'", &[]),
    ("stealth games are my jam", "-k 10 --more Stealth", &[]),
    ("not into shooters unless they're free", "-k 10 --share 'category=Shooter and price>0<=0'", &[]),
];

/// Sentences of which too much is unclear to take anything from them.
const UNCLEAR_FILMS: [&str; 15] = [
    "I never said I don't like musicals",
    "I'm not against war films",
    "we're staying away from horror tonight",
    "thrillers are off the menu",
    "last night's horror was plenty",
    "an even split of comedy and drama",
    "one romance is plenty",
    "drama > comedy",
    "If there's a western among them, throw it out",
    "at least 30% non-US productions",
    "anything but anglophone cinema",
    "sci-fi < 2000",
    "who the hell watches musicals",
    "thrillers stress me out",
    "double the usual amount of horror",
];

const UNCLEAR_GAMES: [&str; 2] = ["games I don't have to shoot in", "I'm terrible at puzzles"];

#[test]
fn unseen_sentences_are_read_as_meant() {
    expect(&cinema(), FILMS);
    expect(&arcade(), GAMES);
}

#[test]
fn unclear_unseen_sentences_say_nothing() {
    let (films, games) = (cinema(), arcade());
    let (films, games) = (AskParser::new(&films), AskParser::new(&games));
    let of_films = UNCLEAR_FILMS.iter().map(|text| (text, films.read(text, 10)));
    let of_games = UNCLEAR_GAMES.iter().map(|text| (text, games.read(text, 10)));
    for (text, reading) in of_films.chain(of_games) {
        assert!(!reading.says_something(), "{text:?}: {reading:?}");
    }
}
