//! In which line of a file a problem stands, for messages about it.

use std::iter::successors;

/// A problem with its line in front: that of the key which it names, else that of its table.
pub(super) fn located(text: &str, problem: String) -> String {
    match line(text, &problem) {
        Some(line) => format!("line {line}: {problem}"),
        None => problem,
    }
}

/// Problems begin with `claim ID:`, `figure ID:` or `scale NAME:`; others are about the whole file or
/// the worked example.
fn line(text: &str, problem: &str) -> Option<usize> {
    let (table, rest) = problem.split_once(": ").unwrap_or(("", problem));
    let (lines, rest) = match table.split_once(' ') {
        Some(("scale", name)) => (scale(text, name), rest),
        Some((kind @ ("claim" | "figure"), id)) => (of_id(text, kind, id), rest),
        _ => (Table { head: None, lines: numbered(text).collect() }, problem),
    };
    lines.named(rest).or(lines.head)
}

/// A part of a file: its lines, counted from 1.
struct Table<'a> {
    head: Option<usize>,
    lines: Vec<(usize, &'a str)>,
}

impl Table<'_> {
    /// The line of the first word of the problem that is a key, or begins with one and a dot, at the start of a line or of
    /// an inline table; else the line of the settings that mentions the first word of it that is mentioned at all.
    fn named(&self, problem: &str) -> Option<usize> {
        let begins = |word: &str| self.lines.iter().find(|(_, line)| key(line) == Some(word));
        let inside = |word: &str| self.lines.iter().find(|(_, line)| has_key(line, word));
        let mentions = |word: &str| {
            let mention = |line: &str| words(without_comment(line)).any(|other| other == word);
            self.lines.iter().find(|(_, line)| is_setting(line) && mention(line))
        };
        let as_key = words(problem)
            .flat_map(with_stems)
            .find_map(|word| begins(word).or_else(|| inside(word)));
        let found = as_key.or_else(|| words(problem).find_map(mentions));
        found.map(|(number, _)| *number)
    }
}

/// Names, numbers and names of series.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let parts = text.split(|c: char| !(c.is_alphanumeric() || "_.-".contains(c)));
    parts.map(|word| word.trim_matches('.')).filter(|word| !word.is_empty())
}

/// `a.b.c`, `a.b` and `a`.
fn with_stems(word: &str) -> impl Iterator<Item = &str> {
    successors(Some(word), |word| word.rsplit_once('.').map(|(stem, _)| stem))
}

/// The line up to a comment after its value.
fn without_comment(line: &str) -> &str {
    line.split(" #").next().unwrap_or_default()
}

/// Whether a line is one whose value the program understands, and no prose.
fn is_setting(line: &str) -> bool {
    const PROSE: [&str; 9] = [
        "title",
        "statement",
        "source",
        "quote",
        "changed",
        "otherwise",
        "caption",
        "y_label",
        "id",
    ];
    key(line).is_some_and(|key| !PROSE.contains(&key))
}

fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, line)| (i + 1, line.trim()))
}

/// The key that a line begins with.
fn key(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    Some(key.trim().trim_matches(['"', '\'']))
}

/// Whether `word = ` stands anywhere in a line.
fn has_key(line: &str, word: &str) -> bool {
    let mut rest = line;
    while let Some(at) = rest.find(word) {
        let (before, after) = (&rest[..at], &rest[at + word.len()..]);
        let alone = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        if alone && after.trim_start().starts_with('=') {
            return true;
        }
        rest = after;
    }
    false
}

/// The table `[scale.NAME]` with its grid.
fn scale<'a>(text: &'a str, name: &str) -> Table<'a> {
    let head = format!("[scale.{name}]");
    let inner = format!("[scale.{name}.");
    let begun = numbered(text).skip_while(|(_, line)| !line.starts_with(&head));
    let own = |(_, line): &(usize, &str)| {
        !line.starts_with('[') || line.starts_with(&head) || line.starts_with(&inner)
    };
    let lines: Vec<(usize, &str)> = begun.take_while(own).collect();
    Table { head: lines.first().map(|(number, _)| *number), lines }
}

/// The table `[[kind]]` whose `id` is `id`.
fn of_id<'a>(text: &'a str, kind: &str, id: &str) -> Table<'a> {
    let head = format!("[[{kind}]]");
    let mut table = Table { head: None, lines: Vec::new() };
    let mut found = false;
    for (number, line) in numbered(text) {
        if line.starts_with('[') {
            if found {
                break;
            }
            let begins = line.starts_with(&head);
            table = Table { head: begins.then_some(number), lines: Vec::new() };
        } else if table.head.is_some() {
            table.lines.push((number, line));
            found |= key(line) == Some("id") && value(line) == id;
        }
    }
    if found { table } else { Table { head: None, lines: Vec::new() } }
}

/// The text that a line assigns, without quotes and comment.
fn value(line: &str) -> &str {
    let (_, value) = line.split_once('=').unwrap_or_default();
    let value = value.trim();
    match value.chars().next() {
        Some(quote @ ('"' | '\'')) => value[1..].split(quote).next().unwrap_or_default(),
        _ => value.split('#').next().unwrap_or_default().trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "id = \"b\"\n[scale.quick]\nsteps = 0\ngrid = { noise = [150] }\n[[claim]]\n\
                        id = \"a\" # first\n\n[[claim]]\nid='b'\nexpect = { at_least = nan }\n[[figure]]\n\
                        id = \"b\"\nx = \"train.acc\"\n";

    #[test]
    fn a_problem_is_told_with_the_line_of_its_key() {
        for (problem, expected) in [
            ("scale quick: steps is 0", Some(3)),
            ("scale quick: noise is 150: write a percentage", Some(4)),
            ("scale quick: something", Some(2)),
            ("scale desk: steps is 0", None),
            ("claim a: does not say which clip to read", Some(5)),
            ("claim b: expect has at_least = NaN", Some(10)),
            ("figure b: no series is called y", Some(11)),
            ("figure b: no series is called train.acc", Some(13)),
            ("claim b: the formula has nan", Some(10)),
            ("figure a: no series is called x", None),
            ("id is b, which is not the file's name", Some(1)),
            ("two claims are called b", None),
        ] {
            assert_eq!(line(FILE, problem), expected, "{problem}");
        }
    }
}
