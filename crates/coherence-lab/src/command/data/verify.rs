//! `coherence data verify`.

use std::fmt;

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use coherence_data::manifest::Entry;
use coherence_data::{locate, verify};

use crate::output::{self, Status};

/// Check files against the manifest: size and SHA-256 of the decompressed content
///
/// Exit status 1 if a file is damaged, or missing from a data set that was named or is partly present.
#[derive(Debug, Args)]
pub(super) struct Verify {
    /// Names, such as mnist [default: every data set that is present]
    names: Vec<String>,
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl Verify {
    pub(super) fn run(self) -> anyhow::Result<Status> {
        let roots = locate::roots();
        let mut report = Report(Vec::new());
        for entry in super::entries(&self.names)? {
            match locate::folder(&roots, entry) {
                Some(folder) => report.0.extend(
                    verify::verify(entry, &folder)
                        .map(|(item, state)| File::from_state(entry, &item.name, &state)),
                ),
                None if self.names.is_empty() => {}
                None => {
                    report.0.extend(entry.items().map(|item| {
                        File::from_state(entry, &item.name, &verify::FileState::Missing)
                    }))
                }
            }
        }
        output::result(self.json, &report)?;
        Ok(if report.0.iter().all(|file| file.sound) { Status::Holds } else { Status::Fails })
    }
}

#[derive(Serialize)]
struct Report(Vec<File>);

#[derive(Serialize)]
struct File {
    data: &'static str,
    file: String,
    sound: bool,
    state: String,
}

impl File {
    fn from_state(entry: &'static Entry, file: &str, state: &verify::FileState) -> Self {
        let words = match state {
            verify::FileState::Sound(path) => format!("sound, {}", path.display()),
            verify::FileState::Missing => {
                format!("missing (`coherence data fetch {}`)", entry.name)
            }
            verify::FileState::Damaged(error) => error.to_string(),
        };
        let sound = matches!(state, verify::FileState::Sound(_));
        Self { data: &entry.name, file: file.to_owned(), sound, state: words }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("no data set is on this machine besides the compiled-in digits");
        }
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(["data", "file", "state"]);
        for file in &self.0 {
            table.add_row([file.data, &file.file, &file.state]);
        }
        write!(f, "{table}")
    }
}
