//! Records on disk: rows as CSV, header as TOML beside it.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use coherence_data::files::{WriteError, write_atomically};
use thiserror::Error;

use super::{Header, Record, Row};
use crate::cell::{Cell, Setting};

/// Columns before the axes and after them.
const FIRST: &str = "experiment";
const LAST: [&str; 4] = ["seed", "step", "series", "value"];

/// Why a record could not be read or written.
#[derive(Debug, Error)]
pub enum RecordError {
    /// The record could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// One of the two files of the record could not be opened.
    #[error(
        "cannot read {}: {source} (a record is two files, {} and {})",
        path.display(),
        path.with_extension("csv").display(),
        path.with_extension("toml").display()
    )]
    Read {
        /// File.
        path: PathBuf,
        /// Reason.
        source: io::Error,
    },
    /// The header beside the rows is not one of ours.
    #[error("{} is not the header of a record: {reason}", path.display())]
    Header {
        /// File.
        path: PathBuf,
        /// Reason, with line and column.
        reason: String,
    },
    /// The rows are not of the documented form.
    #[error("{}, line {line}: {reason}", path.display())]
    Rows {
        /// File.
        path: PathBuf,
        /// Line, 1 being the head.
        line: u64,
        /// What was found and what was expected.
        reason: String,
    },
}

impl Record {
    /// Writes `path` (CSV) and the header beside it (`.toml`), each atomically, the header last.
    pub fn save(&self, path: &Path) -> Result<(), RecordError> {
        write_atomically(path, |out| self.write_rows(out))?;
        let header = toml::to_string(&self.header).expect("a header is a plain table");
        write_atomically(&path.with_extension("toml"), |out| out.write_all(header.as_bytes()))?;
        Ok(())
    }

    /// Reads what [`Record::save`] wrote.
    pub fn load(path: &Path) -> Result<Self, RecordError> {
        // Of two files that are missing the one that was asked for is told.
        let file = fs::File::open(path)
            .map_err(|source| RecordError::Read { path: path.to_owned(), source })?;
        let header_path = path.with_extension("toml");
        let text = fs::read_to_string(&header_path)
            .map_err(|source| RecordError::Read { path: header_path.clone(), source })?;
        let header: Header = toml::from_str(&text)
            .map_err(|e| RecordError::Header { path: header_path, reason: e.to_string() })?;
        let rows = read_rows(&header, file).map_err(|(line, reason)| RecordError::Rows {
            path: path.to_owned(),
            line,
            reason,
        })?;
        Ok(Self { header, rows })
    }

    fn write_rows(&self, out: &mut dyn Write) -> io::Result<()> {
        let mut csv = csv::Writer::from_writer(out);
        csv.write_record(columns(&self.header))?;
        for row in &self.rows {
            let axes = row.cell.0.iter().map(|(_, value)| value.to_string());
            let rest = [row.seed.to_string(), row.step.to_string(), row.series.clone()];
            let value = row.value.to_string();
            let first = std::iter::once(self.header.experiment.to_string());
            csv.write_record(first.chain(axes).chain(rest).chain([value]))?;
        }
        csv.flush()
    }
}

fn columns(header: &Header) -> Vec<&str> {
    let axes = header.axes.iter().map(|axis| axis.name.as_str());
    std::iter::once(FIRST).chain(axes).chain(LAST).collect()
}

fn read_rows(header: &Header, input: impl Read) -> Result<Vec<Row>, (u64, String)> {
    let mut csv = csv::Reader::from_reader(input);
    let found = csv.headers().map_err(|e| (1, e.to_string()))?;
    let wanted = columns(header);
    if found != wanted {
        return Err((1, format!("columns are {found:?}, expected {wanted:?}")));
    }
    csv.records()
        .enumerate()
        .map(|(i, fields)| {
            let line = i as u64 + 2;
            let fields = fields.map_err(|e| (line, e.to_string()))?;
            read_row(header, &fields).map_err(|reason| (line, reason))
        })
        .collect()
}

fn read_row(header: &Header, fields: &csv::StringRecord) -> Result<Row, String> {
    let (axes, rest) = (1..=header.axes.len(), header.axes.len() + 1);
    if fields[0] != *header.experiment {
        return Err(format!("experiment is {}, expected {}", &fields[0], header.experiment));
    }
    let names = header.axes.iter().map(|axis| axis.name.as_str());
    let cell = Cell::new(names.zip(axes.map(|i| Setting::parse(&fields[i]))));
    let value: f64 = number(&fields[rest + 3])?;
    if !value.is_finite() {
        return Err(format!("value {value} is not finite"));
    }
    let series = fields[rest + 2].to_owned();
    Ok(Row { cell, seed: number(&fields[rest])?, step: number(&fields[rest + 1])?, series, value })
}

fn number<N: std::str::FromStr>(text: &str) -> Result<N, String> {
    text.parse().map_err(|_| format!("'{text}' is not a number of the expected kind"))
}
