//! Identifiers: names that are safe as a file, a folder and an anchor of a page.

use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The name of an experiment, a claim or a figure.
///
/// Experiments name folders and files, so an identifier is checked once, where it is read:
/// it has 1 to 64 characters, each a letter or a digit of ASCII, `-`, `_` or `.`, and does not
/// begin with a dot. So it is one component of a path, and never `.` or `..`.
///
/// ```
/// use coherence_lab::id::Id;
/// assert_eq!("starts-at-2.5".parse::<Id>().unwrap().to_string(), "starts-at-2.5");
/// assert!("..".parse::<Id>().is_err() && "a/b".parse::<Id>().is_err());
/// ```
///
/// Identifiers are ordered as a reader counts them: C2 before C10.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Id(String);

impl Id {
    /// The longest identifier in characters.
    pub const LONGEST: usize = 64;
}

/// The order of identifiers: numbers in them by value.
pub(crate) fn order(a: &str, b: &str) -> Ordering {
    alphanumeric_sort::compare_str(a, b).then_with(|| a.cmp(b))
}

impl Ord for Id {
    fn cmp(&self, other: &Self) -> Ordering {
        order(self, other)
    }
}

impl PartialOrd for Id {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A text that is no [`Id`].
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "the id {:?} is not allowed: write 1 to {} letters, digits, '-', '_' or '.', the first not \
     a '.'",
    shown(.0),
    Id::LONGEST
)]
pub struct IdError(String);

/// The start of a text that may be very long.
fn shown(text: &str) -> String {
    text.chars().take(Id::LONGEST).collect()
}

impl FromStr for Id {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = (1..=Self::LONGEST).contains(&text.len()) && !text.starts_with('.');
        if fits && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(IdError(shown(text)))
        }
    }
}

impl TryFrom<String> for Id {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_ordered_by_the_numbers_in_them() {
        let mut ids = ["D1", "C10", "C2", "C02", "C1"].map(|id| id.parse::<Id>().unwrap());
        ids.sort();
        assert_eq!(ids.each_ref().map(|id| &**id), ["C1", "C2", "C02", "C10", "D1"]);
    }

    #[test]
    fn what_could_leave_a_folder_is_no_identifier() {
        let long = "a".repeat(65);
        for text in ["", ".", "..", ".hidden", "a/b", "a\\b", "/", "a b", "é", "a\0", "C:", &long]
        {
            let error = text.parse::<Id>().unwrap_err().to_string();
            assert!(error.contains("letters, digits"), "{text:?}: {error}");
        }
        for text in ["C1", "starts-at-2.5", "_x", "-x", "a..b", &long[1..]] {
            assert_eq!(&*text.parse::<Id>().unwrap(), text);
        }
    }
}
