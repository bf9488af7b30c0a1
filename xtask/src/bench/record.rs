//! What was measured, as data: one file a processor in docs/performance/.

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    time::Instant,
};
use xshell::{Shell, cmd};

use super::processor::{Processor, busy_cores};

/// All figures of one processor.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) processor: Processor,
    /// By name; what was never measured here is absent.
    pub(super) parts: BTreeMap<String, PartRecord>,
    /// The older part that the current one replaces, until the first bench of the current one has ended.
    #[serde(skip)]
    replaced: Option<PartRecord>,
    #[serde(skip)]
    path: PathBuf,
    /// How long to wait for other programs before a bench, in seconds.
    #[serde(skip)]
    patience: u32,
}

/// One part, all of it measured at the same commit: goals compare figures within a part only.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PartRecord {
    pub(super) commit: String,
    pub(super) date: String,
    pub(super) rustc: String,
    /// Benches and scripts whose figures are here.
    pub(super) done: BTreeSet<String>,
    /// What failed or was disturbed, by bench or script.
    pub(super) notes: BTreeMap<String, String>,
    /// By criterion's id or as a bench printed it.
    pub(super) figures: BTreeMap<String, Figure>,
    /// What the peers' scripts printed.
    pub(super) peers: Vec<PeerRow>,
}

/// A median, with its 95 % interval where criterion found one: seconds, a ratio or bytes.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Figure {
    pub(super) median: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) interval: Option<[f64; 2]>,
}

/// One line of a peer's script; what the page does not use is left out.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct PeerRow {
    pub(super) name: String,
    pub(super) peer: String,
    pub(super) version: String,
    pub(super) median_s: f64,
    #[serde(alias = "clip", skip_serializing_if = "Option::is_none")]
    pub(super) c: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) chunk: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) op: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) variant: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ratio_to_sgd: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) paired_ratio: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rss_peak_mib: Option<f64>,
    /// By criterion's id, our own medians around this script's run: geometric means of the one before and the one after.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) ours: BTreeMap<String, f64>,
    /// Whether at least three repetitions were undisturbed by other programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) clean: Option<bool>,
}

/// A file's value.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
    serde_json::from_str(&text).with_context(|| path.display().to_string())
}

/// What one bench or one script yields.
#[derive(Debug, Default)]
pub(super) struct Measured {
    pub(super) figures: BTreeMap<String, Figure>,
    pub(super) peers: Vec<PeerRow>,
    /// What ended before its time.
    pub(super) note: Option<String>,
}

impl Measured {
    /// Each row of a script in the round of several in which its ratio to our figure `id` was the median.
    ///
    /// # Errors
    /// If the rounds have different rows.
    pub(super) fn median_of(mut rounds: Vec<Self>, id: &str) -> Result<Self> {
        let note = rounds.iter_mut().find_map(|round| round.note.take());
        let count = rounds.first().map_or(0, |round| round.peers.len());
        let is_even = rounds.iter().all(|round| round.peers.len() == count);
        ensure!(is_even, "more or fewer rows in another round");
        let peers = (0..count).map(|at| {
            let mut rows: Vec<&PeerRow> = rounds.iter().map(|round| &round.peers[at]).collect();
            let of = |row: &PeerRow| {
                (row.name.clone(), row.peer.clone(), row.variant.clone(), row.chunk)
            };
            ensure!(rows.iter().all(|row| of(row) == of(rows[0])), "other rows in another round");
            let ratio =
                |row: &PeerRow| row.ours.get(id).map_or(f64::NAN, |ours| ours / row.median_s);
            rows.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)));
            Ok(rows[rows.len() / 2].clone())
        });
        Ok(Self { peers: peers.collect::<Result<_>>()?, note, ..Self::default() })
    }
}

impl Record {
    /// The processor's file in `folder`/performance, empty where there is none yet.
    pub(super) fn open(folder: &Path, processor: Processor, patience: u32) -> Result<Self> {
        let path = folder.join("performance").join(processor.slug() + ".json");
        let parts = if path.exists() { read_json::<Self>(&path)?.parts } else { BTreeMap::new() };
        Ok(Self { processor, parts, replaced: None, path, patience })
    }

    /// Every processor's record, by file name.
    pub(super) fn load_all(folder: &Path) -> Result<Vec<Self>> {
        let folder = folder.join("performance");
        let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
        let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>>>()?;
        paths.retain(|path| crate::files::is_json(path));
        paths.sort();
        paths.iter().map(|path| read_json(path)).collect()
    }

    /// Begins a part; continues that of the same commit, unless it is to be measured `again`.
    pub(super) fn begin(&mut self, name: &str, new: PartRecord, again: bool) {
        let is_continued = |old: &PartRecord| !again && old.commit == new.commit;
        if !self.parts.get(name).is_some_and(is_continued) {
            let old = self.parts.insert(name.to_owned(), new);
            self.replaced = old.filter(|old| !old.figures.is_empty());
        }
    }

    /// Measures one bench or script of a part unless that is done; saves at once. A failure is a
    /// note: the next bench is measured all the same. If it is the first bench of a part that was to
    /// replace an older one, that one stands, and false is returned.
    pub(super) fn keep(
        &mut self,
        part: &str,
        name: &str,
        measure: impl FnOnce() -> Result<Measured>,
    ) -> Result<bool> {
        let part = self.parts.get_mut(part).context("a part that was begun")?;
        if part.done.contains(name) {
            println!("{name}: measured at this commit already");
            return Ok(true);
        }
        let busy = busy_cores(self.patience)?;
        let start = Instant::now();
        let measured = measure();
        if let (Some(old), Err(error)) = (self.replaced.take(), &measured) {
            println!("{name}: failed: {error:#} (the figures of {} stand)", old.commit);
            *part = old;
            return Ok(false);
        }
        part.notes.remove(name);
        match measured {
            Ok(Measured { figures, peers, note }) => {
                part.figures.extend(figures);
                part.peers.extend(peers);
                part.done.insert(name.to_owned());
                let disturbed = format!("other programs kept {busy:.1} cores busy when it began");
                let note = note.or_else(|| (busy >= 0.1).then_some(disturbed));
                part.notes.extend(note.map(|note| (name.to_owned(), note)));
            }
            Err(error) => {
                part.notes.insert(name.to_owned(), format!("failed: {error:#}"));
            }
        }
        let note = part.notes.get(name).map_or(String::new(), |note| format!(" ({note})"));
        println!("{name}: {:.0} s{note}", start.elapsed().as_secs_f64());
        self.save()?;
        Ok(true)
    }

    fn save(&self) -> Result<()> {
        crate::files::write(&self.path, &(serde_json::to_string_pretty(self)? + "\n"))
    }
}

impl PartRecord {
    /// Nothing measured yet.
    pub(super) fn new(sh: &Shell, commit: &str) -> Result<Self> {
        Ok(Self {
            commit: commit.to_owned(),
            date: jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string(),
            rustc: cmd!(sh, "rustc --version").quiet().read()?,
            ..Self::default()
        })
    }

    /// The median of an id, if it was measured.
    pub(super) fn median(&self, id: &str) -> Option<f64> {
        self.figures.get(id).map(|figure| figure.median)
    }

    /// The fastest peer's row, of those that `wanted` picks, and our figure `id` to compare it with: the one measured
    /// around it, if there is one, or else the part's. The fastest peer is that with the largest ratio of the two.
    pub(super) fn fastest(
        &self,
        id: &str,
        wanted: impl Fn(&PeerRow) -> bool,
    ) -> Option<(f64, &PeerRow)> {
        let of_part = self.median(id)?;
        let rows = self.peers.iter().filter(|row| wanted(row));
        let pairs = rows.map(|row| (row.ours.get(id).copied().unwrap_or(of_part), row));
        pairs.max_by(|(a, x), (b, y)| (a / x.median_s).total_cmp(&(b / y.median_s)))
    }
}

impl PeerRow {
    /// A line of a script's output; none where it holds something else.
    pub(super) fn from_line(line: &str) -> Result<Option<Self>> {
        if !line.starts_with('{') {
            return Ok(None);
        }
        let row: Self = serde_json::from_str(line).context("a peer's row")?;
        ensure!(row.median_s > 0.0 && !row.name.is_empty(), "a peer's row without time: {line}");
        Ok(Some(row))
    }

    /// Who it was and what it did: peer, variant, chunk.
    pub(super) fn title(&self) -> String {
        let mut title = self.peer.clone();
        title += &self.variant.as_ref().map_or(String::new(), |variant| format!(": {variant}"));
        title += &self.chunk.map_or(String::new(), |chunk| format!(", chunk {chunk}"));
        if self.clean == Some(false) {
            title += " (disturbed)";
        }
        title
    }
}
