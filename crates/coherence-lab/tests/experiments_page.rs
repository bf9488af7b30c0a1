//! `docs/experiments.md` against the program: every key and word that it takes is on the page and no
//! other, and every example on the page is taken. What the program takes, its own refusals say.

use std::collections::BTreeSet;
use std::path::Path;

use coherence_lab::claim::formula::Place;
use coherence_lab::spec::Experiment;

fn page() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/experiments.md");
    std::fs::read_to_string(path).unwrap()
}

const HEAD: &str = "id='X'\ntitle=''\nsource=''\nstatement=''\nanalysis=''\n";
const SCALE: &str =
    "[scale.quick]\ndataset='digits'\nbatch=1\nrate=1\nsteps=1\ndata='real'\nprobe=1\nseeds=1\n";
const WORKED: &str = "[worked]\nsteps=1\nrate=1\nstart=0\nevery=1\n[[worked.sweep]]\nkeep='end'\n";
const CLAIM: &str = "[[claim]]\nid='c'\nwritten='2026-11-26'\nstatement=''\nsource=''\nquantity='end(a)'\n\
                     expect={at_least=0}\n";
const FIGURE: &str = "[[figure]]\nid='f'\ntitle=''\nseries=[]\ny_label=''\n";

/// Headings of the page, each with the table of a file that it explains: where it stands, with what is
/// needed there.
fn tables() -> [(&'static str, String, &'static str); 12] {
    [
        ("## The file", String::new(), ""),
        ("## `[scale.NAME]`", String::new(), SCALE),
        ("## `[scale.NAME.grid]`", SCALE.to_owned(), "[scale.quick.grid]\n"),
        (
            "## `[[scale.NAME.when]]`",
            SCALE.to_owned(),
            "[[scale.quick.when]]\ncell={noise=1}\nset={rate=1}\n",
        ),
        (
            "## `[scale.NAME.attribution.SAMPLE]`",
            SCALE.to_owned(),
            "[scale.quick.attribution.sample]\n",
        ),
        ("## `[scale.NAME.bound]`", SCALE.to_owned(), "[scale.quick.bound]\nsmoothness=0\n"),
        (
            "## `[scale.NAME.difficulty]`",
            SCALE.to_owned(),
            "[scale.quick.difficulty]\ninitialisations=1\nsteps=1\n",
        ),
        (
            "## `[scale.NAME.single]`",
            SCALE.to_owned(),
            "[scale.quick.single]\nexamples=1\nloss=1\n",
        ),
        ("## `[worked]`", String::new(), "[worked]\nsteps=1\nrate=1\nstart=0\nevery=1\nsweep=[]\n"),
        ("## `[[worked.sweep]]`", String::new(), WORKED),
        ("## `[[claim]]`", String::new(), CLAIM),
        ("## `[[figure]]`", String::new(), FIGURE),
    ]
}

/// The rows of the table under a heading, cell by cell.
fn rows(page: &str, heading: &str) -> Vec<Vec<String>> {
    let start = page.find(heading).unwrap_or_else(|| panic!("no {heading}"));
    let section = page[start..].split("\n## ").next().unwrap();
    let rows = section.lines().skip_while(|line| !line.starts_with("| key")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    let cells = |line: &str| {
        let line = line.replace("\\|", "∣");
        line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()
    };
    rows.map(cells).collect()
}

fn unquoted(cell: &str) -> String {
    cell.trim_matches('`').to_owned()
}

fn keys(page: &str, heading: &str) -> BTreeSet<String> {
    rows(page, heading).iter().map(|row| unquoted(&row[0])).collect()
}

fn refusal(text: &str) -> String {
    Experiment::parse(text.as_bytes()).unwrap_err().to_string()
}

/// What stands in backticks after `expected` in a refusal of `zzz`.
#[track_caller]
fn expected(refusal: &str) -> BTreeSet<String> {
    assert!(refusal.contains("`zzz`"), "{refusal}");
    let list = refusal.rsplit("expected").next().unwrap();
    list.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The text with `line` in place of the line of the same key, if there is one.
fn with(table: &str, line: &str) -> String {
    let key = line.split('=').next().unwrap().trim();
    let kept = table.lines().filter(|old| old.split('=').next().unwrap().trim() != key);
    kept.map(|old| format!("{old}\n")).collect::<String>() + line + "\n"
}

#[test]
fn every_key_is_on_the_page_and_no_other() {
    let page = page();
    for (heading, before, table) in tables() {
        let head = if table.is_empty() { "" } else { HEAD };
        let taken = expected(&refusal(&format!("{head}{before}{}", with(table, "zzz = 1"))));
        assert_eq!(keys(&page, heading), taken, "{heading}");
    }
    let claim = with(CLAIM, "expect = { zzz = 1 }");
    assert_eq!(keys(&page, "## `expect`"), expected(&refusal(&format!("{HEAD}{claim}"))));
}

#[test]
fn every_example_is_taken_and_is_of_its_key() {
    let page = page();
    let expect = ("## `expect`", String::new(), CLAIM);
    for (heading, before, table) in tables().into_iter().chain([expect]) {
        for row in rows(&page, heading) {
            assert_eq!(row.len(), 5, "{row:?}");
            let (key, example) = (unquoted(&row[0]), unquoted(&row[3]));
            let of_key = example.starts_with(&format!("{key} = ")) || heading == "## `expect`";
            assert!(of_key, "the example of {key} is {example}");
            let table = if table.is_empty() { HEAD } else { table };
            let head = if table == HEAD { "" } else { HEAD };
            let text = format!("{head}{before}{}", with(table, &example));
            Experiment::parse(text.as_bytes()).unwrap_or_else(|e| panic!("{example}: {e}"));
        }
    }
}

/// A default on the page is one that may be left out, and the other way round.
#[test]
fn a_key_has_a_default_just_if_it_can_be_left_out() {
    let page = page();
    for (heading, before, table) in tables() {
        let axes = heading.contains("grid") || heading.contains("sweep");
        for row in rows(&page, heading) {
            let (key, default) = (unquoted(&row[0]), &row[2]);
            let table = if table.is_empty() { HEAD } else { table };
            let head = if table == HEAD { "" } else { HEAD };
            let left = |line: &&str| line.split('=').next().unwrap().trim() != key;
            let without: String =
                table.lines().filter(left).map(|line| format!("{line}\n")).collect();
            let read = Experiment::parse(format!("{head}{before}{without}").as_bytes());
            if default.is_empty() && !(axes && key != "keep") {
                let missing = read.expect_err(&key).to_string();
                assert!(missing.contains("missing field"), "{key}: {missing}");
            } else {
                read.unwrap_or_else(|e| panic!("{key} cannot be left out: {e}"));
            }
        }
    }
}

#[test]
fn every_word_is_on_the_page_and_no_other() {
    let page = page();
    let told = |key: &str| -> BTreeSet<String> {
        let rows = rows(&page, "## Words");
        rows.iter().filter(|row| unquoted(&row[0]) == key).map(|row| unquoted(&row[1])).collect()
    };
    for (key, table, line) in [
        ("data", SCALE, "data = 'zzz'"),
        ("watch", SCALE, "watch = ['zzz']"),
        ("initial", SCALE, "initial = 'zzz'"),
        ("subset", SCALE, "subset = 'zzz'"),
        ("bound", CLAIM, "bound = 'zzz'"),
        ("kind", FIGURE, "kind = 'zzz'"),
        ("play", FIGURE, "play = 'zzz'"),
        ("keep", WORKED, "keep = 'zzz'"),
        ("worked.model", WORKED, "model = ['zzz']"),
        ("worked.data", WORKED, "data = ['zzz']"),
        ("worked.rule", WORKED, "rule = ['zzz']"),
    ] {
        let refused = refusal(&format!("{HEAD}{}", with(table, line)));
        assert_eq!(told(key), expected(&refused), "{key}");
    }
    let scales = expected(&refusal(&format!("{HEAD}[scale.zzz]\n")));
    for scale in scales {
        assert!(page.contains(&format!("`[scale.{scale}]`")), "{scale}");
    }
}

#[test]
fn every_place_of_a_formula_is_on_the_page_and_no_other() {
    let page = page();
    let table = page.split("| place | value |").nth(1).unwrap();
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let told: BTreeSet<&str> = rows
        .flat_map(|row| row.split('|').nth(1).unwrap().split('`'))
        .filter_map(|text| text.split_once("(curve"))
        .map(|(place, _)| place)
        .collect();
    assert_eq!(told, Place::NAMES.iter().map(|(name, _)| *name).collect());
}
