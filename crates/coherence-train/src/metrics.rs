//! `metrics.csv`: rows are appended as they are measured; on resume the file is cut back to its
//! length at the checkpoint.

use crate::Sink;
use coherence_data::verify::Checksum;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    io::{self, BufWriter, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// The first line of the file.
const HEADER: &str = "step,series,value\n";

/// Length and checksum of a metrics file at a checkpoint: enough to cut it back and to detect changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsMark {
    /// The length in bytes.
    pub len: u64,
    /// The SHA-256 of these bytes in hexadecimal digits.
    pub sha256: String,
}

/// A metrics file that cannot be written or resumed.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The file cannot be opened, read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Another process trains in this folder.
    #[error("another process writes to it (wait until it ends, or take another folder)")]
    InUse,
    /// Rows are missing.
    #[error(
        "{found} bytes, but {expected} at the checkpoint (delete both files to start the run over)"
    )]
    Short {
        /// The length found.
        found: u64,
        /// The length at the checkpoint.
        expected: u64,
    },
    /// Rows were changed.
    #[error(
        "the first {len} bytes differ from those at the checkpoint: SHA-256 {found}, not {expected} \
         (delete both files to start the run over)"
    )]
    Changed {
        /// The length at the checkpoint.
        len: u64,
        /// The checksum of the first `len` bytes.
        found: String,
        /// Their checksum at the checkpoint.
        expected: String,
    },
}

/// The open metrics file of a run.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// `None` if another worker writes it.
    file: Option<BufWriter<File>>,
    len: u64,
    checksum: Checksum,
    /// The last value of each series.
    pub(crate) latest: BTreeMap<String, f64>,
    /// The first error, since [`Sink::row`] cannot return it.
    error: Option<io::Error>,
}

impl Metrics {
    /// Creates the file; an existing one is emptied.
    pub(crate) fn create(path: &Path) -> Result<Self, MetricsError> {
        let file = lock(OpenOptions::new().create(true).write(true).truncate(false).open(path)?)?;
        file.set_len(0)?;
        let mut metrics = Self::new(Some(file), 0, Checksum::default());
        metrics.append(HEADER);
        metrics.flush()?;
        Ok(metrics)
    }

    /// Opens the file, checks it against `mark`, and cuts off what follows.
    pub(crate) fn resume(path: &Path, mark: &MetricsMark) -> Result<Self, MetricsError> {
        let mut file = lock(OpenOptions::new().read(true).write(true).open(path)?)?;
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
        Ok(Self::new(Some(file), mark.len, checksum))
    }

    /// Writes nothing.
    pub(crate) fn discarding() -> Result<Self, MetricsError> {
        Ok(Self::new(None, 0, Checksum::default()))
    }

    fn new(file: Option<File>, len: u64, checksum: Checksum) -> Self {
        let file = file.map(BufWriter::new);
        Self { file, len, checksum, latest: BTreeMap::new(), error: None }
    }

    fn append(&mut self, text: &str) {
        let Some(file) = &mut self.file else { return };
        self.len += text.len() as u64;
        self.checksum.add(text.as_bytes());
        if self.error.is_none() {
            self.error = file.write_all(text.as_bytes()).err();
        }
    }

    /// Passes all rows to the operating system, so that they survive if the process is killed. Once a row could not
    /// be written, this fails: the file is not what its length and checksum say.
    pub(crate) fn flush(&mut self) -> Result<(), MetricsError> {
        if let Some(error) = &self.error {
            return Err(io::Error::new(error.kind(), error.to_string()).into());
        }
        Ok(self.file.as_mut().map_or(Ok(()), BufWriter::flush)?)
    }

    /// Makes all rows durable and returns the length and checksum of the file.
    pub(crate) fn sync(&mut self) -> Result<MetricsMark, MetricsError> {
        self.flush()?;
        if let Some(file) = &self.file {
            file.get_ref().sync_data()?;
        }
        Ok(MetricsMark { len: self.len, sha256: self.checksum.digits() })
    }
}

/// The file, which no other process can open in this way until it is closed; where the file system has no locks, the
/// file as it is.
fn lock(file: File) -> Result<File, MetricsError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(MetricsError::InUse),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

impl Sink for Metrics {
    fn row(&mut self, step: u64, series: &str, value: f64) {
        self.append(&format!("{step},{series},{value}\n"));
        self.latest.insert(series.to_owned(), value);
    }
}
