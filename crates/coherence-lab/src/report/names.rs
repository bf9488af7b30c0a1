//! Short names for series that stand side by side: what they share is left out.

/// Legend texts: `train.accuracy`, `test.accuracy` become `train`, `test`.
///
/// Segments that begin or end every name are dropped, unless a name would begin with a number
/// (`w.1`, `w.6` are w1 and w6). A name of which nothing remains becomes `all`.
/// A single name stays as it is, and so does a formula other than a difference of two series.
pub(super) fn legend(entries: &[String]) -> Vec<String> {
    let names: Vec<Vec<&str>> = entries
        .iter()
        .flat_map(|entry| operands(entry).unwrap_or_default())
        .map(|name| name.split('.').collect())
        .collect();
    let (head, tail) = shared(&names);
    entries.iter().map(|entry| shorten(entry, head, tail)).collect()
}

/// How many leading and trailing segments all names share; none if the names are all the same.
fn shared(names: &[Vec<&str>]) -> (usize, usize) {
    let Some(first) = names.first() else { return (0, 0) };
    if names.iter().all(|name| name == first) {
        return (0, 0);
    }
    let room = names.iter().map(Vec::len).min().unwrap_or(0);
    let all = |same: &dyn Fn(&Vec<&str>) -> bool| names.iter().all(same);
    let tail = (1..=room)
        .take_while(|k| all(&|name| name[name.len() - k] == first[first.len() - k]))
        .count();
    let bare = |k: usize| names.iter().any(|name| name.get(k).is_some_and(|s| is_number(s)));
    let head =
        (0..room - tail).take_while(|&k| all(&|name| name[k] == first[k]) && !bare(k + 1)).count();
    (head, tail)
}

fn shorten(entry: &str, head: usize, tail: usize) -> String {
    let short = |name: &str| {
        let segments: Vec<&str> = name.split('.').collect();
        let own = words(&segments[head..segments.len() - tail]);
        if own.is_empty() { "all".to_owned() } else { own }
    };
    match operands(entry).as_deref() {
        Some([a, b]) => format!("{} − {}", short(a), short(b)),
        Some([a]) => short(a),
        _ => entry.to_owned(),
    }
}

/// A series, or both of a difference `a - b`; `None` of another formula.
fn operands(entry: &str) -> Option<Vec<&str>> {
    let names: Vec<&str> = entry.split(" - ").map(str::trim).collect();
    let is_name =
        |name: &&str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b));
    (names.len() <= 2 && names.iter().all(is_name)).then_some(names)
}

/// Segments as words; a number follows its word at once, after a point if that ends with a number.
fn words(segments: &[&str]) -> String {
    let mut text = String::new();
    for segment in segments {
        let space = match (text.bytes().last(), is_number(segment)) {
            (None, _) => "",
            (Some(b'0'..=b'9'), true) => ".",
            (Some(_), true) => "",
            (Some(_), false) => " ",
        };
        text = format!("{text}{space}{}", segment.replace('_', "-"));
    }
    text
}

fn is_number(segment: &str) -> bool {
    segment.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entries: &[&str], expected: &[&str]) {
        let entries: Vec<String> = entries.iter().map(|&entry| entry.to_owned()).collect();
        assert_eq!(legend(&entries), expected);
    }

    #[test]
    fn shared_ends_are_left_out() {
        check(&["train.accuracy", "test.accuracy"], &["train", "test"]);
        check(&["probe.fc1.weight.m_coherence", "probe.fc2.weight.m_coherence"], &["fc1", "fc2"]);
    }

    #[test]
    fn difference_is_shortened_with_its_operands() {
        let (a, b, gap) = ("train.accuracy", "test.accuracy", "train.accuracy - test.accuracy");
        check(&[a, b, gap], &["train", "test", "train − test"]);
    }

    #[test]
    fn other_formulas_stay_as_they_are() {
        let formula = "train.accuracy - noise / 100 * test.accuracy";
        check(&["train.accuracy", "test.accuracy", formula], &["train", "test", formula]);
    }

    #[test]
    fn numbers_keep_their_word() {
        check(&["w.1", "w.6"], &["w1", "w6"]);
        check(&["layer.1.alpha", "layer.2.alpha"], &["layer1", "layer2"]);
        let tensors = ["probe.conv1.alpha", "probe.layer3.0.conv1.alpha", "probe.alpha"];
        check(&tensors, &["conv1", "layer3.0 conv1", "all"]);
    }

    #[test]
    fn whole_beside_its_parts_is_all() {
        check(&["probe.alpha", "probe.fc1.weight.alpha"], &["all", "fc1 weight"]);
        check(&["u.m_coherence", "m_coherence"], &["u", "all"]);
    }

    #[test]
    fn single_name_stays_as_it_is() {
        check(&["probe.m_coherence"], &["probe m-coherence"]);
        check(&["loss", "loss"], &["loss", "loss"]);
        check(&[], &[]);
    }
}
