//! The Jinja dialect of chat templates: that of `transformers`, with limits for templates from strangers.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, Value, context};
use minijinja_contrib::pycompat::unknown_method_callback;
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::{Message, clock};

/// Steps of a rendering; each 64 bytes that it makes count as one, too. A template spends some 30 on a turn, so this is enough for
/// conversations of any model's length, and is used up within a fraction of a second.
const FUEL: u64 = 2_000_000;

/// The maximum nesting depth of macros and blocks.
const DEPTH: usize = 50;

const NAME: &str = "chat";

/// An environment with the template `source`, in which `bos` and `eos` are known.
pub(super) fn compile(source: &str, bos: &str, eos: &str) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH);
    environment.set_unknown_method_callback(unknown_method_callback);
    environment.add_function("raise_exception", raise_exception);
    environment.add_function("strftime_now", clock::strftime_now);
    environment.add_filter("tojson", to_json);
    environment.add_global("bos_token", bos);
    environment.add_global("eos_token", eos);
    environment.add_template_owned(NAME, without_generation_marks(source))?;
    Ok(environment)
}

/// Renders a conversation with what templates expect to find beside it.
pub(super) fn render(environment: &Environment<'_>, messages: &[Message], prompt: bool) -> Result<String, Error> {
    let messages: Vec<Value> = messages
        .iter()
        .map(|message| context! { role => message.role.name(), content => message.content.as_str() })
        .collect();
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

/// JSON as Python writes it: nothing escaped for HTML, a space after `:` and `,`, lines only where `indent` asks for them.
fn to_json(value: &Value, options: Kwargs) -> Result<Value, Error> {
    let indent: Option<usize> = options.get("indent")?;
    // `transformers` takes these as well; they are what happens here anyway.
    let (_, _): (Option<bool>, Option<bool>) = (options.get("ensure_ascii")?, options.get("sort_keys")?);
    options.assert_all_used()?;
    let invalid = |e: serde_json::Error| Error::new(ErrorKind::InvalidOperation, "no JSON").with_source(e);
    let compact = minijinja::filters::tojson(value, None, Kwargs::from_iter(std::iter::empty::<(String, Value)>()))?;
    let json: serde_json::Value = serde_json::from_str(compact.as_str().unwrap_or_default()).map_err(invalid)?;

    let mut bytes = Vec::new();
    match indent {
        None => json.serialize(&mut Serializer::with_formatter(&mut bytes, OneLine)),
        Some(n) => {
            let spaces = " ".repeat(n.min(16));
            json.serialize(&mut Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(spaces.as_bytes())))
        }
    }
    .map_err(invalid)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned().into())
}

/// Python's default separators.
struct OneLine;

impl Formatter for OneLine {
    fn begin_array_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + std::io::Write>(&mut self, writer: &mut W, first: bool) -> std::io::Result<()> {
        if first { Ok(()) } else { writer.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + std::io::Write>(&mut self, writer: &mut W) -> std::io::Result<()> {
        writer.write_all(b": ")
    }
}
