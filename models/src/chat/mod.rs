//! Chat templates: the text form of a conversation for a model.
//!
//! A model is tuned on one layout of turns and control tokens, which comes with it as a Jinja template. The same template
//! is used for training and for answering, so that the two never differ.

mod clock;
mod jinja;
mod json;
mod limits;
mod python;
mod rewrite;
pub(crate) mod source;
#[cfg(test)]
mod tests;

use std::path::Path;

use minijinja::Environment;

use crate::files::TensorSource;
use crate::files::gguf::Gguf;
use crate::tokenizer::Tokenizer;
use crate::{Error, Result};

/// The speaker of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The instructions before the conversation.
    System,
    /// The person who asks.
    User,
    /// The model.
    Assistant,
}

impl Role {
    /// The name that templates know: "system", "user" or "assistant".
    pub fn name(self) -> &'static str {
        match self {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        }
    }
}

/// The origin of a message, by which a model with item tokens reads it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum MessageKind {
    /// Free text of a user, of a model or of a corpus: no title in it is an item token.
    #[default]
    Text,
    /// A request or a question about the catalogue, in which titles stand in single quotes.
    Request,
    /// A turn that leads to the request and says nothing of it. Short prompts leave it out.
    Opening,
}

/// One turn of a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The speaker of a message.
    pub role: Role,
    /// The text.
    pub content: String,
    /// The origin of the text.
    pub kind: MessageKind,
}

impl Message {
    /// A message of the role `role`, in free text.
    pub fn new(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), kind: MessageKind::Text }
    }

    /// This message as one of the given kind.
    #[must_use]
    pub fn of_kind(self, kind: MessageKind) -> Self {
        Self { kind, ..self }
    }

    /// The text with its control tokens guarded, and its titles as this tokenizer has them.
    fn guarded(&self, tokenizer: &Tokenizer) -> String {
        match self.kind {
            MessageKind::Request => tokenizer.guard_request(&self.content),
            MessageKind::Text | MessageKind::Opening => tokenizer.guard(&self.content),
        }
    }
}

/// A model's chat template, or the plain layout where it has none.
///
/// The plain layout is for models that were never tuned to chat: what system and user say, each on a line of its own, in
/// order, and nothing else; the assistant's earlier turns are left out (method §3.1, the fallback without a chat format).
#[derive(Debug)]
pub struct ChatTemplate {
    layout: Layout,
    place: String,
}

#[derive(Debug)]
enum Layout {
    Plain,
    Jinja(Box<Environment<'static>>),
}

impl ChatTemplate {
    /// The plain layout.
    pub fn plain() -> Self {
        Self { layout: Layout::Plain, place: "plain layout".into() }
    }

    /// Compiles the Jinja template `source`, in which `bos_token` and `eos_token` stand for the given spellings.
    ///
    /// # Errors
    /// A template that is no valid Jinja.
    pub fn from_source(source: &str, bos: &str, eos: &str) -> Result<Self> {
        Self::compile(source, bos, eos, "chat template".into())
    }

    /// The template of the model at `path` (a folder, its tokenizer.json, or a .gguf), whose tokenizer is `tokenizer`.
    ///
    /// In a folder, chat_template.jinja goes before the `chat_template` of tokenizer_config.json, which is one template or a list
    /// of named ones, of which "default" is taken, or else the first. A model without any gets the plain layout.
    ///
    /// # Errors
    /// Files that can't be read, and templates that are no valid Jinja.
    pub fn from_path(path: &Path, tokenizer: &Tokenizer) -> Result<Self> {
        if Gguf::is_path(path) {
            return Self::from_gguf(&Gguf::open(path)?, tokenizer);
        }
        Self::from_found(source::in_folder(path)?, tokenizer, path)
    }

    /// The template that `gguf` has in `tokenizer.chat_template`, or the plain layout.
    ///
    /// # Errors
    /// As [`ChatTemplate::from_path`].
    pub fn from_gguf(gguf: &Gguf, tokenizer: &Tokenizer) -> Result<Self> {
        Self::from_found(source::in_gguf(gguf)?, tokenizer, gguf.place())
    }

    fn from_found(source: Option<String>, tokenizer: &Tokenizer, place: &Path) -> Result<Self> {
        let Some(source) = source else { return Ok(Self::plain()) };
        let place = format!("{}: chat template", place.display());
        Self::compile(&source, tokenizer.bos_token(), tokenizer.eos_token(), place)
    }

    fn compile(source: &str, bos: &str, eos: &str, place: String) -> Result<Self> {
        match jinja::compile(source, bos, eos) {
            Ok(environment) => Ok(Self { layout: Layout::Jinja(Box::new(environment)), place }),
            Err(e) => Err(Error::bad_input(place).expected("a Jinja template").found(e).into()),
        }
    }

    /// Returns true for the plain layout, that of a model without a template.
    pub fn is_plain(&self) -> bool {
        matches!(self.layout, Layout::Plain)
    }

    /// The text of a conversation. `add_generation_prompt` ends it where the assistant's answer begins.
    ///
    /// Where the template refuses or leaves out the system's text, the first user's turn begins with it.
    ///
    /// The text may spell control tokens, the template's own and, unless they were guarded, those in `messages`: use
    /// [`ChatTemplate::encode`] for a model's input.
    ///
    /// # Errors
    /// A template that refuses this conversation (turns that don't alternate) or that takes more steps, depth or memory than any template
    /// needs.
    pub fn render(&self, messages: &[Message], add_generation_prompt: bool) -> Result<String> {
        match &self.layout {
            Layout::Plain => Ok(plain(messages, add_generation_prompt)),
            Layout::Jinja(environment) => {
                let render = |messages: &[Message]| jinja::render(environment, messages, add_generation_prompt);
                with_system(messages, render).map_err(|e| {
                    Error::bad_input(&self.place)
                        .expected("a conversation that this template takes")
                        .found(e)
                        .next("look at the order of the turns")
                        .into()
                })
            }
        }
    }

    /// The ids of a conversation as the model's input: BOS at most once, and control tokens only where the template puts them.
    ///
    /// The text of messages is guarded before it is rendered, so that a title which spells a control token stays text. Where the template
    /// changes that text (its case, what stands around it) and a control token comes of it, the text is rendered again with each character
    /// apart, so that no control token holds one. That is noticed by the control tokens of the same turns with another text.
    ///
    /// A model with item tokens reads a short prompt: without the turns that only open a request, and with a token for each title that a
    /// request quotes.
    ///
    /// # Errors
    /// As [`ChatTemplate::render`] and [`Tokenizer::encode`].
    pub fn encode(&self, tokenizer: &Tokenizer, messages: &[Message], add_generation_prompt: bool) -> Result<Vec<u32>> {
        let is_short = tokenizer.has_item_tokens();
        let is_kept = |message: &&Message| !(is_short && message.kind == MessageKind::Opening);
        let kept: Vec<&Message> = messages.iter().filter(is_kept).collect();
        let encode = |change: &dyn Fn(&Message) -> String| -> Result<(Vec<u32>, Vec<u32>)> {
            let changed = kept.iter().map(|message| Message::new(message.role, change(message)));
            let rendered = self.render(&changed.collect::<Vec<_>>(), add_generation_prompt)?;
            let ids = tokenizer.encode(&rendered, true)?;
            let control = tokenizer.control(&ids).collect();
            Ok((ids, control))
        };
        let (ids, control) = encode(&|message| message.guarded(tokenizer))?;
        if encode(&|message| neutral(&message.content)).is_ok_and(|(_, expected)| expected == control) {
            return Ok(ids);
        }
        let (isolated, expected) = encode(&|message| tokenizer.isolate(&message.content))?;
        Ok(if expected == control { ids } else { isolated })
    }
}

/// A text from which no control token comes, empty where `text` is.
fn neutral(text: &str) -> String {
    if text.trim().is_empty() { text.into() } else { "a text".into() }
}

/// Renders a conversation; where that drops the system's text, with this text in front of the first user's.
fn with_system<E>(messages: &[Message], render: impl Fn(&[Message]) -> Result<String, E>) -> Result<String, E> {
    let rendered = render(messages);
    let [Message { role: Role::System, content: system, .. }, others @ ..] = messages else { return rendered };
    if rendered.as_ref().is_ok_and(|text| text.contains(system.trim())) {
        return rendered;
    }
    let mut merged = others.to_vec();
    let Some(user) = merged.iter_mut().find(|message| message.role == Role::User) else { return rendered };
    user.content = format!("{}\n\n{}", system.trim(), user.content);
    match render(&merged) {
        Ok(text) if rendered.is_err() || text.contains(system.trim()) => Ok(text),
        _ => rendered,
    }
}

/// System and user, a line each; the answer begins on the next line.
fn plain(messages: &[Message], add_generation_prompt: bool) -> String {
    let asked = messages.iter().filter(|message| message.role != Role::Assistant);
    let text = asked.map(|message| message.content.trim()).collect::<Vec<_>>().join("\n");
    if add_generation_prompt { text + "\n" } else { text }
}
