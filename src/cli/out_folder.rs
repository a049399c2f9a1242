//! The run folder that a training writes, which is not the one of the model that it starts from.

use std::path::Path;

use super::guide::run_folder;
use crate::{Error, Result};

/// Refuses `out` where it is the folder of the model or adapter that a training starts from, or the run folder that holds one of them.
///
/// # Errors
/// Such a folder: the training would replace what it reads.
pub(super) fn check_out(out: &Path, model: &Path, adapter: Option<&Path>) -> Result<()> {
    let starts = [("the model", Some(model)), ("the adapter", adapter)];
    for (what, start) in starts.into_iter().filter_map(|(what, start)| Some((what, start?))) {
        let run = run_folder(start).map(|run| (format!("the run of {what}"), run));
        let folders = std::iter::once((what.to_owned(), start)).chain(run);
        if let Some((name, _)) = folders.into_iter().find(|(_, folder)| is_same(out, folder)) {
            return Err(Error::bad_input(format!("--out {}", out.display()))
                .expected("a folder of its own for the run")
                .found(format!("{name} that the training starts from"))
                .next("name another folder, or continue the run there with --resume")
                .into());
        }
    }
    Ok(())
}

/// Returns true if both paths lead to one folder that exists.
fn is_same(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    real(one).is_some_and(|one| real(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_training_does_not_replace_what_it_starts_from() {
        let place = tempfile::tempdir().unwrap();
        let at = |name: &str| place.path().join(name);
        for folder in ["model", "run/adapter", "full/model", "other"] {
            std::fs::create_dir_all(at(folder)).unwrap();
        }
        for run in ["run", "full"] {
            std::fs::write(at(run).join("config.toml"), "").unwrap();
        }
        let (model, adapter, full) = (at("model"), at("run/adapter"), at("full/model"));
        let refused = |out: &str, model: &Path, adapter: Option<&Path>| {
            check_out(&at(out), model, adapter).err().map(|error| (error.exit_code(), error.to_string()))
        };
        for (out, model, adapter, name) in [
            ("model", &model, None, "the model that"),
            ("other/../model", &model, Some(&adapter), "the model that"),
            ("run/adapter", &model, Some(&adapter), "the adapter that"),
            ("run", &model, Some(&adapter), "the run of the adapter that"),
            ("full", &full, None, "the run of the model that"),
        ] {
            let (code, text) = refused(out, model, adapter.map(|adapter| adapter.as_path())).unwrap();
            assert!(code == 2 && text.contains("--out") && text.contains(name), "{out}: {text}");
        }
        for out in ["other", "new", "run/second"] {
            assert_eq!(refused(out, &model, Some(&adapter)), None, "{out}");
        }
    }
}
