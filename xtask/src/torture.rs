//! What the store withstands, shown: processes killed at random moments, files damaged, disks full and read-only.
//!
//! `cargo xtask torture [--kills N] [--damage N] [--json]`. Most runs drive `tests/torture/store_exerciser.rs`, which opens the
//! daemon's store and changes it as fast as the disk allows; one kill in fifty hits a whole daemon that enrols.
//! A kill ends a process, not the power: what a power cut does to writes under way is shown by the tests over a disk
//! in memory (`cargo test --lib crash_tests`).

use anyhow::{Context, Result, bail};

use crate::run::{command, succeed};

mod daemon;
mod damage;
mod disk;
mod kills;
mod store;

/// What the short run does, in about two minutes.
const KILLS: u32 = 60;
const DAMAGES: u32 = 40;

/// One kill of a whole daemon for so many of the exerciser.
const KILLS_A_DAEMON: u32 = 50;

/// What was counted.
#[derive(Default)]
pub(crate) struct Tally {
    kills: u32,
    acknowledged_lost: u32,
    damage_runs: u32,
    silent_losses: u32,
    daemon_ends: u32,
    /// What went wrong, or is worth knowing, for people.
    words: Vec<String>,
}

pub(crate) fn main(words: &[String]) -> Result<()> {
    let (mut kills, mut damages, mut json) = (KILLS, DAMAGES, false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let mut number = || -> Result<u32> {
            let number = words.next().with_context(|| format!("{word} wants a number"))?;
            number.parse().with_context(|| format!("{word} {number}: no number"))
        };
        match word.as_str() {
            "--kills" => kills = number()?,
            "--damage" => damages = number()?,
            "--json" => json = true,
            other => bail!("{other}: unknown; there are --kills N, --damage N and --json"),
        }
    }
    let build = ["build", "--quiet", "--locked", "--example", "store_exerciser", "--bin", "facelatchd"];
    succeed(command("cargo", &build))?;
    let mut tally = Tally::default();
    let of_daemons = if kills == 0 { 0 } else { kills.div_ceil(KILLS_A_DAEMON) };
    kills::run(kills - of_daemons, &mut tally)?;
    daemon::run(of_daemons, &mut tally)?;
    damage::run(damages, &mut tally)?;
    disk::run(&mut tally)?;
    for word in &tally.words {
        eprintln!("{word}");
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
            "{damage_runs} damaged files, {silent_losses} silent losses, {daemon_ends} panics that end the daemon"
        );
    }
    if acknowledged_lost + silent_losses + daemon_ends > 0 {
        bail!("the store lost something; see above");
    }
    Ok(())
}

impl Tally {
    fn say(&mut self, word: impl Into<String>) {
        self.words.push(word.into());
    }
}

/// A small generator, so that a run can be repeated by its seed.
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
