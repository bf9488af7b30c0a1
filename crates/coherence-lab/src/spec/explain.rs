//! What a parser says of a file, in words that name the remedy.

/// What the deserialiser calls a type, and what a reader of a file calls it.
const TYPES: [(&str, &str); 8] = [
    ("expected f64", "expected a number"),
    ("expected usize", "expected a whole number"),
    ("expected u64", "expected a whole number"),
    ("expected a sequence", "expected a list, as [1, 2]"),
    ("expected a boolean", "expected true or false"),
    ("expected a string", "expected a text in quotes"),
    ("expected a map", "expected a table"),
    ("expected an array of length 2", "expected two numbers, as [0, 1]"),
];

/// The message with types in words, and with the key or word that was probably meant.
pub(super) fn explain(message: &str) -> String {
    let mut text = message.trim_end().to_owned();
    for (technical, words) in TYPES {
        if text.ends_with(technical) {
            text.truncate(text.len() - technical.len());
            text.push_str(words);
        }
    }
    if let Some(meant) = meant(&text) {
        text += &format!("\ndid you mean `{meant}`?");
    }
    if text.contains("missing field") {
        text += ": write it; docs/experiments.md explains every key";
    }
    text
}

/// The expected word that begins like the unknown one, or else the nearest, if less than half of the
/// letters are wrong.
fn meant(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("unknown field `").or(text.split_once("unknown variant `"))?;
    let (unknown, expected) = rest.split_once('`')?;
    let known = expected.split('`').skip(1).step_by(2);
    if let Some(longer) = known.clone().find(|word| 2 < unknown.len() && word.starts_with(unknown))
    {
        return Some(longer);
    }
    let nearest = known.map(|word| (distance(unknown, word), word)).min();
    nearest.filter(|(least, _)| 2 * least < unknown.chars().count().max(4)).map(|(_, word)| word)
}

/// Levenshtein's distance: insertions, deletions and replacements from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.chars().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.chars().count()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_changes() {
        for (a, b, expected) in
            [("", "abc", 3), ("kitten", "sitting", 3), ("clip", "clip", 0), ("titel", "title", 2)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected));
        }
    }

    #[test]
    fn a_slip_is_told_what_was_meant_and_a_stranger_is_not() {
        let list = "expected one of `dataset`, `hidden`, `batch`, `rate`";
        assert!(
            explain(&format!("unknown field `dateset`, {list}"))
                .ends_with("did you mean `dataset`?")
        );
        assert!(!explain(&format!("unknown field `optimizer`, {list}")).contains("did you mean"));
    }

    #[test]
    fn types_are_in_words() {
        let text = explain("invalid type: string \"fast\", expected f64\n");
        assert_eq!(text, "invalid type: string \"fast\", expected a number");
    }
}
