//! The metrics of metrics.jsonl as series over the steps, keyed by their path.

use serde_json::Value;

/// A metric over the steps of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricSeries {
    /// The path of the number in its line: `loss`, `objective/kl`, `validation/I0/HR`.
    pub path: String,
    /// The x axis.
    pub axis: Axis,
    /// The points (x, value), in file order.
    pub points: Vec<(f64, f64)>,
}

/// The x axis of a series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Axis {
    /// Optimizer steps or iterations.
    Steps,
    /// Epochs, if no steps are logged.
    Epochs,
    /// Line numbers otherwise.
    Lines,
}

impl Axis {
    /// Its label.
    pub fn label(self) -> &'static str {
        match self {
            Axis::Steps => "step",
            Axis::Epochs => "epoch",
            Axis::Lines => "line",
        }
    }
}

/// Keys of positions and counts, which are not metrics.
const PLACES: [&str; 4] = ["step", "epoch", "seconds", "k"];

/// All series of some lines, in order of first appearance.
pub fn of(lines: &[Value]) -> Vec<MetricSeries> {
    let has = |key: &str| lines.iter().any(|line| line[key].is_number());
    let axis = match () {
        () if has("step") => Axis::Steps,
        () if has("epoch") => Axis::Epochs,
        () => Axis::Lines,
    };
    let mut all: Vec<MetricSeries> = Vec::new();
    for (number, line) in lines.iter().enumerate() {
        let place = match axis {
            Axis::Steps => line["step"].as_f64(),
            Axis::Epochs => line["epoch"].as_f64(),
            Axis::Lines => Some(number as f64 + 1.0),
        };
        let Some(place) = place else { continue };
        let mut found = Vec::new();
        numbers("", line, &mut found);
        for (path, value) in found {
            match all.iter_mut().find(|series| series.path == path) {
                Some(series) => series.points.push((place, value)),
                None => all.push(MetricSeries { path, axis, points: vec![(place, value)] }),
            }
        }
    }
    all
}

/// Collects all numbers of a value by path. An array entry with a `k` is named after it.
fn numbers(path: &str, value: &Value, found: &mut Vec<(String, f64)>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}/{key}") };
    match value {
        Value::Number(number) => found.extend(number.as_f64().filter(|v| v.is_finite()).map(|v| (path.to_owned(), v))),
        Value::Object(fields) => {
            for (key, value) in fields {
                // In a summary of lists, how many they were is no figure either.
                let is_count = key == "lists" && value.is_number();
                if !(PLACES.contains(&key.as_str()) || is_count) {
                    numbers(&below(key), value, found);
                }
            }
        }
        Value::Array(entries) => {
            for (at, entry) in entries.iter().enumerate() {
                let name = entry["k"].as_u64().map_or_else(|| at.to_string(), |k| format!("@{k}"));
                numbers(&below(&name), entry, found);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_number_of_a_line_is_a_point_of_its_series() {
        let lines = [
            json!({ "step": 1, "epoch": 0.1, "seconds": 2.0, "loss": 3.5, "lr": null }),
            json!({ "step": 2, "loss": 2.5, "objective": { "kl": 0.1 }, "name": "x" }),
            json!({ "step": 2, "validation": { "I0": { "lists": 32, "HR": 0.5 } } }),
            json!({ "loss": 9.0 }),
        ];
        let series = of(&lines);
        let paths: Vec<(&str, &[(f64, f64)])> =
            series.iter().map(|series| (series.path.as_str(), series.points.as_slice())).collect();
        assert_eq!(
            paths,
            [
                ("loss", &[(1.0, 3.5), (2.0, 2.5)][..]),
                ("objective/kl", &[(2.0, 0.1)]),
                ("validation/I0/HR", &[(2.0, 0.5)])
            ]
        );
        assert!(series.iter().all(|series| series.axis == Axis::Steps));
    }

    #[test]
    fn a_teachers_lines_are_drawn_over_epochs() {
        let series = of(&[json!({ "epoch": 4, "loss": null, "validation": [{ "k": 10, "ndcg": 0.1 }] })]);
        assert_eq!(series.len(), 1);
        assert_eq!((series[0].path.as_str(), series[0].axis), ("validation/@10/ndcg", Axis::Epochs));
        assert_eq!(of(&[json!({ "x": 1 }), json!({ "x": 2 })])[0].points, [(1.0, 1.0), (2.0, 2.0)]);
    }
}
