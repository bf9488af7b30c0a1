//! A file whose reading is shown as the progress of a command.

use std::io;

use coherence_data::matrix::Source;

use crate::watch::{Passes, Progress};

/// A source that tells how many of its bytes were read.
pub(crate) struct Told<S> {
    source: S,
    passes: Passes,
}

impl<S: Source> Told<S> {
    /// The source of a matrix for the command `name`.
    pub(crate) fn new(source: S, name: &'static str, progress: Progress) -> Self {
        // A file whose length is not known any more cannot be read either, which the first read says.
        let all = source.length().unwrap_or(0);
        let what = format!("{:.1} MiB", all as f64 / f64::from(1 << 20));
        Self { source, passes: Passes::new(progress, name, what, all) }
    }
}

impl<S: Source> Source for Told<S> {
    fn length(&self) -> io::Result<u64> {
        self.source.length()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let read = self.source.read_at(buffer, offset)?;
        self.passes.add(read as u64);
        Ok(read)
    }
}
