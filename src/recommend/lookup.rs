//! Names as users type them, found in the data set or answered with the nearest ones.

use std::path::Path;

use super::request::Wish;
use crate::data::input::{Lines, quote};
use crate::data::{Catalogue, CategoryId, Dataset, ItemId, User};
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
    let mut lines = Lines::open(path)?;
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
    let item = |title: &String| {
        catalogue.by_title(title.trim()).ok_or_else(|| {
            let known = catalogue.items().iter().map(|item| item.title.as_str());
            unknown("--history", "titles of the catalogue", title, known, "items.csv has every title")
        })
    };
    titles.iter().map(item).collect()
}

/// The wishes of `--more` and `--less`.
///
/// # Errors
/// A category that the catalogue does not have, or one that is wanted and unwanted at once.
pub fn wishes(catalogue: &Catalogue, more: &[String], less: &[String]) -> Result<Vec<Wish>> {
    if let Some(both) = more.iter().find(|name| less.contains(name)) {
        return Err(Error::bad_input(format!("--less {}", quote(both)))
            .expected("a category that is not also in --more")
            .found("the same one")
            .next("leave one of the two out")
            .into());
    }
    let category = |flag: &'static str| move |name: &String| category(catalogue, flag, name);
    let more = more.iter().map(category("--more")).map(|found| found.map(Wish::More));
    let less = less.iter().map(category("--less")).map(|found| found.map(Wish::Less));
    more.chain(less).collect()
}

fn category(catalogue: &Catalogue, flag: &str, name: &str) -> Result<CategoryId> {
    catalogue.category(name).ok_or_else(|| {
        let known = catalogue.categories().iter().map(String::as_str);
        unknown(flag, "a category of the data set", name, known, "`tiller data stats DIR` lists the categories")
    })
}

fn unknown<'a>(
    place: &str,
    expected: &str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
    otherwise: &str,
) -> Error {
    let nearest: Vec<_> = nearest(name, known).into_iter().map(quote).collect();
    let next =
        if nearest.is_empty() { otherwise.to_owned() } else { format!("nearest: {}; {otherwise}", nearest.join(", ")) };
    Error::bad_input(place).expected(expected).found(quote(name)).next(next).into()
}

/// The three known names most alike to `name`, best first, if they are alike at all.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    const ALIKE: f64 = 0.75;
    let name = name.to_lowercase();
    let mut scored: Vec<_> = known
        .map(|known| (strsim::jaro_winkler(&name, &known.to_lowercase()), known))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    scored.sort_by(|(a, _), (b, _)| b.total_cmp(a));
    scored.into_iter().take(3).map(|(_, known)| known).collect()
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
            (users(&dataset, "ana").unwrap_err(), "nearest: \"anna\""),
            (users(&dataset, "zzzz").unwrap_err(), "--user all"),
            (history(&catalogue, &strings(&["heat"])).unwrap_err(), "nearest: \"Heat (1995)\""),
            (history(&catalogue, &strings(&[" "])).unwrap_err(), "at least one title"),
            (wishes(&catalogue, &strings(&["drama"]), &[]).unwrap_err(), "nearest: \"Drama\""),
            (wishes(&catalogue, &strings(&["Crime"]), &strings(&["Crime"])).unwrap_err(), "--less \"Crime\""),
        ] {
            assert!(error.to_string().contains(part), "{part} is missing in {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn wishes_keep_their_kind() {
        let catalogue = catalogue();
        let [crime, drama] = ["Crime", "Drama"].map(|name| catalogue.category(name).unwrap());
        let wishes = wishes(&catalogue, &strings(&["Drama"]), &strings(&["Crime"])).unwrap();
        assert_eq!(wishes, [Wish::More(drama), Wish::Less(crime)]);
    }
}
