//! What an operator may say about one model: the file `NAME/model.toml` beside its versions.
//!
//! What it leaves out is as in the miner's configuration. A name that means nothing is an error, as
//! it is there.

use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs, io,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

/// The file's name.
pub const SETTINGS_FILE: &str = "model.toml";

/// Joining queries that come at the same time into one run of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Batching {
    /// Most rows of one run; 1: every query is run alone.
    pub max_rows: usize,
    /// Microseconds for which a query waits for company. 0: only those that wait anyway are
    /// joined, which costs nobody time.
    pub max_delay_us: u64,
}

impl Default for Batching {
    fn default() -> Self {
        Self {
            max_rows: 1,
            max_delay_us: 0,
        }
    }
}

impl Batching {
    /// Whether anything can be joined.
    pub const fn joins(&self) -> bool {
        self.max_rows > 1
    }
}

/// What a model's own settings say of [`Batching`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OwnBatching {
    /// Most rows of one run.
    pub max_rows: Option<usize>,
    /// Microseconds for which a query waits for company.
    pub max_delay_us: Option<u64>,
}

impl OwnBatching {
    /// What these leave out is as in the `miner`'s.
    pub(super) fn over(self, miner: Batching) -> Batching {
        Batching {
            max_rows: self.max_rows.unwrap_or(miner.max_rows),
            max_delay_us: self.max_delay_us.unwrap_or(miner.max_delay_us),
        }
    }
}

/// Queries run before a model is served.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WarmUp {
    /// How many in each session; 0 for none.
    pub runs: usize,
    /// The shapes of their inputs, by name. Lengths that the model leaves open are 1 otherwise.
    pub shapes: BTreeMap<String, Vec<usize>>,
}

impl Default for WarmUp {
    fn default() -> Self {
        Self {
            runs: 1,
            shapes: BTreeMap::new(),
        }
    }
}

/// The settings of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ModelSettings {
    /// Sessions, each on a thread of its own.
    pub workers: Option<NonZeroUsize>,
    /// Threads that one query may use.
    pub threads: Option<NonZeroUsize>,
    /// Queries that may wait.
    pub queue: Option<NonZeroUsize>,
    /// Serve only these versions.
    pub versions: Option<Vec<u32>>,
    /// Serve only so many versions, those with the highest numbers.
    pub newest: Option<NonZeroUsize>,
    /// Batching.
    pub batching: OwnBatching,
    /// Warm-up.
    pub warm_up: WarmUp,
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    /// The file can't be read.
    #[error("can't read {}: {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's error.
        why: io::Error,
    },
    /// It says what makes no sense.
    #[error("{}: {why}", path.display())]
    Wrong {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

impl ModelSettings {
    /// Reads the settings of the model in `folder`; without a file, nothing is set.
    pub(super) fn read(folder: &Path) -> Result<Self, SettingsError> {
        let path = folder.join(SETTINGS_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(why) => return Err(SettingsError::Unreadable { path, why }),
        };
        let wrong = |why: String| SettingsError::Wrong {
            path: path.clone(),
            why,
        };
        let settings: Self = toml::from_str(&text).map_err(|why| wrong(why.to_string()))?;
        if settings.versions.is_some() && settings.newest.is_some() {
            let why = "`versions` and `newest` exclude each other";
            return Err(wrong(why.into()));
        }
        if settings.batching.max_rows == Some(0) {
            return Err(wrong("`batching.max_rows` must be at least 1".into()));
        }
        Ok(settings)
    }

    /// Which of the versions that are there shall be served; `versions` ascend.
    pub(super) fn choose(&self, versions: &[u32]) -> Vec<u32> {
        if let Some(wanted) = &self.versions {
            let wanted = |version: &u32| wanted.contains(version);
            return versions.iter().copied().filter(wanted).collect();
        }
        let newest = self.newest.map_or(usize::MAX, NonZeroUsize::get);
        versions[versions.len().saturating_sub(newest)..].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ModelSettings, SettingsError> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(SETTINGS_FILE), text).unwrap();
        ModelSettings::read(folder.path())
    }

    #[test]
    fn read_takes_what_is_set_and_leaves_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        let unset = ModelSettings::read(folder.path()).unwrap();
        assert_eq!(unset, ModelSettings::default());
        assert_eq!(unset.warm_up.runs, 1);
        let set = "workers = 2\n[batching]\nmax_rows = 8\n[warm_up]\nshapes.X = [4, 64]\n";
        let set = read(set).unwrap();
        assert_eq!(set.workers.map(NonZeroUsize::get), Some(2));
        let batching = set.batching;
        assert_eq!((batching.max_rows, batching.max_delay_us), (Some(8), None));
        assert_eq!(set.warm_up.shapes["X"], [4, 64]);
    }

    #[test]
    fn batching_is_as_the_miners_where_the_model_says_nothing() {
        let over = |text: &str| {
            let miner = Batching {
                max_rows: 4,
                max_delay_us: 500,
            };
            let Batching {
                max_rows,
                max_delay_us,
            } = read(text).unwrap().batching.over(miner);
            (max_rows, max_delay_us)
        };
        assert_eq!(over(""), (4, 500));
        assert_eq!(over("[batching]\nmax_rows = 8"), (8, 500));
        assert_eq!(over("[batching]\nmax_delay_us = 0"), (4, 0));
        assert_eq!(over("[batching]\nmax_rows = 1\nmax_delay_us = 9"), (1, 9));
    }

    #[test]
    fn read_is_refused_when_a_setting_makes_no_sense() {
        for (text, says) in [
            ("worker = 2", "worker"),
            ("workers = 0", "model.toml"),
            ("versions = [1]\nnewest = 1", "exclude"),
            ("[batching]\nmax_rows = 0", "at least 1"),
            ("newest", "model.toml"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn choose_follows_the_settings() {
        let all = [1, 2, 10];
        assert_eq!(read("").unwrap().choose(&all), all);
        assert_eq!(read("newest = 2").unwrap().choose(&all), [2, 10]);
        assert_eq!(read("newest = 9").unwrap().choose(&all), all);
        assert_eq!(read("versions = [10, 3]").unwrap().choose(&all), [10]);
    }
}
