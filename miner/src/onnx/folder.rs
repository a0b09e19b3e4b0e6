//! The model folder, in Triton's layout: `NAME/VERSION/model.onnx`, VERSION a whole number.

use std::{
    fs, io,
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
}

/// Why a folder is not one of models.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It can't be read.
    #[error("can't read the model folder {}: {why}", path.display())]
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
    /// A name that can't stand in a path of the protocol.
    #[error("the model's name `{0}` must be letters, digits, `.`, `-` or `_`")]
    BadName(String),
}

/// Every model file of a folder, ordered by name and version. Files next to the models' folders are
/// passed over.
pub fn scan(folder: &Path) -> Result<Vec<ModelFile>, FolderError> {
    let mut found = Vec::new();
    for model in folders(folder)? {
        let name = file_name(&model);
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if !name.bytes().all(fits) {
            return Err(FolderError::BadName(name));
        }
        let before = found.len();
        for inner in folders(&model)? {
            // Triton passes over folders whose name is no number; so do we.
            let Ok(version) = file_name(&inner).parse() else {
                continue;
            };
            let path = inner.join(MODEL_FILE);
            if !path.is_file() {
                return Err(FolderError::NoFile { path });
            }
            found.push(ModelFile {
                name: name.clone(),
                version,
                path,
            });
        }
        if found.len() == before {
            return Err(FolderError::NoVersion { path: model });
        }
    }
    if found.is_empty() {
        return Err(FolderError::Empty {
            path: folder.to_owned(),
        });
    }
    found.sort_by(|a, b| (&a.name, a.version).cmp(&(&b.name, b.version)));
    Ok(found)
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
            "notes.json",
            ".git/HEAD",
        ] {
            touch(folder.path(), file);
        }
        touch(folder.path(), "a/configs/config.pbtxt");
        let found: Vec<_> = scan(folder.path())
            .unwrap()
            .into_iter()
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
}
