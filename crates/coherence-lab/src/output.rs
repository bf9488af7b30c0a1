//! The only place that writes to stdout: results, as text for people or JSON for machines.

use std::fmt::Display;
use std::io::{self, Write};
use std::process::ExitCode;

use anyhow::Context;
use serde::Serialize;

/// How a command ended, as the exit status says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// 0: done, and no claim fails.
    Holds,
    /// 1: a claim fails (with --strict: does not hold), or a file checked is not valid.
    Fails,
    /// 2: something could not run or was not measured.
    CouldNotRun,
}

impl Status {
    /// The exit status of the process.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Holds => 0,
            Self::Fails => 1,
            Self::CouldNotRun => 2,
        }
    }
}

/// Writes one result: as JSON with `--json`, else as text.
pub(crate) fn result(json: bool, value: &(impl Serialize + Display)) -> anyhow::Result<()> {
    let text = if json { serde_json::to_string_pretty(value)? } else { value.to_string() };
    note(text.trim_end_matches('\n'))
}

/// Writes a line that stands beside a result.
pub(crate) fn note(text: &str) -> anyhow::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        // The reader of a pipe may have had enough.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to stdout"),
    }
}

/// Ends the process: the error, if any, goes to stderr with its causes and gives status 2.
pub(crate) fn exit(ended: anyhow::Result<Status>) -> ExitCode {
    let status = ended.unwrap_or_else(|error| {
        // Nothing is left to tell the user with if stderr is gone.
        let _ = writeln!(io::stderr(), "coherence: {}", told(&error));
        Status::CouldNotRun
    });
    ExitCode::from(status.code())
}

/// The error and its causes, without those that a text before has in it.
fn told(error: &anyhow::Error) -> String {
    let add = |text: String, cause: String| {
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    };
    error.chain().map(ToString::to_string).reduce(add).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_that_the_error_names_is_told_once() {
        let error = |text: &'static str| anyhow::anyhow!("disk full").context(text);
        assert_eq!(told(&error("cannot write x: disk full")), "cannot write x: disk full");
        assert_eq!(told(&error("cannot write x")), "cannot write x: disk full");
    }
}
