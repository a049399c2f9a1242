//! Chat templates: compiled, and rendered with a short conversation.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tiller_models::chat::{ChatTemplate, Message, Role};

fuzz_target!(|source: &str| {
    let Ok(template) = ChatTemplate::from_source(source, "<s>", "</s>") else { return };
    let turn = |role, text| Message::new(role, text);
    let talk = [turn(Role::System, "Be kind."), turn(Role::User, "Ten films?"), turn(Role::Assistant, "Heat.")];
    let _ = template.render(&talk, true);
});
