//! Steps of an experiment: each has a folder, and a note in it once it is done.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tiller_models::atomic::write_atomically;

use crate::run::progress;
use crate::{Error, Result};

/// The note.
const DONE: &str = "done.json";

/// The record of a finished step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Seconds that it took, interruptions and what was before them left out.
    pub seconds: f64,
    /// Its summary.
    pub summary: Value,
}

impl StepRecord {
    /// The note in a folder; `None` where the step is not done.
    ///
    /// # Errors
    /// A note that cannot be read.
    pub fn read(folder: &Path) -> Result<Option<Self>> {
        let path = folder.join(DONE);
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(&path).map_err(Error::io(&path, "read"))?;
        let damaged = |e: serde_json::Error| {
            Error::bad_input(path.display())
                .expected("the note of a step that is done")
                .found(e)
                .next("remove the folder to do the step again")
        };
        Ok(Some(serde_json::from_str(&text).map_err(damaged)?))
    }
}

/// Does a step, unless its folder says that it is done. What it says on stderr tells people where the experiment is.
///
/// # Errors
/// Those of the work, or a folder that cannot be written.
pub fn step<T: Serialize>(name: &str, folder: &Path, work: impl FnOnce() -> Result<T>) -> Result<StepRecord> {
    if let Some(done) = StepRecord::read(folder)? {
        progress::notice(&format!("{name}: done already"));
        return Ok(done);
    }
    progress::notice(&format!("{name}: starts"));
    let start = Instant::now();
    let summary = work()?;
    let summary = serde_json::to_value(summary).map_err(|e| Error::Failed(format!("{name}: {e}")))?;
    let done = StepRecord { seconds: start.elapsed().as_secs_f64(), summary };
    let text = serde_json::to_vec_pretty(&done).map_err(|e| Error::Failed(format!("{name}: {e}")))?;
    write_atomically(&folder.join(DONE), |file| file.write_all(&text))?;
    progress::notice(&format!("{name}: done after {:.0} seconds", done.seconds));
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_is_not_done_again_and_what_failed_is() {
        let folder = tempfile::tempdir().unwrap();
        let failed = step("a", folder.path(), || Err::<(), _>(Error::Failed("no".into())));
        assert!(failed.is_err() && StepRecord::read(folder.path()).unwrap().is_none());
        assert_eq!(step("a", folder.path(), || Ok(7)).unwrap().summary, 7);
        assert_eq!(step("a", folder.path(), || -> Result<i32> { panic!("again") }).unwrap().summary, 7);
    }
}
