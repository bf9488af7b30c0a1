//! Laws of the page: it is well formed, loads nothing, hides no failure, and hostile text stays text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::html;
use crate::claim::formula::{Formula, Reading, parse_curve};
use crate::id::Id;
use crate::record::Record;
use crate::spec::Library;
use crate::summary::Verdict;

mod contrast;
pub(super) mod sample;

use sample::{HOSTILE, claim, experiment, figure, id, record, summary};

fn records() -> BTreeMap<Id, Record> {
    [(id("C3"), record())].into()
}

fn page() -> String {
    let mut named = figure("series = ['a']\nrows = 'clip'");
    named.title = HOSTILE.into();
    named.y_label = HOSTILE.into();
    let map = figure("kind = 'heat-map'\nseries = ['a']\ncolumns = 'noise'\nrows = 'clip'");
    let claims = vec![
        claim("C3.good", Verdict::Holds, &[1.0, 1.1]),
        claim("C3.bad", Verdict::Fails, &[0.1, 0.2]),
        claim("C3.open", Verdict::Undecided, &[0.5, 1.5]),
        claim("C3.lost", Verdict::NotMeasured, &[]),
        claim("C3.none", Verdict::NotApplicable, &[]),
        claim("C3.ours", Verdict::NotShown, &[0.1, 0.2]),
    ];
    html(&summary(vec![experiment(vec![named, map], claims)]), &records())
}

/// The text between `open` and the next `close`, for each `open`.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    text.split(open).skip(1).map(|rest| rest.split(close).next().unwrap()).collect()
}

#[test]
fn every_element_is_closed_in_order() {
    const VOID: [&str; 1] = ["meta"];
    let page = page();
    let mut open = Vec::new();
    let mut rest = page.as_str();
    while let Some(at) = rest.find('<') {
        let tag = rest[at + 1..].split('>').next().unwrap();
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        rest = &rest[at + 2 + tag.len()..];
        match tag {
            _ if tag.starts_with('!') || VOID.contains(&name) => {}
            _ if tag.starts_with('/') => assert_eq!(open.pop(), Some(name), "at </{name}>"),
            _ => open.push(name),
        }
        if ["script", "style"].contains(&name) && !tag.starts_with('/') {
            rest = &rest[rest.find("</").expect("raw text is closed")..];
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

#[test]
fn nothing_is_loaded_from_anywhere() {
    let page = page();
    for load in [" src=", "@import", "url(", "<link", "<iframe", "<img", "fetch(", "import("] {
        assert!(!page.contains(load), "{load}");
    }
    let citations = page.matches("<a href=\"https://arxiv.org/abs/").count();
    let name_of_svg = page.matches("\"http://www.w3.org/2000/svg\"").count();
    assert_eq!(citations, 4, "the papers are cited");
    assert_eq!(page.matches("://").count(), citations + name_of_svg);
}

#[test]
fn hostile_text_is_shown_and_never_run() {
    let page = page();
    assert!(!page.contains("<script>alert"));
    assert!(!page.contains("<b>\""));
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert('1')"));
    let scripts = page.matches("<script").count();
    assert_eq!(scripts, 3, "two figures and the program");
}

#[test]
fn embedded_data_are_json_that_comes_back() {
    let page = page();
    let data = between(&page, "<script type=\"application/json\">", "</script>");
    let plots: Vec<Value> = data.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    assert_eq!(plots.len(), 2);
    assert_eq!(plots[0]["kind"], "lines");
    assert_eq!(plots[0]["y"]["label"], HOSTILE);
    assert_eq!(plots[1]["kind"], "heat");
}

#[test]
fn same_input_gives_same_bytes() {
    assert_eq!(page(), page());
}

#[test]
fn failing_claim_is_visibly_failing() {
    let page = page();
    let rows = between(&page, "<tr class=\"claim\" data-verdict=\"fails\">", "</tr>");
    let row = rows.iter().find(|row| row.contains("C3.bad")).unwrap();
    assert!(row.contains("✗") && row.contains("fails") && !row.contains("class=\"committed\""));
    assert!(page.contains("<article class=\"claim fails\" id=\"C3.bad\">"));
    let of_experiment = between(&page, "<a href=\"#C3\" title", "</a>");
    assert!(of_experiment[0].contains("✗"), "one failing claim fails its experiment");
}

#[test]
fn every_verdict_has_symbol_and_words() {
    let page = page();
    for (symbol, words) in [
        ("✓", "holds"),
        ("✗", "fails"),
        ("≈", "undecided"),
        ("?", "not measured"),
        ("∅", "not shown"),
        ("–", "does not apply"),
    ] {
        assert!(page.contains(&format!("{symbol}</span> {words}")), "{words}");
    }
}

#[test]
fn measured_value_stands_with_its_interval() {
    // mean 1.05, s = 0.0707, t(1) = 12.706: half width 0.635
    assert!(page().contains("<b>1.05 ± 0.64</b>"));
}

/// Of the six claims of the sample one does not apply.
#[test]
fn the_answer_comes_first_and_leads_to_what_fails() {
    let page = page();
    let answer = between(&page, "<section class=\"answer\"", "</section>")[0];
    assert!(page.find(answer).unwrap() < page.find("<table class=\"claims\">").unwrap());
    assert!(answer.contains("<b>1 of 5 claims hold</b>"), "{answer}");
    assert!(answer.contains("1 fails") && answer.contains("<a href=\"#C3.bad\">C3.bad</a>"));
    assert!(answer.contains("on the committed records of C1, C2, C3, "), "{answer}");
    let text: String = between(&format!("<{answer}"), ">", "<").concat();
    assert!(text.split_whitespace().count() <= 150, "{text}");
}

#[test]
fn days_are_those_of_the_runs_and_not_of_the_page() {
    let page = page();
    assert!(page.contains("from 2026-01-01 to 2026-01-02") && !page.contains("2026-01-05"));
}

/// The experiments of committed records that this run has not stand in the table, too.
#[test]
fn table_has_every_claim_at_every_scale() {
    let page = page();
    let table = between(&page, "<table class=\"claims\">", "</table>")[0];
    for scale in ["smoke", "quick", "desk", "paper"] {
        assert!(table.contains(&format!("<th>{scale}</th>")), "{scale}");
    }
    for record in crate::filed::filed().iter().filter(|record| &*record.experiment != "C3") {
        for claim in &record.claims {
            // The answer links to it.
            let id = format!("{}.{}", record.experiment, claim.id);
            let cell = format!("<td class=\"id\" id=\"{id}\">{id}</td>");
            assert!(table.contains(&cell), "{cell}");
        }
    }
    assert!(table.contains("class=\"committed\""));
}

#[test]
fn consecutive_figures_of_a_group_are_panels_of_one() {
    let figure = |text: &str| figure(&format!("series = ['a']\n{text}"));
    let pair = vec![figure("group = 'CG20 Fig. 1'"), figure("group = 'CG20 Fig. 1'"), figure("")];
    let page = html(&summary(vec![experiment(pair, Vec::new())]), &records());
    assert_eq!(page.matches("<div class=\"group\">").count(), 1);
    assert_eq!(page.matches("<figure class=\"plot half\"").count(), 2);
    assert!(page.contains("<a href=\"#CG20\">CG20</a> Fig. 1"));
}

#[test]
fn a_claim_tells_its_words_its_date_and_what_would_decide_it() {
    let page = page();
    let open = between(&page, "<article class=\"claim undecided\"", "</article>")[0];
    assert!(open.contains("<p class=\"quote\"><q>"));
    assert!(open.contains("Written on the day of these data (2026-01-01)."));
    assert!(open.contains(" Changed: ") && open.contains("About 7 seeds would decide it"));
    let holds = between(&page, "<article class=\"claim holds\"", "</article>")[0];
    assert!(!holds.contains("would decide it"));
    assert!(page.contains("The paper, in our words") && !page.contains("<blockquote"));
}

/// A claim of another quantity has another history, even under the same name.
#[test]
fn verdicts_on_committed_records_stand_beside_the_same_claim_alone() {
    let filed = crate::filed::filed();
    let record = filed.iter().find(|record| &*record.experiment == "C3").unwrap();
    let known = &record.claims[0];
    let mut same = claim(&format!("C3.{}", known.id), Verdict::Holds, &[1.0, 1.1]);
    same.quantity = known.quantity.parse().unwrap();
    let shown = |claim| html(&summary(vec![experiment(Vec::new(), vec![claim])]), &records());
    let title = format!("on {}", record.record);
    assert!(shown(same.clone()).contains(&title));
    same.quantity = "end(other)".parse().unwrap();
    assert!(!shown(same).contains(&title));
}

#[test]
fn without_record_claims_stay_and_figures_say_so() {
    let figures = vec![figure("series = ['a']")];
    let claims = vec![claim("C3.good", Verdict::Holds, &[1.0])];
    let page = html(&summary(vec![experiment(figures, claims)]), &BTreeMap::new());
    assert!(page.contains("A figure: nothing was measured yet") && page.contains("C3.good"));
}

#[test]
fn figure_without_rows_names_the_series_it_misses() {
    let figures = vec![figure("series = ['no.such']")];
    let page = html(&summary(vec![experiment(figures, Vec::new())]), &records());
    assert!(page.contains("A figure: the record has no rows of no.such"));
}

#[test]
fn failure_to_run_is_told_and_nothing_is_measured() {
    let mut broken = experiment(Vec::new(), Vec::new());
    broken.failure = Some("no such file <mnist>".into());
    let page = html(&summary(vec![broken]), &BTreeMap::new());
    assert!(page.contains("could not run: no such file &lt;mnist&gt;"));
    assert!(between(&page, "<a href=\"#C3\" title", "</a>")[0].contains("not measured"));
}

#[test]
fn empty_summary_is_a_page() {
    assert!(html(&summary(Vec::new()), &BTreeMap::new()).contains("No experiment was run."));
}

#[test]
fn everything_that_made_a_record_is_told() {
    let page = page();
    let made = between(&page, "<dt>made by</dt>", "</dd>");
    assert_eq!(made.len(), 2);
    assert!(made[0].contains("version 0.0.9 (results 1)") && made[1].contains("version 0.1.0"));
    assert!(made[1].contains("trained on Loom 3") && !made[0].contains("trained on"));
    assert!(made[0].contains("2026-01-01 to 2026-01-02; 4 runs, 5.0 s of work; 1 thread each"));
}

/// A click on a claim lights the points that it reads: there must be a figure that has them.
#[test]
fn every_claim_of_ours_reads_a_curve_that_some_figure_draws() {
    for experiment in Library::Embedded.load_all(&[]).unwrap() {
        let curves = experiment.figures.iter().flat_map(|figure| &figure.series);
        let curves: Vec<_> = curves.map(|curve| parse_curve(curve).unwrap()).collect();
        let drawn: BTreeSet<&str> = curves.iter().flat_map(Formula::axes).collect();
        for claim in &experiment.claims {
            let mut read = claim.quantity.readings().into_iter().flat_map(Reading::series);
            assert!(read.any(|series| drawn.contains(series)), "{}.{}", experiment.id, claim.id);
        }
    }
}
