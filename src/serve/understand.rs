//! A text as a request, said back.

use serde::Serialize;

use crate::data::Catalogue;
use crate::request::ask::{AskParser, Assumption, NotUnderstood};
use crate::request::{Request, SaidBack};

/// A text and what was understood of it.
#[derive(Debug, Clone, Serialize)]
pub struct Understood {
    text: String,
    /// Words with an assumed meaning.
    assumed: Vec<Assumption>,
    /// Words that were ignored.
    not_understood: Vec<NotUnderstood>,
    /// The request of the text alone.
    #[serde(flatten)]
    said_back: SaidBack,
    /// True where the text states the length of the list.
    says_length: bool,
    /// The text's other reading, where it has two.
    other: Option<SaidBack>,
    #[serde(skip)]
    says_something: bool,
    #[serde(skip)]
    request: Request,
}

impl Understood {
    /// Reads a text. `k` is the length of the list where the text does not say one.
    pub fn read(text: &str, k: u32, parser: &AskParser, catalogue: &Catalogue) -> Self {
        let reading = parser.read(text, k);
        Self {
            says_something: reading.says_something(),
            text: text.to_owned(),
            assumed: reading.assumed,
            not_understood: reading.not_understood,
            said_back: SaidBack::new(&reading.request, catalogue),
            says_length: reading.says_length,
            other: reading.other.map(|other| SaidBack::new(&other, catalogue)),
            request: reading.request,
        }
    }

    /// The request.
    pub fn request(&self) -> &Request {
        &self.request
    }

    /// Returns true where the text states a request.
    pub fn says_something(&self) -> bool {
        self.says_something
    }
}
