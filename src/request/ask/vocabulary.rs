//! The words that every catalogue shares: those that say how things are asked for, and those that mean nothing.
//!
//! A word is here only if it always means the same. Words that mean nothing are few on purpose: any other word is reported.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::amounts::{Compared, word};
use super::spelling::near_enough;
use super::tokens::Token;

/// The function of a word for the words around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Word {
    /// A refusal of what follows, or of what stands before it at the end of a clause.
    Refuse(Refusal),
    /// A refusal of what stands before it: "horror bores me".
    Unwelcome,
    /// More than is good: "too scary".
    Too,
    /// Beside a refusal no rule at all: "not just comedies".
    NotOnly,
    /// An allowance that is no wish: "I do not mind horror".
    Tolerated,
    /// "horror is fine".
    Fine,
    /// "only if it is funny".
    OnlyIf,
    Only,
    Every,
    Mostly,
    Little,
    Some,
    /// The part of a list that is left: "the rest dramas".
    Rest,
    Compared(Compared),
    /// A comparison that may also be a place: "over", "under".
    Beside(Compared),
    Between,
    To,
    /// Part of the list: "of them", "should be".
    Part,
    /// The words before: "of it".
    That,
    /// Titles that were taken, or that others shall be like.
    Role(TitleRole),
    /// A preference to something else.
    Prefer,
    Than,
    /// In the place of the wishes before: "comedies instead".
    Instead,
    /// In the place of the words before: "no, make that".
    Correction,
    /// A word for items: "films".
    Items,
    /// Items of any kind: "anything".
    Anything,
    And,
    Or,
    But,
    With,
    /// A word before a name; it never follows an adjective.
    Article,
    /// The speaker; a verb follows.
    Subject,
    /// "is", "are".
    Copula,
    /// A word that a description of any sort may follow: "about", "starring".
    Preposition,
    /// "about": nearly so many, or a preposition.
    About,
    /// "leave … out": a refusal only together with its second half.
    TakeOut,
    /// A verb or a phrase with one, which begins or ends a clause.
    Clause,
    /// "please", "thanks", "tonight".
    Courtesy,
    /// "more": begins a wish, and says nothing about how many.
    More,
    /// A condition or comparison that no request can state.
    Beyond,
    /// A word that means nothing.
    Filler,
}

/// The ways to refuse, by what they may be joined with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// "no": begins a wish of its own.
    No,
    /// "nothing": "no" and a word for items.
    Nothing,
    /// "not".
    Not,
    /// "non": refuses the one word that follows.
    Non,
    /// "without": may say more about what stands before it.
    Without,
    /// "except": takes out of what stands before it, whether that is wanted or refused.
    Except,
    /// "avoid": a verb or a phrase.
    Verb,
    /// "replace": what it is replaced with may follow.
    Swap,
}

/// The parts that titles play.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TitleRole {
    /// Liked, or a model for the list.
    Liked,
    /// Known already.
    Seen,
    /// Wanted in the list.
    Must,
    /// To stay in the list.
    Kept,
    /// To choose from.
    Candidates,
}

const PHRASES: [(Word, &str); 58] = [
    (
        Word::Refuse(Refusal::No),
        "no, not one, not a single, not even one, not even a, not even a single, no single, none of, not one of, not any, not any of, \
         neither, nor, never any, not ever, none of them, none of these, none of those, none of which, not one of them, \
         not a single one of them, not a single one, none of it",
    ),
    (Word::Refuse(Refusal::Nothing), "nothing, none, nobody, no one, not anything, nothing at all, none at all"),
    (
        Word::Refuse(Refusal::Not),
        "not, never, by no means, under no circumstances, on no account, in no case, no longer want, nope, nah, no thanks, no thank you, no way, no ta",
    ),
    (Word::Refuse(Refusal::Non), "non, un"),
    (
        Word::Refuse(Refusal::Without),
        "without, without any, free of, free from, devoid of, minus, sans, lacking, with no, with none of, with zero, void of, empty of, \
         no trace of, ohne, sin, senza, zonder, utan, uten, sem, kein, keine, keinen, geen, pas de, that has no, that have no, which have no, with not a single, clear of, rid of",
    ),
    (
        Word::Refuse(Refusal::Except),
        "except, except for, excepting, excluding, apart from, aside from, other than, save for, barring, but for, \
         with the exception of, leaving aside, not counting, unless, unless it is, unless they are, unless its, unless theyre, \
         as long as it is not, as long as they are not, exclusive of, different from, different to, different than, outside of",
    ),
    (
        Word::Refuse(Refusal::Verb),
        "avoid, avoids, avoiding, skip, skipping, hate, hates, hated, hating, dislike, dislikes, disliked, detest, detests, detested, loathe, \
         loathes, loathed, despise, despises, despised, abhor, can not stand, could not stand, can not bear, \
         can not take, can not deal with, can not handle, can not tolerate, can not abide, could not care less about, could not care less for, \
         could care less about, do not care for, sick of, tired of, bored of, bored with, bored by, weary of, fed up with, done with, through with, \
         over with, allergic to, averse to, opposed to, intolerant of, afraid of, scared of, wary of, put off by, turned off by, sick and tired of, \
         drop, dropping, remove, removing, ban, banning, exclude, omit, omitting, ditch, ditching, lose, cut, cut out, cut the, kill, nix, \
         forget, forget about, scrap, veto, eschew, shun, forgo, forego, spare me, spare us, spare me the, leave out, leaving out, leave off, \
         leave aside, leave away, rule out, ruling out, filter out, weed out, take out, throw out, kick out, strike, block, reject, \
         discard, delete, subtract, hide, ignore, ignoring, suppress, dodge, shy away from, keep away from, stay away from, steer clear of, \
         stay clear of, keep clear of, stay off, lay off, keep off, back off, ease off, go easy on, hold the, pass on, give up, give up on, quit, \
         had enough of, had it with, have had it with, enough of, enough with, enough, more than enough, unlike, opposite of, the opposite of, the reverse of, \
         instead of, rather than, as opposed to, over and above, less, fewer, a lot less, much less, no more, no more of, do without, could do without, can do without, \
         live without, can live without, could live without, get by without, too many, too much, too much of, too many of, far too many, \
         far too much, way too many, way too much, so over, anti, no need for, no need of, no use for, no interest in, not interested in, \
         no time for, refuse, refuses, object to, down with, stop with, stop the, stop showing me, stop recommending, stop suggesting, stop giving me, \
         quit showing me, quit recommending, miss out, not into, burned out on, burnt out on, mind not to, leave whatever has, get rid of, \
         put no, bar, except not, minus the, on the contrary of, against, to avoid, stay far away from, far from, nothing to do with, want nothing to do with, \
         anything but, everything but, all but, can not have, must not have, abstain from, refrain from, \
         do away with, seen enough, watched enough, seen too many, watched too many, seen too much, played enough, played too many, \
         stay out of, keep me from, keep me away from, deprive me of, phobic of, phobia of, hatred of, disgusted by, tire of, fear, fears, \
         have a problem with, have an issue with, fall asleep at, fall asleep with, overdosed on, od on, crap, down on, bore of",
    ),
    (Word::Refuse(Refusal::Swap), "replace, swap, swap out, exchange, trade, trade in, substitute, change, switch out"),
    (
        Word::Unwelcome,
        "bores, bore, bored, boring, suck, sucks, awful, terrible, dull, tedious, annoying, annoys, disgusting, disgusts, disgust, upsets, \
         upset, bothers, bother, scares, scare, frightens, irritates, irritate, stinks, stink, lame, rubbish, overrated, unwelcome, unbearable, no go, \
         nogo, no no, nono, deal breaker, dealbreaker, turn off, turnoff, yawn, yuck, ugh, meh, excluded, banned, forbidden, prohibited, unwanted, \
         out, out of it, out of the list, out of this, out of them, out of my list, off the list, off the table, off limits, makes me sick, make me sick, \
         gives me nightmares, give me nightmares, leaves me cold, leave me cold, puts me off, put me off, turns me off, turn me off, \
         freaks me out, freak me out, creeps me out, creep me out, makes me sleepy, make me sleepy, puts me to sleep, put me to sleep, \
         does nothing for me, do nothing for me, removed, left out, omitted, dropped, skipped, avoided, the worst, worst, ruled out, \
         must go, has to go, have to go, need to go, needs to go, can go, is a pass, a pass, gets on my nerves, get on my nerves, \
         drives me crazy, drive me crazy, drives me mad, drive me mad, should stay away, stay away, go away, is evil, is dead to me, \
         needs to stay out, is nothing for me, nothing for me, nothing i want, nothing i like, nothing i need, the last thing i want, \
         the last thing i need, away, too much, too many, enough",
    ),
    (Word::Too, "too, overly, excessively, a bit too, a little too, way too, far too, much too"),
    (
        Word::NotOnly,
        "not just, not only, not exclusively, not solely, not merely, not necessarily, not entirely, not simply",
    ),
    (
        Word::Tolerated,
        "do not mind, not mind, does not bother me, no problem with, nothing against, no objection to, no objections to, not opposed to, \
         not averse to, not have to be, not need to be, not necessarily need, not a must, not necessary, not required, not obligatory, not mandatory, not essential, not crucial, \
         not have to have, not important, ok with, okay with, fine with, cool with, open to, no issue with, not object to, could live with, can live with, \
         do not have a problem with, not have a problem with, have no problem with, have nothing against, not against, not allergic to, \
         not afraid of, nothing wrong with",
    ),
    (
        Word::Fine,
        "fine, ok, okay, alright, all right, acceptable, allowed, tolerable, welcome, no problem, possible, permitted, welcome too",
    ),
    (
        Word::OnlyIf,
        "only if, only when, as long as, so long as, provided, provided that, but only if, but only when, only as long as",
    ),
    (
        Word::Only,
        "only, just, nothing else, and nothing else, or nothing, or nothing else, exclusively, solely, purely, entirely, strictly, nothing else than, \
         leave out whatever does not have, every item must have, every one must have, and only, only ever, alone",
    ),
    (
        Word::Every,
        "all, every, each, everything, every one, every single, every single one, all of them, each of them, all of these, each one, \
         all of the list, the whole list, the entire list, every item, all of the items, as many, as much, every last one, whole list, entire list",
    ),
    (
        Word::Mostly,
        "mostly, mainly, primarily, predominantly, largely, most, most of, most of them, most of the list, the majority, a majority, majority, \
         for the most part, the bulk of, chiefly, majority of, the majority of, overwhelmingly, more than anything, in the main, mostly but not only, lots of, loads of, plenty of, a lot of, tons of, many",
    ),
    (
        Word::Little,
        "not too much, not too many, not much, not many, not a lot of, not so much, not so many, not that many, not that much, little, \
         very little, very few, few, too few, hardly any, barely any, scarcely any, hardly, barely, scarcely, almost no, almost none, next to no, only a little, \
         only a bit of, only a few, just a few, just a little, just a bit of, not a whole lot of, as few, as little, minimal, without too much, without much, without too many, \
         nothing with too much, almost nothing",
    ),
    (
        Word::Some,
        "some, a bit of, a little, a touch of, a little bit of, a dash of, a hint of, a sprinkle of, a pinch of, a smattering of",
    ),
    (
        Word::Rest,
        "the rest, rest, the remainder, the remaining, the others, the other ones, everything else, all the rest, all others, the rest of them, remaining, otherwise only",
    ),
    (
        Word::Compared(Compared::AtLeast),
        "at least, no fewer than, with no fewer than, with no less than, with not less than, no less than, not less than, not fewer than, minimum, minimum of, a minimum of, min, \
         or more, at minimum, at the very least, as a minimum, and more, upwards of, do not go below, never below, at a minimum, not below, at the least",
    ),
    (
        Word::Compared(Compared::AtMost),
        "at most, at the most, at the very most, no more than, with no more than, with not more than, with never more than, not more than, maximum, maximum of, a maximum of, max, up to, \
         or fewer, or less, and not more, and no more, down to, stop at, as a maximum, at maximum, at a maximum, tops, limit of, limited to, a limit of, capped at, \
         not above, never more than, do not exceed, not exceed, not to exceed, not exceeding, no greater than",
    ),
    (Word::Compared(Compared::MoreThan), "more than, greater than, in excess of"),
    (Word::Compared(Compared::FewerThan), "less than, fewer than"),
    (Word::Beside(Compared::MoreThan), "over, above"),
    (Word::Beside(Compared::FewerThan), "under, below"),
    (
        Word::Compared(Compared::About),
        "around, roughly, approximately, approx, circa, nearly, almost, close to, or so, more or less, \
         give or take, give or take one, give or take one item, or close to it, near, something near, ish",
    ),
    (
        Word::Compared(Compared::Exactly),
        "exactly, precisely, no more and no fewer, no more no less, neither above nor below, not one more or less, \
         no more and no less, no less no more",
    ),
    (Word::Between, "between, anywhere between, somewhere between"),
    (Word::To, "to, until"),
    (
        Word::Part,
        "let, of them, of these, of those, of the list, of the items, of which, of whom, of the films, of the movies, of the games, of the ones, should be, may be, must be, \
         shall be, can be, should make up, make up, have to be, has to be, ought to be, being, among them, in there, in the list, in it, of my list, of your list",
    ),
    (Word::That, "of it, be of it, of that, be of that, of this kind, of that kind, of the kind"),
    (
        Word::Role(TitleRole::Liked),
        "like, similar to, in the style of, along the lines of, in the vein of, reminiscent of, such as, same as, \
         liked, loved, love, loves, likes, enjoy, enjoyed, enjoys, enjoying, i chose, chose, adore, adored, \
         i chose these items before, fan of, a fan of, fans of, a big fan of, favourite is, favorite is, favourites are, favorites are, big fan of, \
         huge fan of, based on, more like, something like, anything like, stuff like, things like, inspired by, close to, resembling, \
         akin to, comparable to, looks good, sounds good, was good, was great, looks great, sounds great, \
         same vein as, same style as, as good as, reminds me of, in the spirit of, the likes of, similar, related to, alike, looks interesting, sounds interesting",
    ),
    (
        Word::Role(TitleRole::Seen),
        "seen, saw, watched, played, bought, owned, own, already have, already own, already know, i know, finished, already read, just read, have read, \
         just finished, ive seen, know",
    ),
    (
        Word::Role(TitleRole::Must),
        "include, includes, including, must include, must have, insist on, be sure to have, do not forget, add, throw in, \
         part of the list, has to have, must contain, contain, contains, containing, has to include, have to include, should include, \
         should contain, make sure to include, never forget, do not leave out, do not skip, do not miss, not to forget, put in, start with, begin with",
    ),
    (Word::Role(TitleRole::Kept), "keep, keeping, retain, hold on to"),
    (
        Word::Role(TitleRole::Candidates),
        "choose from, choose from these items, choose from these items alone, select from, select from the following items, pick from, pick only among, \
         pick only among these, the candidates are, candidates, one of these, out of these, from the following, these are the items at hand, \
         nothing but these items can be had, choose among",
    ),
    (
        Word::Prefer,
        "prefer, rather have, would rather have, rather see, rather watch, would rather watch, would rather see, would rather, id rather, id rather have, more interested in, more into",
    ),
    (Word::Than, "than, over"),
    (
        Word::Instead,
        "instead, back to, go back to, return to, switch to, change to, switch over to, lets switch to, swap to, turn to",
    ),
    (
        Word::Correction,
        "make that, no make that, no make it, make it, make them, i mean, i meant, scratch that, wait, no wait, sorry i meant, sorry i mean, correction, \
         or rather, actually no, strike that, on second thought, on second thoughts, no i mean, no i meant, no sorry, better make it, \
         better make that, actually make it, actually make that, forget that, no actually, no rather, hold on",
    ),
    (
        Word::Items,
        "film, films, movie, movies, item, items, title, titles, thing, things, game, games, book, books, song, songs, album, \
         albums, product, products, recommendation, recommendations, suggestion, suggestions, flick, flicks, picture, pictures, \
         toy, toys, article, articles, show, shows, series, list, numbered list, ones, options, option, picks, pick, entries, entry, \
         motion picture, motion pictures, feature, features, feature film, feature films, videos, video game, video games, choices, stuff, \
         new ones, others, results, pieces, tips, them all",
    ),
    (
        Word::Anything,
        "anything, something, whatever, anything at all, something else, anything else, somethin, sth, anythin",
    ),
    (
        Word::And,
        "and, as well as, along with, together with, plus, also, then, and then, and also, n, additionally, in addition, besides that",
    ),
    (
        Word::Or,
        "or, and or, alternatively, or else, otherwise, if possible otherwise, failing that, if not then, or maybe, or perhaps, or even",
    ),
    (Word::But, "but, yet, though, however, although, but also, but please, yet still, only that"),
    (Word::With, "with, that have, which have, that has, featuring"),
    (
        Word::Article,
        "a, an, the, any, of, kind, kinds, sort, sorts, type, types, category, categories, genre, genres, kind of, kinds of, sort of, sorts of, \
         another, other, a mix of, mix of, a mixture of, mixture of, a selection of, selection of, a combination of, a bunch of, bunch of, a variety of, variety of, any kind of, all kinds of, all sorts of, any sort of, my, your, our, this, that, these, those, either, any of, a kind of",
    ),
    (
        Word::Subject,
        "i, ive, id, weve, youve, were, ill, well, we, they, he, she, everyone, everybody, my wife, my husband, my girlfriend, my boyfriend, my partner, my mum, my mom, my dad, you",
    ),
    (
        Word::Copula,
        "that is also, that are also, which are also, which is also, is also, are also, who are also, is, are, was, were, be, been, am, im, its, theyre, thats, seems, seem, looks, sounds, feels, becomes, gets, youre, were all",
    ),
    (
        Word::Preposition,
        "starring, by, involving, set in, from, for, in, on, at, per, within, during, directed by, made by, made in, set, among, amongst, \
         around, where, whose, into, upon, through, that is about, out of",
    ),
    (Word::About, "about"),
    (Word::TakeOut, "leave, throw, kick, weed, filter, rule, cross, shut"),
    (
        Word::Clause,
        "go, watch, kill for, would kill for, die for, dying for, dying to see, dying to watch, who does not love, who does not like, interest me, interests me, appeal to me, appeals to me, appeal, appeals, work for me, works for me, grab me, excite me, do it for me, does it for me, like it, like that, like this, more like it, more like that, more like this, just like it, more of the same, \
         of the same, the same, me, us, it, them, give, gimme, show me, show us, recommend, suggest, find, find me, \
         get, get me, tell me, lets, see, watch something, want, wants, wanted, need, needs, require, would like, \
         would love, id like, id love, i would like to see more, would like to see, looking, looking for, look for, \
         search for, searching for, in the mood for, in mood for, the mood for, mood, feel like, feeling like, fancy, \
         interested in, fond of, fond, how about, what about, why not, why not a, do not you have, do not you know, do not you think, do not you want, \
         do you not have, do you have, can not you, could not you, would not you, will not you, have not you, \
         have you not, is not there, are not there, why do not you, why do not we, have you got, have you, got, \
         got any, is there, are there, can you, could you, would you, will you, would not mind, would not say no to, \
         not say no to, can not get enough of, can not get enough, not get enough of, never get enough of, \
         can never get enough of, could not get enough of, can not resist, could not resist, there is nothing like, \
         theres nothing like, nothing like a good, nothing better than, nothing beats, nothing is better than, \
         can not go wrong with, you can not go wrong with, never tire of, never tired of, never get tired of, \
         never get bored of, never bored of, not tired of, never enough, not enough, can not have too many, \
         can never have too many, can never have enough, not have too many, have not had enough of, \
         have not had enough, can not wait for, can not wait to see, can not wait to watch, could not do without, \
         can not do without, can not live without, could not live without, do not hesitate to, no doubt, no matter, \
         not to mention, never mind, do not worry, no worries, no problem if, not bad, why not try, surprise me, \
         rest assured, please me, would please me, suit, suits, would suit me best, would suit me, crave, craving, \
         into, in for, up for, be sure, make sure, ensure, want to see, want to watch, help me find, help me, help, \
         search, i will take, take, bring, bring on, bring me, put, go for, going for, settle for, happy with, happy, \
         love to see, love to watch, like to see, like to watch, would like to see some, to see, to watch, to play, \
         to read, watching, seeing, playing, reading, care for, do the trick, all i want is, all i want, all i need, \
         all i need is, my thing, my taste, my cup of tea, my jam, my style, to my taste, to my liking, \
         is what i am looking for, what i am looking for, what im looking for, what i want, what i need, \
         recently watched, i think, i guess, i suppose, i believe, would be nice, would be great, would be good, \
         would be perfect, would be fine, be so kind, choose, chosen, display, offer, print, provide, every time, \
         whatever else you choose, must, should, shall, might, may, will, would, could, can, do, does, did, has, have, \
         had, having",
    ),
    (
        Word::Courtesy,
        "please, pls, plz, thanks, thank you, thx, thank, hi, hello, hey, yes, yeah, yep, sure, this time, today, \
         tonight, right now, this evening, this weekend, tomorrow, for tonight, for today, for a change, on friday, \
         for the weekend, lately, these days, at the moment, nowadays, for now, of course, if you can, if you could, \
         if possible, if you please, if you have, as possible, kindly, appreciated, cheers, ta, mate, dear, ok so, so, \
         ok then, well, um, uh, hmm, oh, ah, eh, hm, no please, after all",
    ),
    (
        Word::Beyond,
        "if, when, whether, why would, year old, years old, year olds, ago, twice, thrice, double, triple, equal, equally, equal number of, an equal number of, sorted, sorted by, sort, sort by, ordered by, \
         order by, ranked by, first, alternating, alternately, in turn, depending, than usual, respectively, similar number of",
    ),
    (Word::More, "more, some more, even more"),
    (
        Word::Filler,
        "very, really, super, absolutely, definitely, certainly, quite, pretty, truly, simply, please just, rather, somewhat, preferably, ideally, maybe, perhaps, possibly, probably, \
         good, great, nice, decent, best, top, better, favourite, favorite, popular, the best, new to me, at all, ever, whatsoever, of all time, of all, in total, total, altogether, in all, alltogether, \
         who, which, whose, what, as, so, to, also some, too please, different, made, released, produced, shot, filmed, coming, come, comes, come out, came, style, kind to have, whole, \
         number, numbers, way, in terms of, when it comes to, regarding, concerning, as for, speaking of, condition, satisfy, take no others, \
         much, little as i care, little as i care for, there, theres, here, time, evening, night, ready, single, even, still, just like that, again, now, next, actually, honestly, seriously, \
         any more, anymore, from now on, going, by the way, mind you, you know, altogether different, interested, care, gladly, give or, that way, \
         at, already, bit, lot, exactly that, together, both, else, because, since i, let it be, let them be, it be, up, the condition is, type of, story, stories, s, re, m, ve, d, ll, that i, that we, i have, i am, for me, for us, with me, my friends, items with",
    ),
];

/// The words of a phrase, and what it means.
type Phrase = (Vec<&'static str>, Word);

/// Phrases by their first word, the longest first.
static BY_FIRST_WORD: LazyLock<HashMap<&'static str, Vec<Phrase>>> = LazyLock::new(|| {
    let mut phrases: HashMap<&'static str, Vec<Phrase>> = HashMap::new();
    for (meaning, phrase) in phrases_of_all() {
        let words: Vec<&str> = phrase.split(' ').collect();
        phrases.entry(words[0]).or_default().push((words, meaning));
    }
    // The sort is stable: of equally long ones the first of the table counts.
    phrases.values_mut().for_each(|phrases| phrases.sort_by_key(|(words, _)| std::cmp::Reverse(words.len())));
    phrases
});

fn phrases_of_all() -> impl Iterator<Item = (Word, &'static str)> {
    PHRASES.iter().flat_map(|(meaning, phrases)| phrases.split(", ").map(move |phrase| (*meaning, phrase.trim())))
}

/// The meaning of the longest phrase that `tokens` begin with, and the number of its tokens.
pub(super) fn read(tokens: &[Token]) -> Option<(Word, usize)> {
    let phrases = BY_FIRST_WORD.get(word(tokens, 0)?)?;
    let begins = |words: &[&str]| words.iter().enumerate().all(|(at, expected)| word(tokens, at) == Some(expected));
    phrases.iter().find(|(words, _)| begins(words)).map(|(words, meaning)| (*meaning, words.len()))
}

/// The one phrase that a misspelt word is near enough to, with its meaning. Words that say nothing are not looked for: what is like
/// one of them may mean a lot.
pub(super) fn nearest(word: &str) -> Option<(&'static str, Word)> {
    const SHORTEST: usize = 6;
    let says_something = |meaning: &Word| {
        matches!(
            meaning,
            Word::Refuse(_) | Word::Only | Word::Mostly | Word::Compared(_) | Word::Between | Word::Role(_)
        )
    };
    let words = phrases_of_all()
        .filter(|(meaning, phrase)| says_something(meaning) && !phrase.contains(' ') && phrase.len() >= SHORTEST);
    near_enough(word, words.map(|(meaning, phrase)| (phrase, meaning)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_phrase_stands_twice_under_one_meaning_and_all_are_as_the_lexer_has_them() {
        let mut seen = Vec::new();
        for (meaning, phrase) in phrases_of_all() {
            assert_eq!(super::super::tokens::key(phrase), phrase, "{meaning:?}");
            assert!(!seen.contains(&(meaning, phrase)), "{phrase:?} stands twice under {meaning:?}");
            seen.push((meaning, phrase));
        }
    }
}
