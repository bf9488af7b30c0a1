//! `coherence data list`.

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

use coherence_data::{locate, manifest};

use crate::output::{self, Status};

/// List the data sets and where each is stored
#[derive(Debug, Args)]
pub(super) struct List {
    /// JSON instead of a table
    #[arg(long)]
    json: bool,
}

impl List {
    pub(super) fn run(self) -> anyhow::Result<Status> {
        let roots = locate::roots();
        let digits = Item {
            name: "digits",
            title: "a random subset of MNIST, 10,000 + 2,000 images, CC BY-SA 3.0",
            place: Place::Embedded,
        };
        let found = manifest::entries().iter().map(|entry| Item {
            name: &entry.name,
            title: &entry.title,
            place: locate::folder(&roots, entry).map_or(Place::Absent, Place::Folder),
        });
        output::result(self.json, &Listing(std::iter::once(digits).chain(found).collect()))?;
        Ok(Status::Holds)
    }
}

#[derive(Serialize)]
struct Listing(Vec<Item>);

#[derive(Serialize)]
struct Item {
    name: &'static str,
    title: &'static str,
    place: Place,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Place {
    Embedded,
    Folder(PathBuf),
    Absent,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("compiled in"),
            Self::Folder(folder) => folder.display().fmt(f),
            Self::Absent => f.write_str("absent"),
        }
    }
}

impl fmt::Display for Listing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut table = Table::new();
        table.load_style(NOTHING).set_header(["name", "where", "what"]);
        for item in &self.0 {
            table.add_row([item.name, &item.place.to_string(), item.title]);
        }
        write!(f, "{table}")
    }
}
