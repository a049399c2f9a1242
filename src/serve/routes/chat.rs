//! `POST /v1/chat/completions` and `GET /v1/models`, as OpenAI's clients expect them.
//!
//! The server keeps no conversation: the messages of a call are replayed through [`ChatSession`], the assistant's lists with them, and
//! the last message is answered.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::recommend::finished;
use crate::constrain::Mode;
use crate::converse::{ChatSession, HELP, Reply};
use crate::data::ItemId;
use crate::recommend::answer::{OutputFormat, parse, render};
use crate::request::Request;
use crate::serve::answer::Recommends;
use crate::serve::app::App;
use crate::serve::asked::prepare;
use crate::serve::compute::compute;
use crate::serve::error::ApiError;
use crate::serve::extract::JsonBody;
use crate::serve::queue::{Job, JobEvent};
use crate::serve::ticket::Ticket;

/// The name of the teacher among the models.
const TEACHER: &str = "teacher";

/// The length of a list, unless a message asks for another.
const LENGTH: u32 = 5;

/// A call. Clients send many fields that mean nothing here.
#[derive(Deserialize)]
pub struct ChatCall {
    model: Option<String>,
    messages: Vec<ChatMessage>,
    #[serde(default)]
    stream: bool,
    /// A user of the data set; any other is somebody new.
    user: Option<String>,
}

#[derive(Deserialize)]
struct ChatMessage {
    role: String,
    content: Option<Content>,
}

/// The content of a message: a text, or parts of which some are texts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<ContentPart>),
}

#[derive(Deserialize)]
struct ContentPart {
    #[serde(default)]
    text: String,
}

/// The effect of the last message.
enum Turn {
    /// Words before a list, and the request of the list.
    List(Vec<String>, Box<Request>),
    Say(String),
}

/// `GET /v1/models`.
pub async fn models(State(app): State<Arc<App>>) -> Json<Value> {
    let names = app.about.model.iter().map(String::as_str).chain(app.about.teacher.then_some(TEACHER));
    let model = |name| json!({ "id": name, "object": "model", "created": 0, "owned_by": "tiller" });
    Json(json!({ "object": "list", "data": names.map(model).collect::<Vec<_>>() }))
}

/// `POST /v1/chat/completions`.
///
/// # Errors
/// 400 for a call without a user's message, 404 for an unknown model. What a message gets wrong is said as an answer.
pub async fn completions(
    State(app): State<Arc<App>>,
    JsonBody(call): JsonBody<ChatCall>,
) -> Result<Response, ApiError> {
    let by = writer(&app, call.model.as_deref())?;
    let (text, tokens) = match compute(|| turn(&app, &call))? {
        Turn::Say(text) => (text, [0, 0]),
        Turn::List(said, request) => match compute(|| job(&app, *request, by)) {
            Err(error) => (error.text().to_owned(), [0, 0]),
            Ok((job, ticket)) => {
                app.enqueue(vec![job])?;
                let answer = finished(ticket, None).await?;
                let list = render(answer.record.items.iter().map(|item| item.item.title.as_str())).replace("\n ", "\n");
                let text = said.into_iter().chain([list]).collect::<Vec<_>>().join("\n");
                (text, [answer.prompt_tokens, answer.record.tokens])
            }
        },
    };
    let name = call.model.clone().unwrap_or_else(|| app.about.model.clone().unwrap_or_else(|| TEACHER.to_owned()));
    let completion = Completion { name, created: Timestamp::now().as_second(), text, tokens };
    Ok(match call.stream {
        true => Sse::new(tokio_stream::iter(completion.chunks())).into_response(),
        false => Json(completion.whole()).into_response(),
    })
}

/// The job of a request, and its ticket.
fn job(app: &App, request: Request, by: Recommends) -> Result<(Job, Ticket<JobEvent>), ApiError> {
    app.job(prepare(request, Mode::Strict, app)?, None, app.usual_writing(by))
}

fn writer(app: &App, model: Option<&str>) -> Result<Recommends, ApiError> {
    let is_model = |name| app.about.model.as_deref() == Some(name);
    match model {
        None => Ok(app.usual_writer()),
        Some(name) if is_model(name) => Ok(Recommends::Model),
        Some(TEACHER) if app.about.teacher => Ok(Recommends::Teacher),
        Some(name) => {
            let (expected, next) = ("a model of GET /v1/models", "leave it out for the usual one");
            Err(ApiError::new(StatusCode::NOT_FOUND, "model", expected, format!("{name:?}"), next))
        }
    }
}

/// Replays the conversation, and takes the last message of the user in.
fn turn(app: &App, call: &ChatCall) -> Result<Turn, ApiError> {
    let catalogue = &app.dataset.catalogue;
    let last = call.messages.iter().rposition(|message| message.role == "user").ok_or_else(|| {
        ApiError::bad_request("messages", "a message of the user", "none", "send {\"role\": \"user\", \"content\": …}")
    })?;
    let taken = call.user.as_deref().and_then(|key| app.user(key)).map(|user| user.items.clone()).unwrap_or_default();
    let mut session = ChatSession::new(catalogue, taken, LENGTH);
    for message in &call.messages[..last] {
        match message.role.as_str() {
            "user" => drop(session.reply(&message.text())),
            "assistant" => {
                let text = message.text();
                let titles = parse(&text, OutputFormat::Lenient, catalogue);
                let items: Vec<ItemId> = titles.into_iter().filter_map(|title| catalogue.by_title(title)).collect();
                session.shown(&items);
            }
            _ => {}
        }
    }
    Ok(match session.reply(&call.messages[last].text()) {
        Reply::List(request, said) => Turn::List(said, Box::new(request)),
        Reply::Say(text) => Turn::Say(text),
        Reply::End => Turn::Say(HELP.to_owned()),
    })
}

impl ChatMessage {
    fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => parts.iter().map(|part| part.text.as_str()).collect::<Vec<_>>().join(" "),
        }
    }
}

/// A completion in OpenAI's format.
struct Completion {
    name: String,
    created: i64,
    text: String,
    /// Of the prompt, and of the answer.
    tokens: [usize; 2],
}

impl Completion {
    fn whole(&self) -> Value {
        let [prompt, answer] = self.tokens;
        json!({
            "id": self.id(), "object": "chat.completion", "created": self.created, "model": self.name,
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": self.text }, "finish_reason": "stop" }],
            "usage": { "prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer },
        })
    }

    /// The events of a streamed completion: the text line by line, its end, and OpenAI's last event.
    fn chunks(&self) -> Vec<Result<Event, axum::Error>> {
        let chunk = |delta: Value, finish: Option<&str>| {
            let choices = json!([{ "index": 0, "delta": delta, "finish_reason": finish }]);
            let (id, name) = (self.id(), &self.name);
            json!({ "id": id, "object": "chat.completion.chunk", "created": self.created, "model": name, "choices": choices })
        };
        let mut events = vec![chunk(json!({ "role": "assistant", "content": "" }), None)];
        events.extend(self.text.split_inclusive('\n').map(|line| chunk(json!({ "content": line }), None)));
        events.push(chunk(json!({}), Some("stop")));
        let events = events.into_iter().map(|event| Event::default().json_data(event));
        events.chain([Ok(Event::default().data("[DONE]"))]).collect()
    }

    fn id(&self) -> String {
        format!("chatcmpl-{}", self.created)
    }
}
