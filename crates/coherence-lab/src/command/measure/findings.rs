//! What `coherence measure` found, for people and for machines.

use std::fmt;
use std::path::Path;

use coherence_data::Designation;
use coherence_data::files::{WriteError, write_atomically};
use coherence_train::measure::{ExampleMeasure, Group, Measurement, Part};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use super::By;

/// Everything measured; parts that were not asked for are empty.
#[derive(Debug, Serialize)]
pub(super) struct Findings {
    /// MEAN loss per example.
    loss: f64,
    network: Row,
    layers: Vec<Row>,
    classes: Vec<Row>,
    groups: Vec<Row>,
    examples: Vec<Example>,
}

/// Writes the examples as CSV, with the names of the JSON.
pub(super) fn write_csv(examples: &[ExampleMeasure], path: &Path) -> Result<(), WriteError> {
    write_atomically(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        examples.iter().try_for_each(|example| csv.serialize(Example::of(example)))?;
        csv.flush()
    })
}

/// Coherence of the network, of a tensor, or of the network over a class or group of examples.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    m: u64,
    alpha: f64,
    m_coherence: f64,
    /// De-biased α; none for a single example.
    alpha_unbiased: Option<f64>,
    /// Its jackknife standard error, where it was measured.
    standard_error: Option<f64>,
    sq_norm_of_sum: f64,
    sum_sq_norms: f64,
    /// MEAN helpfulness of a class's or group's examples, where it was measured.
    helpfulness: Option<f64>,
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
    /// The findings of a measurement, as far as it `asks` for them.
    pub(super) fn of(measured: &Measurement, asks: impl Fn(By) -> bool) -> Self {
        let tensors = measured.tensors.iter().filter(|_| asks(By::Layer));
        let groups = measured.designations.iter().filter(|_| asks(By::Group));
        let examples = measured.examples.iter().filter(|_| asks(By::Example));
        let class = |(label, of): &(u32, Group)| Row::of_group(&format!("class {label}"), of);
        Self {
            loss: measured.loss,
            network: Row::of("network", &measured.network),
            layers: tensors.map(|(name, part)| Row::of(name, part)).collect(),
            classes: measured.classes.iter().map(class).collect(),
            groups: groups.map(|(of, group)| Row::of_group(of.name(), group)).collect(),
            examples: examples.map(Example::of).collect(),
        }
    }
}

impl Row {
    fn of(name: &str, Part { coherence, alpha_unbiased }: &Part) -> Self {
        Self {
            name: name.to_owned(),
            m: coherence.m,
            alpha: coherence.alpha(),
            m_coherence: coherence.m_coherence(),
            alpha_unbiased: Some(coherence.alpha_debiased()).filter(|x| !x.is_nan()),
            standard_error: alpha_unbiased.map(|estimate| estimate.standard_error),
            sq_norm_of_sum: coherence.sq_norm_of_sum,
            sum_sq_norms: coherence.sum_sq_norms,
            helpfulness: None,
        }
    }

    fn of_group(name: &str, group: &Group) -> Self {
        Self { helpfulness: group.helpfulness, ..Self::of(name, &group.part) }
    }

    fn cells(&self) -> [String; 9] {
        let optional = |x: Option<f64>| x.map_or_else(String::new, |x| format!("{x:.6}"));
        [
            self.name.clone(),
            self.m.to_string(),
            format!("{:.6}", self.alpha),
            format!("{:.4}", self.m_coherence),
            optional(self.alpha_unbiased),
            optional(self.standard_error),
            format!("{:.6e}", self.sq_norm_of_sum),
            format!("{:.6e}", self.sum_sq_norms),
            optional(self.helpfulness),
        ]
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
        let mut parts =
            table(["part", "m", "α", "α/α⊥", "α̂", "± s.e.", "‖S‖²", "Σ‖g‖²", "helpfulness"]);
        let groups = self.layers.iter().chain(&self.classes).chain(&self.groups);
        for row in [&self.network].into_iter().chain(groups) {
            parts.add_row(row.cells());
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
