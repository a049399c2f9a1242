//! People, occasions and times, which requests tell of: "for my sister's graduation on Friday".
//!
//! Each of them is reported as not understood, and none is a verb that turns a sentence round.

/// Nouns in the singular.
const OCCASIONS: &str = "monday, tuesday, wednesday, thursday, friday, saturday, sunday, january, february, march, april, june, july, august, september, \
    october, november, december, spring, summer, autumn, winter, christmas, easter, halloween, hanukkah, diwali, ramadan, eve, \
    day, week, weekend, month, year, term, semester, season, holiday, vacation, morning, afternoon, evening, night, midnight, hour, minute, \
    birthday, anniversary, wedding, honeymoon, graduation, retirement, reunion, party, sleepover, celebration, ceremony, festival, marathon, \
    date, dinner, supper, lunch, breakfast, picnic, barbecue, meal, flight, trip, journey, ride, train, plane, bus, car, commute, \
    exam, test, homework, essay, lesson, class, course, school, university, college, office, work, job, shift, hospital, \
    club, society, meeting, group, team, crew, gang, crowd, household, family, couple, party, guest, visitor, \
    friend, mate, colleague, coworker, boss, manager, neighbour, neighbor, flatmate, roommate, housemate, teacher, student, pupil, \
    mother, father, mum, mom, dad, parent, son, daughter, sister, brother, sibling, cousin, nephew, niece, uncle, aunt, auntie, \
    grandmother, grandfather, grandma, grandpa, gran, granny, grandad, granddad, grandparent, grandchild, grandson, granddaughter, \
    husband, wife, spouse, partner, girlfriend, boyfriend, fiancee, fiance, bride, groom, baby, toddler, teenager, teen, adult, grown-up, \
    inlaw, in-law, stepson, stepdaughter, stepmother, stepfather, doctor, nurse, therapist, babysitter, pensioner, \
    house, home, flat, apartment, room, bed, sofa, couch, garden, village, town, hall, budget, money, wallet, salary, voucher, gift, present, \
    rain, snow, storm, weather, heatwave, flu, cold, headache, leg, back";

/// Returns true for a noun of an occasion or of somebody, in the singular or plural.
pub fn is_occasion(word: &str) -> bool {
    let bare = word.trim_end_matches("'s").trim_end_matches("’s").trim_end_matches('\'');
    let is = |word: &str| OCCASIONS.split(", ").any(|occasion| occasion.trim() == word);
    is(bare)
        || bare.strip_suffix('s').is_some_and(is)
        || bare.strip_suffix("ies").is_some_and(|stem| is(&format!("{stem}y")))
}

/// Returns true for an adverb of manner, which says nothing of what follows it: "finally", but neither "rarely" nor "apply".
pub fn is_adverb(word: &str) -> bool {
    const OTHERS: [&str; 18] = [
        "apply",
        "rely",
        "reply",
        "supply",
        "comply",
        "imply",
        "multiply",
        "fly",
        "ally",
        "rally",
        "bully",
        "family",
        "rarely",
        "seldomly",
        "hardly",
        "barely",
        "scarcely",
        "infrequently",
    ];
    word.len() > 4 && word.ends_with("ly") && !OTHERS.contains(&word)
}
