//! Sentences by hand.

use super::films;
use crate::data::Catalogue;
use crate::request::ask::AskParser;
use crate::request::flags::shell;

/// A sentence, its flags, and what was not understood.
pub(super) type Row = (&'static str, &'static str, &'static [&'static str]);

/// Sentences of one author, about the films and games of the catalogues.
pub(super) struct Sheet {
    pub films: &'static [Row],
    pub games: &'static [Row],
    /// Sentences of which too much is unclear to take anything from them.
    pub unclear_films: &'static [&'static str],
    pub unclear_games: &'static [&'static str],
}

pub(super) const ROWS: [Row; 112] = [
    (
        "a few comedies from the nineties, nothing violent",
        "-k 3 --more Comedy --less Action --less Crime --less Horror --less Thriller --less War --where 'year>=1990 and year<=1999'",
        &[],
    ),
    ("ten films for me, at least half comedies, no horror", "-k 10 --less Horror --share 'Comedy>=50%'", &[]),
    ("comedies", "-k 10 --more Comedy", &[]),
    ("Twelve dramas, please!", "-k 12 --more Drama", &[]),
    ("a dozen films", "-k 12", &[]),
    ("5 romantic comedies", "-k 5 --more Romance --more Comedy", &[]),
    ("romcoms", "-k 10 --more Romance --more Comedy", &[]),
    ("comedies and dramas", "-k 10 --where 'category=Comedy|Drama'", &[]),
    ("comedies, dramas or thrillers", "-k 10 --where 'category=Comedy|Drama|Thriller'", &[]),
    ("something funny and romantic", "-k 10 --more Comedy --more Romance", &[]),
    ("something funny or scary", "-k 10 --where 'category=Comedy|Horror'", &[]),
    ("no horror", "-k 10 --less Horror", &[]),
    ("No horror or war films.", "-k 10 --less Horror --less War", &[]),
    ("no horror, war, or crime", "-k 10 --less Horror --less War --less Crime", &[]),
    ("nothing scary", "-k 10 --less Horror", &[]),
    ("without violence", "-k 10 --less Action --less Crime --less Horror --less Thriller --less War", &[]),
    ("anything but romance", "-k 10 --less Romance", &[]),
    ("everything except documentaries", "-k 10", &["everything except documentaries"]),
    ("I don't like dramas", "-k 10 --less Drama", &[]),
    ("I'm tired of thrillers. Something for the whole family!", "-k 10 --more Family --less Thriller", &[]),
    ("comedies without romance", "-k 10 --more Comedy --less Romance", &[]),
    ("comedies but no romantic ones", "-k 10 --more Comedy --less Romance", &[]),
    ("horror is not my thing", "-k 10 --less Horror", &[]),
    ("not too scary", "-k 10 --less Horror", &[]),
    ("not too many dramas", "-k 10 --share 'Drama<=30%'", &[]),
    ("less drama, more comedy", "-k 10 --more Comedy --less Drama", &[]),
    ("no romantic comedies", "-k 10 --share 'category=Romance and category=Comedy<=0'", &[]),
    ("at most 30% drama", "-k 10 --share 'Drama<=30%'", &[]),
    ("at most thirty percent drama", "-k 10 --share 'Drama<=30%'", &[]),
    ("8 films, no more than two dramas", "-k 8 --share 'Drama<=2'", &[]),
    ("8 films, of which at least three are comedies", "-k 8 --share 'Comedy>=3'", &[]),
    ("mostly comedies", "-k 10 --share 'Comedy>=6'", &[]),
    ("seven films, mostly thrillers", "-k 7 --share 'Thriller>=4'", &[]),
    ("half comedies, half dramas", "-k 10 --share 'Comedy=50%' --share 'Drama=50%'", &[]),
    ("nine films, a third of them science fiction", "-k 9 --share 'Sci-Fi=3'", &[]),
    ("about a quarter should be sci-fi", "-k 10 --share 'Sci-Fi~25%'", &[]),
    ("roughly 40 % animated films", "-k 10 --share 'Animation~40%'", &[]),
    ("exactly two war movies", "-k 10 --share 'War=2'", &[]),
    ("more than half comedies", "-k 10 --share 'Comedy>=6'", &[]),
    ("fewer than three horror films", "-k 10 --share 'Horror<=2'", &[]),
    ("between two and four thrillers", "-k 10 --share 'Thriller>=2' --share 'Thriller<=4'", &[]),
    ("three comedies and two dramas", "-k 5 --share Comedy=3 --share Drama=2", &[]),
    ("ten films, three of them comedies", "-k 10 --share 'Comedy=3'", &[]),
    ("only comedies", "-k 10 --more Comedy", &[]),
    ("nothing but cartoons", "-k 10 --more Animation", &[]),
    ("comedies with some drama", "-k 10 --more Comedy --share 'Drama>=1'", &[]),
    ("20 films, 30% or more comedies, 10% or less horror", "-k 20 --share 'Comedy>=30%' --share 'Horror<=10%'", &[]),
    ("I like dramas, but let no more than three be of that", "-k 10 --share 'Drama<=3'", &[]),
    ("one in every five films should be a comedy", "-k 10 --share 'Comedy=20%'", &[]),
    ("from the nineties", "-k 10 --where 'year>=1990 and year<=1999'", &[]),
    ("films of the '90s", "-k 10 --where 'year>=1990 and year<=1999'", &[]),
    ("1990s crime films", "-k 10 --more Crime --where 'year>=1990 and year<=1999'", &[]),
    ("thrillers from the early 80s", "-k 10 --more Thriller --where 'year>=1980 and year<=1983'", &[]),
    ("from the eighties and the nineties", "-k 10 --where 'year>=1980 and year<=1999'", &[]),
    ("from the 70s or the 90s", "-k 10 --share 'year>1979 and year<1990<=0' --where 'year>=1970 and year<=1999'", &[]),
    ("after 2010", "-k 10 --where 'year>2010'", &[]),
    ("since 2000", "-k 10 --where 'year>=2000'", &[]),
    ("before the eighties", "-k 10 --where 'year<1980'", &[]),
    ("between 1990 and 2000", "-k 10 --where 'year>=1990 and year<=2000'", &[]),
    ("from 1990 to 1995", "-k 10 --where 'year>=1990 and year<=1995'", &[]),
    ("comedies 1990-1999", "-k 10 --more Comedy --where 'year>=1990 and year<=1999'", &[]),
    ("from 1993", "-k 10 --where 'year>=1993 and year<=1993'", &[]),
    ("from 2000 onwards", "-k 10 --where 'year>=2000'", &[]),
    ("nothing before 1980", "-k 10 --where 'year>=1980'", &[]),
    ("nothing older than 1990, please", "-k 10 --where 'year>=1990'", &[]),
    ("nothing from the seventies", "-k 10 --share 'year>=1970 and year<=1979<=0'", &[]),
    ("no comedies from the nineties", "-k 10 --share 'category=Comedy and year>=1990 and year<=1999<=0'", &[]),
    ("at least half from the nineties", "-k 10 --share 'year>=1990 and year<=1999>=50%'", &[]),
    ("films of the 20th century", "-k 10 --where 'year>=1901 and year<=2000'", &[]),
    ("recent comedies", "-k 10 --more Comedy --where 'year>=2001'", &[]),
    ("classic dramas", "-k 10 --more Drama --where 'year<=1979'", &[]),
    ("under 20 dollars", "-k 10 --where 'price<20'", &[]),
    ("comedies for less than $10", "-k 10 --more Comedy --where 'price<10'", &[]),
    ("up to 10 euros", "-k 10 --where 'price<=10'", &[]),
    ("between 5 and 10 dollars", "-k 10 --where 'price>=5 and price<=10'", &[]),
    ("cheap thrillers", "-k 10 --more Thriller --where 'price<=7'", &[]),
    ("price below 9.99", "-k 10 --where 'price<9.99'", &[]),
    ("films from France", "-k 10 --where country=France", &[]),
    ("comedies from Italy or France", "-k 10 --more Comedy --where 'country=Italy|France'", &[]),
    ("nothing from the United Kingdom", "-k 10 --where 'country!=United Kingdom'", &[]),
    ("country: Germany", "-k 10 --where country=Germany", &[]),
    ("something like Titanic", "-k 10 --history 'Titanic (1997)'", &[]),
    (
        "films like The Godfather and Jaws, but no horror",
        "-k 10 --history 'The Godfather (1972)' --history 'Jaws (1975)' --less Horror",
        &[],
    ),
    (
        "I loved 'Schindler's List' and \"Amélie (2001)\"",
        "-k 10 --history 'Schindler'\\''s List (1993)' --history 'Amélie (2001)'",
        &[],
    ),
    ("similar to good bye lenin", "-k 10 --history 'Good Bye, Lenin! (2003)'", &[]),
    ("like Mr. Nobody or Alien", "-k 10 --history 'Mr. Nobody (2009)' --history 'Alien (1979)'", &[]),
    ("Alien was good, Jaws wasn't", "-k 10 --history 'Alien (1979)' --exclude 'Jaws (1975)'", &[]),
    ("I liked Alien, Jaws I didn't", "-k 10 --history 'Alien (1979)' --exclude 'Jaws (1975)'", &[]),
    ("include 12 Angry Men", "-k 10 --must '12 Angry Men (1957)'", &[]),
    ("anything but Titanic", "-k 10 --exclude 'Titanic (1997)'", &[]),
    ("dramas, and leave out Heat (1995)", "-k 10 --more Drama --exclude 'Heat (1995)'", &[]),
    ("like Heat", "-k 10 --history 'Heat (1972)'", &[]),
    (
        "comdies from the nineties wihtout horor",
        "-k 10 --more Comedy --less Horror --where 'year>=1990 and year<=1999'",
        &[],
    ),
    ("similar to Groundhg Day", "-k 10 --history 'Groundhog Day (1993)'", &[]),
    ("COMEDIES, NO HORROR", "-k 10 --more Comedy --less Horror", &[]),
    ("comedy/drama, year>=2000", "-k 10 --where 'category=Comedy|Drama' --where 'year>=2000'", &[]),
    (
        "ten thrillers or horror movies released after 2005",
        "-k 10 --where 'category=Thriller|Horror' --where 'year>2005'",
        &[],
    ),
    (
        "comedies, thrillers and dramas from the nineties",
        "-k 10 --where 'category=Comedy|Thriller|Drama' --where 'year>=1990 and year<=1999'",
        &[],
    ),
    (
        "no horror and comedies from the nineties",
        "-k 10 --share 'category=Horror and year>=1990 and year<=1999<=0' --share 'category=Comedy and year>=1990 and year<=1999<=0'",
        &[],
    ),
    ("5 films: 2 comedies, 2 dramas and 1 war film", "-k 5 --share Comedy=2 --share Drama=2 --share War=1", &[]),
    ("3 to 5 comedies among 20 films", "-k 20 --share 'Comedy>=3' --share 'Comedy<=5'", &[]),
    ("no Heat", "-k 10 --exclude 'Heat (1995)' --exclude 'Heat (1972)'", &[]),
    (
        "I loved Jaws and The Godfather; more of that, but nothing before 2000",
        "-k 10 --history 'Jaws (1975)' --history 'The Godfather (1972)' --where 'year>=2000'",
        &[],
    ),
    (
        "war or history, mostly from this century",
        "-k 10 --share 'year>=2001 and year<=2100>=6' --where 'category=War|History'",
        &[],
    ),
    ("dramas with a bit of romance", "-k 10 --more Drama --share 'Romance>=1'", &[]),
    ("black and white films", "-k 10", &["black and white"]),
    ("ten superhero films", "-k 10", &["superhero"]),
    ("comedies with dinosaurs", "-k 10 --more Comedy", &["dinosaurs"]),
    ("no dinosaurs and no horror", "-k 10 --less Horror", &["no dinosaurs"]),
    ("comedies under two hours", "-k 10 --more Comedy", &["under two hours"]),
    ("more comedies than dramas", "-k 10 --share 'Comedy>=6'", &[]),
    (
        "comedies or at least something from the nineties",
        "-k 10 --share 'category!=Comedy and year<1990<=0' --share 'category!=Comedy and year>1999<=0'",
        &["at least"],
    ),
];

/// Sentences whose meaning hangs on the scope of a refusal or an amount.
pub(super) const SCOPES: [Row; 52] = [
    ("5 films without horror", "-k 5 --less Horror", &[]),
    ("5 films: none of them horror", "-k 5 --less Horror", &[]),
    ("nothing that isn't a comedy", "-k 10 --more Comedy", &[]),
    ("nothing but crime", "-k 10 --more Crime", &[]),
    ("no comedies, except from France", "-k 10 --share 'category=Comedy and country!=France<=0'", &[]),
    ("no horror unless it is funny", "-k 10 --share 'category=Horror and category!=Comedy<=0'", &[]),
    ("no dramas without romance", "-k 10 --share 'category=Drama and category!=Romance<=0'", &[]),
    ("everything except comedies that aren't French", "-k 10 --share 'category=Comedy and country!=France<=0'", &[]),
    ("not without comedy", "-k 10 --more Comedy", &[]),
    ("I don't hate war films", "-k 10", &[]),
    ("I don't want no war films", "-k 10 --less War", &[]),
    ("horror - no", "-k 10 --less Horror", &[]),
    ("comedies yes, horror no", "-k 10 --more Comedy --less Horror", &[]),
    ("horror and war are out", "-k 10 --less Horror --less War", &[]),
    ("leave war and crime out of it", "-k 10 --less War --less Crime", &[]),
    ("horror-free", "-k 10 --less Horror", &[]),
    ("non-romantic comedies", "-k 10 --more Comedy --less Romance", &[]),
    ("+comedy -horror", "-k 10 --more Comedy --less Horror", &[]),
    ("horror bores me", "-k 10 --less Horror", &[]),
    ("horror gives me headaches", "-k 10", &["horror gives me headaches"]),
    ("I abominate horror", "-k 10", &["I abominate horror"]),
    ("do not give me 5 horror films", "-k 10 --less Horror", &["5"]),
    ("I don't want more than two dramas", "-k 10 --share 'Drama<=2'", &[]),
    ("not all comedies", "-k 10 --share 'Comedy<=9'", &[]),
    ("all but two from France", "-k 10 --share 'country=France=8'", &[]),
    ("at least half not horror", "-k 10 --share 'category!=Horror>=50%'", &[]),
    ("mostly not horror", "-k 10 --share 'category!=Horror>=6'", &[]),
    ("5 films, at most one from before 1980", "-k 5 --share 'year<1980<=1'", &[]),
    ("horror is fine, but at most one", "-k 10 --share 'Horror<=1'", &[]),
    ("one war film is enough", "-k 10 --share 'War<=1'", &[]),
    ("at least two comedies but no more than four", "-k 10 --share 'Comedy>=2' --share 'Comedy<=4'", &[]),
    ("5 comedies, sorry, I meant 6", "-k 6 --more Comedy", &[]),
    ("one comedy, the rest dramas", "-k 10 --share 'Comedy=1' --share 'Drama>=9'", &[]),
    ("two comedies and a drama", "-k 3 --share 'Comedy=2' --share 'Drama=1'", &[]),
    ("4 comedies, two of which from the 90s", "-k 4 --more Comedy --share 'year>=1990 and year<=1999=2'", &[]),
    (
        "without comedy or romance from the eighties",
        "-k 10 --share 'category=Comedy and year>=1980 and year<=1989<=0' --share 'category=Romance and year>=1980 and year<=1989<=0'",
        &[],
    ),
    (
        "comedies without romance from the eighties",
        "-k 10 --more Comedy --less Romance --where 'year>=1980 and year<=1989'",
        &[],
    ),
    ("films for 5 people", "-k 10", &["5 people"]),
    ("at 8 pm I want to see a comedy", "-k 10 --more Comedy", &["at 8 pm"]),
    ("comedies if they are new", "-k 10", &["comedies if they are new"]),
    (
        "comedies for under ten dollars that are not older than 1990",
        "-k 10 --more Comedy --where 'price<10' --where 'year>=1990'",
        &[],
    ),
    ("$10 max, 5 films", "-k 5 --where 'price<=10'", &[]),
    ("before '80", "-k 10 --where 'year<1980'", &[]),
    ("from 1990 to now", "-k 10 --where 'year>=1990'", &[]),
    ("I prefer comedies over dramas", "-k 10 --more Comedy --less Drama", &[]),
    ("comedies rather than dramas", "-k 10 --more Comedy --less Drama", &[]),
    ("not only comedies but also dramas", "-k 10 --where 'category=Comedy|Drama'", &[]),
    ("I can't get enough of war films", "-k 10 --more War", &[]),
    ("I can't decide between comedy and drama", "-k 10", &["I can't decide between comedy and drama"]),
    ("I didn't like Titanic", "-k 10 --exclude 'Titanic (1997)'", &[]),
    ("like Titanic, but not Jaws", "-k 10 --history 'Titanic (1997)' --exclude 'Jaws (1975)'", &[]),
    ("I've seen Jaws", "-k 10 --history 'Jaws (1975)'", &[]),
];

#[test]
fn sentences_mean_what_they_say() {
    expect(&films(), ROWS.into_iter().chain(SCOPES));
}

/// Every sentence means its flags, and no word is missed but those of its row.
pub(super) fn expect(catalogue: &Catalogue, rows: impl IntoIterator<Item = Row>) {
    let asker = AskParser::new(catalogue);
    let mut wrong = Vec::new();
    for (text, flags, gaps) in rows {
        let reading = asker.read(text, 10);
        let found = shell(&reading.request.flags(catalogue));
        let missed: Vec<&str> = reading.not_understood.iter().map(|gap| gap.text.as_str()).collect();
        let unquoted = |line: &str| line.replace('\'', "");
        if unquoted(&found) != unquoted(flags) || missed != gaps {
            wrong.push(format!("{text:?}\n  wanted {flags} {gaps:?}\n  found  {found} {missed:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn judgements_are_said() {
    let films = films();
    let asker = AskParser::new(&films);
    let said = |text: &str| {
        let assumed = asker.read(text, 10).assumed;
        assumed.into_iter().map(|one| format!("{}: {}", one.text, one.taken_as)).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(said("a few comedies"), "a few: taken as 3");
    assert_eq!(said("nothing violent"), "violent: taken as Action or Crime or Horror or Thriller or War");
    assert_eq!(said("no eastern films, some horor"), "horor: read as \"horror\"");
    assert_eq!(said("like Heat"), "Heat: taken as \"Heat (1972)\", the last of 2 such titles");
    assert_eq!(said("nothing like Jaws"), "Jaws: only \"Jaws (1975)\" itself is left out");
    assert_eq!(said("cheap"), "cheap: taken as price up to 7, the lowest third");
    assert_eq!(said("ten comedies from 1993, no more than two dramas"), "");
}

#[test]
fn what_a_catalogue_lacks_is_no_wish() {
    let mut plain = films();
    plain = Catalogue::new(
        plain.items().iter().map(|item| crate::data::Item { attributes: Vec::new(), ..item.clone() }).collect(),
        vec!["Comedy".into(); 12],
        Vec::new(),
    );
    let reading = AskParser::new(&plain).read("cheap comedies from the nineties", 10);
    let why: Vec<_> = reading.not_understood.iter().map(|gap| (gap.text.as_str(), gap.why.unwrap())).collect();
    assert_eq!(
        why,
        [
            ("cheap", "the data set has no column of prices"),
            ("from the nineties", "the data set has no column of years")
        ]
    );
}

#[test]
fn the_length_that_is_known_otherwise_counts_parts() {
    let films = films();
    let asker = AskParser::new(&films);
    let flags = |text: &str, k| shell(&asker.read(text, k).request.flags(&films));
    assert_eq!(flags("mostly comedies", 5), "-k 5 --share 'Comedy>=3'");
    assert_eq!(flags("half comedies", 5), "-k 5 --share 'Comedy~50%'");
    assert!(!asker.read("mostly comedies", 5).says_length && asker.read("six comedies", 5).says_length);
}

#[test]
fn nothing_said_is_nothing_asked() {
    let films = films();
    for text in ["", "   ", "please", "?!", "gibberish xyzzy", "🎬🎬"] {
        assert!(!AskParser::new(&films).read(text, 10).says_something(), "{text:?}");
    }
}
