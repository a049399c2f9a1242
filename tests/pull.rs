//! `tiller pull` against a server on the loopback: what is fetched is whole and right, or it is not there at all.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tiller::pull::entry::{self, PullEntry};
use tiller::pull::{Pulled, install_from, pull};
use zip::write::SimpleFileOptions;

use crate::common::server::{Reply, Server};

const BODY: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An entry `thing` of one file `file.bin` with `bytes`, at the given places.
fn entry_of(bytes: &[u8], places: &[&str], unpack: &str) -> PullEntry {
    let text = format!(
        "[[entry]]\nname = 'thing'\nkind = 'data'\nabout = ''\nlicence = 'MIT'\nhome = ''\nformat = 'csv'\n\
         [[entry.bundle]]\n[[entry.bundle.file]]\nname = 'file.bin'\nbytes = {}\nsha256 = '{}'\nfrom = {places:?}\n{unpack}",
        bytes.len(),
        sha256(bytes),
    );
    entry::parse(&text).unwrap().remove(0)
}

fn part(folder: &TempDir) -> PathBuf {
    folder.path().join("thing.part/file.bin")
}

fn leave_part(folder: &TempDir, bytes: &[u8]) {
    std::fs::create_dir_all(part(folder).parent().unwrap()).unwrap();
    std::fs::write(part(folder), bytes).unwrap();
}

/// Pulls an entry of `BODY` from one server into a fresh folder; hands back the outcome and what stands in the final file.
fn pull_body(server: &Server, folder: &TempDir) -> (tiller::Result<Pulled>, Option<Vec<u8>>) {
    let outcome = pull(&entry_of(BODY, &[&server.url("/file.bin")], ""), folder.path());
    (outcome, std::fs::read(folder.path().join("thing/file.bin")).ok())
}

#[test]
fn a_pull_is_whole_and_a_second_one_does_nothing() {
    let server = Server::start(|request| Reply::file(BODY, request));
    let folder = tempfile::tempdir().unwrap();
    let (outcome, file) = pull_body(&server, &folder);
    assert_eq!(outcome.unwrap(), Pulled::Fresh(folder.path().join("thing")));
    assert_eq!(file.unwrap(), BODY);
    assert!(!folder.path().join("thing.part").exists());
    assert_eq!(pull_body(&server, &folder).0.unwrap(), Pulled::AlreadyThere(folder.path().join("thing")));
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_interrupted_download_goes_on_where_it_was() {
    let server = Server::start(|request| Reply::file(BODY, request));
    let folder = tempfile::tempdir().unwrap();
    leave_part(&folder, &BODY[..7]);
    assert_eq!(pull_body(&server, &folder).1.unwrap(), BODY);
    assert_eq!(server.requests()[0].range, Some(7));
}

#[test]
fn a_server_without_ranges_sends_it_all_again() {
    let server = Server::start(|_| Reply::ok(BODY));
    let folder = tempfile::tempdir().unwrap();
    leave_part(&folder, &BODY[..7]);
    assert_eq!(pull_body(&server, &folder).1.unwrap(), BODY);
}

#[test]
fn a_range_from_elsewhere_is_not_appended() {
    let server = Server::start(|request| match request.range {
        Some(_) => Reply::ok(&BODY[3..]).status("206 Partial Content").header("Content-Range: bytes 3-35/36"),
        None => Reply::ok(BODY),
    });
    let folder = tempfile::tempdir().unwrap();
    leave_part(&folder, &BODY[..7]);
    assert_eq!(pull_body(&server, &folder).1.unwrap(), BODY);
}

#[test]
fn a_beginning_of_something_else_is_thrown_away() {
    for stale in [&b"xxxxxxx"[..], &[b'x'; 36], &[b'x'; 50]] {
        let server = Server::start(|request| Reply::file(BODY, request));
        let folder = tempfile::tempdir().unwrap();
        leave_part(&folder, stale);
        assert_eq!(pull_body(&server, &folder).1.unwrap(), BODY, "{} stale bytes", stale.len());
    }
}

#[test]
fn a_connection_that_breaks_off_is_taken_up_again() {
    let server = Server::start(|request| Reply::file(BODY, request).cut_after(10));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(pull_body(&server, &folder).1.unwrap(), BODY);
    let ranges: Vec<_> = server.requests().iter().map(|request| request.range).collect();
    assert_eq!(ranges, [None, Some(10), Some(20), Some(30)]);
}

#[test]
fn a_connection_that_stays_broken_is_an_error_and_what_came_is_kept() {
    let server = Server::start(|request| match request.range {
        None => Reply::file(BODY, request).cut_after(10),
        Some(_) => Reply::file(BODY, request).cut_after(0),
    });
    let folder = tempfile::tempdir().unwrap();
    let (outcome, file) = pull_body(&server, &folder);
    let error = outcome.unwrap_err();
    assert!(error.to_string().contains("broke off after 10 of 36 bytes"), "{error}");
    assert_eq!((error.exit_code(), file), (1, None));
    assert_eq!(std::fs::read(part(&folder)).unwrap(), &BODY[..10]);
}

#[test]
fn wrong_bytes_are_never_installed_nor_kept() {
    let server = Server::start(|_| Reply::ok(&[b'x'; 36]));
    let folder = tempfile::tempdir().unwrap();
    let (outcome, file) = pull_body(&server, &folder);
    assert!(outcome.unwrap_err().to_string().contains("another file: sha256"));
    assert_eq!(file, None);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn another_size_is_refused_announced_or_not() {
    for (reply, part) in [
        (Reply::ok(b"short"), "offers 5 bytes instead of 36"),
        (Reply::ok(&[b'x'; 1000]).without_length(), "sent more than the 36 bytes"),
        (Reply::ok(b"short").without_length(), "broke off after 5 of 36"),
    ] {
        let server = Server::start(move |_| reply.clone());
        let folder = tempfile::tempdir().unwrap();
        let (outcome, file) = pull_body(&server, &folder);
        let error = outcome.unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
        assert_eq!(file, None);
    }
}

#[test]
fn a_redirect_is_followed_and_a_loop_of_them_ends() {
    let server = Server::start(|request| match request.path.as_str() {
        "/loop" => Reply::ok(b"").status("302 Found").header("Location: /loop"),
        "/moved" => Reply::ok(b"").status("302 Found").header("Location: /file.bin"),
        _ => Reply::file(BODY, request),
    });
    let folder = tempfile::tempdir().unwrap();
    let error = pull(&entry_of(BODY, &[&server.url("/loop")], ""), folder.path()).unwrap_err();
    assert!(error.to_string().contains("redirect"), "{error}");
    assert!(pull(&entry_of(BODY, &[&server.url("/moved")], ""), folder.path()).is_ok());
}

#[test]
fn the_next_source_is_taken_and_where_none_is_left_each_is_named() {
    let server = Server::start(|request| match request.path.as_str() {
        "/wrong" => Reply::ok(&[b'x'; 36]),
        "/gone" => Reply::ok(b"").status("404 Not Found"),
        _ => Reply::file(BODY, request),
    });
    let (gone, wrong, right) = (server.url("/gone"), server.url("/wrong"), server.url("/"));
    let folder = tempfile::tempdir().unwrap();
    let error = pull(&entry_of(BODY, &[&gone, &wrong], ""), folder.path()).unwrap_err().to_string();
    for part in [&gone, "404", &wrong, "another file", "--from FILE", &sha256(BODY)] {
        assert!(error.contains(part), "{part} is missing in {error}");
    }
    assert!(pull(&entry_of(BODY, &[&gone, &wrong, &right], ""), folder.path()).is_ok());
    assert_eq!(server.requests().last().unwrap().path, "/file.bin");
}

#[test]
fn a_damaged_folder_is_pulled_again_and_a_foreign_one_is_left_alone() {
    let server = Server::start(|request| Reply::file(BODY, request));
    let folder = tempfile::tempdir().unwrap();
    pull_body(&server, &folder).0.unwrap();
    std::fs::write(folder.path().join("thing/file.bin"), "torn").unwrap();
    assert_eq!(pull_body(&server, &folder).1.unwrap(), BODY);

    let foreign = tempfile::tempdir().unwrap();
    std::fs::create_dir(foreign.path().join("thing")).unwrap();
    std::fs::write(foreign.path().join("thing/precious"), "mine").unwrap();
    assert_eq!(pull_body(&server, &foreign).0.unwrap_err().exit_code(), 2);
    assert_eq!(std::fs::read(foreign.path().join("thing/precious")).unwrap(), b"mine");
}

#[test]
fn two_pulls_of_one_thing_do_not_mix() {
    let server = Server::start(|request| Reply::file(BODY, request));
    let folder = tempfile::tempdir().unwrap();
    leave_part(&folder, &BODY[..7]);
    let other = std::fs::File::create(folder.path().join("thing.part/.lock")).unwrap();
    other.try_lock().unwrap();
    let error = pull_body(&server, &folder).0.unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    // Closing it would not do: until it runs its program, a process that another test has just forked has the file open, too.
    other.unlock().unwrap();
    let (outcome, body) = pull_body(&server, &folder);
    outcome.unwrap();
    assert_eq!(body.unwrap(), BODY);
}

/// A zip archive of files, and of one symbolic link where `link` names it.
fn zip_of(files: &[(&str, &[u8])], link: Option<&str>) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    if let Some(name) = link {
        zip.add_symlink(name, "/etc/passwd", SimpleFileOptions::default()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

const WANTED: &str = "unpack.members = ['in/a.csv']\nunpack.at_most = 10";

/// Installs an archive by `--from`, in a folder two levels down, so that an escape would be seen beside it.
fn unpack(archive: &[u8]) -> (tiller::Result<Pulled>, TempDir) {
    let outer = tempfile::tempdir().unwrap();
    let parent = outer.path().join("parent");
    let file = outer.path().join("archive.zip");
    std::fs::write(&file, archive).unwrap();
    (install_from(&entry_of(archive, &[], WANTED), &parent, &[file]), outer)
}

#[test]
fn the_wanted_members_are_unpacked_and_no_others() {
    let (outcome, outer) = unpack(&zip_of(&[("in/a.csv", b"1,2"), ("in/b.csv", b"3")], None));
    let folder = outcome.unwrap().folder().to_owned();
    assert_eq!(std::fs::read(folder.join("a.csv")).unwrap(), b"1,2");
    assert!(!folder.join("b.csv").exists());
    assert!(outer.path().join("archive.zip").exists(), "the user's own file stays");
}

#[test]
fn archives_that_reach_outside_or_swell_leave_nothing_behind() {
    let good: (&str, &[u8]) = ("in/a.csv", b"1,2");
    let cases: [(&str, Vec<u8>); 9] = [
        ("leads out", zip_of(&[good, ("../evil", b"x")], None)),
        ("leads out", zip_of(&[good, ("in/../../evil", b"x")], None)),
        ("leads out", zip_of(&[good, ("/evil", b"x")], None)),
        ("leads out", zip_of(&[good, ("C:evil", b"x")], None)),
        ("leads out", zip_of(&[good, ("..\\evil", b"x")], None)),
        ("symbolic link", zip_of(&[good], Some("in/link"))),
        ("at most 10 bytes", zip_of(&[("in/a.csv", &[0; 100_000])], None)),
        ("in/a.csv", zip_of(&[("in/b.csv", b"3")], None)),
        ("readable zip", b"PK\x03\x04 but no archive".to_vec()),
    ];
    for (part, archive) in cases {
        let (outcome, outer) = unpack(&archive);
        let error = outcome.unwrap_err();
        assert!(error.to_string().contains(part), "{part} is missing in {error}");
        assert_eq!(error.exit_code(), 2);
        let left: Vec<_> = std::fs::read_dir(outer.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| name == "archive.zip" || name == "parent"), "{left:?}");
        assert_eq!(std::fs::read_dir(outer.path().join("parent")).unwrap().count(), 0);
    }
}

#[test]
fn a_truncated_archive_is_known_by_its_hash_before_it_is_opened() {
    let archive = zip_of(&[("in/a.csv", b"1,2")], None);
    let outer = tempfile::tempdir().unwrap();
    let file = outer.path().join("archive.zip");
    std::fs::write(&file, &archive[..archive.len() - 1]).unwrap();
    let error = install_from(&entry_of(&archive, &[], WANTED), outer.path(), &[file]).unwrap_err().to_string();
    assert!(error.contains("--from") && error.contains(&sha256(&archive)), "{error}");
    assert_eq!(std::fs::read_dir(outer.path()).unwrap().count(), 1);
}

/// A Python that knows one module, pip, which downloads what `$PIP_BRINGS` names, or complains.
#[cfg(unix)]
#[test]
fn pip_brings_a_package_or_its_complaint_is_told() {
    use std::os::unix::fs::PermissionsExt;
    use tiller::pull::error::DownloadError;
    use tiller::pull::pip;

    let folder = tempfile::tempdir().unwrap();
    let python = |name: &str, script: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    };
    // The last two arguments are the folder and the requirement.
    let good = python("good", "while [ $# -gt 2 ]; do shift; done; printf \"$2\" > \"$1/file.bin\"");
    let bad = python("bad", "echo 'ERROR: no such package' >&2; exit 1");
    let empty = python("empty", "exit 0");
    let entry = entry_of(BODY, &[], "");
    let file = &entry.bundles[0].files[0];
    let path = folder.path().join("file.bin");
    pip::download(&["no-such-python", &good], "thing==1", file, &path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"thing==1");
    for (python, part) in
        [(bad.as_str(), "no such package"), (&empty, "no file.bin"), ("no-such-python", "needs Python")]
    {
        match pip::download(&[python], "thing==1", file, &path) {
            Err(DownloadError::Source(reason)) => assert!(reason.contains(part), "{reason}"),
            other => panic!("{other:?}"),
        }
    }
}

fn tiller(arguments: &[&str], home: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tiller")).args(arguments).env("TILLER_HOME", home).output().unwrap()
}

#[test]
fn the_list_names_licence_hash_and_sources_for_machines_and_for_people() {
    let home = tempfile::tempdir().unwrap();
    let output = tiller(&["pull", "--list", "--json"], home.path());
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let model = list.as_array().unwrap().iter().find(|entry| entry["name"] == "smollm2-135m").unwrap();
    assert_eq!(model["licence"], "Apache-2.0");
    assert_eq!(model["bundles"][0][0]["bytes"], 98_362_432);
    assert!(model["path"].is_null());
    let text = String::from_utf8(tiller(&["pull", "--list"], home.path()).stdout).unwrap();
    for part in ["smollm2-135m", "movielens-latest-small", "non-commercial", "movietweetings", "not pulled"] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
}

#[test]
fn wrong_usage_ends_with_code_2_and_writes_nothing() {
    let home = tempfile::tempdir().unwrap();
    let stray = home.path().join("stray.zip");
    std::fs::write(&stray, "no archive").unwrap();
    let stray = stray.to_str().unwrap();
    for arguments in [
        &["pull"][..],
        &["pull", "nothing-of-that-name"],
        &["pull", "movielens-latest-small", "--from", stray],
        &["pull", "movielens-latest-small", "--from", "missing.zip"],
    ] {
        let output = tiller(arguments, home.path());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 1);
}
