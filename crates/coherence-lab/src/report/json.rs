//! Data embedded in the page: compact JSON that cannot end its own script element.

use maud::{Markup, PreEscaped};
use serde::Serialize;

/// `data` as JSON inside `<script>`: `<` is written `\u003c`, so that no string in it can close the
/// element or open a comment. Missing and non-finite numbers are `null`.
pub(super) fn embed(data: &impl Serialize) -> Markup {
    let text = serde_json::to_string(data).expect("plot data are plain structs with string keys");
    PreEscaped(text.replace('<', "\\u003c"))
}

/// `value` with six significant digits: more than a reader can see, in half the bytes.
pub(super) fn short(value: f64) -> f64 {
    format!("{value:.5e}").parse().expect("a float prints as a float")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_string_comes_back_unchanged_and_closes_nothing(text in ".*") {
            let embedded = embed(&text).into_string();
            prop_assert!(!embedded.contains('<'));
            prop_assert_eq!(serde_json::from_str::<String>(&embedded).unwrap(), text);
        }

        #[test]
        fn short_is_within_half_a_unit_of_the_sixth_digit(value in any::<f64>()) {
            prop_assume!(value.is_normal());
            prop_assert!((short(value) - value).abs() <= 5.000_001e-6 * value.abs());
        }
    }

    #[test]
    fn hostile_strings_come_back_unchanged_and_close_nothing() {
        let hostile =
            ["</script><script>alert(1)</script>", "<!-- <script", "\"'\\\u{2028}\0&amp;"];
        let text = embed(&hostile).into_string();
        assert!(!text.contains('<'));
        assert_eq!(serde_json::from_str::<Vec<String>>(&text).unwrap(), hostile);
    }

    #[test]
    fn non_finite_numbers_are_null() {
        let values = [f64::NAN, f64::INFINITY, 1.0];
        assert_eq!(embed(&values.map(short)).into_string(), "[null,null,1.0]");
    }

    #[test]
    fn short_keeps_six_digits() {
        assert_eq!(short(0.123_456_789), 0.123_457);
        assert_eq!(short(-123_456_789.0), -123_457_000.0);
        assert_eq!(short(0.0), 0.0);
    }
}
