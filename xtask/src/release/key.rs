//! The key that signs the archive, in a keyring of its own for as long as that takes (gpg).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::run::{command, read, succeed};

/// A secret key; its keyring is removed on drop.
pub(super) struct Key {
    home: PathBuf,
    fingerprint: String,
}

impl Key {
    /// The key in `file`; without a file the one for tests, which is made at the first time and kept at `test`, so that one archive
    /// can follow another.
    pub(super) fn open(file: Option<&Path>, test: &Path) -> Result<Self> {
        let made = read(command("mktemp", &["--directory", "--tmpdir", "facelatch-key.XXXXXX"]))?;
        let mut key = Self { home: PathBuf::from(made.trim()), fingerprint: String::new() };
        if file.is_none() && !test.exists() {
            key.make(test)?;
        } else {
            let path = file.unwrap_or(test);
            let mut import = key.gpg(&["--import"]);
            import.arg(path);
            succeed(import).with_context(|| path.display().to_string())?;
        }
        key.fingerprint = key.only()?;
        Ok(key)
    }

    /// Of the key, as `gpg --fingerprint` shows it.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The public half, in ASCII.
    pub(super) fn armored(&self) -> Result<String> {
        read(self.gpg(&["--armor", "--export-options", "export-minimal", "--export", &self.fingerprint]))
    }

    /// The public half, as the tools that take a keyring want it.
    pub(super) fn keyring(&self, to: &Path) -> Result<()> {
        let mut export = self.gpg(&["--export-options", "export-minimal", "--output"]);
        export.arg(to).args(["--export", &self.fingerprint]);
        succeed(export)
    }

    /// Writes a signature in a file of its own.
    pub(super) fn detached(&self, file: &Path, to: &Path) -> Result<()> {
        self.sign("--detach-sign", file, to)
    }

    /// Writes the text with its signature around it.
    pub(super) fn inline(&self, file: &Path, to: &Path) -> Result<()> {
        self.sign("--clear-sign", file, to)
    }

    fn sign(&self, how: &str, file: &Path, to: &Path) -> Result<()> {
        let mut sign = self.gpg(&["--armor", "--local-user", &self.fingerprint, "--output"]);
        sign.arg(to).arg(how).arg(file);
        succeed(sign)
    }

    fn make(&self, file: &Path) -> Result<()> {
        let mut make = self.gpg(&["--passphrase", "", "--quick-generate-key"]);
        make.args(["facelatch archive, for tests only", "ed25519", "sign", "never"]);
        succeed(make)?;
        let mut export = self.gpg(&["--armor", "--output"]);
        export.arg(file).arg("--export-secret-keys");
        succeed(export)
    }

    /// The fingerprint of the one secret key there is.
    fn only(&self) -> Result<String> {
        let listed = read(self.gpg(&["--with-colons", "--list-secret-keys"]))?;
        let mut keys = listed.lines().skip_while(|line| !line.starts_with("sec:"));
        let prints = keys.by_ref().filter(|line| line.starts_with("fpr:"));
        let fingerprint = prints.map(|line| line.split(':').nth(9)).next().flatten();
        match (fingerprint, listed.matches("sec:").count()) {
            (Some(fingerprint), 1) => Ok(fingerprint.to_owned()),
            (_, count) => bail!("the file has {count} secret keys; give one with exactly one"),
        }
    }

    fn gpg(&self, words: &[&str]) -> Command {
        let mut gpg = command("gpg", &["--batch", "--quiet", "--yes", "--no-tty"]);
        gpg.arg("--homedir").arg(&self.home).args(words);
        gpg
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // The agent would go on with the key in its memory.
        let mut end = command("gpgconf", &["--homedir"]);
        end.arg(&self.home).args(["--kill", "all"]);
        if let Err(why) = succeed(end).and(std::fs::remove_dir_all(&self.home).map_err(Into::into)) {
            eprintln!("cannot remove {}: {why}", self.home.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::installed;

    #[test]
    fn a_key_for_tests_is_made_once_and_what_it_signs_verifies_until_a_byte_changes() {
        if !installed("gpg", &["--version"]) {
            eprintln!("skipped: gpg is not installed");
            return;
        }
        let folder = PathBuf::from(
            read(command("mktemp", &["--directory", "--tmpdir", "facelatch.XXXXXX"])).expect("made").trim(),
        );
        let (secret, text) = (folder.join("secret.asc"), folder.join("text"));
        let key = Key::open(None, &secret).expect("made");
        let again = Key::open(None, &secret).expect("read");
        assert_eq!(key.fingerprint(), again.fingerprint());
        assert!(key.armored().expect("exported").starts_with("-----BEGIN PGP PUBLIC KEY BLOCK-----"));
        std::fs::write(&text, "Suite: stable\n").expect("written");
        let (signed, ring) = (folder.join("signed"), folder.join("ring.gpg"));
        key.inline(&text, &signed).expect("signed");
        key.keyring(&ring).expect("exported");
        let verify = || {
            let mut gpgv = command("gpgv", &["--quiet", "--keyring"]);
            gpgv.arg(&ring).arg(&signed);
            gpgv.output().expect("started").status.success()
        };
        assert!(verify());
        let changed = std::fs::read_to_string(&signed).expect("there").replace("stable", "stablf");
        std::fs::write(&signed, changed).expect("written");
        assert!(!verify());
        drop((key, again));
        std::fs::remove_dir_all(folder).expect("removed");
    }
}
