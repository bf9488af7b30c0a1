//! Numbers, intervals and durations as people read them.

use crate::claim::{Censored, Value};
use crate::interval::Interval;
use crate::summary::CellVerdict;

/// Four significant digits, with a power of ten under 10⁻³ and from 10⁶ on; `−` is a true minus.
pub(crate) fn text(value: f64) -> String {
    let size = value.abs();
    if value == 0.0 || !value.is_finite() {
        return if value == 0.0 { "0".into() } else { format!("{value}") };
    }
    if !(1e-3..1e6).contains(&size) {
        return scientific(value);
    }
    trimmed(value, (3 - exponent(size)).max(0) as usize)
}

/// `mean ± half width`, both to the second digit of the half width; a point is its [`text`].
///
/// Of very large or small numbers both have the power of ten of the larger one: `(−0.9 ± 6.3) × 10⁶`.
pub(crate) fn interval(interval: &Interval) -> String {
    let (mean, half) = (interval.mean, interval.high - interval.mean);
    if half == 0.0 || !half.is_finite() {
        return text(mean);
    }
    let power = exponent(mean.abs().max(half));
    if (-3..6).contains(&power) {
        return rounded(mean, half);
    }
    let unit = 10f64.powi(power);
    format!("({}) × 10{}", rounded(mean / unit, half / unit), superscript(&power.to_string()))
}

/// At most six decimals: a smaller half width is far below what the mean is known for.
fn rounded(mean: f64, half: f64) -> String {
    let digits = 1 - exponent(half);
    if 6 < digits {
        return format!("{} ± {}", text(mean), text(two_digits(half)));
    }
    let unit = 10f64.powi(-digits);
    let round =
        |value: f64| if digits < 0 { (value / unit).round_ties_even() * unit } else { value };
    let (mean, half, digits) = (round(mean), round(half), digits.max(0) as usize);
    let mean = format!("{mean:.digits$}");
    let mean = if mean.bytes().any(|b| (b'1'..=b'9').contains(&b)) {
        &*mean
    } else {
        mean.trim_start_matches('-')
    };
    minus(&format!("{mean} ± {half:.digits$}"))
}

/// The value rounded to two significant digits.
pub(crate) fn two_digits(value: f64) -> f64 {
    format!("{value:.1e}").parse().expect("a float prints as a float")
}

/// What one run shows: a number, or the bound that is known, as `> 300`.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Exact(value) => text(*value),
        Value::Censored(Censored::Above(low)) => format!("> {}", text(*low)),
        Value::Censored(Censored::Below(high)) => format!("< {}", text(*high)),
        Value::Censored(Censored::Unknown) => "unknown".to_owned(),
    }
}

/// A measurement: `3 of 3 seeds` for outcomes, mean and half width for numbers, every value where
/// one is censored, and the reason where there is none.
pub(crate) fn measurement(measurement: &CellVerdict) -> String {
    match (measurement.count, &measurement.interval, &measurement.reason) {
        (Some(count), _, _) => format!("{count} of {} seeds", measurement.values.len()),
        (None, Some(interval), _) => self::interval(interval),
        (None, None, Some(reason)) => reason.clone(),
        (None, None, None) => measurement.values.iter().map(value).collect::<Vec<_>>().join(", "),
    }
}

/// Seconds as `under 0.1 s`, `0.4 s`, `12 s`, `3 min 20 s` or `2 h 5 min`.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 0.1 => "under 0.1 s".to_owned(),
        _ if seconds < 10.0 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

fn exponent(size: f64) -> i32 {
    size.log10().floor() as i32
}

fn trimmed(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let text = if digits == 0 { &text } else { text.trim_end_matches('0').trim_end_matches('.') };
    minus(text)
}

fn scientific(value: f64) -> String {
    let text = format!("{value:.3e}");
    let (mantissa, power) = text.split_once('e').expect("`e` format has an exponent");
    let mantissa = mantissa.trim_end_matches('0').trim_end_matches('.');
    format!("{} × 10{}", minus(mantissa), superscript(power))
}

fn superscript(power: &str) -> String {
    const DIGITS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    power.chars().map(|c| c.to_digit(10).map_or('⁻', |digit| DIGITS[digit as usize])).collect()
}

fn minus(text: &str) -> String {
    text.replace('-', "−")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_and_no_trailing_zeros() {
        for (value, expected) in [
            (0.0, "0"),
            (0.625, "0.625"),
            (2.5, "2.5"),
            (-0.123_456, "−0.1235"),
            (12_345.6, "12346"),
            (1e-12, "1 × 10⁻¹²"),
            (-1_234_567.0, "−1.235 × 10⁶"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(text(value), expected);
        }
    }

    #[test]
    fn interval_is_rounded_to_its_uncertainty() {
        let of = |mean: f64, half: f64| {
            interval(&Interval { mean, low: mean - half, high: mean + half })
        };
        assert_eq!(of(0.971_23, 0.003_14), "0.9712 ± 0.0031");
        assert_eq!(of(-12.34, 2.6), "−12.3 ± 2.6");
        assert_eq!(of(0.625, 0.0), "0.625");
        assert_eq!(of(728.7, 142.7), "730 ± 140");
        assert_eq!(of(25_582.0, 1_601.0), "25600 ± 1600");
        assert_eq!(of(-926_504.0, 6_314_911.0), "(−0.9 ± 6.3) × 10⁶");
        assert_eq!(of(2.5e-5, 1.2e-6), "(2.50 ± 0.12) × 10⁻⁵");
        assert_eq!(of(-0.000_02, 0.012), "0.000 ± 0.012");
        assert_eq!(of(1.0, 1.5e-13), "1 ± 1.5 × 10⁻¹³");
    }

    #[test]
    fn durations_have_two_units_at_most() {
        let texts = [0.04, 12.4, 200.0, 7_500.0].map(duration);
        assert_eq!(texts, ["under 0.1 s", "12 s", "3 min 20 s", "2 h 5 min"]);
    }
}
