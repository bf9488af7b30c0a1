//! `metrics.csv`: rows appended as they are measured, cut back to a known length on resume.

use crate::Sink;
use std::{
    fs::{File, OpenOptions},
    io::{self, BufWriter, Seek, SeekFrom, Write},
    path::Path,
};

/// The first line of the file.
const HEADER: &str = "step,series,value\n";

/// A metrics file that stays open while a run goes on.
#[derive(Debug)]
pub(crate) struct Metrics {
    file: BufWriter<File>,
    len: u64,
    /// The first thing that went wrong: [`Sink::row`] cannot say so.
    error: Option<io::Error>,
}

impl Metrics {
    /// Begins a file; one that is there is emptied.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut metrics = Self::new(File::create(path)?, 0);
        metrics.append(HEADER);
        metrics.flush()?;
        Ok(metrics)
    }

    /// Goes on after the first `len` bytes of the file and forgets what follows them.
    pub(crate) fn resume(path: &Path, len: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        let found = file.metadata()?.len();
        if found < len {
            let message = format!(
                "{} has {found} bytes, the checkpoint saw {len} (delete both to start anew)",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        file.set_len(len)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Self::new(file, len))
    }

    fn new(file: File, len: u64) -> Self {
        Self { file: BufWriter::new(file), len, error: None }
    }

    fn append(&mut self, text: &str) {
        self.len += text.len() as u64;
        if self.error.is_none() {
            self.error = self.file.write_all(text.as_bytes()).err();
        }
    }

    /// Hands all rows to the operating system, where a killed process cannot lose them.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.error.take().map_or(Ok(()), Err)?;
        self.file.flush()
    }

    /// Makes all rows durable and returns the file's length.
    pub(crate) fn sync(&mut self) -> io::Result<u64> {
        self.flush()?;
        self.file.get_ref().sync_data()?;
        Ok(self.len)
    }
}

impl Sink for Metrics {
    fn row(&mut self, step: u64, series: &str, value: f64) {
        self.append(&format!("{step},{series},{value}\n"));
    }
}
