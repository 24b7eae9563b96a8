//! Flips, overwrites and truncates bytes in the files of a store.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::store::{Folder, Look, Seen, exerciser, look};
use super::{Random, Tally};

/// Number of changes before a store is damaged.
const CHANGES: &str = "30";

pub(crate) fn run(runs: u32, tally: &mut Tally) -> Result<()> {
    let mut random = Random::new(2);
    let (mut harmless, mut mended, mut reported) = (0, 0, 0);
    for run in 0..runs {
        let folder = Folder::new()?;
        let path = folder.0.display().to_string();
        let output = exerciser(&["run", &path, &run.to_string(), CHANGES]).output()?;
        if !output.status.success() {
            bail!("the exerciser failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let Look::Seen(before) = look(&folder.0)? else {
            bail!("a store that was just created does not open")
        };
        let what = harm(&folder.0.join("store"), &mut random)?;
        tally.damage_runs += 1;
        for again in ["", ", second start"] {
            match look(&folder.0)? {
                Look::Died(why) => {
                    tally.daemon_ends += 1;
                    tally.note(format!("damage {run} ({what}{again}): {why}"));
                }
                Look::Refused(why) => {
                    reported += 1;
                    tally.note(format!("damage {run} ({what}{again}): refused: {}", why.trim_end()));
                }
                Look::Seen(seen) => match outcome(&before, &seen, &what) {
                    Outcome::Harmless => harmless += u32::from(again.is_empty()),
                    Outcome::Mended => mended += u32::from(again.is_empty()),
                    Outcome::Reported => {
                        reported += 1;
                        tally.note(format!(
                            "damage {run} ({what}{again}): lossy, and reported: {:?}",
                            seen.notes
                        ));
                    }
                    Outcome::Silent => {
                        tally.silent_losses += 1;
                        let (notes, problems) = (&seen.notes, &seen.problems);
                        tally.note(format!(
                            "damage {run} ({what}{again}): lost silently: {notes:?} {problems:?}"
                        ));
                    }
                },
            }
        }
    }
    tally.note(format!(
        "damage: {harmless} without effect, {mended} mended and reported, {reported} lossy or refused, and reported"
    ));
    Ok(())
}

enum Outcome {
    Harmless,
    Mended,
    Reported,
    Silent,
}

fn outcome(before: &Seen, seen: &Seen, what: &str) -> Outcome {
    if seen.model != before.model {
        return if seen.condition == "Lossy" { Outcome::Reported } else { Outcome::Silent };
    }
    // Lines of the audit log are not in the model; a gap in them must be reported too.
    let lines_missing = what.contains("audit") && seen.audited < before.audited;
    if lines_missing && seen.problems.is_empty() {
        return Outcome::Silent;
    }
    if seen.notes.is_empty() && seen.problems.is_empty() { Outcome::Harmless } else { Outcome::Mended }
}

/// Damages one random file and says how.
fn harm(store: &Path, random: &mut Random) -> Result<String> {
    let mut files = Vec::new();
    collect(store, &mut files)?;
    files.retain(|path| !path.ends_with("lock") && fs::metadata(path).is_ok_and(|file| file.len() > 0));
    files.sort();
    let path = files.get(random.below(files.len() as u64) as usize).context("a store without files")?;
    let mut bytes = fs::read(path)?;
    let at = random.below(bytes.len() as u64) as usize;
    let end = bytes.len().min(at + 512);
    let how = match random.below(4) {
        0 => {
            bytes[at] ^= 1 << random.below(8);
            "one bit flipped"
        }
        1 => {
            bytes[at..end].iter_mut().for_each(|byte| *byte = random.below(256) as u8);
            "512 bytes overwritten"
        }
        2 => {
            bytes[at..end].fill(0);
            "512 bytes zeroed"
        }
        _ => {
            bytes.truncate(at);
            "cut off"
        }
    };
    fs::write(path, bytes)?;
    Ok(format!("{} {how} at {at}", path.strip_prefix(store)?.display()))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { collect(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
