//! The model folder, in Triton's layout: `NAME/VERSION/model.onnx`, VERSION a whole number, and
//! beside the versions, if there is something to say, [`NAME/model.toml`](super::settings).

use super::settings::{ModelSettings, SettingsError};
use std::{
    collections::BTreeMap,
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

const MODEL_FILE: &str = "model.onnx";

/// One model file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// The model's name: the folder's.
    pub name: String,
    /// Its version: the inner folder's.
    pub version: u32,
    /// The file.
    pub path: PathBuf,
    /// How it lay there.
    pub stamp: Stamp,
}

/// What shows that a file was exchanged, short of reading it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    bytes: u64,
    device: u64,
    inode: u64,
    /// When its content last changed, as far as whoever wrote it lets one know.
    modified: (i64, i64),
    /// When anything about it last changed: nobody can set this back, and it tells of permissions,
    /// too.
    changed: (i64, i64),
}

impl Stamp {
    /// How large it was.
    pub(super) const fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// One model: its settings, and the versions that they choose, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFolder {
    /// What `model.toml` says.
    pub settings: ModelSettings,
    /// The files.
    pub files: Vec<ModelFile>,
}

/// The models of a folder, by name. What is wrong with one is no matter of the others.
pub type Found = BTreeMap<String, Result<ModelFolder, FolderError>>;

/// Why a folder is not one of models.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It can't be read.
    #[error(
        "can't read the model folder {0} ({why}): name one in `models`, with \
         {0}/NAME/VERSION/model.onnx in it", path.display()
    )]
    Unreadable {
        /// The folder.
        path: PathBuf,
        /// The system's error.
        why: io::Error,
    },
    /// It holds no model.
    #[error("no model in {0}: expected {0}/NAME/VERSION/model.onnx, such as {0}/digits/1/model.onnx", path.display())]
    Empty {
        /// The folder.
        path: PathBuf,
    },
    /// A model has no version that could be served.
    #[error("{0} holds no version of the model: expected {0}/1/model.onnx", path.display())]
    NoVersion {
        /// The model's folder.
        path: PathBuf,
    },
    /// A version lacks its file.
    #[error("{} is missing", path.display())]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// The settings choose no version that is there.
    #[error("{}: the versions there are ({versions:?}) are not those that `versions` names", path.display())]
    NotChosen {
        /// The model's folder.
        path: PathBuf,
        /// Those that are there.
        versions: Vec<u32>,
    },
    /// The settings can't be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// A name that can't stand in a path of the protocol.
    #[error("the model's name `{0}` must be letters, digits, `.`, `-` or `_`")]
    BadName(String),
}

/// Looks at a folder. Files next to the models' folders are passed over.
pub fn look(folder: &Path) -> Result<Found, FolderError> {
    let models = folders(folder)?;
    Ok(models
        .iter()
        .map(|path| (file_name(path), look_at(path)))
        .collect())
}

/// Looks at a folder of which everything must be in order.
pub fn scan(folder: &Path) -> Result<BTreeMap<String, ModelFolder>, FolderError> {
    let found = look(folder)?.into_iter();
    let found = found.map(|(name, model)| Ok((name, model?)));
    let found = found.collect::<Result<BTreeMap<_, _>, FolderError>>()?;
    if found.is_empty() {
        return Err(FolderError::Empty {
            path: folder.to_owned(),
        });
    }
    Ok(found)
}

fn look_at(model: &Path) -> Result<ModelFolder, FolderError> {
    let name = file_name(model);
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    if !name.bytes().all(fits) {
        return Err(FolderError::BadName(name));
    }
    let settings = ModelSettings::read(model)?;
    let mut versions = BTreeMap::new();
    for inner in folders(model)? {
        if let Some(version) = version(&file_name(&inner)) {
            versions.insert(version, inner);
        }
    }
    let path = model.to_owned();
    if versions.is_empty() {
        return Err(FolderError::NoVersion { path });
    }
    let there: Vec<u32> = versions.keys().copied().collect();
    let chosen = settings.choose(&there);
    if chosen.is_empty() {
        let versions = there;
        return Err(FolderError::NotChosen { path, versions });
    }
    let files = chosen.into_iter().map(|version| {
        let path = versions[&version].join(MODEL_FILE);
        let stamp = stamp(&path)?;
        Ok(ModelFile {
            name: name.clone(),
            version,
            path,
            stamp,
        })
    });
    let files = files.collect::<Result<_, FolderError>>()?;
    Ok(ModelFolder { settings, files })
}

/// The version that a folder's name gives. As with Triton, a name that is no number or begins with a
/// zero gives none: `01` beside `1` could not be told apart.
fn version(name: &str) -> Option<u32> {
    let begins = name.bytes().next()?;
    (b'1'..=b'9').contains(&begins).then_some(())?;
    name.parse().ok()
}

fn stamp(path: &Path) -> Result<Stamp, FolderError> {
    match fs::metadata(path) {
        Ok(file) if file.is_file() => Ok(Stamp {
            bytes: file.len(),
            device: file.dev(),
            inode: file.ino(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }),
        _ => Err(FolderError::NoFile {
            path: path.to_owned(),
        }),
    }
}

/// The visible folders in `path`.
fn folders(path: &Path) -> Result<Vec<PathBuf>, FolderError> {
    let unreadable = |why| FolderError::Unreadable {
        path: path.to_owned(),
        why,
    };
    let mut inner = Vec::new();
    for entry in fs::read_dir(path).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_dir() && !file_name(&path).starts_with('.') {
            inner.push(path);
        }
    }
    Ok(inner)
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touch(folder: &Path, file: &str) {
        let path = folder.join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x").unwrap();
    }

    #[test]
    fn scan_finds_models_in_order_and_passes_over_the_rest() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "b/2/model.onnx",
            "b/10/model.onnx",
            "a/1/model.onnx",
            "a/01/model.onnx",
            "a/+2/model.onnx",
            "notes.json",
            ".git/HEAD",
        ] {
            touch(folder.path(), file);
        }
        touch(folder.path(), "a/configs/config.pbtxt");
        let found: Vec<_> = scan(folder.path())
            .unwrap()
            .into_values()
            .flat_map(|model| model.files)
            .map(|it| (it.name, it.version))
            .collect();
        assert_eq!(found, [("a".into(), 1), ("b".into(), 2), ("b".into(), 10)]);
    }

    #[test]
    fn scan_names_the_path_when_something_is_missing() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        assert!(scan(&gone).unwrap_err().to_string().contains("gone"));
        assert!(matches!(
            scan(folder.path()),
            Err(FolderError::Empty { .. })
        ));
        touch(folder.path(), "a/latest/model.onnx");
        assert!(matches!(
            scan(folder.path()),
            Err(FolderError::NoVersion { .. })
        ));
        touch(folder.path(), "a/1/weights.onnx");
        let error = scan(folder.path()).unwrap_err().to_string();
        assert!(error.contains("a/1/model.onnx is missing"), "{error}");
        touch(folder.path(), "b c/1/model.onnx");
        fs::remove_dir_all(folder.path().join("a")).unwrap();
        assert!(matches!(scan(folder.path()), Err(FolderError::BadName(_))));
    }
    #[test]
    fn look_keeps_what_is_wrong_with_one_model_from_the_others() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["good/1/model.onnx", "good/2/model.onnx", "bad/1/model.onnx"] {
            touch(folder.path(), file);
        }
        let set = |model: &str, text: &str| {
            fs::write(folder.path().join(model).join("model.toml"), text).unwrap();
        };
        set("good", "newest = 1");
        set("bad", "versions = [7]");
        let found = look(folder.path()).unwrap();
        let good = found["good"].as_ref().unwrap();
        assert_eq!(good.files.len(), 1);
        assert_eq!(good.files[0].version, 2);
        let error = found["bad"].as_ref().unwrap_err().to_string();
        assert!(error.contains("[1]"), "{error}");
        assert!(scan(folder.path()).is_err());
    }

    #[test]
    fn look_tells_when_a_file_was_exchanged() {
        let folder = tempfile::tempdir().unwrap();
        touch(folder.path(), "a/1/model.onnx");
        let stamp = || scan(folder.path()).unwrap()["a"].files[0].stamp;
        let before = stamp();
        assert_eq!(stamp(), before);
        touch(folder.path(), "new");
        fs::rename(
            folder.path().join("new"),
            folder.path().join("a/1/model.onnx"),
        )
        .unwrap();
        assert_ne!(stamp(), before);
    }

    #[test]
    fn look_tells_when_a_file_was_overwritten_and_its_time_set_back() {
        let folder = tempfile::tempdir().unwrap();
        touch(folder.path(), "a/1/model.onnx");
        let path = folder.path().join("a/1/model.onnx");
        let stamp = || scan(folder.path()).unwrap()["a"].files[0].stamp;
        let (before, time) = (stamp(), fs::metadata(&path).unwrap().modified().unwrap());
        // The clock of a file system ticks a few hundred times a second.
        while stamp() == before {
            let mut file = fs::OpenOptions::new().write(true).open(&path).unwrap();
            io::Write::write_all(&mut file, b"y").unwrap();
            file.set_modified(time).unwrap();
        }
        assert_eq!(stamp().modified, before.modified);
        assert_eq!(stamp().inode, before.inode);
    }

    #[test]
    fn look_follows_a_link_that_is_exchanged() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["..one/model.onnx", "..two/model.onnx"] {
            touch(folder.path(), &format!("a/{file}"));
        }
        // As Kubernetes lays out what it mounts: versions are links, and change by one rename.
        let model = folder.path().join("a");
        let link = |to: &str| {
            std::os::unix::fs::symlink(to, model.join("new")).unwrap();
            fs::rename(model.join("new"), model.join("1")).unwrap();
        };
        let stamp = || scan(folder.path()).unwrap()["a"].files[0].stamp;
        link("..one");
        let before = stamp();
        link("..two");
        assert_ne!(stamp(), before);
    }
}
