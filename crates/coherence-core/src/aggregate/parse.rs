//! Rules as text: `winsorized:2`, `krum:1`.

use core::fmt;
use core::str::FromStr;

use super::*;

impl Rule {
    /// Every text that [`FromStr`] reads, with what it means; f is the number of Byzantine vectors to tolerate.
    pub const FORMS: &'static [(&'static str, &'static str)] = &[
        ("mean", "the plain mean"),
        ("median", "the coordinate-wise median"),
        ("winsorized:CLIP", "clip CLIP values at either end, then the mean"),
        ("winsorized:PERCENT%", "clip to the percentiles (PERCENT at most 50) of nearest rank"),
        (
            "winsorized:PERCENT%:DEFINITION",
            "the same: nearest-rank, rounded, truncated, interpolated",
        ),
        ("trimmed:TRIM", "leave out TRIM values at either end, then the mean"),
        ("median-of-means:GROUPS", "coordinate-wise median of the means of GROUPS groups of rows"),
        ("mean-around-median:F", "mean of the n-F values closest to the median (MeaMed)"),
        ("sign-majority", "1, -1 or 0 by the majority of signs"),
        ("geometric-median", "the point with the least sum of distances"),
        (
            "geometric-median-of-means:GROUPS",
            "the geometric median of the means of GROUPS groups of rows",
        ),
        ("krum:F", "the row closest to its n-F-2 nearest"),
        ("multi-krum:F:KEEP", "the mean of the KEEP rows of least Krum score"),
        ("bulyan:F", "Krum n-2F times, then the mean around the median"),
        ("minimum-diameter:F", "the mean of the n-F rows of least diameter (MDA)"),
        (
            "centered-clipping:RADIUS:ITERATIONS",
            "mean of the rows clipped around the median, moved at most 10000 times",
        ),
        ("norm-clipping:LIMIT", "mean of the rows shortened to norm LIMIT"),
    ];
}

/// Why a text is not a rule.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ParseRuleError {
    /// No rule has this name.
    Unknown,
    /// The rule's arguments are missing, too many, or not numbers of their kind.
    Malformed {
        /// How the rule is written.
        form: &'static str,
    },
    /// A percentage is out of range.
    Percent(PercentError),
    /// Another argument is out of range.
    Parameter(ParameterError),
}

impl FromStr for Rule {
    type Err = ParseRuleError;

    fn from_str(text: &str) -> Result<Self, ParseRuleError> {
        let (name, arguments) =
            text.split_once(':').map_or((text, ""), |(name, rest)| (name, rest));
        if name == "winsorized" && arguments.contains('%') {
            return winsorized_percent(arguments);
        }
        let is_named = |form: &str| form.split(':').next() == Some(name);
        let (form, _) =
            Self::FORMS.iter().find(|(form, _)| is_named(form)).ok_or(ParseRuleError::Unknown)?;
        let colons = text.matches(':').count();
        let rule = if colons == form.matches(':').count() { rule(name, arguments)? } else { None };
        rule.ok_or(ParseRuleError::Malformed { form })
    }
}

/// The rule of this name; `None` unless its arguments, apart by colons, are of their kinds.
fn rule(name: &str, arguments: &str) -> Result<Option<Rule>, ParseRuleError> {
    let clipping = match name {
        "centered-clipping" => centered_clipping(arguments),
        "norm-clipping" => {
            arguments.parse().ok().map(|limit| NormClipping::new(limit).map(Rule::from))
        }
        _ => return Ok(counted(name, arguments)),
    };
    clipping.transpose().map_err(ParseRuleError::Parameter)
}

/// A rule whose arguments are counts.
fn counted(name: &str, arguments: &str) -> Option<Rule> {
    let (first, second) = arguments.split_once(':').unwrap_or((arguments, ""));
    let count = || first.parse().ok();
    Some(match name {
        "mean" => Mean.into(),
        "median" => Median.into(),
        "winsorized" => Winsorized { clip: count()? }.into(),
        "trimmed" => Trimmed { trim: count()? }.into(),
        "median-of-means" => MedianOfMeans { groups: at_least_one(count()?)? }.into(),
        "mean-around-median" => MeanAroundMedian { f: count()? }.into(),
        "sign-majority" => SignMajority.into(),
        "geometric-median" => GeometricMedian::default().into(),
        "geometric-median-of-means" => GeometricMedianOfMeans::new(at_least_one(count()?)?).into(),
        "krum" => Krum { f: count()? }.into(),
        "multi-krum" => MultiKrum { f: count()?, keep: at_least_one(second.parse().ok()?)? }.into(),
        "bulyan" => Bulyan { f: count()? }.into(),
        "minimum-diameter" => MinimumDiameter { f: count()? }.into(),
        _ => return None,
    })
}

/// `RADIUS:ITERATIONS`.
fn centered_clipping(arguments: &str) -> Option<Result<Rule, ParameterError>> {
    let (radius, iterations) = arguments.split_once(':')?;
    let (radius, iterations) = (radius.parse().ok()?, iterations.parse().ok()?);
    Some(CenteredClipping::new(radius, iterations).map(Rule::from))
}

fn at_least_one(count: usize) -> Option<usize> {
    (count > 0).then_some(count)
}

/// `5%` or `5%:interpolated`.
fn winsorized_percent(arguments: &str) -> Result<Rule, ParseRuleError> {
    let malformed = ParseRuleError::Malformed { form: "winsorized:PERCENT%:DEFINITION" };
    let (percent, definition) = arguments.split_once('%').ok_or(malformed)?;
    let percent = percent.parse().map_err(|_| malformed)?;
    let definition = match definition {
        "" | ":nearest-rank" => Percentile::NearestRank,
        ":rounded" => Percentile::Rounded,
        ":truncated" => Percentile::Truncated,
        ":interpolated" => Percentile::Interpolated,
        _ => return Err(malformed),
    };
    WinsorizedPercent::new(percent, definition).map(Rule::from).map_err(ParseRuleError::Percent)
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Coordinate(rule) => rule.fmt(f),
            Self::Vector(rule) => rule.fmt(f),
        }
    }
}

impl fmt::Display for AnyCoordinateRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean(_) => f.write_str("mean"),
            Self::Median(_) => f.write_str("median"),
            Self::Winsorized(rule) => write!(f, "winsorized:{}", rule.clip),
            Self::WinsorizedPercent(rule) => {
                let definition = match rule.definition() {
                    Percentile::NearestRank => "",
                    Percentile::Rounded => ":rounded",
                    Percentile::Truncated => ":truncated",
                    Percentile::Interpolated => ":interpolated",
                };
                write!(f, "winsorized:{}%{definition}", rule.percent())
            }
            Self::Trimmed(rule) => write!(f, "trimmed:{}", rule.trim),
            Self::MedianOfMeans(rule) => write!(f, "median-of-means:{}", rule.groups),
            Self::MeanAroundMedian(rule) => write!(f, "mean-around-median:{}", rule.f),
            Self::SignMajority(_) => f.write_str("sign-majority"),
        }
    }
}

impl fmt::Display for AnyVectorRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::GeometricMedian(_) => f.write_str("geometric-median"),
            Self::GeometricMedianOfMeans(rule) => {
                write!(f, "geometric-median-of-means:{}", rule.groups)
            }
            Self::Krum(rule) => write!(f, "krum:{}", rule.f),
            Self::MultiKrum(rule) => write!(f, "multi-krum:{}:{}", rule.f, rule.keep),
            Self::Bulyan(rule) => write!(f, "bulyan:{}", rule.f),
            Self::MinimumDiameter(rule) => write!(f, "minimum-diameter:{}", rule.f),
            Self::CenteredClipping(rule) => {
                write!(f, "centered-clipping:{}:{}", rule.radius(), rule.iterations())
            }
            Self::NormClipping(rule) => write!(f, "norm-clipping:{}", rule.limit()),
        }
    }
}

impl fmt::Display for ParseRuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => {
                f.write_str("unknown rule, expected one of ")?;
                for (i, (form, _)) in Rule::FORMS.iter().enumerate() {
                    write!(f, "{}{form}", if i == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Malformed { form } => write!(f, "malformed rule, expected {form}"),
            Self::Percent(error) => error.fmt(f),
            Self::Parameter(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ParseRuleError {}
