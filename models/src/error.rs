//! The one error of tiller: it names the place, what was expected, what was found, and the next step.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use tiller_kernels::quant::PackError;

/// Shorthand for results with tiller's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a command could not do its work. [`Error::exit_code`] maps it to the exit codes that users rely on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Something that the user gave (a file, a line, a tensor, a flag) is not what it has to be. Exit code 2.
    #[error("{0}")]
    BadInput(BadInput),

    /// The operating system refused to read or write a path. Exit code 1.
    #[error("{}: cannot {action}: {source}", in_brief(.path.display()))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The attempt, as a verb: "read", "write", "create".
        action: &'static str,
        /// The system's own answer.
        source: std::io::Error,
    },

    /// A device could not be chosen or opened. Exit code 2 for an unknown name, 1 for a failing driver.
    #[error(transparent)]
    Device(#[from] tiller_kernels::device::DeviceError),

    /// Weights that do not fit into the quantization scheme (exit code 2), or into a buffer (exit code 3).
    #[error("{place}{source}")]
    Pack {
        /// The tensor and a colon, or nothing.
        place: String,
        /// The reason.
        source: PackError,
    },

    /// The work does not fit in the memory at hand. Exit code 3.
    #[error("{0}")]
    DoesNotFit(String),

    /// The user interrupted the work; what was done is saved. Exit code 130.
    #[error("interrupted{0}")]
    Interrupted(String),

    /// The work itself failed (a diverging loss, a download that broke off). Exit code 1.
    #[error("{}", short(.0))]
    Failed(String),
}

impl Error {
    /// Starts the description of a bad input at `place`: "movies.dat line 3", "--user", "tensor blk.0.attn_q.weight".
    pub fn bad_input(place: impl fmt::Display) -> BadInput {
        BadInput { place: in_brief(place), expected: String::new(), found: String::new(), next: String::new() }
    }

    /// Turns an I/O error at `path` into ours; made for `map_err(Error::io(path, "read"))`.
    pub fn io(path: impl AsRef<Path>, action: &'static str) -> impl FnOnce(std::io::Error) -> Error {
        let path = path.as_ref().to_path_buf();
        move |source| Error::Io { path, action, source }
    }

    /// Says which tensor could not be packed; made for `map_err(Error::packing(name))`.
    pub fn packing(tensor: impl fmt::Display) -> impl FnOnce(PackError) -> Error {
        let place = format!("tensor {tensor}: ");
        move |source| Error::Pack { place, source }
    }

    /// Names what a device did not return; made for `map_err(Error::download("the logits"))`.
    pub fn download<E: fmt::Display>(what: impl fmt::Display) -> impl FnOnce(E) -> Error {
        move |source| Error::Failed(format!("the device did not return {what}: {source}"))
    }

    /// The exit code of the process that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::BadInput(_) => 2,
            Error::Device(e) => e.exit_code(),
            // A path that the user named and that is not there is a wrong input, not a failing machine.
            Error::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => 2,
            Error::Io { .. } | Error::Failed(_) => 1,
            Error::DoesNotFit(_) | Error::Pack { source: PackError::Buffer { .. }, .. } => 3,
            Error::Pack { .. } => 2,
            Error::Interrupted(_) => 130,
        }
    }
}

impl From<BadInput> for Error {
    fn from(bad: BadInput) -> Self {
        Error::BadInput(bad)
    }
}

impl From<PackError> for Error {
    fn from(source: PackError) -> Self {
        Error::Pack { place: String::new(), source }
    }
}

/// A bad input in four parts, built as a sentence: `Error::bad_input(place).expected(..).found(..).next(..)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadInput {
    place: String,
    expected: String,
    found: String,
    next: String,
}

impl BadInput {
    /// Adds the expected input.
    pub fn expected(mut self, expected: impl fmt::Display) -> Self {
        self.expected = within(OF_OURS, expected);
        self
    }

    /// Adds the input that was found.
    pub fn found(mut self, found: impl fmt::Display) -> Self {
        self.found = in_brief(found);
        self
    }

    /// Adds the next step for the user.
    pub fn next(mut self, next: impl fmt::Display) -> Self {
        self.next = within(OF_OURS, next);
        self
    }

    /// The four parts: place, expected, found, next step.
    pub fn parts(&self) -> [&str; 4] {
        [&self.place, &self.expected, &self.found, &self.next]
    }
}

/// Characters of the start and of the end that are kept of what a file or a user says, in which a name may have megabytes.
const OF_OTHERS: [usize; 2] = [600, 100];

/// Characters that are kept of our own words, which may list many names.
const OF_OURS: [usize; 2] = [2000, 200];

fn in_brief(part: impl fmt::Display) -> String {
    within(OF_OTHERS, part)
}

/// A part of a message: its start and its end, in a few lines, without control characters.
fn within([start, end]: [usize; 2], part: impl fmt::Display) -> String {
    const LINES: usize = 12;
    let part = part.to_string();
    let place_of = |n: usize| part.char_indices().nth(n).map_or(part.len(), |(at, _)| at);
    let shown = if place_of(start + end) < part.len() {
        let last = part.char_indices().nth_back(end - 1).map_or(0, |(at, _)| at);
        format!("{} … {} ({} bytes)", &part[..place_of(start)], &part[last..], part.len())
    } else {
        part
    };
    let lines: Vec<&str> = shown.lines().take(LINES).collect();
    let escaped = |c: char| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.to_string() };
    lines.join("\n").chars().map(escaped).collect()
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [place, expected, found, next] =
            [&self.place, &self.expected, &self.found, &self.next].map(|part| short(part));
        write!(f, "{place}: expected {expected}, found {found}")?;
        if !next.is_empty() {
            write!(f, "\n  next: {next}")?;
        }
        Ok(())
    }
}

/// The characters of one part of an error, so that an error stays a few lines: names in files may have megabytes.
const LONGEST: usize = 2000;

/// `text` without the middle where it is too long.
fn short(text: &str) -> Cow<'_, str> {
    let count = text.chars().count();
    if count <= LONGEST {
        return text.into();
    }
    let beginning: String = text.chars().take(LONGEST / 2).collect();
    let end: String = text.chars().skip(count - LONGEST / 4).collect();
    format!("{beginning} … ({count} characters) … {end}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_a_few_lines_whatever_it_quotes() {
        let name = "é".repeat(3 << 20);
        let bad: Error = Error::bad_input(&name).expected("a name").found(&name).next(&name).into();
        for error in [bad, Error::Failed(format!("tensor {name}"))] {
            let text = error.to_string();
            assert!(text.len() < 16_384 && text.contains("characters"), "{} bytes", text.len());
        }
    }

    #[test]
    fn a_bad_input_reads_as_a_sentence_with_a_next_step() {
        let error: Error = Error::bad_input("movies.dat line 3")
            .expected("id::title::genres")
            .found("1 field")
            .next("check the separator")
            .into();
        assert_eq!(
            error.to_string(),
            "movies.dat line 3: expected id::title::genres, found 1 field\n  next: check the separator"
        );
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn a_message_is_a_few_lines_whatever_a_file_says() {
        let long = format!("tensor {}end", "né".repeat(1 << 20));
        let lines = "line\n".repeat(1000);
        let error = Error::bad_input(&long).expected(&lines).found("\u{1b}[2J\u{7}").next("try again");
        let message = error.to_string();
        assert!(message.len() < 4096 && message.lines().count() < 20, "{} bytes", message.len());
        assert!(
            message.starts_with("tensor né") && message.contains("end (3145738 bytes): expected line"),
            "{message}"
        );
        assert!(message.ends_with("found \\u{1b}[2J\\u{7}\n  next: try again"), "{message}");
        let short = "x".repeat(700);
        assert_eq!(Error::bad_input(&short).found("").to_string(), format!("{short}: expected , found "));
    }

    #[test]
    fn a_missing_path_is_a_wrong_input_and_a_full_disk_is_a_failure() {
        let missing = Error::io("nowhere", "read")(std::io::ErrorKind::NotFound.into());
        let full = Error::io("out", "write")(std::io::ErrorKind::StorageFull.into());
        assert_eq!((missing.exit_code(), full.exit_code()), (2, 1));
    }
}
