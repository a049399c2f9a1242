use std::path::Path;

use super::*;
use crate::Error;
use crate::files::testing::{GgufBytes, array, file_with, string, with_mutations};

/// Two tensors and one metadata entry of every kind.
fn small() -> GgufBytes {
    let values: Vec<u8> = (0..6).flat_map(|n| (n as f32).to_le_bytes()).collect();
    let block: Vec<u8> = [half::f16::from_f32(0.5).to_le_bytes().to_vec(), vec![0x97; 16]].concat();
    let mut data = values;
    data.resize(32, 0);
    data.extend(block);
    let file = GgufBytes::default()
        .text("general.architecture", "llama")
        .number("llama.block_count", 2)
        .flag("tokenizer.ggml.add_bos_token", true)
        .texts("tokens", &["a", "é"])
        .integers("types", &[1, -1])
        .floats("scores", &[0.5, -2.0])
        .entry("u8", 0, &[7])
        .entry("i8", 1, &[0xff])
        .entry("u16", 2, &300_u16.to_le_bytes())
        .entry("i16", 3, &(-300_i16).to_le_bytes())
        .entry("i32", 5, &(-5_i32).to_le_bytes())
        .entry("theta", 6, &1e4_f32.to_le_bytes())
        .entry("u64", 10, &(1_u64 << 40).to_le_bytes())
        .entry("i64", 11, &(-(1_i64 << 40)).to_le_bytes())
        .entry("f64", 12, &0.1_f64.to_le_bytes())
        .entry("nested", 9, &array(9, 2, &[array(0, 2, &[1, 2]), array(8, 1, &string("x"))].concat()))
        .tensor("plain", &[3, 2], 0, 0)
        .tensor("blocks", &[32], 2, 32);
    GgufBytes { data, ..file }
}

fn open(file: &GgufBytes) -> Result<Gguf> {
    Gguf::from_bytes(Path::new("model.gguf"), file.build())
}

#[test]
fn a_gguf_file_is_known_by_its_first_bytes_or_by_its_ending() {
    let (folder, blob) = file_with(&small().build());
    let (empty, _path) = file_with(b"");
    assert!(Gguf::is_path(&blob) && !Gguf::is_path(&folder.path().join("config.json")));
    assert!(!Gguf::is_path(folder.path()) && !Gguf::is_path(&empty.path().join("model.bin")));
    let names = ["model.gguf", "MODEL.GGUF", "model.gguf.txt", "gguf"];
    let expected = [true, true, false, false];
    assert_eq!(names.map(|name| Gguf::is_named(Path::new(name))), expected);
    assert_eq!(names.map(|name| Gguf::is_path(Path::new(name))), expected, "none of them is there");
}

fn refusal(file: &GgufBytes) -> String {
    let error = open(file).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

#[test]
fn metadata_come_back_with_their_values() {
    let gguf = open(&small()).unwrap();
    assert_eq!(gguf.str("general.architecture").unwrap(), "llama");
    assert_eq!(gguf.u32("llama.block_count").unwrap(), 2);
    assert_eq!((gguf.u32("u8").unwrap(), gguf.u32("u16").unwrap()), (7, 300));
    assert_eq!(gguf.f32("theta").unwrap(), 1e4);
    assert!(gguf.bool("tokenizer.ggml.add_bos_token").unwrap());
    assert_eq!(gguf.strings("tokens").unwrap(), ["a", "é"]);
    assert_eq!(gguf.signed("types").unwrap(), [1, -1]);
    assert_eq!(gguf.floats("scores").unwrap(), [0.5, -2.0]);
    assert_eq!(gguf.metadata("i8"), Some(&Value::Signed(-1)));
    assert_eq!(gguf.metadata("i16"), Some(&Value::Signed(-300)));
    assert_eq!(gguf.metadata("i64"), Some(&Value::Signed(-(1 << 40))));
    assert_eq!(gguf.metadata("f64"), Some(&Value::Float(0.1)));
    let inner = vec![Array::Unsigned(vec![1, 2]), Array::String(vec!["x".into()])];
    assert_eq!(gguf.metadata("nested"), Some(&Value::Array(Array::Array(inner))));
}

#[test]
fn a_getter_names_the_key_the_file_and_what_stands_there() {
    let gguf = open(&small()).unwrap();
    for (error, found) in [
        (gguf.u32("llama.missing").unwrap_err(), "no such key"),
        (gguf.u32("u64").unwrap_err(), "1099511627776"),
        (gguf.u32("i32").unwrap_err(), "-5"),
        (gguf.f32("u8").unwrap_err(), "7"),
        (gguf.bool("theta").unwrap_err(), "10000.0"),
        (gguf.str("tokens").unwrap_err(), "an array of 2"),
        (gguf.strings("types").unwrap_err(), "an array of 2"),
        (gguf.signed("general.architecture").unwrap_err(), "\"llama\""),
    ] {
        let message = error.to_string();
        assert!(message.contains("model.gguf: key ") && message.contains(&format!("found {found}")), "{message}");
    }
}

#[test]
fn tensors_have_row_major_shapes_and_their_values() {
    let gguf = open(&small()).unwrap();
    assert_eq!(gguf.names(), ["blocks", "plain"]);
    assert_eq!(gguf.shape("plain"), Some(vec![2, 3]));
    assert_eq!(gguf.read_f32("plain").unwrap(), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
    assert_eq!(gguf.format("blocks").unwrap(), Format::Q4_0);
    // Quants 7 (low) and 9 (high) less 8, times 0.5.
    assert_eq!(gguf.read_f32("blocks").unwrap(), [[-0.5_f32; 16], [0.5; 16]].concat());
    assert_eq!(gguf.shape("none"), None);
    assert!(gguf.read_f32("none").unwrap_err().to_string().contains("a tensor none"));
}

#[test]
fn weights_that_are_no_numbers_are_refused_by_tensor() {
    let (nan, infinite) = (f32::NAN.to_le_bytes(), half::f16::INFINITY.to_le_bytes());
    for (tensor, at, bytes) in [("plain", 4, &nan[..]), ("blocks", 32, &infinite)] {
        let mut file = small();
        file.data[at..at + bytes.len()].copy_from_slice(bytes);
        let gguf = open(&file).unwrap();
        for error in [gguf.read_f32(tensor).unwrap_err(), gguf.raw(tensor).unwrap_err()] {
            assert!(error.to_string().contains(&format!("tensor {tensor}: expected finite numbers")), "{error}");
        }
    }
}

#[test]
fn version_2_is_read_and_others_are_refused() {
    assert!(open(&GgufBytes { version: Some(2), ..small() }).is_ok());
    assert!(refusal(&GgufBytes { version: Some(1), ..small() }).contains("version 1"));
    assert!(refusal(&GgufBytes { version: Some(3_u32.swap_bytes()), ..small() }).contains("big-endian"));
    let (_folder, path) = file_with(b"\x08\0\0\0\0\0\0\0{}      ");
    assert!(Gguf::open(&path).unwrap_err().to_string().contains("begins with \"GGUF\""));
}

#[test]
fn counts_beyond_the_file_are_refused_before_anything_is_allocated() {
    const HUGE: u64 = 1 << 60;
    for (file, part) in [
        (GgufBytes { n_tensors: Some(HUGE), ..small() }, "tensors in the rest of the file"),
        (GgufBytes { n_entries: Some(HUGE), ..small() }, "metadata entries in the rest of the file"),
        (GgufBytes { n_tensors: Some(1_000_000), data: vec![0; 40_000_000], ..small() }, "at most 65536"),
        (small().entry("bad", 9, &array(0, HUGE, &[])), "key bad"),
        (small().entry("bad", 9, &array(8, HUGE, &[])), "key bad"),
        (small().entry("bad", 9, &array(9, HUGE, &[])), "key bad"),
        (small().entry("bad", 8, &HUGE.to_le_bytes()), "key bad"),
        (small().entry("bad", 8, &u64::MAX.to_le_bytes()), "key bad"),
        (small().tensor("bad", &[HUGE, HUGE], 0, 64), "tensor bad"),
        (small().tensor("bad", &[HUGE], 0, 64), "tensor bad"),
        (small().tensor("bad", &[1], 0, HUGE), "tensor bad"),
        (small().tensor("bad", &[1], 0, u64::MAX - 31), "tensor bad"),
    ] {
        let message = refusal(&file);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn wrong_metadata_are_refused_by_key() {
    let deep = (0..5).fold(vec![], |inner, _| array(9, 1, &inner));
    for (file, part) in [
        (small().entry("bad", 13, &[]), "type 13"),
        (small().entry("bad", 9, &array(13, 0, &[])), "type 13"),
        (small().entry("bad", 9, &deep), "nested at most 4 deep"),
        (small().entry("bad", 7, &[2]), "a flag, 0 or 1"),
        (small().entry("bad", 8, &[&2_u64.to_le_bytes()[..], b"\xc3\x28"].concat()), "UTF-8"),
        (small().number("llama.block_count", 3), "key llama.block_count: expected every key once"),
        (small().number("general.alignment", 0), "key general.alignment: expected a power of two"),
        (small().number("general.alignment", 24), "key general.alignment: expected a power of two"),
        (small().text("general.alignment", "32"), "key general.alignment: expected a power of two"),
        (small().entry("split.count", 2, &3_u16.to_le_bytes()), "a part of 3"),
    ] {
        let message = refusal(&file);
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn wrong_tensors_are_refused_by_name() {
    for (file, part) in [
        (small().tensor("bad", &[], 0, 64), "1 to 4 dimensions, found 0"),
        (small().tensor("bad", &[1; 5], 0, 64), "1 to 4 dimensions, found 5"),
        (small().tensor("bad", &[4], 23, 64), "ggml type 23"),
        (small().tensor("bad", &[16, 2], 2, 64), "rows of a multiple of 32"),
        (small().tensor("bad", &[1], 0, 4), "a multiple of 32, found 4"),
        (small().tensor("bad", &[1], 0, 32), "overlap"),
        (small().tensor("bad", &[16], 0, 64), "its data within 50 bytes"),
        (small().tensor("plain", &[1], 0, 0), "every tensor once"),
    ] {
        let message = refusal(&file);
        assert!(message.contains("tensor ") && message.contains(part), "{message}");
    }
}

#[test]
fn what_is_no_regular_file_is_refused() {
    let (folder, _path) = file_with(b"");
    assert!(Gguf::open(folder.path()).unwrap_err().to_string().contains("expected a regular file, found a folder"));
    assert_eq!(Gguf::open(&folder.path().join("gone.gguf")).unwrap_err().exit_code(), 2);
    #[cfg(unix)]
    assert!(Gguf::open(Path::new("/dev/zero")).unwrap_err().to_string().contains("a device or a pipe"));
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = small().build();
    for n in 0..whole.len() {
        let error = Gguf::from_bytes(Path::new("cut.gguf"), whole[..n].to_vec()).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{n} bytes: {error}");
    }
}

#[test]
fn damaged_files_never_panic() {
    let read_everything = |bytes: &[u8]| {
        let gguf = Gguf::from_bytes(Path::new("damaged.gguf"), bytes.to_vec())?;
        gguf.names().iter().try_for_each(|name| gguf.read_f32(name).map(drop))
    };
    assert!(read_everything(&small().build()).is_ok());
    with_mutations(&small().build(), 3000, |bytes| drop(read_everything(bytes)));
}

#[test]
fn what_is_written_is_read_again() {
    let read = open(&small()).unwrap();
    let metadata: Vec<(String, Value)> = read.entries().map(|(key, value)| (key.to_owned(), value.clone())).collect();
    let describe = |name: &String| Description {
        name: name.clone(),
        shape: read.shape(name).unwrap(),
        format: read.format(name).unwrap(),
    };
    let names = read.names();
    let tensors: Vec<Description> = names.iter().map(describe).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("again.gguf");
    write(&path, &metadata, &tensors, |i| read.raw(&names[i])).unwrap();

    let again = Gguf::open(&path).unwrap();
    assert_eq!(again.names(), names);
    for name in &names {
        assert_eq!((again.shape(name), again.raw(name).unwrap()), (read.shape(name), read.raw(name).unwrap()));
    }
    for ((key, found), (_, expected)) in again.entries().zip(&metadata) {
        // Floating-point numbers have 32 bits in what is written.
        let expected = match expected {
            Value::Float(x) => &Value::Float(f64::from(*x as f32)),
            other => other,
        };
        assert_eq!(found, expected, "{key}");
    }

    let failure = write(&path, &metadata, &tensors, |_| Err(Error::Failed("no bytes".into())));
    assert!(failure.unwrap_err().to_string().contains("no bytes"));
    assert_eq!(Gguf::open(&path).unwrap().names(), names, "the file before is still there");
}
