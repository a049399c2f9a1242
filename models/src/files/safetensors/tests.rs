use ::safetensors::SafeTensors;

use super::*;
use crate::files::testing::{file_with, with_mutations};

/// A file with the given header and `n` data bytes.
fn file(header: &str, n: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &vec![0; n]].concat()
}

fn refusal(bytes: &[u8]) -> String {
    let (_folder, path) = file_with(bytes);
    let error = Safetensors::open(&path).unwrap_err();
    assert_eq!(error.exit_code(), 2, "{error}");
    error.to_string()
}

fn written() -> Vec<u8> {
    let (_folder, path) = file_with(b"");
    let tensors = [("b", &[2, 2][..], &[1.0, -2.0, f32::MIN_POSITIVE, 3.5][..]), ("a", &[], &[0.25])];
    write(&path, tensors, &[("format", "pt")]).unwrap();
    std::fs::read(path).unwrap()
}

#[test]
fn what_was_written_is_read_back_here_and_by_the_crate() {
    let bytes = written();
    let (_folder, path) = file_with(&bytes);
    let opened = Safetensors::open(&path).unwrap();
    assert_eq!(opened.names(), ["a", "b"]);
    assert_eq!((opened.shape("a"), opened.shape("b")), (Some(vec![]), Some(vec![2, 2])));
    assert_eq!(opened.read_f32("a").unwrap(), [0.25]);
    assert_eq!(opened.read_f32("b").unwrap(), [1.0, -2.0, f32::MIN_POSITIVE, 3.5]);
    let (header, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    assert_eq!(metadata.metadata().as_ref().unwrap()["format"], "pt");
    assert_eq!(header % LENGTH_BYTES, 0);
    assert_eq!(bytes, written(), "the same call writes the same bytes");
}

#[test]
fn half_precision_is_widened_and_other_types_are_refused_by_name() {
    let header = r#"{"h":{"dtype":"F16","shape":[1],"data_offsets":[0,2]},
        "b":{"dtype":"BF16","shape":[1],"data_offsets":[2,4]},"i":{"dtype":"I32","shape":[1],"data_offsets":[4,8]}}"#;
    let mut bytes = file(header, 8);
    let data = bytes.len() - 8;
    bytes[data..data + 2].copy_from_slice(&half::f16::from_f32(-1.5).to_le_bytes());
    bytes[data + 2..data + 4].copy_from_slice(&half::bf16::from_f32(2.5).to_le_bytes());
    let (_folder, path) = file_with(&bytes);
    let opened = Safetensors::open(&path).unwrap();
    assert_eq!((opened.read_f32("h").unwrap(), opened.read_f32("b").unwrap()), (vec![-1.5], vec![2.5]));
    let message = opened.read_f32("i").unwrap_err().to_string();
    assert!(message.contains("tensor i") && message.contains("found I32"), "{message}");
    assert!(opened.read_f32("none").unwrap_err().to_string().contains("a tensor none"));
}

#[test]
fn headers_that_do_not_describe_their_file_are_refused() {
    let one =
        |offsets: &str, shape: &str| format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":{offsets}}}}}"#);
    let two = |a: &str, b: &str| {
        format!(
            r#"{{"a":{{"dtype":"F32","shape":[1],"data_offsets":{a}}},"b":{{"dtype":"F32","shape":[1],"data_offsets":{b}}}}}"#
        )
    };
    for (bytes, why) in [
        (vec![], "empty"),
        ((1_u64 << 60).to_le_bytes().to_vec(), "a header of 2^60 bytes"),
        (u64::MAX.to_le_bytes().to_vec(), "a header of 2^64 - 1 bytes"),
        ([&999_u64.to_le_bytes()[..], b"{}"].concat(), "a header beyond the file"),
        (file("not JSON", 0), "no JSON"),
        (file("[]", 0), "no object"),
        (file(&one("[0,8]", "[1]"), 8), "more bytes than values"),
        (file(&one("[0,4]", "[2]"), 4), "fewer bytes than values"),
        (file(&one("[0,4]", "[4294967296,4294967296]"), 4), "a shape that overflows"),
        (file(&one("[0,4]", "[1]"), 3), "offsets beyond the file"),
        (file(&one("[0,4]", "[1]"), 5), "bytes that no tensor has"),
        (file(&one("[4,0]", "[1]"), 4), "offsets in reverse"),
        (file(&one("[0,4]", "[-1]"), 4), "a negative dimension"),
        (file(&two("[0,4]", "[0,4]"), 4), "tensors that overlap"),
        (file(&two("[0,4]", "[8,12]"), 12), "a hole between tensors"),
        (file(&two("[0,4]", "[4,8]").replace("\"b\"", "\"a\""), 8), "a name twice, with a hole"),
        (file(&two("[0,4]", "[0,4]").replace("\"b\"", "\"a\""), 4), "a name twice, at one place"),
    ] {
        let message = refusal(&bytes);
        assert!(message.contains("a whole safetensors file"), "{why}: {message}");
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    let whole = written();
    for n in 0..whole.len() {
        assert!(read_everything(&whole[..n]).is_err(), "{n} bytes");
    }
}

#[test]
fn damaged_files_never_panic() {
    assert!(read_everything(&written()).is_ok());
    with_mutations(&written(), 3000, |bytes| drop(read_everything(bytes)));
}

fn read_everything(bytes: &[u8]) -> Result<()> {
    let opened = Safetensors::from_bytes(Path::new("damaged"), bytes.to_vec())?;
    opened.names().iter().try_for_each(|name| opened.read_f32(name).map(drop))
}

/// A folder with an index over two shards, `weight_map` as given.
fn sharded(weight_map: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("one.safetensors"), [("a", &[1][..], &[1.0][..])], &[]).unwrap();
    write(&folder.path().join("two.safetensors"), [("b", &[2][..], &[2.0, 3.0][..])], &[]).unwrap();
    std::fs::write(folder.path().join(INDEX), format!(r#"{{"metadata":{{}},"weight_map":{weight_map}}}"#)).unwrap();
    folder
}

#[test]
fn a_sharded_folder_reads_as_one_model() {
    let folder = sharded(r#"{"a":"one.safetensors","b":"two.safetensors"}"#);
    let opened = Safetensors::open(folder.path()).unwrap();
    assert_eq!(opened.names(), ["a", "b"]);
    assert_eq!(opened.read_f32("b").unwrap(), [2.0, 3.0]);
    assert_eq!(opened.place(), folder.path());
}

#[test]
fn a_wrong_index_is_refused() {
    for (weight_map, part) in [
        (r#"{"a":"one.safetensors","b":"../two.safetensors"}"#, "outside its folder"),
        (r#"{"a":"/etc/passwd"}"#, "outside its folder"),
        (r#"{"a":"..\\one.safetensors"}"#, "outside its folder"),
        (r#"{"a":"C:one.safetensors"}"#, "outside its folder"),
        (r#"{"a":".."}"#, "outside its folder"),
        (r#"{"a":""}"#, "outside its folder"),
        (r#"{"a":"one.safetensors","c":"two.safetensors"}"#, "c in two.safetensors"),
        (r#"{"a":"three.safetensors"}"#, "three.safetensors"),
        (r#"{"a":"one.safetensors","a":"two.safetensors"}"#, "\"a\" twice"),
        (r#"["one.safetensors"]"#, "weight_map"),
    ] {
        let error = Safetensors::open(sharded(weight_map).path()).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn a_folder_without_weights_and_a_path_to_nothing_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let message = Safetensors::open(folder.path()).unwrap_err().to_string();
    assert!(message.contains(FILE) && message.contains("neither"), "{message}");
    assert_eq!(Safetensors::open(&folder.path().join("gone.safetensors")).unwrap_err().exit_code(), 2);
}
