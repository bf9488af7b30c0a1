//! From typed lists in a file to the axes of a grid.

use serde::Serialize;

use crate::cell::{Axis, Setting};

/// The axes that are there, in the order given.
pub(super) fn present<const N: usize>(columns: [(&str, Option<Vec<Setting>>); N]) -> Vec<Axis> {
    let axis = |(name, values): (&str, Option<Vec<Setting>>)| {
        values.map(|values| Axis { name: name.to_owned(), values })
    };
    columns.into_iter().filter_map(axis).collect()
}

/// The words that stand for values in a file.
pub(super) fn words<T: Serialize>(values: &Option<Vec<T>>) -> Option<Vec<Setting>> {
    let word = |value: &T| match toml::Value::try_from(value) {
        Ok(toml::Value::String(word)) => Setting::Text(word),
        other => unreachable!("the value is a word in a file, not {other:?}"),
    };
    values.as_ref().map(|values| values.iter().map(word).collect())
}

/// Numbers as settings.
pub(super) fn numbers<T: Copy>(values: &Option<Vec<T>>, to: fn(T) -> f64) -> Option<Vec<Setting>> {
    let number = |&value: &T| Setting::Number(to(value));
    values.as_ref().map(|values| values.iter().map(number).collect())
}
