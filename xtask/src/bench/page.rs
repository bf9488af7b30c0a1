//! docs/performance.md, rendered from the measurements alone.

use std::fmt::Write as _;

use super::goal::{Goal, Verdict, mebibytes, time};
use super::record::{PeerRow, Record, is_ratio};
use super::{goals, scaling};

/// The whole page.
pub(crate) fn render(record: &Record) -> String {
    let goals = goals::all(record);
    let mut page = String::new();
    page += "# Performance\n\n";
    page +=
        "Written by `cargo xtask bench` from [performance.json](performance.json); do not edit.\n";
    page += "`cargo xtask bench --peers DIR --python PY` measures again and runs the peers beside it, \
             `--again BENCH` measures one of our benches again, `--render` only writes the page again.\n\n";
    head(&mut page, record);
    summary(&mut page, &goals);
    table(&mut page, &goals);
    page += HOW;
    figures(&mut page, record);
    peers(&mut page, record);
    medians(&mut page, record);
    page
}

const HOW: &str = "\
## How it was measured

Medians; every bench checks its answer before it is timed.
A ratio with a 95 % interval beside it comes from alternating blocks of both functions in one process (`benches/src/timing.rs`); other ratios are quotients of two medians of this run.
Our steps are the trainer's own (`Trainer::advance`): they gather a shuffled mini-batch, run forward and backward and update, called from within a pool of 2 threads as the laboratory does.
The peers' scripts take mini-batches in order, repeat what other programs disturb, and each runs in a process of its own.
A goal cannot be met where something that every program must do, measured beside it, takes too long by itself.
Under scaling, a block of steps counts only if before and after it each thread had a core to itself, that is, arithmetic in the first cache took less than 1.2 times as long as on one thread at its best; other blocks are repeated. A virtual machine may lend two threads the two halves of one core for seconds at a time.
A peer counts as the fastest over all its settings: as installed, with MKL's AVX-512 path switched on (`+mklfix`), with a heap that keeps freed memory in huge pages.
W2 and the dense rules are compared with a sort before they are timed; that results are the same bits on 1 and 2 threads and, for selections, on every instruction set is held by tests (`crates/coherence-cpu/tests`, `crates/coherence-train/tests`), not by this page.
Memory is the peak of bytes on the heap during steps or a measurement, counted on all threads: the trainer with its network and all its buffers over a data set of one mini-batch; for α the network's sums and one chunk's passes, the data set not counted.

";

fn head(page: &mut String, record: &Record) {
    let m = &record.machine;
    let _ = writeln!(page, "| | |\n|---|---|");
    let _ = writeln!(
        page,
        "| machine | {}, {} cores, {} GiB, {}, kernels on {} |",
        m.cpu, m.cores, m.memory_gib, m.platform, m.isa
    );
    let _ = writeln!(page, "| ours | commit {}, {} |", m.commit, m.rustc);
    let mut versions: Vec<String> = record
        .peers
        .iter()
        .map(|row| {
            format!("{} {}", row.peer.split([' ', '+']).next().unwrap_or_default(), row.version)
        })
        .collect();
    versions.sort();
    versions.dedup();
    let versions = if versions.is_empty() { "not run".to_owned() } else { versions.join(", ") };
    let _ = writeln!(page, "| peers | {versions} |");
    let _ = writeln!(page, "| date | {} |", m.date);
    for again in &record.again {
        let _ = writeln!(page, "| measured again | {again} |");
    }
    let _ = writeln!(page, "| load before and after | {:.1}, {:.1} |", m.load_before, m.load_after);
    page.push('\n');
    if m.load_before > 0.7 {
        page.push_str("**Other programs were running: times and ratios below are noisy.**\n\n");
    }
    if record.quick {
        page.push_str("**Measured with `--quick`: times and ratios below are rough.**\n\n");
    }
    for line in &record.missing {
        let _ = writeln!(page, "- {line}");
    }
}

/// How many goals are met, row by row.
fn summary(page: &mut String, goals: &[Goal]) {
    let count = |verdict| goals.iter().filter(|goal| goal.verdict() == verdict).count();
    let [met, not_met, cannot_be] = [Verdict::Met, Verdict::NotMet, Verdict::CannotBe].map(count);
    let measured = met + not_met + cannot_be;
    let _ = write!(page, "\n{met} of {measured} measured goals are met");
    if cannot_be > 0 {
        let _ = write!(page, ", {cannot_be} cannot be met by any program on this machine");
    }
    let _ = match count(Verdict::NotMeasured) {
        0 => writeln!(page, ".\n"),
        n => writeln!(page, "; {n} were not measured in this run.\n"),
    };
}

fn table(page: &mut String, goals: &[Goal]) {
    page.push_str(
        "## Goals\n\n| | what | goal | measured | | sides |\n|---|---|---|---|---|---|\n",
    );
    let mut row = "";
    for goal in goals {
        let first = if goal.row == row { "" } else { goal.row };
        row = goal.row;
        let measured = goal.measured.map_or_else(|| "-".to_owned(), ratio);
        let (what, bound, verdict) = (&goal.what, goal.bound, goal.verdict());
        let _ = writeln!(
            page,
            "| {first} | {what} | {bound} | {measured} | {verdict} | {} |",
            goal.sides
        );
    }
    page.push('\n');
    let unmet = |goal: &&Goal| goal.verdict() == Verdict::NotMet && !goal.remark.is_empty();
    for goal in goals.iter().filter(unmet) {
        let _ = writeln!(page, "- {} ({}): {}", goal.row, goal.what, goal.remark);
    }
    page.push('\n');
}

fn ratio(x: f64) -> String {
    if x < 10.0 { format!("{x:.3} ×") } else { format!("{x:.1} ×") }
}

fn figures(page: &mut String, record: &Record) {
    page.push_str("## Scaling\n\n");
    for figure in &scaling::FIGURES {
        if figure.series.iter().any(|series| !scaling::points(record, series, 2).is_empty()) {
            let _ = writeln!(page, "![{}](images/{})\n", figure.title, figure.file);
        }
    }
}

fn peers(page: &mut String, record: &Record) {
    if record.peers.is_empty() {
        return;
    }
    page.push_str("## The peers in this run\n\n");
    page.push_str("| row | peer | c or rule | median | notes |\n|---|---|---|---|---|\n");
    let mut rows: Vec<&PeerRow> = record.peers.iter().collect();
    let order = |row: &&PeerRow| (row.name.clone(), row.c, row.op.clone());
    rows.sort_by(|a, b| order(a).cmp(&order(b)).then(a.median_s.total_cmp(&b.median_s)));
    for row in rows {
        let varied = row.c.map(|c| format!("c = {c}")).or_else(|| row.op.clone());
        let (name, title, notes) = (&row.name, row.title(), notes(row));
        let (varied, time) = (varied.unwrap_or_default(), time(row.median_s));
        let _ = writeln!(page, "| {name} | {title} | {varied} | {time} | {notes} |");
    }
    page.push('\n');
}

/// What a peer's row says beside its time.
fn notes(row: &PeerRow) -> String {
    let mut notes = Vec::new();
    notes.extend(row.ratio_to_sgd.map(|x| format!("{x:.2} × its SGD")));
    notes.extend(row.paired_ratio.map(|x| format!("{x:.2} × its plain pass")));
    notes.extend(row.rss_peak_mib.map(|x| format!("peak {x:.0} MiB")));
    notes.join(", ")
}

/// Everything that was measured here.
fn medians(page: &mut String, record: &Record) {
    page.push_str("## All medians\n\n| bench | median | 95 % |\n|---|---|---|\n");
    for (id, median) in &record.medians {
        let text = if is_ratio(id) { ratio } else { time };
        let [median, low, high] = [median.median, median.low, median.high].map(text);
        let _ = writeln!(page, "| {id} | {median} | {low} … {high} |");
    }
    page.push_str("\n| memory | peak |\n|---|---|\n");
    for (id, &bytes) in &record.bytes {
        let _ = writeln!(page, "| {id} | {} |", mebibytes(bytes as f64));
    }
    if !record.instructions.is_empty() {
        page.push_str("\nValgrind shows programs no AVX-512: these are instructions of the AVX2 path, one thread, one layer 784 × 256, batch 100.\n");
        page.push_str("\n| kernel | instructions |\n|---|---|\n");
        for (id, count) in &record.instructions {
            let _ = writeln!(page, "| {id} | {:.2} M |", *count as f64 / 1e6);
        }
    }
}
