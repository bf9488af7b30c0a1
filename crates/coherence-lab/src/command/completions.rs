//! `coherence completions`.

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::{Shell, generate};

use crate::output::{self, Status};
use crate::program::Arguments;

/// Print a script with which a shell completes commands and options
///
/// bash: `coherence completions bash > ~/.local/share/bash-completion/completions/coherence`;
/// zsh: `coherence completions zsh > DIR/_coherence`, DIR being a folder of $fpath;
/// fish: `coherence completions fish > ~/.config/fish/completions/coherence.fish`.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Completions {
    /// The shell
    shell: Supported,
}

/// A shell.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Supported {
    Bash,
    Zsh,
    Fish,
}

impl Completions {
    pub(crate) fn run(self) -> anyhow::Result<Status> {
        let shell = match self.shell {
            Supported::Bash => Shell::Bash,
            Supported::Zsh => Shell::Zsh,
            Supported::Fish => Shell::Fish,
        };
        let mut script = Vec::new();
        generate(shell, &mut Arguments::command(), "coherence", &mut script);
        output::note(String::from_utf8(script)?.trim_end())?;
        Ok(Status::Holds)
    }
}
