//! A list of titles as text and back (method §3.3, method §3.5).

use std::str::FromStr;

use crate::data::Catalogue;
use crate::{Error, Result};

/// The format of an answer, which decides how it is parsed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputFormat {
    /// A model tuned on [`render`]: every line is an item, so that chatter counts against it.
    Strict,
    /// A general model: only numbered lines are items, and quotes or a category behind a title are forgiven.
    Lenient,
}

impl FromStr for OutputFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "strict" | "tuned" => Ok(OutputFormat::Strict),
            "lenient" | "general" => Ok(OutputFormat::Lenient),
            other => Err(Error::bad_input("--output-format").expected("strict or lenient").found(other).into()),
        }
    }
}

/// The form that models are trained to write: `1. title⏎ 2. title⏎ … n. title⏎`.
pub fn render<'a>(titles: impl IntoIterator<Item = &'a str>) -> String {
    let lines: Vec<_> =
        titles.into_iter().enumerate().map(|(index, title)| format!("{}. {title}\n", index + 1)).collect();
    lines.join(" ")
}

/// The titles of an answer, in order. It inverts [`render`], in either format.
pub fn parse<'a>(text: &'a str, format: OutputFormat, catalogue: &Catalogue) -> Vec<&'a str> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    match format {
        OutputFormat::Strict => lines.map(|line| after_index(line, &['.']).unwrap_or(line)).collect(),
        OutputFormat::Lenient => {
            lines.filter_map(|line| after_index(line, &['.', ')'])).map(|line| meant_title(line, catalogue)).collect()
        }
    }
}

/// The ends of the lines that [`parse`] takes for items in the strict format: behind their line breaks, in bytes.
pub fn line_ends(text: &str) -> impl Iterator<Item = usize> {
    let mut end = 0;
    let lines = text.split_inclusive('\n').map(move |line| {
        end += line.len();
        (line, end)
    });
    lines.filter(|(line, _)| !line.trim().is_empty()).map(|(_, end)| end)
}

/// The text behind a leading number and one of `marks`.
fn after_index<'a>(line: &'a str, marks: &[char]) -> Option<&'a str> {
    let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
    if rest.len() == line.len() { None } else { rest.strip_prefix(marks).map(str::trim_start) }
}

/// The first reading of a line that is a title of the catalogue; the barest one where none is.
fn meant_title<'a>(line: &'a str, catalogue: &Catalogue) -> &'a str {
    let unquoted = unquote(line);
    let bare = unquote(without_category(unquoted, catalogue));
    [line, unquoted, bare].into_iter().find(|title| catalogue.by_title(title).is_some()).unwrap_or(bare)
}

/// Takes off quotes and emphasis that enclose the whole text.
fn unquote(text: &str) -> &str {
    const PAIRS: [(&str, &str); 8] =
        [("**", "**"), ("*", "*"), ("'", "'"), ("\"", "\""), ("`", "`"), ("“", "”"), ("‘", "’"), ("«", "»")];
    let inside = |(open, close): &(&str, &str)| text.strip_prefix(open)?.strip_suffix(close);
    PAIRS.iter().find_map(inside).map_or(text, |inner| unquote(inner.trim()))
}

/// Takes off a trailing bracket that holds nothing but categories, so that `(1995)` stays.
fn without_category<'a>(text: &'a str, catalogue: &Catalogue) -> &'a str {
    let bracket = |open: char, close: char| text.strip_suffix(close)?.rsplit_once(open);
    match bracket('(', ')').or_else(|| bracket('[', ']')) {
        Some((title, inside))
            if inside.split([',', '|', '/']).all(|name| catalogue.category(name.trim()).is_some()) =>
        {
            title.trim_end()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::testing::catalogue;
    use proptest::prelude::*;

    #[test]
    fn a_list_has_one_numbered_line_for_each_title() {
        assert_eq!(render(["Heat (1995)", "12 Angry Men (1957)"]), "1. Heat (1995)\n 2. 12 Angry Men (1957)\n");
        assert_eq!(render([]), "");
    }

    #[test]
    fn a_tuned_models_every_line_counts() {
        let text = "Here is your list:\n1. Heat (1995)\n\n 2.Ran (1985)\r\nUp (2009)\n 4. 2. Fast\n";
        let expected = ["Here is your list:", "Heat (1995)", "Ran (1985)", "Up (2009)", "2. Fast"];
        assert_eq!(parse(text, OutputFormat::Strict, &catalogue()), expected);
        assert!(parse(" \n", OutputFormat::Strict, &catalogue()).is_empty());
    }

    #[test]
    fn a_general_models_chatter_quotes_and_categories_fall_away() {
        let text = "Sure! Here are 5 films:\n1. \"Heat (1995)\"\n2) **Ran (1985)** [Drama, Crime]\n3. 'Up (2009)' (Drama)\n\
                    4. Jaws (1975)\n5. “'Salem's Lot (1979)”\n1995 was a good year.\nEnjoy!";
        let expected = ["Heat (1995)", "Ran (1985)", "Up (2009)", "Jaws (1975)", "'Salem's Lot (1979)"];
        assert_eq!(parse(text, OutputFormat::Lenient, &catalogue()), expected);
    }

    #[test]
    fn a_title_of_the_catalogue_is_never_peeled() {
        assert_eq!(parse("1. 'Quoted' (Drama)", OutputFormat::Lenient, &catalogue()), ["'Quoted' (Drama)"]);
    }

    /// Titles as an import leaves them: no line breaks, no blanks at the ends; numbers and dots at the start are welcome.
    fn title() -> impl Strategy<Value = String> {
        prop_oneof!["[0-9]{1,3}[.)]? ?\\PC{0,8}", "\\PC{1,12}", "['\"(*].{0,6}['\")*]"]
            .prop_map(|text| text.split_whitespace().collect::<Vec<_>>().join(" "))
            .prop_filter("empty", |text| !text.is_empty() && !text.contains(char::is_control))
    }

    proptest! {
        #[test]
        fn parsing_undoes_rendering(titles in prop::collection::vec(title(), 0..15)) {
            let text = render(titles.iter().map(String::as_str));
            prop_assert_eq!(text.matches('\n').count(), titles.len());
            prop_assert_eq!(parse(&text, OutputFormat::Strict, &Catalogue::default()), titles);
        }

        #[test]
        fn parsing_undoes_rendering_of_catalogue_titles_in_the_lenient_format(titles in prop::collection::vec(title(), 0..15)) {
            let items = titles.iter().map(|title| crate::recommend::testing::item(title, &[])).collect();
            let catalogue = Catalogue::new(items, Vec::new(), Vec::new());
            let text = render(titles.iter().map(String::as_str));
            prop_assert_eq!(parse(&text, OutputFormat::Lenient, &catalogue), titles);
        }

        #[test]
        fn no_answer_is_too_strange_to_read(text in "(\\PC|[\n\r\t0-9.'\"()]){0,80}") {
            let catalogue = catalogue();
            let tuned = parse(&text, OutputFormat::Strict, &catalogue);
            let general = parse(&text, OutputFormat::Lenient, &catalogue);
            prop_assert!(general.len() <= tuned.len());
            let ends: Vec<usize> = line_ends(&text).collect();
            prop_assert!(ends.len() == tuned.len() && ends.is_sorted());
            for (end, title) in ends.into_iter().zip(tuned) {
                let line = text[..end].trim_end_matches('\n').rsplit('\n').next().unwrap();
                prop_assert!(line.trim().ends_with(title) && (end == text.len() || text[..end].ends_with('\n')));
            }
        }
    }
}
