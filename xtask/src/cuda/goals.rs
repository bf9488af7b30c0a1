//! The goals of speed on a GPU, from the times of a record.

use super::bundle::{Record, Time};

/// A goal: a ratio of two times, or of two rates.
struct Goal {
    what: &'static str,
    /// A number that is at most, or else at least, `limit`.
    at_most: bool,
    limit: f64,
    ratio: fn(&Times<'_>) -> Option<f64>,
}

const GOALS: [Goal; 6] = [
    Goal {
        what: "plain step over the fastest peer's",
        at_most: true,
        limit: 1.2,
        ratio: |times| Some(times.ours("plain step")? / times.fastest_peer("plain step")?),
    },
    Goal {
        what: "the same with the statistics of the mini-batch",
        at_most: true,
        limit: 1.2,
        ratio: |times| {
            let name = "plain step, batch statistics";
            Some(times.ours(name)? / times.fastest_peer(name)?)
        },
    },
    Goal {
        what: "α over plain step",
        at_most: true,
        limit: 1.15,
        ratio: |times| Some(times.ours("alpha")? / times.ours("plain step")?),
    },
    Goal {
        what: "winsorised step, c = 1, over plain step",
        at_most: true,
        limit: 2.0,
        ratio: |times| Some(times.ours("step, c = 1")? / times.ours("plain step")?),
    },
    Goal {
        what: "step of M3 over plain step, both with the statistics of the mini-batch",
        at_most: true,
        limit: 1.05,
        ratio: |times| {
            let m3 = times.ours("m3 step, batch statistics")?;
            Some(m3 / times.ours("plain step, batch statistics")?)
        },
    },
    Goal {
        what: "median of 100 × 11 M: its rate of bytes, each read once, over that of a copy",
        at_most: false,
        limit: 0.7,
        ratio: |times| {
            let of_median = 101.0 * 11e6 * 4.0 / times.ours("median of 100 x 11 M")?;
            let of_copy = 2.0 * (1_u64 << 32) as f64 / times.ours("copy of 4 GiB")?;
            Some(of_median / of_copy)
        },
    },
];

/// The times of one kind of products.
struct Times<'a> {
    record: &'a Record,
    products: &'a str,
}

impl Times<'_> {
    fn of(&self, name: &str, is_ours: bool) -> impl Iterator<Item = f64> {
        let is_meant = move |time: &&Time| {
            time.products == self.products
                && time.name.strip_prefix("W9.") == Some(name)
                && (time.peer == "coherence") == is_ours
        };
        self.record.times.iter().filter(is_meant).map(|time| time.median_s)
    }

    fn ours(&self, name: &str) -> Option<f64> {
        self.of(name, true).next()
    }

    fn fastest_peer(&self, name: &str) -> Option<f64> {
        self.of(name, false).min_by(f64::total_cmp)
    }
}

/// The goals and what they come to, as a table.
pub(super) fn table(record: &Record) -> String {
    let mut text = "| goal | limit | f32 | TF32 |\n|---|---|---|---|\n".to_owned();
    for Goal { what, at_most, limit, ratio } in &GOALS {
        let [single, tf32] = ["f32", "tf32"].map(|products| {
            ratio(&Times { record, products }).map_or(String::new(), |found| {
                let is_met = if *at_most { found <= *limit } else { found >= *limit };
                format!("{found:.2}, {}", if is_met { "met" } else { "**missed**" })
            })
        });
        let sign = if *at_most { "≤" } else { "≥" };
        text.push_str(&format!("| {what} | {sign} {limit} | {single} | {tf32} |\n"));
    }
    text
}
