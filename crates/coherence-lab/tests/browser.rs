//! The report as people use it, in a browser without a window: at 1400 and 420 pixels, light and dark.
//!
//! Skipped with a message where no browser is found, a failure there with `COHERENCE_BROWSER=required`.

#![cfg(unix)]

mod browser {
    pub(crate) mod devtools;
}

use std::path::{Path, PathBuf};
use std::process::Command;

use browser::devtools::{Page, Screen, find};
use coherence_lab::toy::{L, Toy, TwoNeurons, step};

const WIDE: Screen = Screen { width: 1400, height: 1000, dark: false, touch: false };
const NARROW: Screen = Screen { width: 420, height: 900, dark: false, touch: true };

/// A report in a folder of its own.
struct Report {
    browser: PathBuf,
    folder: tempfile::TempDir,
}

impl Report {
    /// That of two small experiments: B6, and the one that `coherence new` writes.
    fn of_new_runs() -> Option<Self> {
        let report = Self { browser: find()?, folder: tempfile::tempdir().unwrap() };
        let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/B6.toml");
        std::fs::copy(ours, report.folder.path().join("B6.toml")).unwrap();
        report.coherence(&["new", "T1"]);
        report.coherence(&["reproduce", "--experiments", ".", "--scale", "smoke", "--out", "out"]);
        Some(report)
    }

    /// That of the newest committed record of each experiment.
    fn of_records() -> Option<Self> {
        let report = Self { browser: find()?, folder: tempfile::tempdir().unwrap() };
        let records = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../records");
        let folders = std::fs::read_dir(records).unwrap().map(|entry| entry.unwrap().path());
        let newest = folders.filter(|path| path.is_dir()).filter_map(|folder| {
            let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            files.filter(|path| path.extension().is_some_and(|end| end == "csv")).max()
        });
        let newest: Vec<String> = newest.map(|path| path.to_str().unwrap().to_owned()).collect();
        assert!(newest.len() > 15);
        let records = newest.iter().map(String::as_str);
        report
            .coherence(&["report", "--out", "out"].into_iter().chain(records).collect::<Vec<_>>());
        Some(report)
    }

    fn coherence(&self, args: &[&str]) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coherence"));
        let output = command.args(args).current_dir(self.folder.path()).output().unwrap();
        // Whether claims fail or were not measured (1, 2), the report is written.
        let written = self.folder.path().join("out/report.html").is_file();
        assert!(written || args[0] == "new", "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn open(&self, fragment: &str, screen: Screen) -> Page {
        Page::open(&self.browser, &self.folder.path().join("out/report.html"), fragment, screen)
    }
}

/// Elements of the page, but for what scrolls by itself, that reach beyond its right edge.
const BEYOND: &str = "[...document.querySelectorAll('body *')].filter((e) => \
    e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('nav, svg, .claim details, .tip')).map((e) => \
    `${e.tagName}.${e.className}`)";

/// One browser, one test: to start it takes longer than to use it.
#[test]
fn the_report_can_be_used() {
    let Some(report) = Report::of_new_runs() else { return };
    for screen in [WIDE, NARROW] {
        for dark in [false, true] {
            nothing_is_wider_than_the_page(&mut report.open("", Screen { dark, ..screen }));
        }
    }
    for dark in [false, true] {
        by_pointer_and_keys(&mut report.open("", Screen { dark, ..WIDE }));
        let page = &mut report.open("", Screen { dark, ..NARROW });
        a_tap_keeps_its_readout_and_a_drag_moves_it(page);
        nothing_has_failed(page);
    }
    a_link_opens_the_figure_as_it_was(&report);
}

fn by_pointer_and_keys(page: &mut Page) {
    a_pointer_reads_values_and_leaves_again(page);
    keys_read_values_aloud(page);
    a_frame_zooms_and_the_address_has_it(page);
    a_slider_shows_one_row_of_panels(page);
    options_change_the_axes(page);
    a_claim_lights_its_points(page);
    neurons_train_as_the_program_trains_them(page);
    nothing_has_failed(page);
}

fn nothing_has_failed(page: &mut Page) {
    let faults = page.value("faults");
    assert_eq!(faults.as_array().unwrap().len(), 0, "{faults}");
}

/// The figures of every experiment that has a record, as wide, narrow, light and dark pages.
#[test]
fn the_report_of_all_records_fits_the_page() {
    let Some(report) = Report::of_records() else { return };
    for screen in [WIDE, NARROW] {
        for dark in [false, true] {
            let page = &mut report.open("", Screen { dark, ..screen });
            nothing_is_wider_than_the_page(page);
            nothing_has_failed(page);
            assert!(page.value("document.querySelectorAll('.stage').length").as_u64() > Some(60));
        }
    }
}

fn nothing_is_wider_than_the_page(page: &mut Page) {
    page.wait(
        "[...document.querySelectorAll('.stage')].every((s) => s.querySelector('.drawing g'))",
    );
    assert_eq!(page.value("document.documentElement.scrollWidth <= innerWidth"), true);
    assert_eq!(page.value(BEYOND).as_array().unwrap().len(), 0, "{}", page.value(BEYOND));
    let empty = "[...document.querySelectorAll('.drawing')].filter((d) => !d.querySelector('path, rect.cell')).length";
    assert_eq!(page.value(empty), 0);
    let dark = page.value("matchMedia('(prefers-color-scheme: dark)').matches");
    let card = page.value("getComputedStyle(document.body).backgroundColor");
    assert_eq!(card == "rgb(20, 23, 27)", dark == true, "{card}");
}

const STAGE: &str = "#T1-overfit .stage";
const TIP: &str = "document.querySelector('#T1-overfit .tip')";

fn a_pointer_reads_values_and_leaves_again(page: &mut Page) {
    let at = page.middle(&format!("{STAGE} .frame"));
    page.mouse("mouseMoved", at, false);
    page.wait(&format!(
        "!{TIP}.hidden && /step/.test({TIP}.innerText) && /±/.test({TIP}.innerText)"
    ));
    assert!(
        page.value(&format!("document.querySelectorAll('{STAGE} .dot').length")).as_u64() > Some(0)
    );
    page.mouse("mouseMoved", [2.0, 500.0], false);
    page.wait(&format!("{TIP}.hidden"));
}

fn keys_read_values_aloud(page: &mut Page) {
    page.value(&format!("document.querySelector('{STAGE}').focus()"));
    page.press("ArrowRight");
    let live = "document.querySelector('#T1-overfit [aria-live]').textContent";
    page.wait(&format!("/step 0/.test({live})"));
    page.press("ArrowRight");
    page.wait(&format!("/step 1/.test({live})"));
    page.press("ArrowDown");
    page.wait(&format!("/50 % noise/.test({live})"));
}

fn a_frame_zooms_and_the_address_has_it(page: &mut Page) {
    let ticks = "[...document.querySelectorAll('#T1-overfit .tick.middle')].map((t) => t.textContent).join()";
    let before = page.value(ticks);
    let [x, y] = page.middle(&format!("{STAGE} .frame"));
    page.mouse("mousePressed", [x - 40.0, y], true);
    page.mouse("mouseMoved", [x, y + 2.0], true);
    page.wait("document.querySelector('#T1-overfit .zoom') !== null");
    page.mouse("mouseMoved", [x + 40.0, y + 2.0], true);
    page.mouse("mouseReleased", [x + 40.0, y + 2.0], true);
    page.wait(&format!("{ticks} !== {before}"));
    page.wait("/^#T1-overfit\\?.*window=/.test(location.hash)");
    page.press("0");
    page.wait(&format!("{ticks} === {before}"));
    page.wait("location.hash === '#T1-overfit'");
}

fn a_slider_shows_one_row_of_panels(page: &mut Page) {
    let frames = "document.querySelectorAll('#T1-accuracy .frame').length";
    assert_eq!(page.value(frames), 4);
    let slide = "(() => { const s = document.querySelector('#T1-accuracy input[type=range]'); s.value = 1; \
                 s.dispatchEvent(new Event('input')); })()";
    page.value(slide);
    page.wait(&format!("{frames} === 2"));
    page.wait("/row=1/.test(location.hash)");
    assert_eq!(page.value("document.querySelector('#T1-accuracy output').textContent"), "c = 4");
}

fn options_change_the_axes(page: &mut Page) {
    page.click("#T1-overfit .opener");
    let choose = |words: &str| {
        format!(
            "[...document.querySelectorAll('#T1-overfit .tools button')].find((b) => b.textContent === '{words}').click()"
        )
    };
    page.value(&choose("epochs"));
    page.wait("[...document.querySelectorAll('#T1-overfit .name')].some((n) => n.textContent === 'epoch')");
    let last = "document.querySelector('#T1-overfit .line').getAttribute('d')";
    let before = page.value(last);
    page.value(&choose("log x"));
    page.wait(&format!("{last} !== {before}"));
    page.wait("/unit=epoch/.test(location.hash)");
    let smooth = "(() => { const s = document.querySelector('#T1-overfit .tools input'); s.value = 3; \
                  s.dispatchEvent(new Event('input')); })()";
    page.value(smooth);
    page.wait("/smooth=3/.test(location.hash)");
}

fn a_claim_lights_its_points(page: &mut Page) {
    page.click("[id='T1.less-memorised'] p");
    page.wait("document.querySelectorAll('#T1-overfit .read').length > 0");
    assert!(
        page.value("document.querySelectorAll('#T1-accuracy .faded').length").as_u64() > Some(0)
    );
    page.wait("location.hash === '#T1.less-memorised'");
    page.click("[id='T1.less-memorised'] p");
    page.wait("document.querySelectorAll('.read, .faded, .lit').length === 0");
}

/// The page's own descent against the program's, from the start that is drawn first.
fn neurons_train_as_the_program_trains_them(page: &mut Page) {
    let mut theta = vec![0.01; TwoNeurons.parameters()];
    theta[TwoNeurons::W].copy_from_slice(&[0.2, 0.01]);
    for _ in 0..400 {
        step(&TwoNeurons, &mut theta, L.train(), 0.1, |g| g.iter().sum::<f64>() / g.len() as f64);
    }
    let [w1, w2] = [theta[TwoNeurons::W.start], theta[TwoNeurons::W.start + 1]];
    let said = page.value("document.querySelector('#B6-heat-map .note').textContent");
    let said = said.as_str().unwrap();
    assert!(said.contains(&format!("to w1 = {w1:.3}, w2 = {w2:.3}")), "{said}, {w1}, {w2}");
    let [x, y] = page.middle("#B6-heat-map .handle");
    page.mouse("mousePressed", [x, y], true);
    page.mouse("mouseMoved", [x + 30.0, y - 30.0], true);
    page.mouse("mouseReleased", [x + 30.0, y - 30.0], true);
    page.wait(&format!("document.querySelector('#B6-heat-map .note').textContent !== {said:?}"));
}

fn a_link_opens_the_figure_as_it_was(report: &Report) {
    let page = &mut report.open("#T1-overfit?unit=epoch&hide=c1", WIDE);
    page.wait("[...document.querySelectorAll('#T1-overfit .name')].some((n) => n.textContent === 'epoch')");
    page.wait("document.querySelectorAll('#T1-overfit .line').length === 2");
    page.wait("document.querySelector('#T1-overfit').getBoundingClientRect().top < innerHeight");
    let page = &mut report.open("#T1.less-memorised", WIDE);
    page.wait("document.querySelectorAll('#T1-overfit .read').length > 0");
}

fn a_tap_keeps_its_readout_and_a_drag_moves_it(page: &mut Page) {
    let [x, y] = page.middle(&format!("{STAGE} .frame"));
    page.touch("touchStart", Some([x, y]));
    page.touch("touchEnd", None);
    page.wait(&format!("!{TIP}.hidden"));
    let first = page.value(&format!("{TIP}.innerText"));
    page.touch("touchStart", Some([x, y]));
    for by in [10.0, 30.0, 60.0, 90.0] {
        page.touch("touchMove", Some([x + by, y]));
    }
    page.touch("touchEnd", None);
    page.wait(&format!("!{TIP}.hidden && {TIP}.innerText !== {first}"));
    assert_eq!(page.value("document.querySelector('#T1-overfit .zoom')"), serde_json::Value::Null);
}
