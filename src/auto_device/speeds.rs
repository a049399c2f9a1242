//! The file of measured speeds in the user's data folder.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tiller_kernels::device::{self, AdapterFacts};
use tiller_models::atomic::write_atomically;
use tiller_models::presets::ModelPreset;

use super::measure::{BatchClass, DeviceSpeeds};
use crate::pull::home::data_folder;
use crate::{Error, Result};

/// The file's name.
const FILE: &str = "device-speeds.json";

/// Bytes of a file that are read at most: an entry has some 300.
const MAX_BYTES: u64 = 1 << 20;

/// The program whose kernels were measured; another version measures anew.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The circumstances of a measurement: adapter, processor, and work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpeedKey {
    /// Name and graphics API of the adapter.
    pub adapter: String,
    /// The driver's name and version.
    pub driver: String,
    /// The processor's name, where the system reports it.
    pub processor: Option<String>,
    /// Threads on the CPU.
    pub threads: usize,
    /// The size class of the model.
    pub model: String,
    /// The lists at once.
    pub lists: BatchClass,
}

/// The speeds that were measured, on a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MeasuredSpeeds {
    /// The circumstances.
    #[serde(flatten)]
    pub key: SpeedKey,
    /// Tokens a second.
    #[serde(rename = "tokens_per_second")]
    pub speeds: DeviceSpeeds,
    /// The date in UTC.
    pub day: String,
}

impl SpeedKey {
    /// The key of this machine's processor, with the threads of this process, beside `adapter`.
    pub fn new(adapter: &AdapterFacts, size: ModelPreset, lists: BatchClass) -> Self {
        Self {
            adapter: adapter.label(),
            driver: adapter.driver.clone(),
            processor: device::cpu().name,
            threads: rayon::current_num_threads(),
            model: size.name().to_owned(),
            lists,
        }
    }

    pub(super) fn measured(self, speeds: DeviceSpeeds) -> MeasuredSpeeds {
        MeasuredSpeeds { key: self, speeds, day: Timestamp::now().strftime("%F").to_string() }
    }
}

impl MeasuredSpeeds {
    /// The reason of the choice, as a clause: "135 tokens/s on the CPU and 52 on … for models like …".
    pub fn reason(&self) -> String {
        let SpeedKey { adapter, model, lists, .. } = &self.key;
        let DeviceSpeeds { cpu, gpu } = self.speeds;
        let lists = match lists {
            BatchClass::Single => "",
            BatchClass::Batch => " in batches",
        };
        format!("for models like {model}{lists} {cpu:.0} tokens/s on the CPU and {gpu:.0} on {adapter}")
    }
}

/// The path of the user's file of speeds, which need not exist.
///
/// # Errors
/// No home folder in the environment.
pub fn file_of_user() -> Result<PathBuf> {
    Ok(data_folder()?.join(FILE))
}

/// Reads the speeds in `file`: none where it is missing or of another version of the program.
///
/// # Errors
/// A file that cannot be read, or is damaged.
pub fn read_speeds(file: &Path) -> Result<Vec<MeasuredSpeeds>> {
    let mut bytes = Vec::new();
    match File::open(file).and_then(|open| open.take(MAX_BYTES + 1).read_to_end(&mut bytes)) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        read => read.map_err(Error::io(file, "read"))?,
    };
    if bytes.len() as u64 > MAX_BYTES {
        return Err(damaged(file, format!("more than {MAX_BYTES} bytes")));
    }
    let mut content: Value = serde_json::from_slice(&bytes).map_err(|e| damaged(file, e.to_string()))?;
    if content.get("version").and_then(Value::as_str).is_some_and(|version| version != VERSION) {
        return Ok(Vec::new());
    }
    let speeds = content.get_mut("speeds").map(Value::take).unwrap_or_default();
    let speeds: Vec<MeasuredSpeeds> = serde_json::from_value(speeds).map_err(|e| damaged(file, e.to_string()))?;
    match speeds.iter().find(|known| known.speeds.cpu <= 0.0 || known.speeds.gpu <= 0.0) {
        Some(wrong) => Err(damaged(file, format!("{:?} tokens a second", wrong.speeds))),
        None => Ok(speeds),
    }
}

fn damaged(file: &Path, found: String) -> Error {
    Error::bad_input(file.display())
        .expected("speeds of devices as tiller writes them")
        .found(found)
        .next("delete it; --device auto measures anew")
        .into()
}

pub(super) fn write_speeds(file: &Path, speeds: &[MeasuredSpeeds]) -> Result<()> {
    let content = json!({ "version": VERSION, "speeds": speeds });
    write_atomically(file, |w| writeln!(w, "{content:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speeds() -> Vec<MeasuredSpeeds> {
        let key = SpeedKey {
            adapter: "UHD Graphics 620 on vulkan".into(),
            driver: "Mesa 24".into(),
            processor: None,
            threads: 4,
            model: "smollm2-135m".into(),
            lists: BatchClass::Single,
        };
        vec![key.measured(DeviceSpeeds { cpu: 135.0, gpu: 51.6 })]
    }

    #[test]
    fn speeds_are_read_back_as_they_were() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("not/there/yet.json");
        assert_eq!(read_speeds(&file).unwrap(), []);
        write_speeds(&file, &speeds()).unwrap();
        let read = read_speeds(&file).unwrap();
        assert_eq!(read, speeds());
        let reason = read[0].reason();
        assert_eq!(reason, "for models like smollm2-135m 135 tokens/s on the CPU and 52 on UHD Graphics 620 on vulkan");
    }

    #[test]
    fn another_version_of_the_program_measured_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        std::fs::write(&file, r#"{ "version": "0.0.1", "speeds": "in some other form" }"#).unwrap();
        assert_eq!(read_speeds(&file).unwrap(), []);
    }

    #[test]
    fn damage_is_wrong_input_and_says_to_delete_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        write_speeds(&file, &speeds()).unwrap();
        let good = std::fs::read_to_string(&file).unwrap();
        let huge = " ".repeat(MAX_BYTES as usize) + &good;
        for bad in
            ["", "[]", &good[..good.len() / 2], &good.replace("51.6", "-1"), &good.replace("adapter", "a"), &huge]
        {
            std::fs::write(&file, bad).unwrap();
            let error = read_speeds(&file).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains("delete it"), "{error}");
        }
    }
}
