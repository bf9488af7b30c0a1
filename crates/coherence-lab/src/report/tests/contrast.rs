//! Contrast of the colours of the style sheet, by WCAG's definition, in the light and in the dark theme.

use std::collections::BTreeMap;

type Colors = BTreeMap<String, [f64; 3]>;

/// The variables of the light theme and those of the dark one.
fn themes() -> [Colors; 2] {
    let sheet = include_str!("../assets/theme.css");
    let (light, dark) = sheet.split_once("@media").expect("the dark theme is a media rule");
    let light = colors(light);
    let mut both = light.clone();
    both.extend(colors(dark));
    [light, both]
}

fn colors(text: &str) -> Colors {
    let declared =
        text.split("--").skip(1).filter_map(|rest| rest.split(';').next()?.split_once(": #"));
    let channel = |hex: &str, i: usize| f64::from(u8::from_str_radix(&hex[i..i + 2], 16).unwrap());
    declared.map(|(name, hex)| (name.to_owned(), [0, 2, 4].map(|i| channel(hex, i)))).collect()
}

/// Relative luminance of an sRGB colour, 0 to 1.
fn luminance(color: [f64; 3]) -> f64 {
    let linear = color.map(|channel| {
        let part = channel / 255.0;
        if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    });
    0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
}

fn contrast(a: [f64; 3], b: [f64; 3]) -> f64 {
    let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
    a.max(b) / a.min(b)
}

fn mix(a: [f64; 3], b: [f64; 3], part: f64) -> [f64; 3] {
    [0, 1, 2].map(|i| a[i] + part * (b[i] - a[i]))
}

#[test]
fn contrast_is_that_of_the_definition() {
    assert_eq!(contrast([0.0; 3], [255.0; 3]), 21.0);
    assert!((contrast([119.0; 3], [255.0; 3]) - 4.48).abs() < 0.005); // #777 on white, WCAG's example
}

/// Lines, the shades and every mixture of two neighbours, and references.
#[test]
fn lines_and_their_names_stand_out_from_the_page() {
    for theme in themes() {
        let starting = |stem: &str| -> Vec<(&String, [f64; 3])> {
            theme.iter().filter(|(name, _)| name.starts_with(stem)).map(|(n, c)| (n, *c)).collect()
        };
        let (lines, shades) = (starting("line-"), starting("shade-"));
        assert_eq!((lines.len(), shades.len()), (8, 7));
        let mixed = shades.windows(2).flat_map(|pair| {
            (1..20).map(|k| (pair[0].0, mix(pair[0].1, pair[1].1, f64::from(k) / 20.0)))
        });
        let drawn = lines.iter().chain(&shades).copied().chain(mixed).chain(starting("reference"));
        for (name, color) in drawn {
            for ground in ["page", "card"] {
                let found = contrast(color, theme[ground]);
                assert!(3.0 <= found, "{name} on {ground}: {found:.2}");
            }
        }
    }
}

#[test]
fn words_are_legible() {
    for theme in themes() {
        for (words, grounds) in [
            ("ink", &["page", "card"][..]),
            ("soft", &["page", "card"]),
            ("link", &["page", "card"]),
            ("holds", &["page", "card", "holds-wash"]),
            ("fails", &["page", "card", "fails-wash"]),
            ("undecided", &["page", "card", "undecided-wash"]),
            ("not-measured", &["page", "card", "not-measured-wash"]),
            ("not-applicable", &["page", "card", "not-applicable-wash"]),
        ] {
            for ground in grounds {
                let found = contrast(theme[words], theme[*ground]);
                assert!(4.5 <= found, "{words} on {ground}: {found:.2}");
            }
        }
    }
}
