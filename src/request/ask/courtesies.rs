//! Courtesies around a sentence: "hello", "please", "thanks". Nothing else in it depends on them: they are taken off before it is read.

use super::amounts::any_phrase;
use super::lexicon::LONGEST_NAME;
use super::tokens::{Token, TokenKind};

const PLEASE: &str = "please, pls, plz";

const GREETINGS: &str = "dear all, dear team, greetings, hi all, hi everyone, hello everyone, hello all, hi, hi there, hello, hello there, hey, hey there, good morning, good afternoon, good evening";

const THANKS: &str = "thanks, thank you, thx, cheers, ta, many thanks, thanks a lot, thanks in advance, thank you very much, thanks so much, \
    thank you so much, much appreciated, thanks a million, thank you ever so much, thanks ever so much, thank you kindly";

/// Answers and sounds.
const INTERJECTIONS: &str = "so, yes, yeah, yep, oh, ah, eh, um, uh, hm, hmm";

/// Interjections that are more than courtesies elsewhere: "horror is ok".
const ASSENTS: &str = "ok, okay, well, right, alright";

/// The phrases that are courtesies wherever they stand; [the vocabulary](super::vocabulary) takes them from here.
pub(super) const COURTESIES: [&str; 4] = [PLEASE, GREETINGS, THANKS, INTERJECTIONS];

/// The most words of a phrase of thanks.
const LONGEST_THANKS: usize = 4;

/// The tokens without the courtesies at both ends of each sentence. `is_title` is true for tokens that are a title: "Hello, Dolly!".
pub(super) fn without_courtesies(tokens: &[Token], is_title: impl Fn(&[Token]) -> bool) -> Vec<Token> {
    let mut bare: Vec<Token> = Vec::new();
    for sentence in tokens.split_inclusive(|token| token.what == TokenKind::Stop) {
        let said = without_thanks(without_greeting(sentence, &is_title), &is_title);
        if !said.is_empty() {
            bare.extend_from_slice(said);
            bare.extend(sentence.last().filter(|last| last.what == TokenKind::Stop).cloned());
        }
    }
    // A full stop at the very end says nothing.
    bare.pop_if(|last| last.what == TokenKind::Stop);
    bare
}

fn without_greeting<'t>(mut sentence: &'t [Token], is_title: &impl Fn(&[Token]) -> bool) -> &'t [Token] {
    let alone = |length: &usize, sentence: &[Token]| sentence.get(*length).is_none_or(is_sign);
    loop {
        let interjection =
            longest(sentence, &[INTERJECTIONS, ASSENTS, THANKS]).filter(|length| alone(length, sentence));
        let Some(length) = longest(sentence, &[PLEASE, GREETINGS]).max(interjection) else { return sentence };
        let longest = LONGEST_NAME.min(sentence.len());
        if (length + 1..=longest).any(|end| is_title(&sentence[..end])) {
            return sentence;
        }
        let commas = sentence[length..].iter().take_while(|token| token.what == TokenKind::Comma).count();
        sentence = &sentence[length + commas..];
    }
}

fn without_thanks<'t>(mut sentence: &'t [Token], is_title: &impl Fn(&[Token]) -> bool) -> &'t [Token] {
    loop {
        let signs = sentence.iter().rev().take_while(|token| is_sign(token)).count();
        sentence = &sentence[..sentence.len() - signs];
        let thanks = |start: &usize| longest(&sentence[*start..], &[PLEASE, THANKS]) == Some(sentence.len() - start);
        let earliest = sentence.len().saturating_sub(LONGEST_THANKS);
        let Some(start) = (earliest..sentence.len()).find(thanks) else { return sentence };
        // "no thanks" is an answer, which "no please" only asks for.
        let asks = any_phrase(&sentence[start..], PLEASE).is_some();
        let answers = !asks && start > 0 && any_phrase(&sentence[start - 1..start], "no, nope, nah").is_some();
        let earliest_name = sentence.len().saturating_sub(LONGEST_NAME);
        if answers || (earliest_name..start).any(|name| is_title(&sentence[name..])) {
            return sentence;
        }
        sentence = &sentence[..start];
    }
}

/// The length of the longest phrase of some lists that `tokens` begin with.
fn longest(tokens: &[Token], lists: &[&str]) -> Option<usize> {
    lists.iter().filter_map(|phrases| any_phrase(tokens, phrases)).max()
}

fn is_sign(token: &Token) -> bool {
    matches!(token.what, TokenKind::Comma | TokenKind::Stop)
}
