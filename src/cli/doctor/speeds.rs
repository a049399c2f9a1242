//! The speeds that `--device auto` has measured: in `tiller doctor`, a table.

use std::path::PathBuf;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::Result;
use crate::auto_device::speeds::{file_of_user, read_speeds};
use crate::auto_device::{BatchClass, DeviceSpeeds, MeasuredSpeeds, SpeedKey};
use crate::data::titles::clean;
use crate::run::progress::notice;

/// The measured speeds and their file.
#[derive(Debug, Default, Serialize)]
pub(super) struct KnownSpeeds {
    /// Null where the environment names no home folder.
    file: Option<PathBuf>,
    measured: Vec<MeasuredSpeeds>,
}

impl KnownSpeeds {
    /// Reads the user's file. What is wrong with it becomes a notice: the report has other parts.
    pub(super) fn read() -> Self {
        let read = || -> Result<_> {
            let file = file_of_user()?;
            Ok(Self { measured: read_speeds(&file)?, file: Some(file) })
        };
        read().unwrap_or_else(|error| {
            notice(&error.to_string());
            Self::default()
        })
    }

    /// Prints the table; without any measurement that one comes, where `auto` waits for it.
    pub(super) fn print(&self, auto_waits: bool) {
        match &self.file {
            Some(file) if !self.measured.is_empty() => {
                println!(
                    "\nlists with --device auto, measured in tokens/s (delete {} to measure anew):",
                    file.display()
                );
                println!("{}\n", table(&self.measured));
            }
            _ if auto_waits => println!(
                "recommend, chat, serve and eval measure whether it is faster than the CPU, once for each size of models"
            ),
            _ => {}
        }
    }
}

fn table(measured: &[MeasuredSpeeds]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(["models like", "lists at once", "CPU", "threads", "GPU", "adapter, driver", "taken", "day"]);
    for MeasuredSpeeds { key, speeds, day } in measured {
        let SpeedKey { adapter, driver, processor: _, threads, model, lists } = key;
        let DeviceSpeeds { cpu, gpu } = speeds;
        let lists = match lists {
            BatchClass::Single => "one",
            BatchClass::Batch => "more",
        };
        let taken = if speeds.cpu_is_faster() { "CPU" } else { "GPU" };
        // The file may be anybody's, and this is a terminal.
        table.add_row([
            clean(model),
            lists.to_owned(),
            format!("{cpu:.0}"),
            threads.to_string(),
            format!("{gpu:.0}"),
            clean(&format!("{adapter}, {driver}")),
            taken.to_owned(),
            clean(day),
        ]);
    }
    for column in [2, 3, 4] {
        table.column_mut(column).expect("a column of figures").set_cell_alignment(CellAlignment::Right);
    }
    table
}
