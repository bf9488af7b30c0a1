//! Cells of a grid in words: `25 % noise, c = 2` for `noise=25,clip=2`.

use crate::cell::{Cell, Setting};

/// A value of an axis: `25 % noise`, `c = 2`, `w1 = 0.1`, `random pixels`.
pub(super) fn setting(axis: &str, value: &Setting) -> String {
    match (axis, value) {
        ("noise", Setting::Number(percent)) => format!("{percent} % noise"),
        (_, Setting::Number(number)) => format!("{} = {number}", name(axis)),
        (_, Setting::Text(word)) => words(axis, word),
    }
}

/// Names of rules and networks are written as a file has them; other values are words.
fn words(axis: &str, value: &str) -> String {
    if ["rule", "model"].contains(&axis) { value.to_owned() } else { value.replace('-', " ") }
}

/// A value under the name of its axis, as in a key of colours.
pub(super) fn value(axis: &str, value: &Setting) -> String {
    match value {
        Setting::Text(word) => words(axis, word),
        Setting::Number(number) if axis == "noise" => format!("{number}\u{a0}%"),
        Setting::Number(number) => number.to_string(),
    }
}

/// What people call an axis: `c` for `clip`.
pub(super) fn name(axis: &str) -> &str {
    if axis == "clip" { "c" } else { axis }
}

/// The label of a measurement: of a cell its settings, of a pair of cells what they share and what
/// changes, `25 % noise, c 0 → 1`; nothing for the only cell of an experiment without a grid.
pub(super) fn label(label: &str) -> String {
    let pair = label.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')?.split_once(") - ("));
    match pair {
        Some((to, from)) => change(&cell(from), &cell(to)),
        None if label == Cell::default().to_string() => String::new(),
        None if label.contains('=') => {
            cell(label).iter().map(|(axis, v)| setting(axis, v)).collect::<Vec<_>>().join(", ")
        }
        None => label.to_owned(),
    }
}

/// The pairs that [`Cell`] prints.
fn cell(label: &str) -> Vec<(&str, Setting)> {
    let pairs = label.split(',').filter_map(|pair| pair.split_once('='));
    pairs.map(|(axis, value)| (axis, Setting::parse(value))).collect()
}

fn change(from: &[(&str, Setting)], to: &[(&str, Setting)]) -> String {
    let step = |((axis, before), (_, after)): (&(&str, Setting), &(&str, Setting))| {
        if before == after {
            setting(axis, after)
        } else {
            format!("{} {before} → {}", name(axis), value(axis, after))
        }
    };
    from.iter().zip(to).map(step).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_measurements_are_words() {
        for (text, expected) in [
            ("noise=25,clip=2", "25 % noise, c = 2"),
            ("data=random-pixels,rule=median-of-means:3", "random pixels, median-of-means:3"),
            ("level=0.5,noise=25", "level = 0.5, 25 % noise"),
            ("(noise=25,clip=1) - (noise=25,clip=0)", "25 % noise, c 0 → 1"),
            ("(noise=50) - (noise=25)", "noise 25 → 50\u{a0}%"),
            ("441 cells", "441 cells"),
            ("all", ""),
        ] {
            assert_eq!(label(text), expected);
        }
    }
}
