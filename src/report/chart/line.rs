//! Line charts. A line with many points is drawn pale, with its moving mean on top.

use std::fmt::Write;

use super::scale::{LinearScale, label};
use super::{COLOURS, Chart, LegendEntry};
use crate::report::text::{escaped, number};

/// A line of a chart.
pub struct LineSeries {
    /// Its name in the legend.
    pub label: String,
    /// Its colour index.
    pub colour: usize,
    /// True for a dashed line, to distinguish lines of one colour.
    pub dashed: bool,
    /// Points (x, y) in ascending x.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 46.0;
const RIGHT: f64 = 10.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 34.0;

/// Lines with more points are smoothed (SMOOTH) or thinned out (MOST).
const SMOOTH: usize = 60;
const MOST: usize = 400;
/// Lines with at most this many points get a dot with a tooltip per point.
const DOTS: usize = 40;

/// Draws lines over a common x axis.
pub fn line_chart(about: &str, axis: &str, lines: &[LineSeries]) -> Chart {
    let points = || lines.iter().flat_map(|line| &line.points).copied();
    let range = |numbers: &mut dyn Iterator<Item = f64>| {
        numbers.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)))
    };
    let xs = LinearScale::new(range(&mut points().map(|(x, _)| x)), (LEFT, WIDTH - RIGHT));
    let ys = LinearScale::round(range(&mut points().map(|(_, y)| y)), (HEIGHT - BOTTOM, TOP), 4);

    let legend: Vec<LegendEntry> = lines.iter().map(entry).collect();
    let told: Vec<String> = legend.iter().map(|entry| format!("{} {}", entry.label, entry.last)).collect();
    let mut svg = format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">",
        escaped(&format!("{about}; last values: {}", told.join(", ")))
    );
    draw_axes(&mut svg, &xs, &ys, axis);
    for line in lines {
        draw(&mut svg, line, &xs, &ys, axis);
    }
    svg.push_str("</svg>");
    Chart { svg, legend }
}

fn entry(line: &LineSeries) -> LegendEntry {
    LegendEntry {
        colour: line.colour % COLOURS,
        dashed: line.dashed,
        label: line.label.clone(),
        last: line.points.last().map(|(_, y)| number(*y)).unwrap_or_default(),
    }
}

fn draw_axes(svg: &mut String, xs: &LinearScale, ys: &LinearScale, axis: &str) {
    let rows = ys.ticks(4);
    for &tick in &rows {
        let y = ys.at(tick);
        let (end, text) = (WIDTH - RIGHT, label(tick, &rows));
        add(svg, format_args!("<line class=\"grid\" x1=\"{LEFT}\" x2=\"{end}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>"));
        add(
            svg,
            format_args!(
                "<text class=\"tick\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 6.0,
                y + 3.5
            ),
        );
    }
    let columns = xs.ticks(6);
    for &tick in &columns {
        let (x, y, text) = (xs.at(tick), HEIGHT - BOTTOM + 16.0, label(tick, &columns));
        add(svg, format_args!("<text class=\"tick\" x=\"{x:.1}\" y=\"{y}\" text-anchor=\"middle\">{text}</text>"));
    }
    let (x, y) = ((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 3.0);
    add(svg, format_args!("<text class=\"tick\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>", escaped(axis)));
}

fn draw(svg: &mut String, line: &LineSeries, xs: &LinearScale, ys: &LinearScale, axis: &str) {
    let class = format!("c{}{}", line.colour % COLOURS, if line.dashed { " dashed" } else { "" });
    if line.points.len() > SMOOTH {
        add(svg, format_args!("<path class=\"line raw {class}\" d=\"{}\"/>", path(&thinned(&line.points), xs, ys)));
        add(svg, format_args!("<path class=\"line {class}\" d=\"{}\"/>", path(&moving_mean(&line.points), xs, ys)));
        return;
    }
    add(svg, format_args!("<path class=\"line {class}\" d=\"{}\"/>", path(&line.points, xs, ys)));
    if line.points.len() <= DOTS {
        for &(x, y) in &line.points {
            let told = escaped(&format!("{} · {axis} {} · {}", line.label, number(x), number(y)));
            let (x, y) = (xs.at(x), ys.at(y));
            add(
                svg,
                format_args!(
                    "<circle class=\"dot {class}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.6\"><title>{told}</title></circle>"
                ),
            );
        }
    }
}

fn path(points: &[(f64, f64)], xs: &LinearScale, ys: &LinearScale) -> String {
    let mut path = String::new();
    for (at, &(x, y)) in points.iter().enumerate() {
        let command = if at == 0 { 'M' } else { 'L' };
        add(&mut path, format_args!("{command}{:.1} {:.1}", xs.at(x), ys.at(y)));
    }
    path
}

/// Thins points to the minimum and maximum of each interval, so that no peak is lost.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let stretch = points.len().div_ceil(MOST / 2).max(2);
    let extremes = points.chunks(stretch).flat_map(|chunk| {
        let lowest = chunk.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1));
        let highest = chunk.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1));
        let mut both: Vec<(f64, f64)> = lowest.into_iter().chain(highest).collect();
        both.sort_by(|a, b| a.0.total_cmp(&b.0));
        both
    });
    extremes.collect()
}

/// The exponential moving mean over about 1/30 of the points, bias-corrected (Kingma and Ba 2015), thinned out.
fn moving_mean(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let keep = 1.0 - 2.0 / (points.len() as f64 / 30.0 + 1.0).max(2.0);
    let (mut mean, mut weight) = (0.0, 0.0);
    let smooth = points.iter().map(|&(x, y)| {
        mean = keep * mean + (1.0 - keep) * y;
        weight = keep * weight + (1.0 - keep);
        (x, mean / weight)
    });
    let every = points.len().div_ceil(MOST);
    let last = points.len() - 1;
    smooth.enumerate().filter(|(at, _)| at % every == 0 || *at == last).map(|(_, point)| point).collect()
}

/// Writing to a string never fails.
fn add(text: &mut String, what: std::fmt::Arguments) {
    let _ = text.write_fmt(what);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(points: Vec<(f64, f64)>) -> LineSeries {
        LineSeries { label: "a <b>".into(), colour: 9, dashed: true, points }
    }

    #[test]
    fn a_short_line_has_a_dot_for_each_point_and_a_long_one_a_mean() {
        let short = line_chart("x", "step", &[line(vec![(1.0, 2.0), (2.0, 4.0)])]);
        assert_eq!(short.svg.matches("<circle").count(), 2);
        assert!(short.svg.contains("a &lt;b&gt; · step 2 · 4") && !short.svg.contains("<b>"));
        assert_eq!((short.legend[0].colour, short.legend[0].last.as_str()), (1, "4"));

        let long: Vec<(f64, f64)> = (0..5000).map(|i| (f64::from(i), if i == 777 { 99.0 } else { 1.0 })).collect();
        let thin = thinned(&long);
        assert!(thin.len() <= MOST + 2 && thin.contains(&(777.0, 99.0)), "a peak is kept");
        let mean = moving_mean(&long);
        assert!(mean.len() <= MOST + 1 && mean[0].1 == 1.0 && mean.last().unwrap().0 == 4999.0);
        let svg = line_chart("x", "step", &[line(long)]).svg;
        assert_eq!((svg.matches("<path").count(), svg.matches("<circle").count()), (2, 0));
    }

    #[test]
    fn a_single_point_and_no_point_are_drawn_too() {
        for points in [vec![], vec![(5.0, 0.0)], vec![(0.0, f64::MAX), (1.0, f64::MIN)]] {
            let svg = line_chart("x", "step", &[line(points)]).svg;
            assert!(svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
