//! The Jinja dialect of chat templates: that of `transformers`, with limits for templates from strangers.

use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, Value, context};

use super::limits::{self, Turn};
use super::{Message, clock, json, python, rewrite};

/// Steps of a rendering; each 64 bytes that it makes or looks at count as one, too. A template spends some 50 on a turn and its text counts
/// some ten times, so this is enough for conversations of any model's length, and is used up within a second.
const FUEL: u64 = 1_000_000;

/// The maximum nesting depth of macros and blocks.
const DEPTH: usize = 50;

const NAME: &str = "chat";

/// An environment with the template `source`, in which `bos` and `eos` are known.
pub(super) fn compile(source: &str, bos: &str, eos: &str) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH);
    environment.set_unknown_method_callback(python::method);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", clock::strftime_now);
    environment.add_filter("tojson", json::to_json);
    environment.add_filter(python::PERCENT, python::percent);
    environment.add_filter(limits::FILTER, limits::measured);
    environment.add_global("bos_token", bos);
    environment.add_global("eos_token", eos);
    // As in Jinja, every line end of a template is a line feed.
    let source = without_generation_marks(&source.replace("\r\n", "\n").replace('\r', "\n"));
    match rewrite::rewrite(&source) {
        Ok(source) => environment.add_template_owned(NAME, source)?,
        Err(found) => {
            // minijinja names the line of what is no Jinja.
            environment.add_template_owned(NAME, source)?;
            return Err(Error::new(ErrorKind::SyntaxError, found));
        }
    }
    Ok(environment)
}

/// Renders a conversation with what templates expect to find beside it.
pub(super) fn render(environment: &Environment<'_>, messages: &[Message], prompt: bool) -> Result<String, Error> {
    let messages: Vec<Value> = messages.iter().map(Turn::of).collect();
    // Templates ask whether these are none, and an undefined value isn't.
    let (tools, documents) = (Value::from(()), Value::from(()));
    environment.get_template(NAME)?.render(context! { messages, add_generation_prompt => prompt, tools, documents })
}

/// Templates call this where they don't take a conversation.
fn raise_exception(message: String) -> Result<Value, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message))
}

/// `{% generation %}` marks what the assistant says for a loss mask of `transformers`, and prints what stands within: so does a
/// condition that always holds.
fn without_generation_marks(source: &str) -> String {
    let pieces = source.split_inclusive("%}").map(|piece| {
        let Some((before, tag)) = piece.rsplit_once("{%") else { return piece.to_owned() };
        match tag.trim_matches(|c: char| c.is_whitespace() || "-+%}".contains(c)) {
            "generation" => format!("{before}{{%{}", tag.replacen("generation", "if true", 1)),
            "endgeneration" => format!("{before}{{%{}", tag.replacen("endgeneration", "endif", 1)),
            _ => piece.to_owned(),
        }
    });
    pieces.collect()
}
