//! `--model`: a path, or the name of something pulled.

use std::path::{Path, PathBuf};

use tiller_models::files::gguf::Gguf;

use super::entry::{self, PullEntry, PullKind};
use super::{home, receipt};
use crate::{Error, Result};

/// Resolves a `--model` argument to a Hugging Face folder or a .gguf file.
///
/// An existing path is used as it is. Any other text is the name of a model of `tiller pull`.
///
/// # Errors
/// Neither a path nor a pulled model; the error names the command that fetches one.
pub fn resolve_model(name_or_path: &str) -> Result<PathBuf> {
    let path = Path::new(name_or_path);
    if path.exists() {
        return Ok(model_in(path));
    }
    let models: Vec<_> = entry::known().into_iter().filter(|entry| entry.kind == PullKind::Model).collect();
    match models.iter().find(|model| model.name == name_or_path) {
        Some(model) => pulled(model),
        None => {
            let names: Vec<_> = models.iter().map(|model| model.name.as_str()).collect();
            Err(Error::bad_input(format!("--model {name_or_path}"))
                .expected(format!("a Hugging Face folder, a .gguf file, or one of {}", names.join(", ")))
                .found("no such path or name")
                .next("`tiller pull smollm2-135m` fetches a small model; then --model smollm2-135m")
                .into())
        }
    }
}

fn pulled(model: &PullEntry) -> Result<PathBuf> {
    let folder = home::folder(model.kind)?.join(&model.name);
    if receipt::is_whole(&folder) {
        return Ok(model_in(&folder));
    }
    Err(Error::bad_input(format!("--model {}", model.name))
        .expected(format!("a pulled model at {}", folder.display()))
        .found("none, or not all of it")
        .next(format!("tiller pull {}", model.name))
        .into())
}

/// A folder without config.json but with exactly one .gguf resolves to that file.
fn model_in(path: &Path) -> PathBuf {
    if path.join("config.json").exists() {
        return path.to_owned();
    }
    let files: Vec<_> = std::fs::read_dir(path)
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).filter(|p| Gguf::is_path(p)).collect())
        .unwrap_or_default();
    match files.as_slice() {
        [only] => only.clone(),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_with_one_gguf_stands_for_it_unless_it_is_a_hugging_face_folder() {
        let folder = tempfile::tempdir().unwrap();
        let gguf = folder.path().join("m.gguf");
        std::fs::write(&gguf, "").unwrap();
        let resolve = |path: &Path| resolve_model(path.to_str().unwrap()).unwrap();
        assert_eq!(resolve(folder.path()), gguf);
        assert_eq!(resolve(&gguf), gguf);
        std::fs::write(folder.path().join("config.json"), "{}").unwrap();
        assert_eq!(resolve(folder.path()), folder.path());
    }

    #[test]
    fn an_unknown_model_is_answered_with_the_command_that_fetches_one() {
        let error = resolve_model("no/such/model").unwrap_err();
        assert!(error.to_string().contains("tiller pull smollm2-135m"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}
