//! The scaling figures as SVG.

use anyhow::{Result, anyhow};
use plotters::{coord::ranged1d::ValueFormatter, prelude::*};
use std::path::Path;

use super::record::Record;
use super::scaling::{FIGURES, Figure, points};

/// Blue and orange, told apart by everyone.
const COLORS: [RGBColor; 2] = [RGBColor(0, 95, 175), RGBColor(214, 94, 0)];

const FONT: (&str, u32) = ("sans-serif", 15);

/// Draws every figure that has points.
pub(crate) fn write_all(record: &Record, folder: &Path) -> Result<()> {
    for figure in &FIGURES {
        let lines = lines(record, figure);
        if !lines.is_empty() {
            let drawn = draw(figure, &lines, &folder.join(figure.file));
            drawn.map_err(|error| anyhow!("{}: {error}", figure.file))?;
        }
    }
    Ok(())
}

/// One series on one or two threads.
struct Line {
    name: String,
    color: RGBColor,
    threads: u32,
    /// x, milliseconds.
    points: Vec<(f64, f64)>,
}

fn lines(record: &Record, figure: &Figure) -> Vec<Line> {
    let threads = |(series, color): (&&'static str, RGBColor)| {
        let series: &'static str = series;
        [1, 2].map(|threads| {
            let points = points(record, series, threads);
            Line {
                name: format!(
                    "{}, {threads} thread{}",
                    series.split(" by").next().unwrap_or(series),
                    if threads == 1 { "" } else { "s" }
                ),
                color,
                threads,
                points: points.into_iter().map(|(x, seconds)| (x, seconds * 1e3)).collect(),
            }
        })
    };
    let lines = figure.series.iter().zip(COLORS).flat_map(threads);
    lines.filter(|line| !line.points.is_empty()).collect()
}

/// The smallest and largest of both coordinates, with room around them; linear axes start at 0.
fn bounds(lines: &[Line], logarithmic: bool) -> [(f64, f64); 2] {
    let all = || lines.iter().flat_map(|line| &line.points);
    let range = |of: fn(&(f64, f64)) -> f64| {
        let (least, most) =
            (all().map(of).fold(f64::MAX, f64::min), all().map(of).fold(0.0, f64::max));
        if logarithmic { (least / 1.3, most * 1.3) } else { (0.0, most * 1.05) }
    };
    [range(|p| p.0), range(|p| p.1)]
}

type Drawn = Result<(), Box<dyn std::error::Error>>;

fn draw(figure: &Figure, lines: &[Line], path: &Path) -> Drawn {
    let root = SVGBackend::new(path, (760, 440)).into_drawing_area();
    root.fill(&WHITE)?;
    let [(left, right), (low, high)] = bounds(lines, figure.logarithmic);
    let mut builder = ChartBuilder::on(&root);
    builder.caption(figure.title, ("sans-serif", 18)).margin(12);
    builder.x_label_area_size(45).y_label_area_size(62);
    if figure.logarithmic {
        let chart =
            builder.build_cartesian_2d((left..right).log_scale(), (low..high).log_scale())?;
        fill(chart, figure, lines)?;
    } else {
        fill(builder.build_cartesian_2d(left..right, low..high)?, figure, lines)?;
    }
    root.present()?;
    Ok(())
}

/// Axes, lines and legend.
fn fill<'a, X, Y>(
    mut chart: ChartContext<'a, SVGBackend<'a>, Cartesian2d<X, Y>>,
    figure: &Figure,
    lines: &[Line],
) -> Drawn
where
    X: Ranged<ValueType = f64> + ValueFormatter<f64>,
    Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    chart
        .configure_mesh()
        .bold_line_style(RGBColor(215, 215, 215))
        .light_line_style(RGBColor(240, 240, 240))
        .x_desc(figure.axis)
        .y_desc("ms a step")
        .label_style(FONT)
        .axis_desc_style(FONT)
        .x_label_formatter(&|x| number(*x))
        .y_label_formatter(&|y| number(*y))
        .draw()?;
    for line in lines {
        // one thread: thin line and hollow points; two threads: thick line and full points
        let (color, filled) = (line.color.into(), line.threads > 1);
        let style = ShapeStyle { color, filled, stroke_width: line.threads };
        chart
            .draw_series(LineSeries::new(line.points.iter().copied(), style))?
            .label(&line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 24, y)], style));
        chart.draw_series(line.points.iter().map(|&p| Circle::new(p, 4, style)))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperLeft)
        .background_style(WHITE.mix(0.8))
        .border_style(RGBColor(180, 180, 180))
        .label_font(FONT)
        .draw()?;
    Ok(())
}

/// A tick without needless zeros.
fn number(x: f64) -> String {
    let digits = if x >= 1.0 || x == 0.0 { 0 } else { (-x.log10()).ceil() as usize };
    format!("{x:.digits$}")
}
