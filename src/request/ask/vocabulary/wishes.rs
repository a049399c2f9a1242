//! Phrases that ask for something: verbs, what titles are for, allowances, preferences and corrections.

use super::{TitleRole, Word};

/// The phrases of each meaning, between commas.
pub(super) const WISHES: [(Word, &str); 15] = [
    (
        Word::Tolerated,
        "do not mind, not mind, does not bother me, no problem with, nothing against, no objection to, no objections to, not opposed to, \
         not averse to, not have to be, not need to be, need not be, need not have, need not contain, not necessarily need, not a must, not necessary, not required, not obligatory, not mandatory, not essential, not crucial, \
         not have to have, not important, ok with, okay with, fine with, cool with, open to, no issue with, not object to, could live with, can live with, \
         do not have a problem with, not have a problem with, have no problem with, have nothing against, not against, not allergic to, \
         not afraid of, nothing wrong with",
    ),
    (
        Word::Likewise,
        "let alone, still less, to say nothing of, so do, so does, so are, so is, as do, as does, as are, the same goes for, same goes for, the same applies to, same applies to, the same holds for, the same is true of, the same is true for, \
         same with, same for, ditto, ditto for, likewise",
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
        Word::Role(TitleRole::Liked),
        "like, similar to, in the style of, along the lines of, in the vein of, reminiscent of, such as, same as, \
         liked, loved, love, loves, likes, adores, enjoy, enjoyed, enjoys, enjoying, i chose, chose, adore, adored, \
         i chose these items before, fan of, a fan of, fans of, a big fan of, favourite is, favorite is, favourites are, favorites are, big fan of, \
         huge fan of, based on, more like, something like, anything like, stuff like, things like, inspired by, resembling, \
         akin to, comparable to, looks good, sounds good, was good, was great, looks great, sounds great, \
         same vein as, same style as, same kind of thing as, same sort of thing as, same kind of film as, same kind of movie as, \
         same kind of game as, as good as, reminds me of, in the spirit of, the likes of, similar, related to, alike, looks interesting, sounds interesting, \
         a sucker for, sucker for, crazy about, mad about, keen on, nuts about, big on, partial to, passionate about, \
         obsessed with, hooked on, addicted to, a lover of, lover of, in love with, dig, digs, have a soft spot for, \
         a soft spot for, a weakness for, have a weakness for, have a thing for",
    ),
    (
        Word::Role(TitleRole::Seen),
        "seen, saw, watched, played, bought, owned, own, already have, already own, already know, i know, finished, already read, just read, have read, gave me, gave us, showed me, showed us, recommended me, \
         just finished, ive seen, know",
    ),
    (
        Word::Role(TitleRole::Must),
        "include, includes, including, must include, must have, insist on, be sure to have, do not forget, add, throw in, \
         part of the list, has to have, must contain, contain, contains, containing, has to include, have to include, should include, \
         should contain, is on the list, are on the list, be on the list, is included, are included, be included, must be included, \
         should be included, make sure to include, never forget, do not leave out, do not skip, do not miss, not to forget, put in, start with, begin with",
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
        "prefer, prefers, sooner have, sooner see, sooner watch, id sooner, would sooner, rather have, would rather have, rather see, rather watch, would rather watch, would rather see, would rather, id rather, id rather have, more interested in, more into",
    ),
    (Word::Than, "than"),
    (
        Word::Instead,
        "instead, move on to, moving on to, back to, go back to, return to, switch to, change to, switch over to, lets switch to, swap to, turn to, \
         change that to, change it to, switch that to, turn that into, swap that for, swap it for, change this to, \
         switch it to, change them to",
    ),
    (
        Word::Correction,
        "sorry, make that, no make that, no make it, make it, make them, i mean, i meant, scratch that, wait, no wait, sorry i meant, sorry i mean, correction, \
         or rather, actually no, strike that, on second thought, on second thoughts, no i mean, no i meant, no sorry, better make it, \
         better make that, actually make it, actually make that, forget that, no actually, no rather, hold on",
    ),
    (
        Word::Clause,
        "not want to miss, not want to miss out on, hate to miss, would hate to miss, not like to miss, would not hurt, would not go amiss, can not hurt, putting together, put together, organising, organizing, hosting, arranging, voted for, vote for, let me know, \
         let us know, let me have, let us have, accept, accepts, asked for, asking for, begging for, crying out for, any chance you could, is there any chance you could, is there any chance, is there a chance you could, \
         would mean the world to me if, would mean the world if, would mean a lot to me if, would mean a lot if, would make my day if, would help if, meaning to, meaning to watch, \
         meaning to see, always wanted, always wanted to see, always wanted to watch, curious about, eager to see, eager to watch, keen to see, keen to watch, excited to see, \
         looking forward to, getting into, can not beat, you can not beat, hard to beat, nothing compares to, nothing compares with, over the moon with, over the moon about, thrilled with, \
         delighted with, pleased with, thankful for, be thankful for, glad of, stick to, stick with, help me out, help me out with, help us out, help us out with, \
         watches, can never go wrong with, you can never go wrong with, never go wrong with, can hardly go wrong with, happen to have, happen to know, happen to know of, happen to, hope, hoping, hope you can, hoping you can, hope to, hoping to, planning, planning to, plan to, \
         intend to, decided to, decided on, treat myself, treat ourselves, treat myself to, treat ourselves to, would go down well, would do nicely, would cheer me up, \
         would cheer us up, would suit us, would be a treat, would be welcome, would be appreciated, would be just right, would be just the thing, will do, would do, \
         would work, would be a hit, have time for, got time for, ready for, excited about, go, watch, kill for, would kill for, die for, dying for, dying to see, dying to watch, who does not love, who does not like, interest me, interests me, appeal to me, appeals to me, appeal, appeals, work for me, works for me, grab me, excite me, do it for me, does it for me, like it, like that, like this, more like it, more like that, more like this, just like it, more of the same, \
         of the same, the same, me, us, it, them, give, gimme, show me, show us, recommend, suggest, find, find me, \
         get, get me, tell me, lets, see, discover, explore, was thinking, was thinking of, thinking of, thinking about, watch something, want, wants, wanted, need, needs, require, would like, \
         would love, id like, id love, i would like to see more, would like to see, looking, looking for, look for, \
         search for, searching for, try, lets try, trying, id try, im after, am after, are after, in the mood for, in mood for, the mood for, mood, feel like, feeling like, fancy, \
         interested in, fond of, fond, how about, what about, why not, why not a, do not you have, do not you know, do not you think, do not you want, \
         do you not have, do you have, can not you, could not you, would not you, will not you, have not you, \
         have you not, is not there, are not there, why do not you, why do not we, have you got, have you, got, \
         got any, is there, are there, can you, could you, would you, will you, would not mind, would not say no to, \
         not say no to, can not get enough of, can not get enough, not get enough of, never get enough of, \
         can never get enough of, could not get enough of, can not resist, could not resist, there is nothing like, \
         theres nothing like, nothing like a good, nothing better than, nothing beats, nothing is better than, \
         can not go wrong with, you can not go wrong with, never tire of, never tired of, never get tired of, \
         never get bored of, never bored of, not tired of, never enough, not enough, can not have too many, \
         can never have too many, no such thing as too many, no such thing as too much, no such thing as enough, can never have enough, not have too many, have not had enough of, \
         have not had enough, can not wait for, can not wait to see, can not wait to watch, could not do without, \
         can not do without, can not live without, could not live without, do not hesitate to, no doubt, no matter, \
         not to mention, do not worry, no worries, no problem if, not bad, why not try, would it kill you to, would it hurt to, would it hurt you to, too much to ask, surprise me, \
         rest assured, please me, would please me, suit, suits, would suit me best, would suit me, crave, craving, \
         in for, up for, be sure, make sure, ensure, want to see, want to watch, help me find, help me, help, \
         search, i will take, take, bring, bring on, bring me, put, go for, going for, settle for, settle on, happy with, happy, \
         love to see, love to watch, like to see, like to watch, would like to see some, to see, to watch, to play, \
         to read, watching, seeing, playing, reading, care for, do the trick, all i want is, all i want, all i need, \
         all i need is, my thing, my taste, my cup of tea, my jam, my style, to my taste, to my liking, \
         is what i am looking for, what i am looking for, what im looking for, what i want, what i need, \
         recently watched, i think, i guess, i suppose, i believe, would be nice, would be great, would be good, \
         would be perfect, would be fine, would be lovely, would be ideal, would be best, would be wonderful, would be brilliant, \
         would make my day, feel free to, be free to, be so kind, choose, chosen, display, offer, print, provide, every time, \
         whatever else you choose, must, should, shall, might, may, will, would, could, can, do, does, did, has, have, \
         had, having, \
         rock, rocks, make me happy, makes me happy, make me smile, makes me smile, never fail, never fails, never gets old, \
         never get old, hit the spot, hits the spot, would hit the spot, does the trick, are my favourite, is my favourite, \
         are my favourites, are my favorite, is my favorite, is just what i need, is exactly what i need, just what i need, \
         just the thing, all day, all night, any day, any time, \
         any chance of, any chance for, chance of, fancy some, could use, in need of, \
         grateful for, be grateful for, delighted to see, appreciate, ask for, ask you for, may i ask for, request, \
         requesting, i would ask for",
    ),
    (Word::More, "more, some more, even more, further"),
];
