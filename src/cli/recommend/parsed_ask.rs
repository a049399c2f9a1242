//! `--ask`: a text as a request, said back before anything runs.

use serde::Serialize;

use crate::data::Catalogue;
use crate::data::input::quote;
use crate::request::ask::{AskParser, Assumption, NotUnderstood, USUAL_LENGTH};
use crate::request::flags::shell;
use crate::request::{Request, SaidBack};
use crate::{Error, Result};

/// A text and what was understood of it.
#[derive(Debug, Serialize)]
pub struct ParsedAsk {
    text: String,
    /// Words with an assumed meaning.
    assumed: Vec<Assumption>,
    not_understood: Vec<NotUnderstood>,
    /// The text's other reading, where it has two.
    other: Option<SaidBack>,
    #[serde(skip)]
    request: Request,
}

impl ParsedAsk {
    /// Reads `text`; `k` is what the flag says about the length of the list.
    ///
    /// # Errors
    /// A text that asks for nothing, or for another length than the flag.
    pub fn parse(text: &str, k: Option<u32>, catalogue: &Catalogue) -> Result<Self> {
        let reading = AskParser::new(catalogue).read(text, k.unwrap_or(USUAL_LENGTH));
        if !reading.says_something() {
            return Err(Error::bad_input("--ask")
                .expected("a request such as \"a few comedies from the nineties, no horror\"")
                .found(format!("{}, in which there is none", quote(text)))
                .next("name categories of the data set; `tiller data stats DIR` lists them")
                .into());
        }
        match k {
            Some(k) if reading.says_length && reading.request.k != k => Err(Error::bad_input("-k")
                .expected(format!("{}, the length that --ask names", reading.request.k))
                .found(k)
                .next("leave one of the two out")
                .into()),
            _ => Ok(Self {
                text: text.to_owned(),
                assumed: reading.assumed,
                not_understood: reading.not_understood,
                request: reading.request,
                other: reading.other.map(|other| SaidBack::new(&other, catalogue)),
            }),
        }
    }

    /// The request of the text together with that of the flags. A length that both name is the same.
    pub fn and(&self, flags: Request) -> Request {
        self.request.clone().and(flags)
    }

    /// Says on stderr which flags ask for the same, what was assumed, what was not understood, and the other reading of the text.
    pub fn say_back(&self, request: &Request, catalogue: &Catalogue) {
        eprintln!("understood: {}", shell(&request.flags(catalogue)));
        for Assumption { text, taken_as } in &self.assumed {
            eprintln!("  {} {taken_as}", quote(text));
        }
        for NotUnderstood { text, why } in &self.not_understood {
            let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
            eprintln!("  not understood: {}{why}", quote(text));
        }
        if let Some(other) = &self.other {
            eprintln!("  it could also mean: {}", other.flags);
        }
    }
}
