//! The selection of benchmarks by `--op` and `--variant`.

use std::collections::BTreeSet;

use super::{Bench, CpuBench};

/// A name that no benchmark has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{flag} {found}: expected one of {}", known.join("; "))]
pub struct UnknownBench {
    /// `--op` or `--variant`.
    pub flag: &'static str,
    /// The name that was given.
    pub found: String,
    /// The names that exist.
    pub known: Vec<String>,
}

/// Keeps the benchmarks of one operation, of one variant, or both.
///
/// # Errors
/// A name that none of them has.
pub fn select(benches: Vec<Bench>, op: Option<&str>, variant: Option<&str>) -> Result<Vec<Bench>, UnknownBench> {
    let of_op = named("--op", benches, op, |bench| bench.op().to_owned())?;
    named("--variant", of_op, variant, Bench::variant)
}

/// [`select`] for the benchmarks of a CPU.
///
/// # Errors
/// A name that none of them has.
pub fn select_cpu(
    benches: Vec<CpuBench>,
    op: Option<&str>,
    variant: Option<&str>,
) -> Result<Vec<CpuBench>, UnknownBench> {
    let of_op = named("--op", benches, op, |bench| bench.op().to_owned())?;
    named("--variant", of_op, variant, CpuBench::variant)
}

fn named<T>(
    flag: &'static str,
    benches: Vec<T>,
    wanted: Option<&str>,
    name: impl Fn(&T) -> String,
) -> Result<Vec<T>, UnknownBench> {
    let Some(wanted) = wanted else { return Ok(benches) };
    let (kept, others): (Vec<T>, Vec<T>) = benches.into_iter().partition(|bench| name(bench) == wanted);
    if kept.is_empty() {
        let known: BTreeSet<String> = others.iter().map(name).collect();
        return Err(UnknownBench { flag, found: wanted.to_owned(), known: known.into_iter().collect() });
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::DeviceClass;
    use crate::operations::benches;
    use crate::quant::QuantScheme;

    fn selected(op: Option<&str>, variant: Option<&str>) -> Result<Vec<Bench>, UnknownBench> {
        select(benches(DeviceClass::Software, &[QuantScheme::Q4]), op, variant)
    }

    #[test]
    fn an_operation_and_a_variant_are_selected_by_name() {
        let all = selected(None, None).unwrap();
        let gelu = selected(Some("gelu"), None).unwrap();
        assert!(gelu.len() == 2 && all.len() > 50);
        let backward = selected(Some("gelu"), Some("backward")).unwrap();
        assert_eq!(backward.iter().map(|bench| bench.kernel().shader()).collect::<Vec<_>>(), ["gelu_grad"]);
        assert!(selected(None, Some("backward")).unwrap().len() > 1);
        assert!(
            selected(Some("lora_linear"), Some("forward")).unwrap().iter().all(|bench| bench.op() == "lora_linear")
        );
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known_ones() {
        let error = selected(Some("gelo"), None).unwrap_err();
        assert_eq!((error.flag, &error.found[..]), ("--op", "gelo"));
        assert!(error.known.iter().any(|op| op == "gelu") && error.known.iter().any(|op| op == "decode_linear"));
        let error = selected(Some("gelu"), Some("sideways")).unwrap_err();
        assert_eq!((error.flag, error.known), ("--variant", vec!["backward".to_owned(), "forward".to_owned()]));
    }
}
