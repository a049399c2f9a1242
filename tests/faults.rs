//! Faults around a run: a full disk, a folder that cannot be written, a second process, Ctrl-C. Each ends with the promised
//! exit code and words, and loses nothing.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::common::program::{command, fail, succeed};
use crate::common::world::{self, ADAPT, PPO, TEACH};

fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// A limit on the size of files, in blocks of 512 bytes, stands for a disk with no room: the same write fails, with the same care needed.
#[cfg(target_os = "linux")]
fn with_a_full_disk(folder: &Path, arguments: &[&str], blocks: u32) -> Output {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; \"$0\" \"$@\" --device cpu");
    let tiller = env!("CARGO_BIN_EXE_tiller");
    Command::new("sh").args(["-c", &script, tiller]).args(arguments).current_dir(folder).output().unwrap()
}

#[cfg(target_os = "linux")]
#[test]
fn a_training_that_finds_the_disk_full_says_so_and_goes_on_once_there_is_room() {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path();
    world::tune(folder);
    let trainings: [(&[&str], &str, &str, &str); 2] = [
        (ADAPT, "adapted", "--steps", "adapted/adapter/adapter_model.safetensors"),
        (PPO, "ppo", "--iterations", "ppo/adapter/adapter_model.safetensors"),
    ];
    for (training, run, length, result) in trainings {
        let resume = [&training[..2], &["--resume", "--out", run, length, "12"]].concat();
        succeed(folder, training);
        succeed(folder, &resume);
        let unbroken = read(&folder.join(result));
        std::fs::remove_dir_all(folder.join(run)).unwrap();

        succeed(folder, training);
        let before = read(&folder.join(run).join("checkpoints/last.safetensors"));
        let end = with_a_full_disk(folder, &resume, 8);
        let told = String::from_utf8_lossy(&end.stderr);
        assert_eq!(end.status.code(), Some(1), "{told}");
        assert!(told.contains("cannot write") && told.contains(run) && !told.contains("panicked"), "{told}");
        assert!(read(&folder.join(run).join("checkpoints/last.safetensors")) == before, "the checkpoint is whole");
        succeed(folder, &resume);
        assert!(read(&folder.join(result)) == unbroken, "{run}: another result after a full disk");
    }
    let end = with_a_full_disk(folder, &["merge", "adapted", "--out", "merged"], 8);
    assert_eq!(end.status.code(), Some(1), "{}", String::from_utf8_lossy(&end.stderr));
    assert!(!folder.join("merged/model.safetensors").exists());
}

/// Gives a folder and all folders in it the permissions `mode`.
fn permit(folder: &Path, mode: u32) {
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let inner = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    inner.filter(|path| path.is_dir()).for_each(|path| permit(&path, mode));
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_folder_that_cannot_be_written_is_named_and_what_only_reads_goes_on() {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path();
    world::tune(folder);
    succeed(folder, ADAPT);
    // The build folder may be closed to others.
    let program = folder.join("tiller");
    std::fs::copy(env!("CARGO_BIN_EXE_tiller"), &program).unwrap();
    permit(folder, 0o555);
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&program);
        command.args(arguments).args(["--device", "cpu"]).current_dir(folder).env("TILLER_HOME", folder.join("home"));
        // The superuser may write everything, and so runs it as nobody.
        if folder.metadata().unwrap().uid() == 0 {
            command.uid(65534).gid(65534);
        }
        command.output().unwrap()
    };
    let writing: &[&[&str]] = &[
        &["data", "synth", "--out", "new"],
        &["data", "import", "--format", "csv", "films", "--min-user", "0", "--min-item", "0", "--out", "new"],
        TEACH,
        &["instruct", "films", "--out", "examples.jsonl"],
        &["sft", "films", "--from-scratch", "tiny", "--out", "new"],
        &["ppo", "films", "--run", "sft", "--out", "new"],
        &["ppo", "films", "--run", "sft", "--out", "adapted"],
        &["merge", "adapted", "--out", "new"],
        &["eval", "films", "--tasks", "I0", "--users", "2", "--out", "adapted"],
        &["report", "sft"],
        &["experiment", "stages", "--quick"],
        &["completions", "man", "--out", "man"],
        &["demo"],
    ];
    for arguments in writing {
        let end = run(arguments);
        let told = String::from_utf8_lossy(&end.stderr);
        assert_eq!(end.status.code(), Some(1), "{arguments:?}: {told}");
        assert!(
            told.contains("cannot") && told.contains("denied") && !told.contains("panicked"),
            "{arguments:?}: {told}"
        );
    }
    let reading: &[&[&str]] = &[
        &["data", "stats", "films"],
        &["sasrec", "topk", "films", "--user", "u1"],
        &["recommend", "films", "--model", "sft/model", "--user", "u1", "-k", "2"],
        &["eval", "films", "--tasks", "I0", "--users", "2"],
    ];
    for arguments in reading {
        let end = run(arguments);
        assert!(end.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&end.stderr));
    }
    // Whoever owns the folder may remove it again.
    permit(folder, 0o755);
}

/// Starts a command and waits until one of its lines on stderr begins with `sign`.
fn start(folder: &Path, arguments: &[&str], sign: &str) -> Child {
    let mut child = command(folder, arguments).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with(sign)), "{arguments:?} ended without {sign:?}");
    // Whatever else it says is taken, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    child
}

fn signal(child: &Child, name: &str) {
    assert!(Command::new("kill").args([name, &child.id().to_string()]).status().unwrap().success());
}

/// Trainings that would take for ever, each with the run folder that it writes.
fn endless() -> [(Vec<&'static str>, &'static str); 3] {
    let teach = ["--epochs", "100000", "--set", "patience=100000", "--set", "model.d_model=16", "--out", "teacher"];
    let long = |training: &[&'static str], length: &str, run: &'static str| {
        let mut arguments = training.to_vec();
        let at = arguments.iter().position(|word| *word == length).unwrap();
        arguments[at + 1] = "100000";
        let at = arguments.len() - 1;
        arguments[at] = run;
        (arguments, run)
    };
    [
        ([&["sasrec", "train", "films"], &teach[..]].concat(), "teacher"),
        long(ADAPT, "--steps", "endless-sft"),
        long(PPO, "--iterations", "endless-ppo"),
    ]
}

#[test]
fn one_run_folder_has_one_writer_and_ctrl_c_leaves_it_to_the_next() {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path();
    world::tune(folder);
    for (training, run) in endless() {
        let mut first = start(folder, &training, "device: ");
        let metrics = || std::fs::read_to_string(folder.join(run).join("metrics.jsonl")).unwrap_or_default();
        while metrics().lines().count() < 2 {
            assert!(first.try_wait().unwrap().is_none(), "{run}: it ended by itself");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        fail(folder, &training, 1, "another process is writing to this run");
        signal(&first, "-INT");
        assert_eq!(first.wait().unwrap().code(), Some(130), "{run}");
        let positional: Vec<&str> = training.iter().take_while(|word| !word.starts_with('-')).copied().collect();
        let mut second = start(folder, &[&positional[..], &["--resume", "--out", run]].concat(), "device: ");
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(second.try_wait().unwrap().is_none(), "{run}: it does not go on");
        second.kill().unwrap();
        second.wait().unwrap();
    }
}

#[test]
fn ctrl_c_ends_every_long_command_with_code_130_and_leaves_whole_files() {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path();
    world::tune(folder);
    let asked = [
        "recommend",
        "films",
        "--model",
        "sft/model",
        "--user",
        "all",
        "--decode",
        "free",
        "--max-new-tokens",
        "400",
        "--batch",
        "1",
    ];
    let commands: &[&[&str]] = &[
        &asked,
        &["eval", "films", "--model", "sft/model", "--batch", "1", "--out", "sft"],
        &["experiment", "stages"],
        &["bench", "train", "--shape", "tiny", "--steps", "60000"],
    ];
    for arguments in commands {
        let mut child = start(folder, arguments, "device: ");
        std::thread::sleep(std::time::Duration::from_millis(20));
        signal(&child, "-INT");
        assert_eq!(child.wait().unwrap().code(), Some(130), "{arguments:?}");
    }
    assert!(!folder.join("sft/eval.json").exists(), "half an evaluation is none");
    let mut demo = command(folder, &["demo"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.starts_with("$ tiller sasrec train")));
    signal(&demo, "-INT");
    assert_eq!(demo.wait().unwrap().code(), Some(130), "demo");
    succeed(folder, &["data", "stats", "tiller-demo/films"]);
}
