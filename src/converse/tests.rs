use super::*;
use crate::data::Item;
use crate::recommend::testing::catalogue;
use crate::request::Predicate;

fn request(reply: Reply) -> Request {
    match reply {
        Reply::List(request, _) => request,
        other => panic!("expected a list, found {other:?}"),
    }
}

fn said(reply: Reply) -> String {
    match reply {
        Reply::Say(text) => text,
        other => panic!("expected words, found {other:?}"),
    }
}

#[test]
fn requests_add_up_and_the_newer_one_decides() {
    let catalogue = catalogue();
    let [crime, drama] = ["Crime", "Drama"].map(|name| catalogue.category(name).unwrap());
    let mut talk = ChatSession::new(&catalogue, vec![ItemId(1)], 3);
    let first = request(talk.reply("drama"));
    assert_eq!((first.k, &first.all_in[..], &first.history[..]), (3, &[drama][..], &[ItemId(1)][..]));
    let second = request(talk.reply("no crime"));
    assert_eq!((&second.all_in[..], &second.none_in[..]), (&[drama][..], &[crime][..]));
    let third = request(talk.reply("no drama"));
    assert_eq!((third.all_in.len(), third.none_in.len()), (0, 2));
    assert!(said(talk.reply("show")).contains("--less Drama"));
}

#[test]
fn what_was_shown_is_not_shown_again() {
    let catalogue = catalogue();
    let mut talk = ChatSession::new(&catalogue, Vec::new(), 2);
    talk.shown(&[ItemId(1), ItemId(2)]);
    assert_eq!(request(talk.reply("more")).excluded, [ItemId(1), ItemId(2)]);
    let liked = request(talk.reply("more like the second"));
    assert_eq!((&liked.history[..], &liked.excluded[..]), (&[ItemId(2)][..], &[ItemId(1)][..]));
    assert!(said(talk.reply("not the third")).contains("2 items only"));
    said(talk.reply("start over"));
    assert_eq!(talk.request(), Request { k: 2, ..Request::default() });
    assert!(said(talk.reply("more like the first")).contains("no list yet"));
}

#[test]
fn several_changes_at_once_are_all_made_or_none_and_can_be_taken_back() {
    let catalogue = catalogue();
    let mut talk = ChatSession::new(&catalogue, Vec::new(), 2);
    request(talk.reply("drama"));
    talk.shown(&[ItemId(1), ItemId(2)]);
    let before = talk.request();
    assert!(said(talk.reply("no crime, not the third")).contains("2 items only"));
    assert_eq!(talk.request(), before, "nothing of it was done");
    let both = request(talk.reply("not the first, no crime"));
    assert_eq!((both.none_in.len(), both.excluded.contains(&ItemId(1))), (1, true));
    assert!(said(talk.reply("undo")).contains("--more Drama"));
    assert_eq!(talk.request(), before);
    said(talk.reply("undo"));
    assert_eq!(talk.request(), Request { k: 2, ..Request::default() });
    assert!(said(talk.reply("undo")).contains("nothing to take back"));
}

#[test]
fn of_conditions_that_nothing_meets_together_the_newer_one_decides() {
    let item = |title: &str, year: &str| Item {
        key: title.into(),
        title: title.into(),
        categories: Vec::new(),
        attributes: vec![year.into()],
    };
    let items = vec![item("Heat (1995)", "1995"), item("Ran (1985)", "1985"), item("Up (2009)", "2009")];
    let catalogue = Catalogue::new(items, Vec::new(), vec!["year".into()]);
    let mut talk = ChatSession::new(&catalogue, Vec::new(), 1);
    talk.shown(&[ItemId(1)]);
    let conditions =
        |reply: Reply| -> Vec<String> { request(reply).conditions.iter().map(Predicate::to_string).collect() };
    assert_eq!(conditions(talk.reply("older")), ["year<1995"]);
    let since = conditions(talk.reply("since 2000"));
    assert!(since.len() == 1 && since[0].contains("2000"), "{since:?}");
}

#[test]
fn what_nobody_knows_is_said() {
    let catalogue = catalogue();
    let mut talk = ChatSession::new(&catalogue, Vec::new(), 2);
    assert!(said(talk.reply("xyzzy \u{1b}[31m")).contains("xyzzy"));
    assert!(!said(talk.reply("xyzzy \u{1b}[31m")).contains('\u{1b}'));
    assert_eq!(talk.reply("quit"), Reply::End);
    assert_eq!(said(talk.reply("help")), HELP);
}
