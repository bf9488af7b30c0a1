//! `coherence data fetch`.

use std::path::PathBuf;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use coherence_data::fetch::{DownloadProgress, fetch};
use coherence_data::{locate, manifest::Entry};

use crate::output::{self, Status};

/// Fetch data sets from public mirrors and check size and SHA-256
///
/// Files that are present and sound are kept; an interrupted download is resumed.
#[derive(Debug, Args)]
pub(super) struct Fetch {
    /// Names, such as mnist
    #[arg(required = true)]
    names: Vec<String>,
    /// Folder of data sets [default: $COHERENCE_DATA if set, else the platform's folder for user data]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
}

impl Fetch {
    pub(super) fn run(self) -> anyhow::Result<Status> {
        let entries = super::entries(&self.names)?;
        let home = self.into.unwrap_or_else(locate::home);
        for entry in entries {
            fetch_into(entry, home.join(&entry.name))?;
        }
        Ok(Status::Holds)
    }
}

fn fetch_into(entry: &Entry, folder: PathBuf) -> anyhow::Result<()> {
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(
        "{msg} {bar:30} {bytes} of {total_bytes} at {bytes_per_sec}",
    )?);
    let fetched = fetch(entry, &folder, &mut |DownloadProgress { url, done, most }| {
        bar.set_message(url.to_owned());
        bar.set_length(most);
        bar.set_position(done);
    })?;
    bar.finish_and_clear();
    let count = entry.items().count();
    output::note(&format!(
        "{}: {fetched} files fetched, {} already present, all sound, in {}",
        entry.name,
        count - fetched,
        folder.display()
    ))
}
