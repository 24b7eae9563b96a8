//! The last configuration that was right, for the exit button: it must work whatever is typed into the file.

use std::path::{Path, PathBuf};

use crate::config::{self, Config, ConfigError};

/// Set by systemd to the folder of the unit's state.
const FOLDER_ENV: &str = "STATE_DIRECTORY";

/// A configuration, and what is wrong with the file if it is an earlier one.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    pub(crate) refused: Option<ConfigError>,
}

/// Where the copy is kept, if there is a place for it.
pub(crate) fn place() -> Option<PathBuf> {
    let folder = std::env::var_os(FOLDER_ENV).filter(|folder| !folder.is_empty())?;
    Some(PathBuf::from(folder).join("door.toml"))
}

/// The file, or else its copy.
pub(crate) fn load(path: &Path, copy: Option<&Path>) -> Result<Loaded, ConfigError> {
    let parse = |path: &Path| config::read(path).and_then(|text| Config::parse(path, &text));
    match parse(path) {
        Ok(config) => Ok(Loaded { config, refused: None }),
        Err(refused) => match copy.map(parse) {
            Some(Ok(config)) => Ok(Loaded { config, refused: Some(refused) }),
            _ => Err(refused),
        },
    }
}

/// Keeps a copy of the file, which is right.
pub(crate) fn keep(path: &Path, copy: &Path) -> std::io::Result<()> {
    let new = copy.with_extension("new");
    std::fs::copy(path, &new)?;
    std::fs::File::open(&new)?.sync_all()?;
    std::fs::rename(new, copy)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[[door]]\nname = \"front\"\n[door.strike]\nline = \"A\"\n";

    #[test]
    fn a_file_that_is_wrong_is_replaced_by_the_last_that_was_right() {
        let folder = tempfile::tempdir().expect("a folder");
        let (file, copy) = (folder.path().join("file"), folder.path().join("copy"));
        assert!(load(&file, Some(&copy)).is_err(), "neither is there");
        std::fs::write(&file, GOOD).expect("written");
        assert!(load(&file, Some(&copy)).expect("right").refused.is_none());
        keep(&file, &copy).expect("kept");
        std::fs::write(&file, GOOD.replace("front", "")).expect("written");
        let loaded = load(&file, Some(&copy)).expect("the copy");
        assert!(loaded.refused.is_some_and(|why| why.to_string().contains("door.name")));
        assert_eq!(loaded.config.door[0].name, "front");
        assert!(load(&file, None).is_err(), "no place for a copy");
    }
}
