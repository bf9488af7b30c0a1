//! In which line of a file a claim or a figure begins, for messages about it.

/// The line, counted from 1, of the table `[[kind]]` whose `id` is `id`.
pub(super) fn of_table(text: &str, kind: &str, id: &str) -> Option<usize> {
    let head = format!("[[{kind}]]");
    let mut begun = None;
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('[') {
            begun = (line == head).then_some(i + 1);
        } else if let Some((key, value)) = line.split_once('=') {
            let value = value.trim().trim_matches(['"', '\'']);
            if begun.is_some() && key.trim() == "id" && value == id {
                return begun;
            }
        }
    }
    None
}

/// A problem that begins with `claim ID:` or `figure ID:`, with the line in front.
pub(super) fn located(text: &str, problem: String) -> String {
    let line = ["claim", "figure"].into_iter().find_map(|kind| {
        let (id, _) = problem.strip_prefix(kind)?.strip_prefix(' ')?.split_once(':')?;
        of_table(text, kind, id)
    });
    line.map_or(problem.clone(), |line| format!("line {line}: {problem}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_told_with_the_line_of_its_table() {
        let text =
            "id = \"b\"\n[[claim]]\nid = \"a\"\n\n[[claim]]\nid='b'\n[[figure]]\nid = \"b\"\n";
        assert_eq!(of_table(text, "claim", "a"), Some(2));
        assert_eq!(of_table(text, "claim", "b"), Some(5));
        assert_eq!(of_table(text, "figure", "b"), Some(7));
        assert_eq!(of_table(text, "figure", "a"), None);
        let located = |problem: &str| located(text, problem.to_owned());
        assert_eq!(located("claim b: too loud"), "line 5: claim b: too loud");
        assert_eq!(located("scale quick: steps is 0"), "scale quick: steps is 0");
    }
}
