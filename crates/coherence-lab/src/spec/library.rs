//! Where experiments come from: a folder of files, or those built into this program.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{Experiment, SpecError, stem};
use crate::id::order;

/// The experiments of the repository, as they were when this program was built: (id, text).
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/experiments.rs"));

/// A set of experiments, found by their ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Library {
    /// The files `ID.toml` of a folder.
    Folder(PathBuf),
    /// Those built into this program.
    Embedded,
}

impl Library {
    /// The folder asked for; without one `./experiments`, if it holds any experiment file, and
    /// else the embedded experiments.
    pub fn find(folder: Option<&Path>) -> Self {
        let default = Path::new("experiments");
        match folder {
            Some(folder) => Self::Folder(folder.to_owned()),
            None if files(default).is_ok_and(|files| !files.is_empty()) => {
                Self::Folder(default.to_owned())
            }
            None => Self::Embedded,
        }
    }

    /// The identifiers in their order: C2 before C10.
    pub fn ids(&self) -> Result<Vec<String>, SpecError> {
        let mut ids: Vec<String> = match self {
            Self::Folder(folder) => files(folder)?.iter().map(|path| stem(path)).collect(),
            Self::Embedded => EMBEDDED.iter().map(|(id, _)| (*id).to_owned()).collect(),
        };
        ids.sort_by(|a, b| order(a, b));
        Ok(ids)
    }

    /// Reads and checks the experiment `id`.
    ///
    /// # Errors
    ///
    /// [`SpecError`] when there is none, which names those that there are, or when it is invalid.
    pub fn load(&self, id: &str) -> Result<Experiment, SpecError> {
        let known = self.ids()?;
        if known.iter().all(|known| known != id) {
            return Err(SpecError::Unknown { id: id.to_owned(), library: self.to_string(), known });
        }
        match self {
            Self::Folder(folder) => Experiment::load(&folder.join(format!("{id}.toml"))),
            Self::Embedded => {
                let (_, text) = EMBEDDED.iter().find(|(known, _)| *known == id).expect("is known");
                Experiment::checked(text.as_bytes(), &format!("{id}.toml (built in)"), id)
            }
        }
    }

    /// Reads and checks the experiments `only`, or all of them when it is empty, by identifier.
    pub fn load_all(&self, only: &[String]) -> Result<Vec<Experiment>, SpecError> {
        let mut ids = if only.is_empty() { self.ids()? } else { only.to_vec() };
        ids.sort_by(|a, b| order(a, b));
        ids.dedup();
        ids.iter().map(|id| self.load(id)).collect()
    }
}

/// Where the experiments come from, in words.
impl fmt::Display for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "the folder {}", folder.display()),
            Self::Embedded => write!(f, "those built into coherence {}", crate::machine::VERSION),
        }
    }
}

/// The experiment files of a folder, sorted by name.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, SpecError> {
    let read = |source| SpecError::Folder { path: folder.to_owned(), source };
    let entries: io::Result<Vec<PathBuf>> =
        fs::read_dir(folder).map_err(read)?.map(|entry| Ok(entry?.path())).collect();
    let mut paths = entries.map_err(read)?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embedded_experiments_are_the_files_of_the_repository() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
        let files = Library::Folder(folder.clone());
        assert_eq!(Library::Embedded.ids().unwrap(), files.ids().unwrap());
        for (id, text) in EMBEDDED {
            assert_eq!(fs::read_to_string(folder.join(format!("{id}.toml"))).unwrap(), *text);
            Library::Embedded.load(id).unwrap();
        }
    }

    #[test]
    fn what_is_not_in_the_library_is_refused_with_what_is() {
        for id in ["C99", "..", "../experiments/C1", ""] {
            let error = Library::Embedded.load(id).unwrap_err().to_string();
            assert!(error.contains("B1, B2") && error.contains("built into coherence"), "{error}");
        }
    }
}
