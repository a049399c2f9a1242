//! The preprocessor from the files of `shaders/` to WGSL: includes, constants and conditions, which WGSL
//! lacks.
//!
//! ```text
//! #include "lib/sum.wgsl"   the file's text, once per shader however often it is included
//! #define WORKGROUP         a constant that the host supplies: becomes `const WORKGROUP: u32 = 256u;`
//! #define Q4_K 5            a name for a number, for conditions alone
//! #if SUBGROUPS             lines for one variant alone; also `#if !NAME`, `#if NAME == 4` and `#if NAME == Q4_K`, with
//! #endif                    `#else`, ended by `#endif`. Zero is false.
//! ```
//!
//! A directive may be followed by a `//` comment.
//!
//! Shaders are embedded in the binary. `enable` and `requires` move to the top, as WGSL demands.
//! `lib/schemes.wgsl` is no file: it is generated and defines the number of every [`QuantScheme`].

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::LazyLock;

use crate::quant::QuantScheme;

macro_rules! embed {
    ($($path:literal),* $(,)?) => {
        &[$(($path, include_str!(concat!("../../shaders/", $path)))),*]
    };
}

/// Every file of `shaders/`, by its path there.
const FILES: &[(&str, &str)] = embed![
    "adamw.wgsl",
    "attention.wgsl",
    "attention_delta.wgsl",
    "attention_grad_kv.wgsl",
    "attention_grad_q.wgsl",
    "concat.wgsl",
    "cross_entropy.wgsl",
    "cross_entropy_grad.wgsl",
    "decode_append.wgsl",
    "decode_attention.wgsl",
    "decode_attention_tile.wgsl",
    "decode_embed.wgsl",
    "decode_gate_up.wgsl",
    "decode_linear.wgsl",
    "decode_merge.wgsl",
    "decode_qkv.wgsl",
    "decode_quantize.wgsl",
    "decode_sample.wgsl",
    "decode_score.wgsl",
    "embedding.wgsl",
    "embedding_grad.wgsl",
    "gelu.wgsl",
    "gelu_grad.wgsl",
    "layer_norm.wgsl",
    "layer_norm_grad.wgsl",
    "layer_norm_grad_weights.wgsl",
    "lib/attention.wgsl",
    "lib/attention_grad.wgsl",
    "lib/attention_tile.wgsl",
    "lib/dequant.wgsl",
    "lib/elementwise.wgsl",
    "lib/gemm.wgsl",
    "lib/gemm_tile.wgsl",
    "lib/gemm_tile_cooperative.wgsl",
    "lib/gemm_tile_plain.wgsl",
    "lib/gemv.wgsl",
    "lib/gemv_batch.wgsl",
    "lib/gemv_float.wgsl",
    "lib/gemv_int8.wgsl",
    "lib/grid.wgsl",
    "lib/kv_cache.wgsl",
    "lib/kv_cache_write.wgsl",
    "lib/lane.wgsl",
    "lib/matmul.wgsl",
    "lib/matmul_bindings.wgsl",
    "lib/matmul_common.wgsl",
    "lib/normal.wgsl",
    "lib/online_softmax.wgsl",
    "lib/rows.wgsl",
    "lib/sigmoid.wgsl",
    "lib/step_inputs.wgsl",
    "lib/sum.wgsl",
    "lib/value.wgsl",
    "lora_linear.wgsl",
    "rms_norm.wgsl",
    "rms_norm_grad.wgsl",
    "roofline_copy.wgsl",
    "roofline_fma.wgsl",
    "rope.wgsl",
    "row_scales.wgsl",
    "square_sums.wgsl",
    "swiglu.wgsl",
    "swiglu_grad.wgsl",
];

/// A line of a shader that cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("shaders/{at}: {what}")]
pub struct WgslError {
    /// The file and the line.
    pub at: Origin,
    /// The error.
    pub what: String,
}

/// A line of a file of `shaders/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The file's path in `shaders/`.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// A shader in WGSL.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expanded {
    /// The WGSL.
    pub text: String,
    /// The origin of each line of `text`, which leads from a compiler's message back to the file.
    pub origins: Vec<Origin>,
}

/// Expands `shaders/<shader>.wgsl` with the constants of one variant.
///
/// # Errors
/// A file that is not there, an unknown directive, conditions that do not close, a constant that the host
/// does not supply or that no file declares.
pub fn expand(shader: &str, constants: &[(&'static str, u32)]) -> Result<Expanded, WgslError> {
    expand_from(&file, shader, constants)
}

/// The text of a file of `shaders/`.
fn file(path: &str) -> Option<&'static str> {
    static SCHEMES: LazyLock<String> = LazyLock::new(|| {
        QuantScheme::ALL.map(|scheme| format!("#define {} {}\n", scheme.constant(), scheme.number())).concat()
    });
    match path {
        "lib/schemes.wgsl" => Some(&SCHEMES),
        _ => FILES.iter().find(|(p, _)| *p == path).map(|(_, text)| *text),
    }
}

fn expand_from<'a>(
    files: &'a dyn Fn(&str) -> Option<&'static str>,
    shader: &str,
    constants: &'a [(&'static str, u32)],
) -> Result<Expanded, WgslError> {
    let root = format!("{shader}.wgsl");
    let start = Origin { file: root.clone(), line: 1 };
    let mut expander = Expander {
        files,
        constants,
        names: BTreeMap::new(),
        declared: BTreeSet::new(),
        included: BTreeSet::new(),
        lines: vec![],
    };
    expander.include(&root, &start)?;
    if let Some((name, _)) = constants.iter().find(|(name, _)| !expander.declared.contains(*name)) {
        return Err(WgslError { at: start, what: format!("no line `#define {name}` takes the constant") });
    }
    // A stable sort: directives first, all else in its order.
    expander.lines.sort_by_key(|(line, _)| !(line.starts_with("enable ") || line.starts_with("requires ")));
    let (lines, origins): (Vec<String>, _) = expander.lines.into_iter().unzip();
    Ok(Expanded { text: lines.join("\n") + "\n", origins })
}

struct Expander<'a> {
    files: &'a dyn Fn(&str) -> Option<&'static str>,
    constants: &'a [(&'static str, u32)],
    /// Names for numbers.
    names: BTreeMap<String, u32>,
    declared: BTreeSet<String>,
    included: BTreeSet<String>,
    lines: Vec<(String, Origin)>,
}

impl Expander<'_> {
    fn include(&mut self, path: &str, from: &Origin) -> Result<(), WgslError> {
        if !self.included.insert(path.to_owned()) {
            return Ok(());
        }
        let Some(text) = (self.files)(path) else {
            return Err(WgslError { at: from.clone(), what: format!("there is no shaders/{path}") });
        };
        let mut conditions = Conditions::default();
        let mut at = Origin { file: path.to_owned(), line: 0 };
        for line in text.lines() {
            at.line += 1;
            let error = |what: String| WgslError { at: at.clone(), what };
            let code = line.split("//").next().unwrap_or(line).trim();
            let (directive, rest) = code.split_once(char::is_whitespace).unwrap_or((code, ""));
            let rest = rest.trim();
            match directive {
                "#if" => {
                    // Skipped lines may test constants that this variant does not have.
                    let holds = conditions.live() && self.holds(rest).map_err(error)?;
                    conditions.open(holds);
                }
                "#else" => conditions.turn().map_err(error)?,
                "#endif" => conditions.close().map_err(error)?,
                _ if !conditions.live() => {}
                "#include" => self.include(rest.trim_matches('"'), &at)?,
                "#define" => self.define(rest, &at)?,
                unknown if unknown.starts_with('#') => return Err(error(format!("unknown directive {unknown}"))),
                _ => self.lines.push((line.to_owned(), at.clone())),
            }
        }
        match conditions.0.is_empty() {
            true => Ok(()),
            false => Err(WgslError { at, what: "the file ends inside an #if".to_owned() }),
        }
    }

    fn define(&mut self, rest: &str, at: &Origin) -> Result<(), WgslError> {
        let error = |what| WgslError { at: at.clone(), what };
        if let Some((name, number)) = rest.split_once(char::is_whitespace) {
            self.names.insert(name.to_owned(), self.number(number).map_err(error)?);
            return Ok(());
        }
        let name = rest;
        let value = self.value(name).map_err(error)?;
        if self.declared.insert(name.to_owned()) {
            self.lines.push((format!("const {name}: u32 = {value}u;"), at.clone()));
        }
        Ok(())
    }

    /// The host's value of a constant.
    fn value(&self, name: &str) -> Result<u32, String> {
        let supplied = self.constants.iter().find(|(n, _)| *n == name);
        supplied.map(|(_, value)| *value).ok_or_else(|| format!("the host supplies no constant {name}"))
    }

    /// A number, or the number that a name stands for.
    fn number(&self, text: &str) -> Result<u32, String> {
        let text = text.trim();
        let named = self.names.get(text).copied();
        named.or_else(|| text.parse().ok()).ok_or_else(|| format!("{text} is not a number"))
    }

    /// Evaluates `NAME`, `!NAME` or `NAME == VALUE`.
    fn holds(&self, condition: &str) -> Result<bool, String> {
        let declared = |name: &str| match self.declared.contains(name) {
            true => self.value(name),
            false => Err(format!("`{name}` is tested before a line `#define {name}`")),
        };
        if let Some((name, value)) = condition.split_once("==") {
            let value = self.number(value)?;
            return Ok(declared(name.trim())? == value);
        }
        match condition.strip_prefix('!') {
            Some(name) => Ok(declared(name.trim())? == 0),
            None => Ok(declared(condition)? != 0),
        }
    }
}

/// The open `#if`s of a file, outermost first.
#[derive(Default)]
struct Conditions(Vec<Condition>);

struct Condition {
    /// The lines that follow are part of the variant.
    live: bool,
    /// The lines around the `#if` are part of the variant.
    outer: bool,
    turned: bool,
}

impl Conditions {
    fn live(&self) -> bool {
        self.0.last().is_none_or(|condition| condition.live)
    }

    fn open(&mut self, holds: bool) {
        self.0.push(Condition { live: holds, outer: self.live(), turned: false });
    }

    fn turn(&mut self) -> Result<(), String> {
        let condition = self.0.last_mut().filter(|condition| !condition.turned).ok_or("#else without #if")?;
        condition.turned = true;
        condition.live = condition.outer && !condition.live;
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        self.0.pop().map(drop).ok_or_else(|| "#endif without #if".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expands `a.wgsl`, beside which `lib/b.wgsl` lies.
    fn expand_text(a: &'static str, constants: &[(&'static str, u32)]) -> Result<Expanded, WgslError> {
        let files = |path: &str| match path {
            "a.wgsl" => Some(a),
            "lib/b.wgsl" => Some("enable f16;\n#define N\nfn b() {}"),
            _ => None,
        };
        expand_from(&files, "a", constants)
    }

    #[test]
    fn includes_come_once_constants_are_declared_once_and_enable_rises() {
        let a = "#define N\n#include \"lib/b.wgsl\"\n#include \"lib/b.wgsl\"\nfn a() {}";
        let expanded = expand_text(a, &[("N", 7)]).unwrap();
        assert_eq!(expanded.text, "enable f16;\nconst N: u32 = 7u;\nfn b() {}\nfn a() {}\n");
        let origins: Vec<String> = expanded.origins.iter().map(Origin::to_string).collect();
        assert_eq!(origins, ["lib/b.wgsl:1", "a.wgsl:1", "lib/b.wgsl:3", "a.wgsl:4"]);
    }

    #[test]
    fn conditions_nest_and_what_is_skipped_is_not_looked_at() {
        let a = "#define N\n#if N == 2\ntwo\n#if !N\nzero\n#else\nnot zero\n#endif\n#else\n#if UNKNOWN\n#odd\n#else\nelse\n#endif\nother\n#endif";
        assert_eq!(expand_text(a, &[("N", 2)]).unwrap().text, "const N: u32 = 2u;\ntwo\nnot zero\n");
        let three = expand_text(a, &[("N", 3)]).unwrap_err();
        assert_eq!(three.to_string(), "shaders/a.wgsl:10: `UNKNOWN` is tested before a line `#define UNKNOWN`");
    }

    #[test]
    fn a_condition_may_name_a_number() {
        let a = "#define Q4 3\n#define Q8 2\n#define N\n#if N == Q4\nfour\n#endif\n#if N == Q8\neight\n#endif";
        assert_eq!(expand_text(a, &[("N", 3)]).unwrap().text, "const N: u32 = 3u;\nfour\n");
    }

    #[test]
    fn every_scheme_has_a_number_that_shaders_know_by_name() {
        let schemes = file("lib/schemes.wgsl").unwrap();
        assert!(schemes.lines().any(|line| line == format!("#define Q4_K {}", QuantScheme::Q4K.number())), "{schemes}");
        assert_eq!(schemes.lines().count(), QuantScheme::ALL.len());
    }

    #[test]
    fn errors_name_the_file_and_the_line() {
        for (text, constants, message) in [
            ("\n#include \"lib/c.wgsl\"", &[][..], "shaders/a.wgsl:2: there is no shaders/lib/c.wgsl"),
            ("#include \"lib/b.wgsl\"", &[], "shaders/lib/b.wgsl:2: the host supplies no constant N"),
            ("fn a() {}", &[("N", 1)], "shaders/a.wgsl:1: no line `#define N` takes the constant"),
            ("x\n#elif N", &[], "shaders/a.wgsl:2: unknown directive #elif"),
            ("#endif", &[], "shaders/a.wgsl:1: #endif without #if"),
            ("#define N\n#if N\n#else\n#else", &[("N", 1)], "shaders/a.wgsl:4: #else without #if"),
            ("#define N\n#if N\nx", &[("N", 1)], "shaders/a.wgsl:3: the file ends inside an #if"),
            ("#define N\n#if N == x\n#endif", &[("N", 1)], "shaders/a.wgsl:2: x is not a number"),
        ] {
            assert_eq!(expand_text(text, constants).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shaders");
        let mut found = Vec::new();
        for (folder, prefix) in [(root.clone(), ""), (root.join("lib"), "lib/")] {
            for entry in std::fs::read_dir(folder).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                found.extend(name.ends_with(".wgsl").then(|| format!("{prefix}{name}")));
            }
        }
        found.sort();
        let embedded: Vec<&str> = FILES.iter().map(|(path, _)| *path).collect();
        assert_eq!(found, embedded);
    }
}
