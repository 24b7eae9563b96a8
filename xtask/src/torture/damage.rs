//! Damages, drops or puts back as they once were any one or two files of a store.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::store::{Folder, Look, Seen, exerciser, look};
use super::{Random, Tally};
use crate::run::{command, succeed};

/// Number of changes before the copy that files are put back from, and as many after it.
const CHANGES: &str = "20";

/// The table is one unit: its files are only good together.
const TABLE: &str = "records";

/// Log and head of the audit log: put back together, they hide the lines since. docs/store.md says so.
const AUDIT: [&str; 2] = ["audit/audit.log", "audit/audit.head"];

/// How the runs ended, for one file and for two.
#[derive(Default)]
struct Counts {
    runs: u32,
    harmless: u32,
    mended: u32,
    reported: u32,
}

pub(crate) fn run(runs: u32, tally: &mut Tally) -> Result<()> {
    let mut random = Random::new(2);
    let mut counts = [Counts::default(), Counts::default()];
    for run in 0..runs {
        // Each second run hits two files.
        let files = 1 + run as usize % 2;
        let harmed = Harmed::new(run, files, &mut random)?;
        tally.damage_runs += 1;
        let counts = &mut counts[files - 1];
        counts.runs += 1;
        harmed.judge(run, counts, tally)?;
    }
    for (files, counts) in ["one file", "two files"].iter().zip(&counts) {
        let Counts { runs, harmless, mended, reported } = counts;
        tally.note(format!(
            "damage to {files}: {runs} runs, {harmless} without effect, {mended} mended and reported, {reported} lossy \
             or refused, and reported"
        ));
    }
    Ok(())
}

/// A store that was damaged.
struct Harmed {
    folder: Folder,
    before: Box<Seen>,
    what: Vec<(String, &'static str)>,
}

impl Harmed {
    fn new(run: u32, files: usize, random: &mut Random) -> Result<Self> {
        let (folder, earlier) = (Folder::new()?, Folder::new()?);
        let store = folder.0.join("store");
        change(&folder, run)?;
        succeed(command("cp", &["-a", &store.display().to_string(), &earlier.0.display().to_string()]))?;
        change(&folder, run + 1_000_000)?;
        let Look::Seen(before) = look(&folder.0)? else { bail!("a store that was just made does not open") };
        let mut units = units(&store)?;
        let mut what = Vec::new();
        for _ in 0..files {
            let unit = units.swap_remove(random.below(units.len() as u64) as usize);
            let how = harm(&store, &earlier.0.join("store"), &unit, random)?;
            what.push((unit, how));
        }
        Ok(Self { folder, before, what })
    }

    fn judge(&self, run: u32, counts: &mut Counts, tally: &mut Tally) -> Result<()> {
        let what = self.what.iter().map(|(unit, how)| format!("{unit} {how}")).collect::<Vec<_>>().join(", ");
        for again in ["", ", second start"] {
            let about = format!("damage {run} ({what}{again})");
            match look(&self.folder.0)? {
                Look::Died(why) => {
                    tally.daemon_ends += 1;
                    tally.note(format!("{about}: {why}"));
                }
                Look::Refused(why) => {
                    counts.reported += u32::from(again.is_empty());
                    tally.note(format!("{about}: refused: {}", why.trim_end()));
                }
                Look::Seen(seen) => match self.outcome(&seen, again.is_empty()) {
                    Outcome::Harmless => counts.harmless += u32::from(again.is_empty()),
                    Outcome::Mended => counts.mended += u32::from(again.is_empty()),
                    Outcome::Reported => {
                        // A second start holds what the first one could save.
                        if again.is_empty() {
                            counts.reported += 1;
                            tally.note(format!("{about}: lossy, and reported: {:?}", seen.notes));
                        }
                    }
                    Outcome::Silent => {
                        tally.silent_losses += 1;
                        let (notes, problems) = (&seen.notes, &seen.problems);
                        tally.note(format!("{about}: lost silently: {notes:?} {problems:?}"));
                    }
                },
            }
        }
        Ok(())
    }

    fn outcome(&self, seen: &Seen, first: bool) -> Outcome {
        // What was found is on record, too.
        let is_told = matches!(seen.condition.as_str(), "Whole" | "Behind") || seen.remark.is_some();
        if seen.model != self.before.model {
            // The first start says so; from there on it is what the store holds.
            let is_lossy = seen.condition == "Lossy" && !seen.notes.is_empty();
            return if !first || (is_lossy && is_told) { Outcome::Reported } else { Outcome::Silent };
        }
        // Lines of the audit log are not in the model; a gap in them must be reported too.
        let lines_missing = seen.audited < self.before.audited;
        let both_put_back = AUDIT.iter().all(|name| self.what.contains(&((*name).to_owned(), PUT_BACK)));
        if !is_told || (lines_missing && seen.problems.is_empty() && !both_put_back) {
            return Outcome::Silent;
        }
        if seen.notes.is_empty() && seen.problems.is_empty() { Outcome::Harmless } else { Outcome::Mended }
    }
}

enum Outcome {
    Harmless,
    Mended,
    Reported,
    Silent,
}

fn change(folder: &Folder, seed: u32) -> Result<()> {
    let path = folder.0.display().to_string();
    let output = exerciser(&["run", &path, &seed.to_string(), CHANGES]).output()?;
    if !output.status.success() {
        bail!("the exerciser failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

const PUT_BACK: &str = "put back as it once was";

/// Harms one unit and says how.
fn harm(store: &Path, earlier: &Path, unit: &str, random: &mut Random) -> Result<&'static str> {
    let (path, old) = (store.join(unit), earlier.join(unit));
    match random.below(7) {
        0 => {
            remove(&path)?;
            Ok("dropped")
        }
        1 | 2 => {
            remove(&path)?;
            if old.exists() {
                succeed(command("cp", &["-a", &old.display().to_string(), &path.display().to_string()]))?;
            }
            Ok(PUT_BACK)
        }
        how => {
            let mut files = Vec::new();
            collect(&path, &mut files)?;
            files.retain(|path| fs::metadata(path).is_ok_and(|file| file.len() > 0));
            files.sort();
            let file =
                files.get(random.below(files.len() as u64) as usize).context("a unit without files")?;
            let mut bytes = fs::read(file)?;
            let at = random.below(bytes.len() as u64) as usize;
            let how = damage(&mut bytes, at, how, random);
            fs::write(file, bytes)?;
            Ok(how)
        }
    }
}

fn damage(bytes: &mut Vec<u8>, at: usize, how: u64, random: &mut Random) -> &'static str {
    let end = bytes.len().min(at + 512);
    match how {
        3 => {
            bytes[at] ^= 1 << random.below(8);
            "with one bit flipped"
        }
        4 => {
            bytes[at..end].iter_mut().for_each(|byte| *byte = random.below(256) as u8);
            "with 512 bytes overwritten"
        }
        5 => {
            bytes[at..end].fill(0);
            "with 512 bytes zeroed"
        }
        _ => {
            bytes.truncate(at);
            "cut off"
        }
    }
}

/// The files of a store, and its table.
fn units(store: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    collect(store, &mut files)?;
    let mut units: Vec<String> = vec![TABLE.to_owned()];
    for path in files {
        let name = path.strip_prefix(store)?.display().to_string();
        if !name.starts_with(TABLE) && name != "lock" && fs::metadata(&path)?.len() > 0 {
            units.push(name);
        }
    }
    units.sort();
    Ok(units)
}

fn remove(path: &Path) -> Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    Ok(removed?)
}

/// All files below a path, or the file itself.
fn collect(path: &Path, files: &mut Vec<std::path::PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        collect(&entry?.path(), files)?;
    }
    Ok(())
}
