//! `metrics.csv`: rows appended as they are measured, cut back to what a checkpoint saw on resume.

use crate::{Sink, checksum::Checksum};
use serde::{Deserialize, Serialize};
use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// The first line of the file.
const HEADER: &str = "step,series,value\n";

/// How far a metrics file had come, and what it held: enough to cut it back and to notice a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsMark {
    /// Its length in bytes.
    pub len: u64,
    /// The SHA-256 of these bytes in hexadecimal digits.
    pub sha256: String,
}

/// A metrics file that cannot be written, or be gone on with.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The file cannot be opened, read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Rows are missing.
    #[error("{found} bytes, the checkpoint saw {expected} (delete both to start the run anew)")]
    Short {
        /// Its length.
        found: u64,
        /// The length that the checkpoint saw.
        expected: u64,
    },
    /// Rows were changed.
    #[error(
        "the first {len} bytes are not those that the checkpoint saw: SHA-256 {found}, not \
         {expected} (delete both to start the run anew)"
    )]
    Changed {
        /// The length that the checkpoint saw.
        len: u64,
        /// The sum of as many bytes.
        found: String,
        /// The sum that the checkpoint saw.
        expected: String,
    },
}

/// A metrics file that stays open while a run goes on.
#[derive(Debug)]
pub(crate) struct Metrics {
    file: BufWriter<File>,
    len: u64,
    checksum: Checksum,
    /// The first thing that went wrong: [`Sink::row`] cannot say so.
    error: Option<io::Error>,
}

impl Metrics {
    /// Begins a file; one that is there is emptied.
    pub(crate) fn create(path: &Path) -> Result<Self, MetricsError> {
        let mut metrics = Self::new(File::create(path)?, 0, Checksum::default());
        metrics.append(HEADER);
        metrics.flush()?;
        Ok(metrics)
    }

    /// Goes on after what `mark` saw of the file and forgets what follows.
    pub(crate) fn resume(path: &Path, mark: &MetricsMark) -> Result<Self, MetricsError> {
        let mut file = OpenOptions::new().read(true).write(true).open(path)?;
        let (found, expected) = (file.metadata()?.len(), mark.len);
        if found < expected {
            return Err(MetricsError::Short { found, expected });
        }
        let checksum = Checksum::from_reader(&mut (&file).take(expected))?;
        let (found, expected) = (checksum.digits(), mark.sha256.clone());
        if found != expected {
            return Err(MetricsError::Changed { len: mark.len, found, expected });
        }
        file.set_len(mark.len)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self::new(file, mark.len, checksum))
    }

    fn new(file: File, len: u64, checksum: Checksum) -> Self {
        Self { file: BufWriter::new(file), len, checksum, error: None }
    }

    fn append(&mut self, text: &str) {
        self.len += text.len() as u64;
        self.checksum.add(text.as_bytes());
        if self.error.is_none() {
            self.error = self.file.write_all(text.as_bytes()).err();
        }
    }

    /// Hands all rows to the operating system, where a killed process cannot lose them.
    pub(crate) fn flush(&mut self) -> Result<(), MetricsError> {
        self.error.take().map_or(Ok(()), Err)?;
        Ok(self.file.flush()?)
    }

    /// Makes all rows durable and says how far the file has come.
    pub(crate) fn sync(&mut self) -> Result<MetricsMark, MetricsError> {
        self.flush()?;
        self.file.get_ref().sync_data()?;
        Ok(MetricsMark { len: self.len, sha256: self.checksum.digits() })
    }
}

impl Sink for Metrics {
    fn row(&mut self, step: u64, series: &str, value: f64) {
        self.append(&format!("{step},{series},{value}\n"));
    }
}
