//! Sources of a matrix's bytes.

use std::fs::File;
use std::io::{self, Cursor, Read};

/// Bytes that can be read at any offset, by several threads at once.
pub trait Source: Sync {
    /// The number of bytes.
    ///
    /// # Errors
    /// Those of the operating system.
    fn length(&self) -> io::Result<u64>;

    /// Reads at most `buffer.len()` bytes at `offset` and returns their number; 0 at the end.
    ///
    /// # Errors
    /// Those of the operating system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;
}

impl Source for File {
    fn length(&self) -> io::Result<u64> {
        let metadata = self.metadata()?;
        if !(metadata.is_file() || metadata.is_dir()) {
            let reason = "a pipe or device cannot be read at any place (save its bytes to a file)";
            return Err(io::Error::new(io::ErrorKind::Unsupported, reason));
        }
        Ok(metadata.len())
    }

    #[cfg(unix)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }

    #[cfg(windows)]
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::windows::fs::FileExt::seek_read(self, buffer, offset)
    }
}

impl<B: AsRef<[u8]> + Sync> Source for Cursor<B> {
    fn length(&self) -> io::Result<u64> {
        Ok(self.get_ref().as_ref().len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.get_ref().as_ref();
        let start = usize::try_from(offset).map_or(bytes.len(), |offset| offset.min(bytes.len()));
        (&bytes[start..]).read(buffer)
    }
}

/// Fills `buffer` with the bytes at `offset`.
///
/// If the file has become shorter since it was opened, this is an error; with a memory map it would
/// kill the process.
pub(super) fn fill(source: &impl Source, mut buffer: &mut [u8], mut offset: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match source.read_at(buffer, offset) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                buffer = &mut buffer[count..];
                offset += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads sequentially, for headers.
pub(super) struct Sequential<'a, S> {
    pub(super) source: &'a S,
    pub(super) position: u64,
}

impl<S: Source> Read for Sequential<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read_at(buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}
