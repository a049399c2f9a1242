//! Speeds that are remembered, or else measured and then remembered.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};

use super::measure::DeviceSpeeds;
use super::speeds::{MeasuredSpeeds, SpeedKey, read_speeds, write_speeds};
use crate::{Error, Result};

/// Returns the speeds of `key` in `file`, or takes them by `measure` and adds them. Problems with the file go to `tell` and cost no more than
/// a measurement.
///
/// # Errors
/// Those of `measure`.
pub(super) fn recall_or_measure(
    file: Result<PathBuf>,
    key: SpeedKey,
    measure: impl FnOnce() -> Result<DeviceSpeeds>,
    tell: &dyn Fn(&str),
) -> Result<MeasuredSpeeds> {
    let (kept, measured) = match file.and_then(|file| recall(file, &key, tell)) {
        Ok(Recalled::Known(known)) => return Ok(known),
        Ok(Recalled::Unknown(list)) => {
            let measured = key.measured(measure()?);
            (list.add(measured.clone()), measured)
        }
        Err(error) => (Err(error), key.measured(measure()?)),
    };
    if let Err(error) = kept {
        tell(&format!("the speeds of the devices are not remembered: {error}"));
    }
    Ok(measured)
}

enum Recalled {
    Known(MeasuredSpeeds),
    Unknown(LockedSpeeds),
}

/// Looks for the speeds of `key`, where necessary behind the processes that measure now: two at once would slow each other down.
fn recall(file: PathBuf, key: &SpeedKey, tell: &dyn Fn(&str)) -> Result<Recalled> {
    let find = |speeds: &[MeasuredSpeeds]| speeds.iter().find(|known| known.key == *key).cloned();
    let known = match read_speeds(&file) {
        Err(damaged @ Error::BadInput(_)) => {
            tell(&damaged.to_string());
            None
        }
        speeds => find(&speeds?),
    };
    if let Some(known) = known {
        return Ok(Recalled::Known(known));
    }
    let lock = lock(&file)?;
    let speeds = read_speeds(&file).unwrap_or_default();
    Ok(match find(&speeds) {
        Some(known) => Recalled::Known(known),
        None => Recalled::Unknown(LockedSpeeds { file, speeds, _lock: lock }),
    })
}

/// The content of the file, which no other process changes while this lives.
struct LockedSpeeds {
    file: PathBuf,
    speeds: Vec<MeasuredSpeeds>,
    _lock: File,
}

impl LockedSpeeds {
    fn add(mut self, measured: MeasuredSpeeds) -> Result<()> {
        self.speeds.push(measured);
        write_speeds(&self.file, &self.speeds)
    }
}

fn lock(file: &Path) -> Result<File> {
    let path = file.with_extension("lock");
    let folder = file.parent().unwrap_or(file);
    std::fs::create_dir_all(folder).map_err(Error::io(folder, "create"))?;
    let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
    let lock = lock.map_err(Error::io(&path, "create"))?;
    // A file system without locks costs a second measurement at most.
    let _ = lock.lock();
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::measure::BatchClass;
    use super::*;

    fn key(adapter: &str) -> SpeedKey {
        SpeedKey {
            adapter: adapter.into(),
            driver: "Mesa 24".into(),
            processor: Some("a CPU".into()),
            threads: 4,
            model: "tiny".into(),
            lists: BatchClass::Batch,
        }
    }

    const SLOW_GPU: DeviceSpeeds = DeviceSpeeds { cpu: 135.0, gpu: 52.0 };
    const FAST_GPU: DeviceSpeeds = DeviceSpeeds { cpu: 135.0, gpu: 520.0 };

    /// The speeds, and everything that was told, where a measurement yields `found`.
    fn recalled(file: Result<PathBuf>, key: SpeedKey, found: DeviceSpeeds) -> (DeviceSpeeds, Vec<String>) {
        let told = RefCell::new(Vec::new());
        let tell = |text: &str| told.borrow_mut().push(text.to_owned());
        let speeds = recall_or_measure(file, key, || Ok(found), &tell).unwrap().speeds;
        (speeds, told.into_inner())
    }

    #[test]
    fn speeds_are_measured_once_for_each_key_and_kept_beside_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let file = || Ok(folder.path().join("home/speeds.json"));
        let others = [
            SpeedKey { driver: "Mesa 25".into(), ..key("UHD") },
            SpeedKey { threads: 8, ..key("UHD") },
            SpeedKey { lists: BatchClass::Single, ..key("UHD") },
            SpeedKey { model: "small".into(), ..key("UHD") },
            key("Iris"),
        ];
        assert_eq!(recalled(file(), key("UHD"), SLOW_GPU), (SLOW_GPU, vec![]));
        for other in others {
            assert_eq!(recalled(file(), other, FAST_GPU), (FAST_GPU, vec![]));
        }
        let measure = || panic!("it is remembered");
        assert_eq!(recall_or_measure(file(), key("UHD"), measure, &|_| ()).unwrap().speeds, SLOW_GPU);
        assert_eq!(read_speeds(&file().unwrap()).unwrap().len(), 6);
    }

    #[test]
    fn a_damaged_file_is_told_once_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("speeds.json");
        std::fs::write(&file, "{ half").unwrap();
        let (speeds, told) = recalled(Ok(file.clone()), key("UHD"), SLOW_GPU);
        assert_eq!(speeds, SLOW_GPU);
        assert!(told.len() == 1 && told[0].contains("speeds.json"), "{told:?}");
        assert_eq!(recalled(Ok(file), key("UHD"), FAST_GPU), (SLOW_GPU, vec![]));
    }

    #[test]
    fn without_a_usable_folder_speeds_are_measured_and_a_notice_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let no_folder = folder.path().join("a file");
        std::fs::write(&no_folder, "").unwrap();
        let no_home = || Error::bad_input("home folder").expected("one").found("none").into();
        for file in [Ok(no_folder.join("speeds.json")), Ok(no_folder.join("below/speeds.json")), Err(no_home())] {
            let (speeds, told) = recalled(file, key("UHD"), SLOW_GPU);
            assert_eq!(speeds, SLOW_GPU);
            assert!(told.len() == 1 && told[0].contains("not remembered"), "{told:?}");
        }
    }

    #[test]
    fn a_failed_measurement_is_an_error_and_leaves_the_file_free() {
        let folder = tempfile::tempdir().unwrap();
        let file = || Ok(folder.path().join("speeds.json"));
        let failed = recall_or_measure(file(), key("UHD"), || Err(Error::Failed("lost".into())), &|_| ());
        assert_eq!(failed.unwrap_err().exit_code(), 1);
        assert_eq!(recalled(file(), key("UHD"), SLOW_GPU), (SLOW_GPU, vec![]));
    }

    #[test]
    fn of_processes_that_start_together_one_measures_and_the_others_use_its_speeds() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("speeds.json");
        let (measurements, start) = (AtomicUsize::new(0), Barrier::new(4));
        // A lock is of an open file, so threads wait for each other as processes do.
        let process = &|adapter| {
            let measure = || {
                measurements.fetch_add(1, Ordering::SeqCst);
                Ok(SLOW_GPU)
            };
            start.wait();
            recall_or_measure(Ok(file.clone()), key(adapter), measure, &|text| panic!("{text}")).unwrap().speeds
        };
        std::thread::scope(|scope| {
            let running = ["UHD", "UHD", "Iris", "Iris"].map(|adapter| scope.spawn(move || process(adapter)));
            assert!(running.into_iter().all(|process| process.join().unwrap() == SLOW_GPU));
        });
        assert_eq!(measurements.into_inner(), 2);
        assert_eq!(read_speeds(&file).unwrap().len(), 2);
    }
}
