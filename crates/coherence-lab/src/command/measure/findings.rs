//! What `coherence measure` found, for people and for machines.

use std::fmt;

use coherence_core::Coherence;
use coherence_data::Designation;
use coherence_train::measure::{ExampleMeasure, Measurement};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

/// Everything measured; parts that were not asked for are empty.
#[derive(Debug, Serialize)]
pub(super) struct Findings {
    /// MEAN loss per example.
    loss: f64,
    network: Part,
    layers: Vec<Part>,
    classes: Vec<Part>,
    examples: Vec<Example>,
}

/// Coherence of the network, of a tensor or of a class.
#[derive(Debug, Serialize)]
struct Part {
    name: String,
    m: u64,
    alpha: f64,
    m_coherence: f64,
    /// De-biased α; none for a single example.
    alpha_unbiased: Option<f64>,
    /// Its jackknife standard error, measured for the network by example.
    standard_error: Option<f64>,
    sq_norm_of_sum: f64,
    sum_sq_norms: f64,
}

/// One example's part in the whole.
#[derive(Debug, Serialize)]
struct Example {
    index: usize,
    label: u32,
    corrupt: bool,
    loss: f64,
    sq_norm: f64,
    /// How much the others help it; none for a single example.
    helpfulness: Option<f64>,
}

impl Findings {
    /// The findings of a measurement, with its tensors or without.
    pub(super) fn of(measured: &Measurement, by_layer: bool) -> Self {
        let mut network = Part::of("network", measured.network);
        network.standard_error = measured.alpha_unbiased.map(|estimate| estimate.standard_error);
        let tensors = measured.tensors.iter().filter(|_| by_layer);
        let classes = measured.classes.iter();
        Self {
            loss: measured.loss,
            network,
            layers: tensors.map(|(name, coherence)| Part::of(name, *coherence)).collect(),
            classes: classes.map(|(label, of)| Part::of(&format!("class {label}"), *of)).collect(),
            examples: measured.examples.iter().map(Example::of).collect(),
        }
    }
}

impl Part {
    fn of(name: &str, coherence: Coherence) -> Self {
        Self {
            name: name.to_owned(),
            m: coherence.m,
            alpha: coherence.alpha(),
            m_coherence: coherence.m_coherence(),
            alpha_unbiased: coherence.alpha_unbiased(),
            standard_error: None,
            sq_norm_of_sum: coherence.sq_norm_of_sum,
            sum_sq_norms: coherence.sum_sq_norms,
        }
    }
}

impl Example {
    fn of(measured: &ExampleMeasure) -> Self {
        Self {
            index: measured.index,
            label: measured.label,
            corrupt: measured.designation == Designation::Corrupt,
            loss: measured.loss,
            sq_norm: measured.member.sq_norm,
            helpfulness: measured.helpfulness,
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "mean loss {:.6}", self.loss)?;
        let mut parts = table(["part", "m", "α", "α/α⊥", "α̂", "± s.e.", "‖S‖²", "Σ‖g‖²"]);
        for part in [&self.network].into_iter().chain(&self.layers).chain(&self.classes) {
            parts.add_row([
                part.name.clone(),
                part.m.to_string(),
                format!("{:.6}", part.alpha),
                format!("{:.4}", part.m_coherence),
                part.alpha_unbiased.map_or_else(String::new, |alpha| format!("{alpha:.6}")),
                part.standard_error.map_or_else(String::new, |error| format!("{error:.6}")),
                format!("{:.6e}", part.sq_norm_of_sum),
                format!("{:.6e}", part.sum_sq_norms),
            ]);
        }
        writeln!(f, "{parts}")?;
        if self.examples.is_empty() {
            return Ok(());
        }
        let mut examples = table(["example", "label", "loss", "‖g‖²", "helpfulness"]);
        for example in &self.examples {
            examples.add_row([
                example.index.to_string(),
                example.label.to_string(),
                format!("{:.6}", example.loss),
                format!("{:.6e}", example.sq_norm),
                example.helpfulness.map_or_else(String::new, |h| format!("{h:.6}")),
            ]);
        }
        writeln!(f, "{examples}")
    }
}

fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header);
    table
}
