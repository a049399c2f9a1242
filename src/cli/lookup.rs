//! Names on the command line: users, titles, categories.

use std::path::Path;

use crate::data::input::{LineReader, quote};
use crate::data::{Catalogue, CategoryId, Dataset, ItemId, User};
use crate::request::names::{self, unknown};
use crate::{Error, Result};

/// The users that `--user` means: `all`, a user's key, or a file with one key on each line.
///
/// # Errors
/// A key that no user has, in a file with its line; a file that cannot be read or names nobody.
pub fn users<'a>(dataset: &'a Dataset, who: &str) -> Result<Vec<&'a User>> {
    if who == "all" {
        return Ok(dataset.users.iter().collect());
    }
    match dataset.user(who) {
        Some(user) => Ok(vec![user]),
        None if Path::new(who).is_file() => users_of_file(dataset, Path::new(who)),
        None => Err(unknown_user(dataset, "--user", who)),
    }
}

fn users_of_file<'a>(dataset: &'a Dataset, path: &Path) -> Result<Vec<&'a User>> {
    let mut lines = LineReader::open(path)?;
    let mut users = Vec::new();
    while let Some(line) = lines.next_line()? {
        let key = line.utf8()?.trim();
        users.push(dataset.user(key).ok_or_else(|| unknown_user(dataset, &line.place(), key))?);
    }
    if users.is_empty() {
        return Err(Error::bad_input(path.display()).expected("a user on each line").found("none").into());
    }
    Ok(users)
}

fn unknown_user(dataset: &Dataset, place: &str, key: &str) -> Error {
    let keys = dataset.users.iter().map(|user| user.key.as_str());
    let next = "--user all takes everybody; interactions.csv has every user in its first column";
    unknown(place, "a user of the data set", key, keys, next)
}

/// The items of titles, in order.
///
/// # Errors
/// A title that no item has, or no title at all.
pub fn history(catalogue: &Catalogue, titles: &[String]) -> Result<Vec<ItemId>> {
    if titles.iter().all(|title| title.trim().is_empty()) {
        return Err(Error::bad_input("--history")
            .expected("titles of items that were taken, oldest first")
            .found("none")
            .next("give at least one title, each in quotes")
            .into());
    }
    self::titles(catalogue, "--history", titles)
}

/// The items of the titles that stand behind `flag`.
///
/// # Errors
/// A title that no item has.
pub fn titles(catalogue: &Catalogue, flag: &str, titles: &[String]) -> Result<Vec<ItemId>> {
    titles.iter().map(|title| names::item(flag, title, catalogue)).collect()
}

/// The items of a file with one title on each line.
///
/// # Errors
/// A title that no item has, with its line; a file that cannot be read or names nothing.
pub fn titles_of_file(catalogue: &Catalogue, path: &Path) -> Result<Vec<ItemId>> {
    let mut lines = LineReader::open(path)?;
    let mut items = Vec::new();
    while let Some(line) = lines.next_line()? {
        items.push(names::item(&line.place(), line.utf8()?, catalogue)?);
    }
    if items.is_empty() {
        return Err(Error::bad_input(path.display()).expected("a title on each line").found("none").into());
    }
    Ok(items)
}

/// The categories of `--more` and of `--less`.
///
/// # Errors
/// A category that the catalogue does not have, or one that is wanted and unwanted at once.
pub fn included_and_excluded(catalogue: &Catalogue, more: &[String], less: &[String]) -> Result<[Vec<CategoryId>; 2]> {
    let categories = |flag: &str, wanted: &[String]| -> Result<Vec<CategoryId>> {
        wanted.iter().map(|name| names::category(flag, name, catalogue)).collect()
    };
    let (more, less) = (categories("--more", more)?, categories("--less", less)?);
    if let Some(both) = more.iter().find(|category| less.contains(category)) {
        return Err(Error::bad_input(format!("--less {}", quote(&catalogue.categories()[both.index()])))
            .expected("a category that is not also in --more")
            .found("the same one")
            .next("leave one of the two out")
            .into());
    }
    Ok([more, less])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recommend::testing::catalogue;
    use std::io::Write;

    fn dataset() -> Dataset {
        let user = |key: &str| User { key: key.into(), items: vec![ItemId(1)], timestamps: vec![0] };
        Dataset { name: "test".into(), catalogue: catalogue(), users: ["anna", "bert", "7"].map(user).into() }
    }

    fn strings(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn users_come_by_key_by_file_or_all_at_once() {
        let dataset = dataset();
        let keys =
            |who: &str| users(&dataset, who).map(|users| users.iter().map(|u| u.key.clone()).collect::<Vec<_>>());
        assert_eq!(keys("bert").unwrap(), ["bert"]);
        assert_eq!(keys("all").unwrap(), ["anna", "bert", "7"]);
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "7\n\n anna \n").unwrap();
        assert_eq!(keys(file.path().to_str().unwrap()).unwrap(), ["7", "anna"]);
        writeln!(file, "nobody").unwrap();
        let error = keys(file.path().to_str().unwrap()).unwrap_err().to_string();
        assert!(error.contains("line 4") && error.contains("\"nobody\""), "{error}");
    }

    #[test]
    fn what_is_not_known_is_answered_with_the_nearest() {
        let (dataset, catalogue) = (dataset(), catalogue());
        for (error, part) in [
            (users(&dataset, "ana").unwrap_err(), "did you mean \"anna\"?"),
            (users(&dataset, "zzzz").unwrap_err(), "--user all"),
            (history(&catalogue, &strings(&["heat"])).unwrap_err(), "did you mean \"Heat (1995)\"?"),
            (history(&catalogue, &strings(&[" "])).unwrap_err(), "at least one title"),
            (included_and_excluded(&catalogue, &strings(&["dramas"]), &[]).unwrap_err(), "--more: expected a category"),
            (
                included_and_excluded(&catalogue, &strings(&["crime"]), &strings(&["Crime"])).unwrap_err(),
                "--less \"Crime\"",
            ),
        ] {
            assert!(error.to_string().contains(part), "{part} is missing in {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn categories_are_found_in_any_case_of_letters() {
        let catalogue = catalogue();
        let [crime, drama] = ["Crime", "Drama"].map(|name| catalogue.category(name).unwrap());
        let found = included_and_excluded(&catalogue, &strings(&["drama"]), &strings(&["Crime"])).unwrap();
        assert_eq!(found, [vec![drama], vec![crime]]);
    }
}
