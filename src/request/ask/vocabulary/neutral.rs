//! Phrases around what is asked for: words for items, joints, small words, courtesies, and those that mean nothing.
//!
//! Words that mean nothing are few on purpose: any other word is reported.

use super::Word;

/// The phrases of each meaning, between commas.
pub(super) const NEUTRAL: [(Word, &str); 15] = [
    (
        Word::Items,
        "film, films, movie, movies, item, items, title, titles, thing, things, game, games, book, books, song, songs, album, \
         albums, product, products, recommendation, recommendations, suggestion, suggestions, flick, flicks, picture, pictures, \
         toy, toys, article, articles, show, shows, series, list, numbered list, ones, options, option, picks, pick, entries, entry, \
         motion picture, motion pictures, feature, features, feature film, feature films, videos, video game, video games, choices, stuff, \
         new ones, others, results, pieces, tips, them all, \
         cinema, production, productions",
    ),
    (
        Word::Anything,
        "anything, something, whatever, anything at all, something else, anything else, somethin, sth, anythin, up to you, your choice, your call, you choose, you decide, you pick, whatever you like, whatever you want, \
         anything you like",
    ),
    (
        Word::And,
        "and, as well as, along with, together with, plus, also, then, and then, and also, n, additionally, in addition, besides that",
    ),
    (
        Word::Or,
        "or, and or, alternatively, or else, otherwise, if possible otherwise, if you have none, if there are none, if there is none, if you do not have any, if there are not any, if you have not got any, \
         if that is not possible, if that is impossible, failing that, if not then, or maybe, or perhaps, or even",
    ),
    (Word::But, "but, yet, though, however, although, but also, but please, yet still, only that"),
    (Word::With, "with, that have, which have, that has, featuring"),
    (
        Word::Article,
        "a, an, the, any, of, kind, kinds, sort, sorts, type, types, category, categories, genre, genres, kind of, kinds of, sort of, sorts of, \
         another, other, a mix of, mix of, a mixture of, mixture of, a selection of, selection of, a combination of, a bunch of, bunch of, a variety of, variety of, any kind of, all kinds of, all sorts of, any sort of, my, your, our, this, that, these, those, either, any of, a kind of, \
         a marathon of, marathon of, a night of, a round of, a dose of, a batch of, batch of, a set of, set of, a stack of, \
         a pile of, a collection of, a tale of, a load of, a series of, a string of, an assortment of",
    ),
    (
        Word::Subject,
        "i, ive, id, wed, weve, youve, were, ill, well, we, they, he, she, everyone, everybody, my wife, my husband, my girlfriend, my boyfriend, my partner, my mum, my mom, my dad, you",
    ),
    (
        Word::Copula,
        "that is also, that are also, which are also, which is also, is also, are also, who are also, is, are, was, be, been, am, im, its, theyre, thats, seems, seem, looks, sounds, feels, becomes, gets, youre, were all",
    ),
    (
        Word::Preposition,
        "starring, by, involving, set in, from, for, in, on, at, per, within, during, directed by, made by, made in, set, among, amongst, \
         where, whose, into, upon, through, that is about, out of",
    ),
    (Word::About, "about"),
    (
        Word::Courtesy,
        "before i forget, lest i forget, i almost forgot, i nearly forgot, if i am not mistaken, unless i am mistaken, can not wait, money is no object, no object, \
         if it is not too much trouble, if its not too much trouble, if it is no trouble, if its no trouble, if it is not too much to ask, if its not too much to ask, if i may, \
         if that is ok, if thats ok, if that is okay, if thats okay, if it is ok, if its ok, so that, to make a long story short, to cut a long story short, long story short, afterwards, beforehand, later on, in store, in stock, on offer, in a long time, for a long time, in a long while, for a long while, to be honest, to tell the truth, to be frank, in all honesty, if i am honest, needless to say, as it happens, no rush, no hurry, i was wondering if, i was wondering whether, \
         was wondering if, was wondering whether, wondering if, wondering whether, i wonder if, i wonder whether, if you might, whether you could, whether you might, \
         you might be able to, be able to, if you would, if you were able to, if you might be able to, excuse me, thank, sure, this time, today, \
         tonight, right now, this evening, this weekend, tomorrow, for tonight, for today, for a change, on friday, \
         for the weekend, lately, these days, at the moment, nowadays, for now, of course, if you can, if you could, \
         if possible, if you have them, if you have any, if you have got them, if you have got any, if youve got them, if youve got any, if there are any, if you please, if you have, as possible, as you can, as you can find, as you have, as you have got, as you like, \
         as you want, as you find, as there are, as can be, kindly, asap, as soon as possible, as soon as you can, haha, lol, lmao, tbh, imo, imho, btw, ngl, rn, seriously, that is all, thats all, appreciated, mate, dear, ok so, ok then, after all, \
         if its at all possible, if it is at all possible, if it is possible, if at all possible, if you do not mind, \
         yesterday, last week, last night, last month, last weekend, the other day, recently, this morning, this afternoon, \
         all week, this week, ok so basically, basically, at night, on sunday, on saturday, the weekend",
    ),
    (
        Word::Question,
        "why, why is, why are, why do, why does, why did, how come, how many, how long, how old, how much, who",
    ),
    (
        Word::Beyond,
        "i know nothing about, i know little about, i know very little about, i know next to nothing about, know nothing about, know little about, know next to nothing about, know very little about, not know anything about, not know much about, in two minds about, undecided about, undecided between, torn between, if, when, whether, why would, year old, years old, year olds, ago, too few, too little, twice, thrice, double, triple, equal, equally, equal number of, an equal number of, no such thing as, no such thing as a, sorted, sorted by, sort by, ordered by, \
         order by, ranked by, first, alternating, alternately, in turn, depending, than usual, respectively, similar number of",
    ),
    (
        Word::Filler,
        "above all, above all else, first and foremost, most of all, runs, runs for, run for, lasts, lasts for, therefore, hence, thus, consequently, which is why, that is why, thats why, finally, very, really, super, absolutely, definitely, certainly, quite, pretty, truly, simply, please just, rather, somewhat, preferably, ideally, surely, maybe, perhaps, possibly, probably, \
         good, great, nice, decent, best, top, better, favourite, favorite, popular, the best, new to me, at all, ever, whatsoever, of all time, of all, in total, total, altogether, in all, alltogether, \
         which, what, as, also some, too please, different, made, released, produced, shot, filmed, coming, come, comes, come out, came, style, kind to have, whole, \
         number, numbers, way, in terms of, when it comes to, regarding, concerning, as for, speaking of, condition, satisfy, take no others, \
         much, little as i care, little as i care for, there, theres, here, time, evening, night, ready, single, even, still, just like that, again, now, next, actually, honestly, \
         any more, anymore, from now on, no exceptions, no exception, without exception, without exceptions, going, by the way, mind you, you know, altogether different, interested, care, gladly, give or, that way, \
         already, bit, lot, exactly that, together, both, else, because, cos, coz, bc, since i, let it be, let them be, it be, up, the condition is, type of, story, stories, s, re, m, ve, d, ll, that i, that we, i have, i am, for me, for us, with me, my friends, items with",
    ),
];
