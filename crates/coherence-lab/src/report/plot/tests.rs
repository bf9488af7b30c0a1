//! Laws of the figures' data: means, intervals and places come from the record and nothing is invented.

use super::{Heat, Line, Lines, Plot, plot};
use crate::cell::{Cell, Setting};
use crate::interval::Interval;
use crate::record::{Record, Row};
use crate::report::json::short;
use crate::report::tests::sample::{figure, record};

fn lines_of(text: &str, record: &Record) -> Lines {
    match plot(&figure(text), record, Some(5)) {
        Ok(Plot::Lines(lines)) => lines,
        other => panic!("no lines: {other:?}"),
    }
}

fn lines(text: &str) -> Lines {
    lines_of(text, &record())
}

fn only_line(text: &str) -> Line {
    lines(text).panels[0].lines[0].clone()
}

fn heat(text: &str) -> Heat {
    match plot(&figure(&format!("kind = 'heat-map'\n{text}")), &record(), None) {
        Ok(Plot::Heat(heat)) => heat,
        other => panic!("no heat map: {other:?}"),
    }
}

#[test]
fn line_is_mean_and_interval_over_seeds() {
    let line = only_line("series = ['a']\nonly = { noise = 0, clip = 2 }"); // c = 1, seeds 1 and 2
    assert_eq!(line.x, [0.0, 10.0, 100.0]);
    assert_eq!(line.y, [2.5, 12.5, 102.5]);
    let at_start = Interval::from_values(&[2.0, 3.0]).unwrap();
    assert_eq!((line.low[0], line.high[0]), (short(at_start.low), short(at_start.high)));
}

#[test]
fn facets_place_every_cell_once() {
    let plot = lines("series = ['a']\nrows = 'clip'\ncolumns = 'noise'");
    let places: Vec<_> = plot.panels.iter().map(|panel| (panel.row, panel.column)).collect();
    assert_eq!(places, [(0, 0), (0, 1), (1, 0), (1, 1)]);
    assert_eq!(
        (plot.rows, plot.columns),
        (vec!["c = 0".into(), "c = 2".into()], vec!["0 % noise".into(), "50 % noise".into()],)
    );
    // cells are numbered with the last axis fastest: noise 0 clip 2 is 1, noise 50 clip 0 is 2
    let starts: Vec<f64> = plot.panels.iter().map(|panel| panel.lines[0].y[0]).collect();
    assert_eq!(starts, [1.5, 3.5, 2.5, 4.5]);
}

#[test]
fn cells_without_rows_get_no_panel() {
    let mut record = record();
    let bare = record.rows[0].cell.clone(); // noise 0, clip 0
    record.rows.retain(|row| row.cell != bare || row.series != "a");
    let plot = lines_of("series = ['a']\ncolumns = 'clip'\nonly = { noise = 0 }", &record);
    assert_eq!(plot.columns, ["c = 2"]);
}

#[test]
fn cells_measured_once_get_no_panel_beside_curves() {
    let mut record = record();
    record.rows.retain(|row| row.step == 0 || row.cell.get("clip") == Some(&Setting::Number(2.0)));
    let curves = "series = ['a']\ncolumns = 'clip'\nonly = { noise = 0 }";
    assert_eq!(lines_of(curves, &record).columns, ["c = 2"]);
    record.rows.retain(|row| row.step == 0);
    assert_eq!(lines_of(curves, &record).columns, ["c = 0", "c = 2"]);
}

#[test]
fn axis_without_place_makes_a_line_a_value() {
    let plot = lines("series = ['a', 'b']\ncolumns = 'noise'");
    assert_eq!(plot.colors.items, ["c = 0", "c = 2"]);
    assert_eq!(plot.dashes.items, ["a", "b"]);
    let keys: Vec<_> = plot.panels[0].lines.iter().map(|line| (line.color, line.dash)).collect();
    assert_eq!(keys, [(0, 0), (0, 1), (1, 0), (1, 1)]);
}

#[test]
fn fixed_ends_of_y_are_kept() {
    let plot = lines("series = ['a']\ny_min = 0\ny_max = 1.5");
    assert_eq!((plot.y.min, plot.y.max), (Some(0.0), Some(1.5)));
}

#[test]
fn numeric_color_axis_is_an_ordered_scale() {
    let plot = lines("series = ['a']\ncolor = 'noise'\ncolumns = 'clip'");
    assert_eq!((plot.colors.name.as_str(), plot.colors.ordered), ("noise", true));
    assert_eq!(plot.colors.items, ["0\u{a0}%", "50\u{a0}%"]);
    assert!(plot.dashes.items.is_empty());
}

#[test]
fn every_seed_keeps_its_own_values() {
    let line = only_line("series = ['a']\nonly = { noise = 0, clip = 2 }"); // c = 1, seeds 1 and 2
    let expected = [[2.0, 12.0, 102.0], [3.0, 13.0, 103.0]];
    assert_eq!(line.seeds, expected.map(|seed| seed.map(Some).to_vec()));
    assert_eq!((line.series, line.cells), (vec!["a".into()], vec!["noise=0,clip=2".into()]));
}

#[test]
fn level_is_the_value_of_its_formula_in_the_panel() {
    let text = "series = ['a']\ncolumns = 'noise'\nlevels = { proper = '1 - 0.9 * noise / 100' }";
    let plot = lines(text);
    let levels: Vec<&Line> = plot.panels.iter().map(|panel| &panel.lines[0]).collect();
    assert_eq!(levels[0].reference.as_deref(), Some("proper"));
    assert_eq!((levels[0].y[0], levels[1].y[0]), (1.0, 0.55));
}

#[test]
fn epochs_belong_to_steps_along_x() {
    assert_eq!(lines("series = ['a']").epoch, Some(5));
    assert_eq!(lines("series = ['a']\nx = 'clip'").epoch, None);
    assert_eq!(lines("series = ['b']\nx = 'a'").epoch, None);
}

#[test]
fn difference_is_taken_run_by_run() {
    let line = only_line("series = ['a - b']\nonly = { noise = 50, clip = 2 }"); // c = 3
    assert_eq!(line.y, [3.0, 13.0, 103.0]);
    assert!(line.low.is_empty(), "the seeds agree, so every point is its own interval");
}

/// Of the cell with noise 50 and c = 2, number 3: a = 3 + step + seed, b = seed.
#[test]
fn formula_over_series_and_axes_is_taken_run_by_run() {
    let text = "series = ['a - (noise / 100 + 2 * b) / clip']\nonly = { noise = 50, clip = 2 }";
    let line = only_line(text);
    assert_eq!(line.seeds[0], [2.75, 12.75, 102.75].map(Some));
    assert_eq!(line.y, [2.75, 12.75, 102.75]); // a - b - 0.25: the same of both seeds
    let nothing = plot(&figure("series = ['a / noise']\nonly = { noise = 0 }"), &record(), None);
    assert!(nothing.is_err(), "a division by zero is no point");
}

#[test]
fn reference_keeps_its_single_value_and_its_name() {
    let plot = lines("series = ['a']\nreference = ['proper']\nonly = { noise = 0, clip = 0 }");
    let reference = &plot.panels[0].lines[1];
    assert_eq!(reference.reference.as_deref(), Some("proper"));
    assert_eq!(reference.y, [0.5]);
}

#[test]
fn grid_axis_along_x_takes_the_last_step_of_each_cell() {
    let plot = lines("series = ['a']\nx = 'clip'\ncolor = 'noise'");
    let lines = &plot.panels[0].lines;
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1].x, [0.0, 2.0]);
    assert_eq!(lines[1].y, [103.5, 104.5]);
    assert_eq!(lines[1].cells, ["noise=50,clip=0", "noise=50,clip=2"]);
}

#[test]
fn series_along_x_is_matched_step_by_step() {
    let line = only_line("series = ['b']\nx = 'a'\nonly = { noise = 0, clip = 0 }");
    assert_eq!(line.x, [1.5, 11.5, 101.5]);
    assert_eq!(line.y, [1.5; 3]);
    assert_eq!(line.steps, [0, 10, 100]);
}

#[test]
fn non_finite_values_are_left_out() {
    let mut record = record();
    for row in record.rows.iter_mut().filter(|row| row.series == "a" && row.step == 10) {
        row.value = if row.seed == 1 { f64::NAN } else { f64::INFINITY };
    }
    assert_eq!(lines_of("series = ['a']", &record).panels[0].lines[0].x, [0.0, 100.0]);
}

#[test]
fn record_without_rows_is_an_error_that_names_the_series() {
    let empty = Record { rows: Vec::new(), ..record() };
    let reason = plot(&figure("series = ['a', 'b']"), &empty, None).unwrap_err();
    assert!(reason.contains("a, b"), "{reason}");
}

#[test]
fn long_lines_are_thinned_and_keep_their_ends() {
    let mut long = record();
    let cell = Cell::new([("noise", 0.0.into()), ("clip", 0.0.into())]);
    let row = |step| Row { cell: cell.clone(), seed: 1, step, series: "long".into(), value: 1.0 };
    long.rows = (0..1_000).map(row).collect();
    let plot = lines_of("series = ['long']", &long);
    let x = &plot.panels[0].lines[0].x;
    assert_eq!(plot.thinned, 2);
    assert!(x.len() <= 400 && x[0] == 0.0 && x[1] == 3.0 && x[x.len() - 1] == 999.0);
}

#[test]
fn heat_map_has_its_columns_along_x() {
    let map = heat("series = ['a']\ncolumns = 'noise'\nrows = 'clip'");
    assert_eq!(
        (map.x.ticks, map.y.ticks),
        (vec!["0".into(), "50".into()], vec!["0".into(), "2".into()])
    );
    // mean[clip][noise] at the last step
    let expected = [[101.5, 103.5], [102.5, 104.5]].map(|row| row.map(Some).to_vec());
    assert_eq!(map.panels[0].mean, expected);
}

#[test]
fn heat_map_has_a_panel_for_each_series_and_each_unplaced_value() {
    let map = heat("series = ['a', 'b']\ncolumns = 'noise'");
    let titles: Vec<&str> = map.panels.iter().map(|panel| panel.title.as_str()).collect();
    assert_eq!(titles, ["a, c = 0", "b, c = 0", "a, c = 2", "b, c = 2"]);
}

#[test]
fn words_along_x_keep_their_order() {
    let mut record = record();
    for row in &mut record.rows {
        let noise = row.cell.get("noise") == Some(&Setting::Number(0.0));
        let word = if noise { "real" } else { "noisy" };
        row.cell = row.cell.with("noise", &Setting::Text(word.into()));
    }
    let plot = lines_of("series = ['a']\nx = 'noise'\ncolor = 'clip'", &record);
    assert_eq!(plot.x.ticks, ["real", "noisy"]);
    assert_eq!(plot.panels[0].lines[0].x, [0.0, 1.0]);
}
