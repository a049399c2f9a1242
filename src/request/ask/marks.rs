//! The words that say how things are asked for, and those that say nothing.

use super::amounts::{Compared, begins};
use super::spelling::near_enough;
use super::tokens::Token;

/// The function of a word for the words around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    /// None of it.
    Not,
    /// Only a little of it.
    Little,
    /// Only the things named.
    Only,
    /// More than half of it.
    Mostly,
    /// At least one of it.
    Some,
    /// An amount follows, or went before.
    Compared(Compared),
    /// "between" two amounts.
    Between,
    /// Part of the list: "of them", "should be".
    Part,
    /// A reference to the words before: "of it".
    That,
    /// Between the two ends of "3 to 5".
    To,
    /// "more of this than of that": no such comparison can be asked for.
    Than,
    /// Titles that were taken, or that others shall be like.
    Taken,
    /// Titles that the list has to hold.
    Must,
    /// Titles to choose from.
    Candidates,
    /// A word for items: "films".
    Items,
    And,
    Or,
    But,
    /// A new thing begins: "with", "plus".
    With,
    /// A word that may stand before any thing in a list: "any".
    Article,
    /// A word that only holds sentences together.
    Filler,
}

const MARKS: [(Mark, &str); 26] = [
    (
        Mark::Not,
        "no, not, dont, doesnt, isnt, arent, wont, cant, cannot, without, never, none, nothing, nor, neither, non, \
         anything but, everything but, all but, everything except, anything except, except, except for, excluding, \
         exclude, apart from, other than, avoid, avoiding, skip, hate, hates, hated, dislike, disliked, detest, \
         do not want, dont want, do not like, dont like, not like, did not like, didnt like, sick of, tired of, \
         bored of, bored with, fed up with, leave out, leaving out, spare me, minus, rather than, instead of, \
         had enough of, enough of, keep away from, stay away from, do without, not too, nothing too, not very, no more, \
         less, fewer, not so, not overly, rule out, free of, anything other than, not anything",
    ),
    (
        Mark::Little,
        "not too much, not too many, not much, not many, little, very little, very few, hardly any, only a little",
    ),
    (
        Mark::Only,
        "only, nothing but, nothing else, and nothing else, exclusively, solely, purely, entirely, all, every, each, \
         nothing else than, just, nothing other than, leave out whatever does not have, \
         every item must have, every one must have",
    ),
    (
        Mark::Mostly,
        "mostly, mainly, primarily, predominantly, largely, most, the majority, a majority, majority, for the most part",
    ),
    (Mark::Some, "a bit of, a little, a touch of, a little bit of, some, a dash of, one or two"),
    (
        Mark::Compared(Compared::AtLeast),
        "at least, no fewer than, no less than, not less than, not fewer than, minimum, minimum of, a minimum of, min, \
         or more, at minimum, at the very least, as a minimum, and more, upwards of, do not go below, never below, or above, \
         at a minimum",
    ),
    (
        Mark::Compared(Compared::AtMost),
        "at most, at the most, at the very most, no more than, not more than, maximum, maximum of, a maximum of, max, up to, \
         or fewer, or less, and not more, and no more, down to, stop at, as a maximum, or below, at maximum, at a maximum",
    ),
    (Mark::Compared(Compared::MoreThan), "more than, over, above, greater than"),
    (Mark::Compared(Compared::FewerThan), "less than, fewer than, under, below"),
    (
        Mark::Compared(Compared::About),
        "about, around, roughly, approximately, approx, circa, nearly, almost, close to, or so, more or less, \
         give or take, give or take one, give or take one item, or close to it, near, something near",
    ),
    (
        Mark::Compared(Compared::Exactly),
        "exactly, precisely, no more and no fewer, no more no less, neither above nor below, not one more or less, \
         no more and no less",
    ),
    (Mark::Between, "between"),
    (
        Mark::Part,
        "of them, of these, of those, of the list, of the items, of which, of the films, of the movies, should be, may be, \
         must be, shall be, can be, should make up, make up, being, have to be",
    ),
    (Mark::That, "of it, be of it, of that, of this kind"),
    (Mark::To, "to"),
    (Mark::Than, "than, not only, not just, not necessarily"),
    (
        Mark::Taken,
        "like, similar to, in the style of, along the lines of, in the vein of, reminiscent of, such as, same as, \
         liked, loved, love, enjoy, enjoyed, seen, saw, watched, read, played, bought, owned, own, already have, i chose, chose, \
         i chose these items before, fan of, fans of, favourite is, favorite is, favourites are, favorites are, \
         i have seen, i have read, i have played, i have watched, based on, more like, something like, anything like",
    ),
    (
        Mark::Must,
        "include, includes, including, must include, must have, insist on, be sure to have, do not forget, dont forget, \
         part of the list, has to have, must contain, contain, containing, in it",
    ),
    (
        Mark::Candidates,
        "choose from, choose from these items alone, select from, select from the following items, pick from, pick only among, \
         the candidates are, candidates, one of these, out of these, from the following, these are the items at hand, \
         nothing but these items can be had",
    ),
    (
        Mark::Items,
        "film, films, movie, movies, item, items, title, titles, thing, things, game, games, book, books, song, songs, album, \
         albums, product, products, recommendation, recommendations, suggestion, suggestions, flick, flicks, picture, pictures, \
         toy, toys, article, articles, show, shows, series, list, numbered list, ones, options, picks",
    ),
    (Mark::And, "and, as well as, along with, plus, also, then"),
    (Mark::Or, "or, and or"),
    (Mark::But, "but, yet, though, however, although"),
    (Mark::With, "with"),
    (
        Mark::Article,
        "a, an, the, any, of, anything, something, kind, kinds, sort, sorts, type, types, category, categories, genre, \
         genres, other, others, another, really, very, too, any kind of, all kinds of, good, great, nice",
    ),
    (
        Mark::Filler,
        "i, im, ive, id, me, my, mine, we, us, our, you, your, please, thanks, thank, hi, hello, hey, this, that, these, \
         those, it, its, them, they, is, are, was, were, be, been, am, do, does, did, have, has, had, can, could, may, \
         might, will, would, shall, should, must, want, wants, wanted, need, needs, give, gimme, show me, show us, \
         recommend, suggest, find, get, make, tell, let, lets, see, watch, for, from, in, on, at, as, so, by, up, \
         out, everything, everyone, somebody, someone, style, looking, look, mood, time, today, tonight, weekend, \
         evening, now, which, who, whose, what, whats, so what, best, better, new to me, different, quite, rather, pretty, more, much, \
         many, lot, lots, plenty, also, again, here, there, some more, kindly, maybe, perhaps, ideally, preferably, \
         prefer, possibly, care, interested, into, fancy, fond, taste, suit, suits, feel, feeling, well, ok, okay, \
         definitely, would like, would love, id like, id love, i would like to see more, would like to see, do not mind, \
         dont mind, mind, at all, little as i care, whole, rest assured, whatever else you choose, choose, top, of all, \
         together, total, in total, altogether, before, condition, satisfy, every item, all of the list, the list, keep, \
         please me, number, how about, what about, if possible, ready, stuff, next, take no others, way, story, \
         stories, set, made",
    ),
];

/// The mark that `tokens` begin with, and how many tokens it takes; the longest of several.
pub(super) fn read(tokens: &[Token]) -> Option<(Mark, usize)> {
    let phrases = MARKS.iter().flat_map(|(mark, phrases)| phrases.split(", ").map(move |phrase| (*mark, phrase)));
    let found = phrases.filter_map(|(mark, phrase)| Some((mark, begins(tokens, phrase)?)));
    // Of equally long ones the first counts.
    found.reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// The one mark that a misspelt word is near enough with its right spelling. Words that say nothing are not looked for: what is
/// like one of them may mean a lot.
pub(super) fn nearest(word: &str) -> Option<(&'static str, Mark)> {
    const SHORTEST: usize = 6;
    let says_something =
        |(mark, _): &&(Mark, &str)| !matches!(mark, Mark::Filler | Mark::Article | Mark::Items | Mark::To);
    let words = MARKS.iter().filter(says_something);
    let words = words.flat_map(|(mark, phrases)| phrases.split(", ").map(move |phrase| (phrase, *mark)));
    let long = |(phrase, _): &(&str, Mark)| !phrase.contains(' ') && phrase.len() >= SHORTEST;
    near_enough(word, words.filter(long))
}
