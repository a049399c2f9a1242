//! Output that cannot be written: to a reader that has gone, to a full disk.

use std::process::Command;

fn tiller() -> Command {
    Command::new(env!("CARGO_BIN_EXE_tiller"))
}

#[test]
fn a_reader_that_has_gone_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let end = tiller().args(["pull", "--list"]).stdout(writer).output().unwrap();
    let told = String::from_utf8_lossy(&end.stderr);
    assert_eq!(end.status.code(), Some(0), "{told}");
    assert!(!told.contains("panicked"), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_behind_the_output_is_a_failure() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let end = tiller().args(["pull", "--list"]).stdout(full).output().unwrap();
    let told = String::from_utf8_lossy(&end.stderr);
    assert_eq!(end.status.code(), Some(1), "{told}");
    assert!(told.contains("error: failed printing to stdout") && !told.contains("panicked"), "{told}");
}

/// A limit on the size of files stands for a disk with no room: the same write fails, with the same care needed.
#[cfg(target_os = "linux")]
#[test]
fn a_write_that_finds_no_room_leaves_the_old_data_set_whole() {
    let folder = tempfile::tempdir().unwrap();
    let synth = "\"$0\" data synth --out films --users";
    let shell = |script: &str| {
        let tiller = env!("CARGO_BIN_EXE_tiller");
        Command::new("sh").args(["-c", script, tiller]).current_dir(folder.path()).output().unwrap()
    };
    assert!(shell(&format!("{synth} 60")).status.success());
    let read = || std::fs::read(folder.path().join("films/interactions.csv")).unwrap();
    let before = read();

    let end = shell(&format!("trap '' XFSZ; ulimit -f 32; {synth} 3000"));
    let told = String::from_utf8_lossy(&end.stderr);
    assert_eq!(end.status.code(), Some(1), "{told}");
    assert!(told.contains("cannot write"), "{told}");
    assert_eq!(read(), before);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing half-made stays behind");
}
