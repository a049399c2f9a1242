//! A request as the flags that ask for it, to copy into a shell.

use super::{Amount, Relation, Request, Share};
use crate::data::{Catalogue, CategoryId, ItemId};

impl Request {
    /// The flags of `tiller recommend` that ask for this request, as separate arguments. Candidates have no flag but a file, and are
    /// left out.
    pub fn flags(&self, catalogue: &Catalogue) -> Vec<String> {
        let titles = |items: &[ItemId]| items.iter().map(|&item| catalogue.title(item).to_owned()).collect::<Vec<_>>();
        let names = |ids: &[CategoryId]| ids.iter().map(|id| catalogue.categories()[id.index()].clone()).collect();
        let many: [(&str, Vec<String>); 7] = [
            ("--history", titles(&self.history)),
            ("--more", names(&self.all_in)),
            ("--less", names(&self.none_in)),
            ("--share", self.shares.iter().map(Share::flag).collect()),
            ("--where", self.conditions.iter().map(ToString::to_string).collect()),
            ("--must", titles(&self.mandatory)),
            ("--exclude", titles(&self.excluded)),
        ];
        let mut flags = vec!["-k".to_owned(), self.k.to_string()];
        for (flag, values) in many {
            for value in values {
                if value.starts_with('-') {
                    flags.push(format!("{flag}={value}"));
                } else {
                    flags.extend([flag.to_owned(), value]);
                }
            }
        }
        flags
    }
}

impl Share {
    /// The share as [`Share::parse`] reads it.
    pub fn flag(&self) -> String {
        let relation = match self.relation {
            Relation::AtMost => "<=",
            Relation::AtLeast => ">=",
            Relation::Exactly => "=",
            Relation::About => "~",
        };
        match self.amount {
            Amount::Count(count) => format!("{}{relation}{count}", self.of),
            Amount::Percent(percent) => format!("{}{relation}{percent}%", self.of),
        }
    }
}

/// Arguments as a POSIX shell takes them, quoted where they have to be.
pub fn shell(arguments: &[String]) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,@%+".contains(c);
    let quoted = |argument: &String| {
        if !argument.is_empty() && argument.chars().all(plain) {
            argument.clone()
        } else {
            format!("'{}'", argument.replace('\'', r"'\''"))
        }
    };
    arguments.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_survive_a_shell() {
        let arguments =
            ["-k", "5", "--must", "Schindler's List (1993)", "$(rm)", "a`b\"c\\", "", "Comedy<=30%", "naïve"];
        let line = shell(&arguments.map(str::to_owned));
        assert!(line.starts_with("-k 5 --must 'Schindler'\\''s List (1993)' "));
        let output = std::process::Command::new("sh").arg("-c").arg(format!("printf '%s\\n' {line}")).output().unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().lines().collect::<Vec<_>>(), arguments);
    }
}
