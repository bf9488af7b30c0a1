//! What `coherence measure` found, for people and for machines.

use std::fmt;
use std::path::Path;

use coherence_core::unbiased::Estimate;
use coherence_data::Designation;
use coherence_data::files::{WriteError, write_atomically};
use coherence_train::Imputed;
use coherence_train::measure::{ExampleMeasure, Group, Measurement, Statistics};
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use super::{Assumed, By};

/// Everything measured; what was not asked for is empty.
#[derive(Debug, Serialize)]
pub(super) struct Findings {
    assumed: Assumed,
    /// MEAN loss per example.
    loss: f64,
    accuracy: f64,
    network: Row,
    layers: Vec<Row>,
    classes: Vec<Row>,
    groups: Vec<Row>,
    examples: Vec<Example>,
    groups_imputed: Option<ImputedRow>,
}

/// Coherence of the gradients of groups, and what follows for single examples.
#[derive(Debug, Serialize)]
struct ImputedRow {
    groups: u64,
    size: u64,
    alpha_of_groups: f64,
    /// By A15c; the error is missing for two groups.
    alpha_of_groups_debiased: f64,
    alpha_of_groups_standard_error: Option<f64>,
    /// Of the sample, by A5b.
    alpha: f64,
    m_coherence: f64,
    /// By A5; the error is missing for two groups.
    alpha_debiased: f64,
    standard_error: Option<f64>,
}

impl ImputedRow {
    fn new(imputed: &Imputed) -> Self {
        let of_groups = imputed.batch_alpha;
        let Estimate { value, standard_error } = imputed.alpha_debiased;
        let defined = |error: f64| Some(error).filter(|error| !error.is_nan());
        Self {
            groups: imputed.batches.m,
            size: imputed.k,
            alpha_of_groups: imputed.batches.alpha(),
            alpha_of_groups_debiased: of_groups.value,
            alpha_of_groups_standard_error: defined(of_groups.standard_error),
            alpha: imputed.alpha(),
            m_coherence: imputed.m_coherence(),
            alpha_debiased: value,
            standard_error: defined(standard_error),
        }
    }
}

/// Writes the examples as CSV, with the names of the JSON.
pub(super) fn write_csv(examples: &[ExampleMeasure], path: &Path) -> Result<(), WriteError> {
    write_atomically(path, |out| {
        let mut csv = csv::Writer::from_writer(out);
        examples.iter().try_for_each(|example| csv.serialize(Example::new(example)))?;
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
    alpha_debiased: Option<f64>,
    /// Its jackknife standard error, where it was measured.
    standard_error: Option<f64>,
    sq_norm_of_sum: f64,
    sum_sq_norms: f64,
    /// MEAN helpfulness of a class's or group's examples, where it was measured.
    helpfulness: Option<f64>,
}

/// What one example has in common with the whole.
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
    pub(super) fn new(
        assumed: Assumed,
        measured: &Measurement,
        imputed: Option<Imputed>,
        asks: impl Fn(By) -> bool,
    ) -> Self {
        let tensors = measured.tensors.iter().filter(|_| asks(By::Layer));
        let groups = measured.designations.iter().filter(|_| asks(By::Group));
        let examples = measured.examples.iter().filter(|_| asks(By::Example));
        let class =
            |(label, group): &(u32, Group)| Row::from_group(&format!("class {label}"), group);
        Self {
            assumed,
            loss: measured.loss,
            accuracy: measured.accuracy,
            network: Row::new("network", &measured.network),
            layers: tensors.map(|(name, statistics)| Row::new(name, statistics)).collect(),
            classes: measured.classes.iter().map(class).collect(),
            groups: groups.map(|(of, group)| Row::from_group(of.name(), group)).collect(),
            examples: examples.map(Example::new).collect(),
            groups_imputed: imputed.as_ref().map(ImputedRow::new),
        }
    }
}

impl Row {
    fn new(name: &str, Statistics { coherence, alpha_debiased }: &Statistics) -> Self {
        Self {
            name: name.to_owned(),
            m: coherence.m,
            alpha: coherence.alpha(),
            m_coherence: coherence.m_coherence(),
            alpha_debiased: Some(coherence.alpha_debiased()).filter(|x| !x.is_nan()),
            standard_error: alpha_debiased.map(|estimate| estimate.standard_error),
            sq_norm_of_sum: coherence.sq_norm_of_sum,
            sum_sq_norms: coherence.sum_sq_norms,
            helpfulness: None,
        }
    }

    fn from_group(name: &str, group: &Group) -> Self {
        Self { helpfulness: group.helpfulness, ..Self::new(name, &group.statistics) }
    }
}

impl Example {
    fn new(measured: &ExampleMeasure) -> Self {
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
        writeln!(f, "{}", self.assumed)?;
        writeln!(f, "mean loss {:.6}, accuracy {:.4}", self.loss, self.accuracy)?;
        let groups = self.layers.iter().chain(&self.classes).chain(&self.groups);
        let rows: Vec<&Row> = [&self.network].into_iter().chain(groups).collect();
        let columns: [Column<&Row>; 9] = [
            ("part", |row| Some(row.name.clone())),
            ("m", |row| Some(row.m.to_string())),
            ("α", |row| Some(format!("{:.6}", row.alpha))),
            ("α/α⊥", |row| Some(format!("{:.4}", row.m_coherence))),
            ("α̂", |row| six_decimals(row.alpha_debiased)),
            ("± s.e.", |row| six_decimals(row.standard_error)),
            ("‖S‖²", |row| Some(format!("{:.6e}", row.sq_norm_of_sum))),
            ("Σ‖g‖²", |row| Some(format!("{:.6e}", row.sum_sq_norms))),
            ("helpfulness", |row| six_decimals(row.helpfulness)),
        ];
        writeln!(f, "{}", table(&rows, &columns))?;
        if let Some(imputed) = &self.groups_imputed {
            writeln!(f, "{imputed}")?;
        }
        if self.examples.is_empty() {
            return Ok(());
        }
        let columns: [Column<&Example>; 5] = [
            ("example", |example| Some(example.index.to_string())),
            ("label", |example| Some(example.label.to_string())),
            ("loss", |example| Some(format!("{:.6}", example.loss))),
            ("‖g‖²", |example| Some(format!("{:.6e}", example.sq_norm))),
            ("helpfulness", |example| six_decimals(example.helpfulness)),
        ];
        writeln!(f, "{}", table(&self.examples.iter().collect::<Vec<_>>(), &columns))
    }
}

impl fmt::Display for ImputedRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { groups, size, alpha_of_groups, alpha, m_coherence, .. } = self;
        writeln!(
            f,
            "{groups} groups of {size}: α of groups {alpha_of_groups:.6}, imputed α {alpha:.6}, α/α⊥ {m_coherence:.4}"
        )?;
        let estimate = |value: f64, error: Option<f64>| {
            let error = error.map_or(String::new(), |error| format!(" ± {error:.6}"));
            format!("{value:.6}{error}")
        };
        let of_groups =
            estimate(self.alpha_of_groups_debiased, self.alpha_of_groups_standard_error);
        let imputed = estimate(self.alpha_debiased, self.standard_error);
        write!(f, "α̂ of groups {of_groups}, imputed α̂ {imputed}")
    }
}

/// A heading, and the cell below it for each row where there is one.
type Column<R> = (&'static str, fn(R) -> Option<String>);

/// A table of the columns that have any cell.
fn table<R: Copy>(rows: &[R], columns: &[Column<R>]) -> Table {
    let filled = columns.iter().filter(|(_, cell)| rows.iter().any(|&row| cell(row).is_some()));
    let filled: Vec<_> = filled.collect();
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(filled.iter().map(|(heading, _)| *heading));
    for &row in rows {
        table.add_row(filled.iter().map(|(_, cell)| cell(row).unwrap_or_default()));
    }
    table
}

fn six_decimals(x: Option<f64>) -> Option<String> {
    x.map(|x| format!("{x:.6}"))
}
