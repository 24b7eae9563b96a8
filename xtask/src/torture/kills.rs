//! Kills a process (SIGKILL) while it changes, renews, exports and opens a store.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::sync::mpsc::channel;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::store::{Folder, Look, Model, exerciser, look};
use super::{Random, Tally};

/// Number of kills on one folder, so that they hit stores with a history.
const KILLS_PER_FOLDER: u32 = 40;

/// Longest time for opening a store.
const PATIENCE: Duration = Duration::from_secs(60);

/// Latest kill after the clock starts, in microseconds: enough for tens of changes on a fast disk.
const LATEST_US: u64 = 300_000;

pub(crate) fn run(kills: u32, tally: &mut Tally) -> Result<()> {
    // Each run kills at different moments, among different changes.
    let mut random = Random::new(u64::from(std::process::id()));
    let first = random.below(1 << 31) as u32;
    let mut current = None;
    let mut changes = 0;
    for kill in 0..kills {
        if kill % KILLS_PER_FOLDER == 0 {
            current = Some((Folder::new()?, Model::default(), 0));
        }
        let Some((folder, model, audited)) = &mut current else { bail!("no folder") };
        let path = folder.0.display().to_string();
        let output = killed(&path, first + kill, Duration::from_micros(random.below(LATEST_US)))?;
        tally.kills += 1;
        let mut in_progress = model.clone();
        for line in output.lines() {
            match line.split_at_checked(2) {
                Some(("? ", what)) => {
                    in_progress = model.clone();
                    in_progress.change(what);
                }
                Some(("! ", what)) => {
                    model.change(what);
                    changes += 1;
                }
                Some(("- ", why)) => bail!("a change failed that should not have: {why}"),
                Some((". ", _)) => *audited += 1,
                _ => {}
            }
        }
        // A partial line is ignored.
        let seen = match look(&folder.0)? {
            Look::Seen(seen) => seen,
            Look::Refused(why) | Look::Died(why) => {
                tally.acknowledged_lost += 1;
                tally.note(format!("kill {kill}: the store could not be opened: {why}"));
                current = None;
                continue;
            }
        };
        let lines_lost = seen.audited < *audited || seen.problems.iter().any(|p| !p.contains("cut short"));
        if (seen.model != *model && seen.model != in_progress) || seen.condition == "Lossy" || lines_lost {
            tally.acknowledged_lost += 1;
            let (problems, notes) = (&seen.problems, &seen.notes);
            tally.note(format!(
                "kill {kill}: found {:?}, acknowledged {model:?}, {notes:?}, {problems:?}",
                seen.model
            ));
        }
        *model = seen.model;
    }
    tally.note(format!("kills: {changes} changes were acknowledged between them"));
    Ok(())
}

/// Runs the exerciser for this long, kills it and returns its output. One time in four the clock starts before the
/// store is open.
fn killed(folder: &str, seed: u32, after: Duration) -> Result<String> {
    let mut child = exerciser(&["run", folder, &seed.to_string()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("cannot start the exerciser")?;
    let (sender, printed) = channel();
    let stdout = BufReader::new(child.stdout.take().context("piped")?);
    let reader = std::thread::spawn(move || {
        let mut output = String::new();
        for line in stdout.lines() {
            output += &line?;
            output.push('\n');
            // Nobody receives after the first line.
            let _ = sender.send(());
        }
        Ok::<_, std::io::Error>(output)
    });
    if !seed.is_multiple_of(4) {
        printed.recv_timeout(PATIENCE).context("the store did not open")?;
    }
    std::thread::park_timeout(after);
    if let Some(status) = child.try_wait()? {
        let mut error = String::new();
        child.stderr.take().context("piped")?.read_to_string(&mut error)?;
        bail!("the exerciser ended by itself ({status}): {error}");
    }
    child.kill()?;
    child.wait()?;
    reader.join().map_err(|_| anyhow::anyhow!("the reader panicked"))?.context("the exerciser's output")
}
