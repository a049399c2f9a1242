//! The user's data folder: pulled models and data sets, and the measured speeds of devices.

use std::env;
use std::ffi::OsString;
use std::path::PathBuf;

use super::entry::PullKind;
use crate::{Error, Result};

/// The folder of entries of a kind, in [`data_folder`].
///
/// # Errors
/// No home folder in the environment.
pub fn folder(kind: PullKind) -> Result<PathBuf> {
    Ok(data_folder()?.join(kind.folder()))
}

/// The folder of the user's data: `TILLER_HOME` if it is set, otherwise the platform's.
///
/// # Errors
/// No home folder in the environment.
pub fn data_folder() -> Result<PathBuf> {
    home(|name| env::var_os(name).filter(|value| !value.is_empty()))
}

fn home(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    let path = |name| variable(name).map(PathBuf::from);
    if let Some(home) = path("TILLER_HOME") {
        return Ok(home);
    }
    let users_data = if cfg!(windows) {
        path("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        path("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        // XDG: a relative path must be ignored.
        path("XDG_DATA_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| path("HOME").map(|home| home.join(".local/share")))
    };
    users_data.map(|folder| folder.join("tiller")).ok_or_else(|| {
        Error::bad_input("home folder")
            .expected("a folder for the user's data")
            .found("none named by the environment")
            .next("set TILLER_HOME; `tiller pull` also takes --to DIR")
            .into()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home_with(variables: &[(&str, &str)]) -> Result<PathBuf> {
        home(|name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn tiller_home_goes_first_and_no_home_is_an_error() {
        assert_eq!(home_with(&[("TILLER_HOME", "/t"), ("HOME", "/h")]).unwrap(), PathBuf::from("/t"));
        assert_eq!(home_with(&[]).unwrap_err().exit_code(), 2);
    }

    #[test]
    #[cfg(all(unix, not(target_os = "macos")))]
    fn the_xdg_folder_is_used_where_it_is_absolute() {
        assert_eq!(home_with(&[("XDG_DATA_HOME", "/x"), ("HOME", "/h")]).unwrap(), PathBuf::from("/x/tiller"));
        let fallback = PathBuf::from("/h/.local/share/tiller");
        assert_eq!(home_with(&[("XDG_DATA_HOME", "x"), ("HOME", "/h")]).unwrap(), fallback);
    }
}
