//! Experiments as data: run, recorded, judged and reported.
//!
//! An experiment is a TOML file in `experiments/`. It names a data set, a model, a grid, what the
//! paper says and the claims to check. This crate turns it into runs, keeps their records, judges
//! the claims over several seeds, and writes a summary and a report:
//!
//! 1. a spec is read and checked, unknown keys refused;
//! 2. its runs (grid × seeds) are planned and executed, each in a folder that can be resumed;
//! 3. the measured rows become a [`record::Record`];
//! 4. claims are judged from the record alone;
//! 5. a [`summary::Summary`] holds the verdicts and the report draws the figures.
//!
//! It holds no mathematics of gradients: a formula of theirs that is found here belongs in
//! `coherence-core`. What it has is the [`statistics`] by which claims are judged, and the tiny
//! models of the worked examples with their data ([`toy`]).

pub mod cell;
pub mod claim;
mod command;
pub mod figure;
pub mod filed;
pub mod id;
pub mod interval;
pub mod machine;
pub mod made;
pub mod memory;
mod output;
pub mod program;
pub mod record;
pub mod report;
pub mod run;
pub mod scale;
pub mod spec;
pub mod statistics;
pub mod summarize;
pub mod summary;
mod table;
pub mod toy;
mod watch;
