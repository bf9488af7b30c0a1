//! Rules as text.

use coherence_core::aggregate::*;
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, rule: impl Into<Rule>) {
    let rule = rule.into();
    assert_eq!(text.parse(), Ok(rule));
    assert_eq!(rule.to_string(), text);
}

#[test]
fn every_rule_has_a_text() {
    check("mean", Mean);
    check("median", Median);
    check("winsorized:2", Winsorized { clip: 2 });
    check("trimmed:1", Trimmed { trim: 1 });
    check("median-of-means:3", MedianOfMeans { groups: 3 });
    check("mean-around-median:2", MeanAroundMedian { f: 2 });
    check("sign-majority", SignMajority);
    check("geometric-median", GeometricMedian::default());
    check("geometric-median-of-means:3", GeometricMedianOfMeans::new(3));
    check("krum:1", Krum { f: 1 });
    check("multi-krum:1:5", MultiKrum { f: 1, keep: 5 });
    check("bulyan:1", Bulyan { f: 1 });
    check("minimum-diameter:2", MinimumDiameter { f: 2 });
    check("centered-clipping:0.5:3", CenteredClipping::new(0.5, 3).unwrap());
    check("norm-clipping:inf", NormClipping::new(f64::INFINITY).unwrap());
}

#[test]
fn percentages_name_their_definition() {
    let percent = |definition| WinsorizedPercent::new(2.5, definition).unwrap();
    check("winsorized:2.5%", percent(Percentile::NearestRank));
    check("winsorized:2.5%:rounded", percent(Percentile::Rounded));
    check("winsorized:2.5%:truncated", percent(Percentile::Truncated));
    check("winsorized:2.5%:interpolated", percent(Percentile::Interpolated));
    assert_eq!(
        "winsorized:2.5%:nearest-rank".parse(),
        Ok(Rule::from(percent(Percentile::NearestRank)))
    );
}

#[test]
fn each_malformed_text_is_told_its_form() {
    for (text, form) in [
        ("mean:1", "mean"),
        ("median:", "median"),
        ("winsorized", "winsorized:CLIP"),
        ("winsorized:-1", "winsorized:CLIP"),
        ("winsorized:1:2", "winsorized:CLIP"),
        ("winsorized:x%", "winsorized:PERCENT%:DEFINITION"),
        ("winsorized:5%:best", "winsorized:PERCENT%:DEFINITION"),
        ("median-of-means:0", "median-of-means:GROUPS"),
        ("geometric-median-of-means:0", "geometric-median-of-means:GROUPS"),
        ("multi-krum:1", "multi-krum:F:KEEP"),
        ("multi-krum:1:0", "multi-krum:F:KEEP"),
        ("centered-clipping:1", "centered-clipping:RADIUS:ITERATIONS"),
        ("norm-clipping:long", "norm-clipping:LIMIT"),
    ] {
        assert_eq!(text.parse::<Rule>(), Err(ParseRuleError::Malformed { form }), "{text}");
    }
}

#[test]
fn an_unknown_name_is_told_all_forms() {
    let error = "krumm:1".parse::<Rule>().unwrap_err();
    assert_eq!(error, ParseRuleError::Unknown);
    let message = error.to_string();
    assert!(message.starts_with("unknown rule, expected one of mean, median, winsorized:CLIP, "));
    for (form, _) in Rule::FORMS {
        assert!(message.contains(form));
    }
}

#[test]
fn percentages_beyond_the_median_are_refused() {
    for percent in [-1.0, 50.1, f64::INFINITY, f64::NAN] {
        assert!(WinsorizedPercent::new(percent, Percentile::Rounded).is_err());
        let text = format!("winsorized:{percent}%");
        assert!(matches!(text.parse::<Rule>(), Err(ParseRuleError::Percent(_))), "{text}");
    }
    let message = "winsorized:60%".parse::<Rule>().unwrap_err().to_string();
    assert_eq!(message, "60 percent is not between 0 and 50 (50 is the median)");
}

#[test]
fn lengths_below_zero_are_refused_with_the_length() {
    for text in ["norm-clipping:-1", "norm-clipping:nan", "centered-clipping:-1:2"] {
        let error = text.parse::<Rule>().unwrap_err();
        assert!(matches!(error, ParseRuleError::Parameter(_)), "{text}: {error}");
    }
    let message = "norm-clipping:-1".parse::<Rule>().unwrap_err().to_string();
    assert!(message.contains("limit") && message.contains("-1"), "{message}");
}

#[test]
fn more_iterations_than_anyone_needs_are_refused_with_the_most() {
    check("centered-clipping:1:10000", CenteredClipping::new(1.0, MOST_ITERATIONS).unwrap());
    let found = usize::MAX;
    let error = format!("centered-clipping:1:{found}").parse::<Rule>().unwrap_err();
    let refused = ParameterError::Iterations { rule: "centered-clipping", found };
    assert_eq!(error, ParseRuleError::Parameter(refused));
    let message = format!(
        "centered-clipping takes at most 10000 iterations, found {found} (a few are enough: lower it)"
    );
    assert_eq!(error.to_string(), message);
}

proptest! {
    #![proptest_config(coherence_tests::cases(1000))]

    #[test]
    fn no_text_makes_the_parser_panic_and_what_it_reads_it_writes(
        text in prop_oneof![
            "[a-z%:0-9.-]{0,30}",
            "(winsorized|trimmed|krum|multi-krum|centered-clipping|norm-clipping)(:[0-9.%-]{0,6}){0,3}",
        ],
    ) {
        if let Ok(rule) = text.parse::<Rule>() {
            prop_assert_eq!(rule.to_string().parse::<Rule>(), Ok(rule));
        }
    }
}
