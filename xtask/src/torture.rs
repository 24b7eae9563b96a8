//! Tests the store against processes killed at random moments, any one or two files that are damaged, dropped or put back as
//! they once were, and full and read-only disks.
//!
//! `cargo xtask torture [--kills N] [--damage N] [--json]`. Most runs drive `tests/torture/store_exerciser.rs`, which opens the
//! daemon's store and changes it as fast as the disk allows; one kill in fifty hits a whole daemon during an enrolment.
//! A kill is not a power cut: the effect of one on writes in progress is tested on a disk in memory
//! (`cargo test --lib crash_tests`).

use anyhow::{Context, Result, bail};

use crate::run::{command, succeed};

mod daemon;
mod damage;
mod disk;
mod kills;
mod store;

/// Defaults: about two minutes.
const KILLS: u32 = 60;
const DAMAGES: u32 = 40;

/// One kill in this many hits a whole daemon instead of the exerciser.
const KILLS_PER_DAEMON: u32 = 50;

/// Counts of all runs.
#[derive(Default)]
pub(crate) struct Tally {
    kills: u32,
    acknowledged_lost: u32,
    damage_runs: u32,
    silent_losses: u32,
    daemon_ends: u32,
    /// Errors and notes, one sentence each.
    notes: Vec<String>,
}

pub(crate) fn main(args: &[String]) -> Result<()> {
    let (mut kills, mut damages, mut json) = (KILLS, DAMAGES, false);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut number = || -> Result<u32> {
            let number = args.next().with_context(|| format!("{arg}: needs a number"))?;
            number.parse().with_context(|| format!("{arg} {number}: not a number"))
        };
        match arg.as_str() {
            "--kills" => kills = number()?,
            "--damage" => damages = number()?,
            "--json" => json = true,
            other => bail!("{other}: unknown option; use --kills N, --damage N or --json"),
        }
    }
    let build = ["build", "--quiet", "--locked", "--example", "store_exerciser", "--bin", "facelatchd"];
    succeed(command("cargo", &build))?;
    let mut tally = Tally::default();
    let daemon_kills = if kills == 0 { 0 } else { kills.div_ceil(KILLS_PER_DAEMON) };
    kills::run(kills - daemon_kills, &mut tally)?;
    daemon::run(daemon_kills, &mut tally)?;
    damage::run(damages, &mut tally)?;
    disk::run(&mut tally)?;
    for note in &tally.notes {
        eprintln!("{note}");
    }
    let Tally { kills, acknowledged_lost, damage_runs, silent_losses, daemon_ends, .. } = tally;
    if json {
        println!(
            "{{\"kills\":{kills},\"acknowledged_lost\":{acknowledged_lost},\"damage_runs\":{damage_runs},\
             \"silent_losses\":{silent_losses},\"daemon_ends\":{daemon_ends}}}"
        );
    } else {
        println!("{kills} kills, {acknowledged_lost} acknowledged changes lost");
        println!(
            "{damage_runs} damaged stores, {silent_losses} silent losses, {daemon_ends} panics that ended the daemon"
        );
    }
    if acknowledged_lost + silent_losses + daemon_ends > 0 {
        bail!("the store lost something; see above");
    }
    Ok(())
}

impl Tally {
    fn note(&mut self, note: impl Into<String>) {
        self.notes.push(note.into());
    }
}

/// A small random number generator, so that a run can be repeated from its seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// `0..n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((u128::from(z ^ (z >> 31)) * u128::from(n)) >> 64) as u64
    }
}
