//! Every block format against the values that the reference implementation (gguf-py) gives, bit for bit.

use std::path::{Path, PathBuf};

use tiller_models::files::TensorSource;
use tiller_models::files::gguf::{Format, Gguf};
use tiller_models::files::safetensors::Safetensors;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/gguf").join(name)
}

#[test]
fn every_format_has_exactly_the_reference_values() {
    let gguf = Gguf::open(&golden("quants.gguf")).unwrap();
    let expected = Safetensors::open(&golden("expected.safetensors")).unwrap();
    for format in Format::ALL {
        let name = format.to_string().to_lowercase();
        assert_eq!(gguf.format(&name).unwrap(), format);
        assert_eq!(gguf.shape(&name), expected.shape(&name));
        let (found, wanted) = (gguf.read_f32(&name).unwrap(), expected.read_f32(&name).unwrap());
        let different = found.iter().zip(&wanted).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
        assert_eq!((different, found.len()), (0, wanted.len()), "{name}");
    }
    assert_eq!(gguf.names(), expected.names());
}
