//! Whether folders can be written to, told without writing.

use nix::unistd::{access, AccessFlags};
use std::{io, path::Path};

/// Whether files can be put into `folder`, or, where it is not there yet, whether it can be made.
pub(crate) fn check_writable(folder: &Path) -> io::Result<()> {
    let here = |it: &&Path| it.as_os_str().is_empty() || it.exists();
    let found = folder.ancestors().find(here);
    let found = found.filter(|it| !it.as_os_str().is_empty());
    let found = found.unwrap_or(Path::new("."));
    if !found.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    Ok(access(found, AccessFlags::W_OK | AccessFlags::X_OK)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_writable_goes_by_the_folder_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        check_writable(folder.path()).unwrap();
        check_writable(&folder.path().join("a/b")).unwrap();
        check_writable(Path::new("state")).unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let why = check_writable(&file.join("a")).unwrap_err();
        assert_eq!(why.kind(), io::ErrorKind::NotADirectory);
    }
}
