//! Damage to one part of a file's structure: a count, an offset, a type, a value, an entry.
//!
//! Everything else stays as it was, lengths that frame the damaged part included, so that the damage reaches the code behind the parser.
//! [`super::mutate`] damages bytes.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use serde_json::{Map, Value, json};

/// The format of a file whose structure is known.
#[derive(Clone, Copy)]
pub enum Structure {
    Json,
    /// A JSON header after its length, then the data.
    Safetensors,
    Gguf,
}

/// The bytes with one to three damages, and what these are.
pub fn damage(structure: Structure, whole: &[u8], rng: &mut ChaCha8Rng) -> (Vec<u8>, String) {
    let times = rng.random_range(1..=3);
    match structure {
        Structure::Gguf => damage_gguf(whole, times, rng),
        Structure::Json => {
            let (value, told) = damage_json(whole, times, rng);
            (value.into_bytes(), told)
        }
        Structure::Safetensors => {
            let (length, rest) = whole.split_first_chunk::<8>().unwrap();
            let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
            let (header, told) = damage_json(header, times, rng);
            ([&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat(), told)
        }
    }
}

fn damage_json(text: &[u8], times: usize, rng: &mut ChaCha8Rng) -> (String, String) {
    let mut value: Value = serde_json::from_slice(text).unwrap();
    let told: Vec<String> = (0..times).map(|_| damage_node(&mut value, rng)).collect();
    (value.to_string(), told.join(", "))
}

/// Damages a node on a random walk from the root.
fn damage_node(root: &mut Value, rng: &mut ChaCha8Rng) -> String {
    let (mut node, mut path) = (root, String::new());
    while children(node) > 0 && rng.random_range(0..5) > 0 {
        let at = rng.random_range(0..children(node));
        node = match node {
            Value::Array(items) => {
                path += &format!("/{at}");
                &mut items[at]
            }
            Value::Object(entries) => {
                let (key, value) = entries.iter_mut().nth(at).unwrap();
                path += &format!("/{}", key.chars().take(60).collect::<String>());
                value
            }
            _ => unreachable!("a leaf has no children"),
        };
    }
    let how = match rng.random_range(0..6) {
        0 => {
            *node = number(rng);
            format!("is {node}")
        }
        1 => {
            *node = other_type(rng);
            format!("is {node}")
        }
        2 => {
            *node = json!([node.take()]);
            "stands in a list".into()
        }
        3 if children(node) > 0 => {
            remove_child(node, rng);
            "lacks a child".into()
        }
        4 if children(node) > 0 => {
            repeat_child(node, rng);
            "has a child twice".into()
        }
        _ => {
            *node = json!(text(rng));
            "is a text".into()
        }
    };
    format!("{path} {how}")
}

fn children(node: &Value) -> usize {
    match node {
        Value::Array(items) => items.len(),
        Value::Object(entries) => entries.len(),
        _ => 0,
    }
}

/// Numbers at which arithmetic, allocations and conversions go wrong.
fn number(rng: &mut ChaCha8Rng) -> Value {
    let numbers = [
        json!(0),
        json!(-1),
        json!(1),
        json!(0.5),
        json!(3),
        json!(i32::MAX),
        json!(u32::MAX),
        json!(1_u64 << 32),
        json!(1_u64 << 53),
        json!(i64::MIN),
        json!(u64::MAX),
        json!(1e-320),
        json!(1e39),
        json!(-1e308),
    ];
    numbers[rng.random_range(0..numbers.len())].clone()
}

fn other_type(rng: &mut ChaCha8Rng) -> Value {
    let values =
        [Value::Null, json!(true), json!(false), json!([]), json!({}), json!([[]]), json!({"": null}), json!("")];
    values[rng.random_range(0..values.len())].clone()
}

fn text(rng: &mut ChaCha8Rng) -> String {
    let texts = ["../x", "/etc/passwd", "\0", "F64", "llama", "(a+)+$", "\u{1b}[2J", "{{", "NaN"];
    texts[rng.random_range(0..texts.len())].repeat([1, 1, 1, 5000][rng.random_range(0..4)])
}

fn remove_child(node: &mut Value, rng: &mut ChaCha8Rng) {
    let at = rng.random_range(0..children(node));
    match node {
        Value::Array(items) => drop(items.remove(at)),
        Value::Object(entries) => {
            let key = entries.keys().nth(at).unwrap().clone();
            entries.remove(&key);
        }
        _ => {}
    }
}

/// A list gets the child again at its end, an object under another name.
fn repeat_child(node: &mut Value, rng: &mut ChaCha8Rng) {
    let at = rng.random_range(0..children(node));
    match node {
        Value::Array(items) => items.push(items[at].clone()),
        Value::Object(entries) => {
            let (key, value) = entries.iter().nth(at).map(|(key, value)| (key.clone(), value.clone())).unwrap();
            let names = [format!("{key}x"), format!("{key}.weight"), String::new(), "__metadata__".into()];
            Map::insert(entries, names[rng.random_range(0..names.len())].clone(), value);
        }
        _ => {}
    }
}

/// A number in a GGUF file.
struct Field {
    at: usize,
    width: usize,
    what: &'static str,
}

fn damage_gguf(whole: &[u8], times: usize, rng: &mut ChaCha8Rng) -> (Vec<u8>, String) {
    let fields = Walk { bytes: whole, at: 0, fields: Vec::new() }.fields();
    // A vocabulary has thousands of lengths, a file one count of tensors: each kind of number is as likely as any other.
    let mut kinds: Vec<&str> = fields.iter().map(|field| field.what).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let mut bytes = whole.to_vec();
    let mut told = Vec::new();
    for _ in 0..times {
        let kind = kinds[rng.random_range(0..kinds.len())];
        let of_kind: Vec<&Field> = fields.iter().filter(|field| field.what == kind).collect();
        let Field { at, width, what } = of_kind[rng.random_range(0..of_kind.len())];
        let place = *at..*at + *width;
        let old = read(&bytes[place.clone()]);
        let other = &fields[rng.random_range(0..fields.len())];
        let news = [
            0,
            1,
            old.wrapping_add(1),
            old.wrapping_sub(1),
            old.wrapping_mul(2),
            old ^ 1 << rng.random_range(0..8 * width),
            0x7fff_ffff,
            0xffff_ffff,
            1 << 60,
            u64::MAX,
            u64::from(f32::NAN.to_bits()),
            read(&bytes[other.at..other.at + other.width]),
        ];
        let new = news[rng.random_range(0..news.len())];
        bytes[place].copy_from_slice(&new.to_le_bytes()[..*width]);
        told.push(format!("{what} at {at}: {new} for {old}"));
    }
    (bytes, told.join(", "))
}

fn read(bytes: &[u8]) -> u64 {
    let mut number = [0; 8];
    number[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(number)
}

/// A walk over a whole file that notes every number.
struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    fields: Vec<Field>,
}

impl Walk<'_> {
    fn fields(mut self) -> Vec<Field> {
        self.at = 4;
        self.note(4, "version");
        let tensors = self.note(8, "count of tensors");
        let entries = self.note(8, "count of entries");
        for _ in 0..entries {
            self.text("length of a key");
            let kind = self.note(4, "type of a value");
            self.value(kind);
        }
        for _ in 0..tensors {
            self.text("length of a tensor's name");
            for _ in 0..self.note(4, "number of dimensions") {
                self.note(8, "dimension");
            }
            self.note(4, "format");
            self.note(8, "offset");
        }
        self.fields
    }

    fn note(&mut self, width: usize, what: &'static str) -> u64 {
        self.fields.push(Field { at: self.at, width, what });
        self.at += width;
        read(&self.bytes[self.at - width..self.at])
    }

    fn text(&mut self, what: &'static str) {
        self.at += self.note(8, what) as usize;
    }

    fn value(&mut self, kind: u64) {
        match kind {
            0 | 1 | 7 => drop(self.note(1, "byte")),
            2 | 3 => drop(self.note(2, "short")),
            4..=6 => drop(self.note(4, "number")),
            8 => self.text("length of a text"),
            9 => {
                let kind = self.note(4, "type of elements");
                for _ in 0..self.note(8, "count of elements") {
                    self.value(kind);
                }
            }
            _ => drop(self.note(8, "number")),
        }
    }
}
