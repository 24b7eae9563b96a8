//! The files of a made-up machine.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

/// A machine with these files.
pub(crate) fn root(files: &[(&str, &str)]) -> TempDir {
    let root = tempfile::tempdir().expect("temporary folder");
    files.iter().for_each(|(path, text)| write(root.path(), path, text));
    root
}

/// Writes one of its files, with the folders above it.
pub(crate) fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().expect("has one")).expect("folder");
    fs::write(path, text).expect("written");
}
