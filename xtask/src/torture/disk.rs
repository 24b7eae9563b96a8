//! A full disk, a read-only disk, and two daemons on one store.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use super::Tally;
use super::store::{Folder, Look, Model, exerciser, look};

/// Size of the small disk: enough for a few changes.
const SIZE: &str = "size=1600k";

pub(crate) fn run(tally: &mut Tally) -> Result<()> {
    two_daemons(tally)?;
    let folder = Folder::new()?;
    let Some(mount) = Mount::new(&folder.0) else {
        tally.note("disk: not root, so no disk could be mounted; full and read-only disks were not tested");
        return Ok(());
    };
    let path = folder.0.display().to_string();
    // The whole disk fills up, not just the store: other programs share a disk.
    let (mut model, mut refused) = (Model::default(), 0);
    for seed in 0..3_u32 {
        let output = exerciser(&["run", &path, &seed.to_string(), "150"]).output()?;
        if output.status.code() != Some(0) && output.status.code() != Some(1) {
            tally.daemon_ends += 1;
            tally.note(format!("full disk: {}", String::from_utf8_lossy(&output.stderr)));
        }
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            match line.split_at_checked(2) {
                Some(("! ", what)) => model.change(what),
                Some(("- ", _)) => refused += 1,
                _ => {}
            }
        }
        if seed == 0 {
            // From the second round on there is no free space at all.
            let filled = std::fs::write(folder.0.join("filling"), vec![1; 4 << 20]);
            tally.note(format!("full disk: filled up ({:?})", filled.err().map(|e| e.kind())));
        }
    }
    compare(&folder.0, &model, "full disk", tally)?;
    std::fs::remove_file(folder.0.join("filling"))?;
    compare(&folder.0, &model, "room again", tally)?;
    tally.note(format!("full disk: {refused} changes were refused, none was half done"));
    misses_on_a_full_disk(&folder.0, &mut model, tally)?;

    mount.again("remount,ro")?;
    match look(&folder.0)? {
        Look::Refused(why) if why.contains("store") => {
            tally.note(format!("read-only disk: {}", why.trim_end()))
        }
        Look::Refused(why) | Look::Died(why) => {
            tally.daemon_ends += 1;
            tally.note(format!("read-only disk: {why}"));
        }
        Look::Seen(_) => bail!("a read-only disk was not noticed"),
    }
    mount.again("remount,rw")?;
    compare(&folder.0, &model, "writable again", tally)
}

/// The disk fills up while the store is open: each miss is recorded all the same.
fn misses_on_a_full_disk(folder: &Path, model: &mut Model, tally: &mut Tally) -> Result<()> {
    let path = folder.display().to_string();
    let mut command = exerciser(&["miss", &path, "30"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut output = BufReader::new(child.stdout.take().context("piped")?);
    output.read_line(&mut String::new())?;
    let filling = folder.join("filling");
    // It fails when the disk is full, which is the purpose.
    let _ = std::fs::write(&filling, vec![1; 4 << 20]);
    drop(child.stdin.take());
    let mut said = String::new();
    output.read_to_string(&mut said)?;
    if !child.wait()?.success() {
        bail!("the exerciser failed on a full disk");
    }
    let mut kept = 0;
    for line in said.lines() {
        match line.split_at_checked(2) {
            Some(("! ", what)) => {
                model.change(what);
                kept += 1;
            }
            _ => {
                tally.acknowledged_lost += 1;
                tally.note(format!("full disk: a miss was not recorded: {line}"));
            }
        }
    }
    std::fs::remove_file(&filling)?;
    tally.note(format!("full disk: {kept} misses were recorded on it"));
    compare(folder, model, "misses of a full disk", tally)
}

fn compare(folder: &Path, model: &Model, when: &str, tally: &mut Tally) -> Result<()> {
    match look(folder)? {
        Look::Seen(seen) if seen.model == *model => {}
        Look::Seen(seen) => {
            tally.acknowledged_lost += 1;
            tally.note(format!("{when}: found {:?}, acknowledged {model:?}", seen.model));
        }
        // A full disk may keep the daemon from starting, which is reported and loses nothing.
        Look::Refused(why) if when == "full disk" => tally.note(format!("{when}: {}", why.trim_end())),
        Look::Refused(why) | Look::Died(why) => {
            tally.daemon_ends += 1;
            tally.note(format!("{when}: {why}"));
        }
    }
    Ok(())
}

fn two_daemons(tally: &mut Tally) -> Result<()> {
    let folder = Folder::new()?;
    let path = folder.0.display().to_string();
    let mut first = exerciser(&["run", &path, "1"]).stdout(Stdio::piped()).spawn()?;
    let mut line = String::new();
    BufReader::new(first.stdout.as_mut().context("piped")?).read_line(&mut line)?;
    let second = look(&folder.0)?;
    first.kill()?;
    first.wait()?;
    match second {
        Look::Refused(why) if why.contains("held by another daemon") => Ok(()),
        Look::Refused(why) | Look::Died(why) => bail!("two daemons on one store: {why}"),
        Look::Seen(_) => {
            tally.silent_losses += 1;
            bail!("two daemons opened one store")
        }
    }
}

/// A small disk; unmounted when dropped.
struct Mount(String);

impl Mount {
    fn new(at: &Path) -> Option<Self> {
        let at = at.display().to_string();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", SIZE, "tmpfs", &at]).status();
        mounted.is_ok_and(|status| status.success()).then_some(Self(at))
    }

    fn again(&self, options: &str) -> Result<()> {
        let status = Command::new("mount").args(["-o", options, &self.0]).status()?;
        if !status.success() {
            bail!("mount -o {options}: {status}");
        }
        Ok(())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // If this fails, a few megabytes stay mounted in a temporary folder.
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
