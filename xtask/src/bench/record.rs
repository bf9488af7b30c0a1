//! What was measured, as data: docs/performance.json.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

use super::machine::Machine;

/// One run of `cargo xtask bench`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) machine: Machine,
    /// Whether the measuring times were those of `--quick`.
    pub(crate) quick: bool,
    /// By criterion's full id: seconds, or a ratio where the group's name ends in "ratio".
    pub(crate) medians: BTreeMap<String, Median>,
    /// Peaks of memory by id.
    pub(crate) bytes: BTreeMap<String, u64>,
    /// Instructions by kernel; empty where they could not be counted.
    pub(crate) instructions: BTreeMap<String, u64>,
    /// The rows that the peers' scripts printed, with their own names.
    pub(crate) peers: Vec<PeerRow>,
    /// What could not be measured, and why.
    pub(crate) missing: Vec<String>,
    /// What was measured again later: bench, commit and day.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) again: Vec<String>,
}

/// Whether the medians of criterion's group in `id` are ratios rather than times.
pub(crate) fn is_ratio(id: &str) -> bool {
    id.split('/').next().is_some_and(|group| group.ends_with("ratio"))
}

/// A median with its 95 % interval.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Median {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

/// One line of a peer's script; what the page does not use is left out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PeerRow {
    pub(crate) name: String,
    pub(crate) peer: String,
    pub(crate) version: String,
    pub(crate) median_s: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) c: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chunk: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) op: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) variant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ratio_to_sgd: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) paired_ratio: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rss_peak_mib: Option<f64>,
    /// Whether at least three repetitions were undisturbed by other programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) clean: Option<bool>,
}

impl Record {
    pub(crate) fn new(machine: Machine, quick: bool) -> Self {
        Self {
            machine,
            quick,
            medians: BTreeMap::new(),
            bytes: BTreeMap::new(),
            instructions: BTreeMap::new(),
            peers: Vec::new(),
            missing: Vec::new(),
            again: Vec::new(),
        }
    }

    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("{}: measure first (cargo xtask bench)", path.display()))?;
        serde_json::from_str(&text).with_context(|| path.display().to_string())
    }

    pub(crate) fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).with_context(|| path.display().to_string())
    }

    /// The median of an id, if it was measured.
    pub(crate) fn median(&self, id: &str) -> Option<f64> {
        self.medians.get(id).map(|median| median.median)
    }

    /// The peer's row that took the least time, of those that `wanted` picks.
    pub(crate) fn fastest(&self, wanted: impl Fn(&PeerRow) -> bool) -> Option<&PeerRow> {
        let rows = self.peers.iter().filter(|row| wanted(row));
        rows.min_by(|a, b| a.median_s.total_cmp(&b.median_s))
    }
}

impl PeerRow {
    /// Who it was and what it did: peer, variant, chunk.
    pub(crate) fn title(&self) -> String {
        let mut title = self.peer.clone();
        if let Some(variant) = &self.variant {
            title += &format!(": {variant}");
        }
        if let Some(chunk) = self.chunk {
            title += &format!(", chunk {chunk}");
        }
        if self.clean == Some(false) {
            title += " (disturbed)";
        }
        title
    }
}
