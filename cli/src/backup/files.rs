//! The files of the configuration, in a backup and back. Only those of a few folders: whoever made the backup could name any.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};

/// Folders whose files belong to a backup, below the root.
const FOLDERS: &[&str] = &[
    "etc/facelatch",
    "etc/systemd/system/facelatchd.service.d",
    "etc/systemd/system/facelatchd.socket.d",
    "etc/systemd/system/facelatch-door.service.d",
    "usr/local/share/facelatch/models",
];

/// What the name of a file gets that a restored one replaces.
const BEFORE: &str = ".before-restore";

/// The same at a later restore; the copy of the first one stays.
const UNDONE: &str = ".undone";

/// Ends of the names of files that a setup or a restore keeps beside others. They are of this machine alone: a setup's record on
/// another would have `setup --undo` act on it.
const KEPT: &[&str] = &[BEFORE, UNDONE, ".before-setup", ".setup-undo", ".new", ".part"];

/// Longest file.
const MAX_BYTES: u64 = 32 << 20;

/// A file in a backup.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Packed {
    /// Below the root.
    pub(super) path: String,
    mode: u32,
    /// Base64, without padding.
    data: String,
}

/// What a file became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restored {
    /// There was none.
    New,
    /// There was another, which is kept under this ending.
    Replaced(&'static str),
    /// It is the one that was there.
    Same,
}

/// All files that there are.
pub(super) fn pack(root: &Path) -> Result<Vec<Packed>> {
    let mut packed = Vec::new();
    for folder in FOLDERS {
        let entries = match fs::read_dir(root.join(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => {
                return Err(error).with_context(|| format!("/{folder}: cannot be read; run it as root"));
            }
        };
        for entry in entries {
            let (name, path) = entry.map(|entry| (entry.file_name(), entry.path()))?;
            let failed = || format!("{}: cannot be read", path.display());
            let about = fs::symlink_metadata(&path).with_context(failed)?;
            let Some(name) = name.to_str().filter(|name| is_plain(name) && !is_kept(name) && about.is_file())
            else {
                continue;
            };
            if about.len() > MAX_BYTES {
                bail!("{}: {} bytes are too many for a backup", path.display(), about.len());
            }
            let data = STANDARD_NO_PAD.encode(fs::read(&path).with_context(failed)?);
            packed.push(Packed {
                path: format!("{folder}/{name}"),
                mode: about.permissions().mode() & 0o777,
                data,
            });
        }
    }
    packed.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(packed)
}

/// A name of a file, in no other folder.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains('/')
}

/// A name of a file that a setup or a restore keeps.
fn is_kept(name: &str) -> bool {
    KEPT.iter().any(|end| name.ends_with(end))
}

/// Writes the files, after a look at all of their names. Those that a setup kept are left out: earlier programs packed them.
pub(super) fn unpack(root: &Path, packed: &[Packed]) -> Result<Vec<(String, Restored)>> {
    for file in packed {
        let known = file
            .path
            .rsplit_once('/')
            .is_some_and(|(folder, name)| FOLDERS.contains(&folder) && is_plain(name));
        if !known {
            bail!("the backup names {:?}, which is no file of facelatch; nothing was written", file.path);
        }
    }
    let wanted = packed.iter().filter(|file| !is_kept(&file.path));
    wanted.map(|file| Ok((file.path.clone(), write(root, file)?))).collect()
}

/// Whole or not at all: under its name there is the old file, or the new one.
fn write(root: &Path, file: &Packed) -> Result<Restored> {
    let path = root.join(&file.path);
    let failed =
        || format!("{}: cannot be written; run it as root, on a disk that can be written", path.display());
    let bytes = STANDARD_NO_PAD.decode(&file.data).with_context(|| format!("/{}: is damaged", file.path))?;
    let there = fs::read(&path).ok();
    if there.as_ref() == Some(&bytes) {
        return Ok(Restored::Same);
    }
    let aside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        name
    };
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o755).create(folder).with_context(failed)?;
    }
    let part = aside(".part");
    let _ = fs::remove_file(&part);
    let mut written =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part).with_context(failed)?;
    written.set_permissions(Permissions::from_mode(file.mode & 0o777)).with_context(failed)?;
    written.write_all(&bytes).and_then(|()| written.sync_all()).with_context(failed)?;
    // A second name for the old file.
    let mut restored = Restored::Replaced(BEFORE);
    match fs::hard_link(&path, aside(BEFORE)) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::NotFound => restored = Restored::New,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            restored = Restored::Replaced(UNDONE);
            let _ = fs::remove_file(aside(UNDONE));
            fs::hard_link(&path, aside(UNDONE)).with_context(failed)?;
        }
        Err(error) => return Err(error).with_context(failed),
    }
    fs::rename(&part, &path).with_context(failed)?;
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).with_context(failed)?;
    }
    Ok(restored)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_files::root;

    #[test]
    fn files_come_back_as_they_were_and_what_was_there_is_kept() {
        let old = root(&[
            ("etc/facelatch/facelatch.toml", "old"),
            ("etc/facelatch/facelatch.toml.before-restore", "older"),
            ("etc/facelatch/facelatch.toml.setup-undo", "login = true"),
            ("etc/facelatch/door.toml.undone", "older"),
            ("etc/systemd/system/facelatchd.socket.d/open.conf", "[Socket]"),
            ("etc/passwd", "root"),
        ]);
        let toml = old.path().join("etc/facelatch/facelatch.toml");
        fs::set_permissions(&toml, Permissions::from_mode(0o640)).expect("mode");
        std::os::unix::fs::symlink("/etc/shadow", old.path().join("etc/facelatch/link.toml")).expect("link");
        let packed = pack(old.path()).expect("packed");
        let paths: Vec<&str> = packed.iter().map(|file| file.path.as_str()).collect();
        assert_eq!(
            paths,
            ["etc/facelatch/facelatch.toml", "etc/systemd/system/facelatchd.socket.d/open.conf"]
        );
        let new = root(&[("etc/facelatch/facelatch.toml", "shipped")]);
        let restored: Vec<Restored> =
            unpack(new.path(), &packed).expect("written").into_iter().map(|(_, restored)| restored).collect();
        assert_eq!(restored, [Restored::Replaced(BEFORE), Restored::New]);
        let toml = new.path().join("etc/facelatch/facelatch.toml");
        assert_eq!(fs::read_to_string(&toml).expect("read"), "old");
        assert_eq!(fs::metadata(&toml).expect("there").permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_to_string(aside_of(&toml)).expect("kept"), "shipped");
        let again = unpack(new.path(), &packed).expect("written");
        assert!(again.iter().all(|(_, restored)| *restored == Restored::Same));
        assert!(pack(root(&[]).path()).expect("nothing").is_empty());
    }

    #[test]
    fn a_second_restore_keeps_what_was_there_before_it_and_before_the_first() {
        let new = root(&[("etc/facelatch/facelatch.toml", "shipped")]);
        let toml = new.path().join("etc/facelatch/facelatch.toml");
        for (text, ending) in [("one", BEFORE), ("two", UNDONE), ("three", UNDONE)] {
            let there = fs::read_to_string(&toml).expect("read");
            let old = root(&[("etc/facelatch/facelatch.toml", text)]);
            let packed = pack(old.path()).expect("packed");
            let restored = unpack(new.path(), &packed).expect("written")[0].1;
            assert_eq!(restored, Restored::Replaced(ending));
            assert_eq!(fs::read_to_string(&toml).expect("read"), text);
            let kept = format!("{}{ending}", toml.display());
            assert_eq!(fs::read_to_string(kept).expect("kept"), there);
            assert_eq!(fs::read_to_string(aside_of(&toml)).expect("kept"), "shipped");
        }
    }

    #[test]
    fn a_symbolic_link_is_kept_as_one() {
        let old = root(&[("etc/facelatch/facelatch.toml", "old")]);
        let new = root(&[("elsewhere.toml", "mine")]);
        let toml = new.path().join("etc/facelatch/facelatch.toml");
        fs::create_dir_all(toml.parent().expect("a folder")).expect("made");
        std::os::unix::fs::symlink("../../elsewhere.toml", &toml).expect("linked");
        unpack(new.path(), &pack(old.path()).expect("packed")).expect("written");
        assert!(toml.symlink_metadata().expect("there").is_file());
        assert!(Path::new(&aside_of(&toml)).is_symlink());
        assert_eq!(fs::read_to_string(aside_of(&toml)).expect("kept"), "mine");
    }

    fn aside_of(path: &Path) -> String {
        format!("{}{BEFORE}", path.display())
    }

    #[test]
    fn what_a_setup_keeps_is_not_restored() {
        let new = root(&[]);
        let packed = |path: &str| Packed { path: path.into(), mode: 0o644, data: String::new() };
        let all = ["facelatch.toml.setup-undo", "facelatch.toml.before-setup", "door.toml"];
        let restored = unpack(new.path(), &all.map(|name| packed(&format!("etc/facelatch/{name}"))));
        assert_eq!(restored.expect("written"), [("etc/facelatch/door.toml".to_owned(), Restored::New)]);
    }

    #[test]
    fn a_backup_cannot_write_elsewhere() {
        let new = root(&[]);
        for path in [
            "etc/passwd",
            "etc/facelatch/../passwd",
            "/etc/facelatch/x",
            "etc/facelatch/",
            "etc/facelatch/.x",
        ] {
            let packed = [Packed { path: path.into(), mode: 0o644, data: String::new() }];
            let refusal = unpack(new.path(), &packed).expect_err("refused").to_string();
            assert!(refusal.contains("nothing was written"), "{path}: {refusal}");
        }
        assert_eq!(fs::read_dir(new.path()).expect("listed").count(), 0);
    }
}
