//! Judges a door by what others than facelatch-door saw: no line of a strike is active for longer than its pulse, none without
//! a match or the exit button just before, and gpiomon of libgpiod saw the same edges.
//!
//! The record is lines of words; times are microseconds of the machine's `CLOCK_MONOTONIC`:
//!
//! | line | says |
//! | --- | --- |
//! | `first NOW NAME LEVEL` | `watch` begins, with this level |
//! | `line BEFORE AFTER NAME LEVEL` | the level changed between the two times |
//! | `wire NUMBER NAME` | gpiomon sees NAME as the line of this number |
//! | `gpiomon NUMBER EDGE S NS` | an edge, 1 for rising, with the kernel's time |
//! | `match TIME NAME` | somebody was recognised, and NAME may open |
//! | `limit TIME NAME MS` | from then on a pulse of NAME may be so long |
//! | `stall FROM TO` | a processor of the machine stood still |

use std::collections::{BTreeMap, VecDeque};

use anyhow::{Context, Result, bail, ensure};

/// The exit button of the strike named STRIKE; pressed while its level is 0.
const EXIT: &str = "EXIT";
const STRIKE: &str = "STRIKE";

/// How long after a match or the button a line may become active: facelatch-door gives up a match after so long.
const AFTER_US: i64 = 5_000_000;

/// A match may be noted so much after the line that it opens: both are told at once.
const BEFORE_US: i64 = 1_000_000;

/// Clocks are read in whole microseconds.
const ROUNDED_US: i64 = 1;

/// A change of a line, between two times.
#[derive(Debug, Clone, Copy)]
struct Change {
    before: i64,
    after: i64,
    /// `None`: it is not there.
    from: Option<bool>,
    level: Option<bool>,
}

/// Times in microseconds.
#[derive(Debug)]
struct Pulse {
    /// How long the line was surely active: from when it was first seen to be to when it was last seen so.
    length: i64,
    /// How long it may be.
    limit: i64,
    /// How long a processor stood still meanwhile, which is added.
    stood_still: i64,
    /// After the match or the press, at most.
    waited: i64,
}

/// All that is known of one line.
#[derive(Debug, Default)]
struct Line {
    /// What the record said last.
    level: Option<bool>,
    changes: Vec<Change>,
    /// What gpiomon saw of it.
    edges: Option<Vec<(i64, bool)>>,
    /// Each lets it be active once.
    causes: Vec<i64>,
    /// From when on, milliseconds.
    limits: Vec<(i64, i64)>,
}

/// Checks a record, and says in a line what was seen.
pub(super) fn judge(record: &[String]) -> Result<Vec<String>> {
    let Record { mut lines, stalls } = read(record)?;
    let presses: Vec<i64> = lines.remove(EXIT).map(|exit| exit.presses()).unwrap_or_default();
    if let Some(strike) = lines.get_mut(STRIKE) {
        strike.causes.extend(presses);
    }
    let (mut pulses, mut edges) = (Vec::new(), 0);
    for (name, line) in lines.iter_mut().filter(|(_, line)| line.edges.is_some()) {
        line.causes.sort_unstable();
        edges += line.compare(&stalls).with_context(|| name.clone())?;
        pulses.extend(line.pulses(&stalls).with_context(|| name.clone())?);
    }
    pulses.sort_by_key(|pulse| pulse.waited);
    let closest = pulses.iter().max_by_key(|pulse| pulse.length - pulse.limit - pulse.stood_still);
    let Some((closest, last)) = closest.zip(pulses.last()) else {
        bail!("no line was ever active: nothing was judged");
    };
    let median = pulses[pulses.len() / 2].waited;
    let times = [closest.length, closest.limit, closest.stood_still, median, last.waited];
    let [length, limit, stood_still, median, longest] = times.map(|us| us / 1000);
    Ok(vec![
        format!("{} pulses, each after a match or the exit button", pulses.len()),
        format!("{median} ms after it by the median, {longest} ms at most"),
        format!(
            "none too long: the closest took {length} of {limit} ms, and the machine stood still for {stood_still}"
        ),
        format!("gpiomon saw the same {edges} edges"),
    ])
}

/// What a record says.
#[derive(Debug, Default)]
struct Record {
    lines: BTreeMap<String, Line>,
    /// From and to, in order and apart.
    stalls: Vec<(i64, i64)>,
}

fn read(record: &[String]) -> Result<Record> {
    let Record { mut lines, mut stalls } = Record::default();
    let mut wires: BTreeMap<String, String> = BTreeMap::new();
    for text in record {
        let wrong = || format!("the record has {text:?}");
        let time = |word: &str| word.parse::<i64>().with_context(wrong);
        let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
        match words.as_slice() {
            ["first", _, name, level] => {
                let line = lines.entry((*name).to_owned()).or_default();
                ensure!(line.level != Some(true), "{name}: not watched at the end of a pulse");
                line.level = self::level(level).with_context(wrong)?;
            }
            ["line", before, after, name, level] => {
                let level = self::level(level).with_context(wrong)?;
                let line = lines.entry((*name).to_owned()).or_default();
                let (before, after, from) = (time(before)?, time(after)?, line.level);
                line.changes.push(Change { before, after, from, level });
                line.level = level;
            }
            ["wire", number, name] => {
                wires.insert((*number).to_owned(), (*name).to_owned());
                lines.entry((*name).to_owned()).or_default().edges.get_or_insert_default();
            }
            ["gpiomon", number, edge, seconds, nanos] => {
                let name = wires.get(*number).with_context(wrong)?;
                let at = time(seconds)? * 1_000_000 + time(nanos)? / 1000;
                let line = lines.entry(name.clone()).or_default();
                line.edges.get_or_insert_default().push((at, *edge == "1"));
            }
            ["match", at, name] => lines.entry((*name).to_owned()).or_default().causes.push(time(at)?),
            ["limit", at, name, ms] => {
                lines.entry((*name).to_owned()).or_default().limits.push((time(at)?, time(ms)? * 1000));
            }
            ["stall", from, to] => stalls.push((time(from)?, time(to)?)),
            _ => bail!(wrong()),
        }
    }
    Ok(Record { lines, stalls: apart(stalls) })
}

/// The same times without those that are in two of them.
fn apart(mut times: Vec<(i64, i64)>) -> Vec<(i64, i64)> {
    times.sort_unstable();
    let mut apart: Vec<(i64, i64)> = Vec::new();
    for (from, to) in times {
        match apart.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(to),
            _ => apart.push((from, to)),
        }
    }
    apart
}

/// `None`: the line is not there.
fn level(word: &str) -> Result<Option<bool>> {
    match word {
        "0" => Ok(Some(false)),
        "1" => Ok(Some(true)),
        "-" => Ok(None),
        _ => bail!("{word:?} is no level"),
    }
}

impl Line {
    /// When a button was pressed.
    fn presses(&self) -> Vec<i64> {
        self.changes.iter().filter(|change| change.level == Some(false)).map(|change| change.before).collect()
    }

    /// Each time it was active.
    fn pulses(&self, stalls: &[(i64, i64)]) -> Result<Vec<Pulse>> {
        let mut causes: VecDeque<i64> = self.causes.iter().copied().collect();
        let (mut pulses, mut active) = (Vec::new(), None);
        for change in &self.changes {
            let Some((start, limit, waited)) = active.take() else {
                if change.level == Some(true) {
                    let waited = change.after - cause(change, &mut causes)?;
                    active = Some((change.after, self.limit(change.after)?, waited));
                }
                continue;
            };
            let length = (change.before - start).max(0);
            let within = |(from, to): &(i64, i64)| (to.min(&change.after) - from.max(&start)).max(0);
            let stood_still = stalls.iter().map(within).sum();
            let (ms, most) = (length / 1000, (limit + stood_still) / 1000);
            ensure!(ms <= most, "active for {ms} ms from {start} us on, and {most} ms are allowed");
            pulses.push(Pulse { length, limit, stood_still, waited });
        }
        ensure!(active.is_none(), "still active");
        Ok(pulses)
    }

    fn limit(&self, at: i64) -> Result<i64> {
        let earlier = self.limits.iter().filter(|(from, _)| *from <= at);
        Ok(earlier.max_by_key(|(from, _)| *from).context("no limit is known")?.1)
    }

    /// Compares what gpiomon saw; returns how many edges. It may lack one of a moment in which the machine stood still.
    fn compare(&self, stalls: &[(i64, i64)]) -> Result<usize> {
        // A line that goes or comes back has no edge.
        let is_edge = |change: &&Change| change.from.is_some() && change.level.is_some();
        let mut seen = self.edges.iter().flatten().peekable();
        for change in self.changes.iter().filter(is_edge) {
            let between = change.before - ROUNDED_US..=change.after + ROUNDED_US;
            let is_it = |(at, rising): &&(i64, bool)| change.level == Some(*rising) && between.contains(at);
            if seen.next_if(is_it).is_none() {
                let stood_still =
                    stalls.iter().any(|(from, to)| from <= between.end() && to >= between.start());
                ensure!(stood_still, "gpiomon did not see {change:?}, but {:?}", seen.peek());
            }
        }
        ensure!(seen.peek().is_none(), "gpiomon saw an edge more: {:?}", seen.peek());
        Ok(self.edges.as_deref().unwrap_or_default().len())
    }
}

/// Uses up the oldest match or press that may be why a line is active.
fn cause(change: &Change, causes: &mut VecDeque<i64>) -> Result<i64> {
    causes.retain(|cause| change.before - cause <= AFTER_US);
    let cause = causes.pop_front().filter(|cause| cause - change.after <= BEFORE_US);
    cause.with_context(|| format!("active at {} us without a match or the exit button", change.after))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "wire 5 STRIKE
        limit 0 STRIKE 4100
        first 1000 STRIKE 0
        first 1000 EXIT 1
        match 3000000 STRIKE
        line 2998000 3002000 STRIKE 1
        line 7000000 7004000 STRIKE 0
        gpiomon 5 1 3 001000000
        gpiomon 5 0 7 3000000
        line 9000000 9002000 EXIT 0
        line 9030000 9032000 STRIKE 1
        line 9500000 9502000 EXIT 1
        line 10000000 10002000 STRIKE 0
        gpiomon 5 1 9 31000000
        gpiomon 5 0 10 1000000";

    fn judged(text: &str) -> Result<Vec<String>> {
        let lines = text.lines().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
        judge(&lines.collect::<Vec<_>>())
    }

    fn refusal(text: &str) -> String {
        format!("{:#}", judged(text).expect_err("refused"))
    }

    #[test]
    fn a_match_and_the_button_open_for_a_pulse() {
        let told = judged(GOOD).expect("right");
        assert_eq!(told[0], "2 pulses, each after a match or the exit button");
        assert_eq!(told[1], "32 ms after it by the median, 32 ms at most");
        assert_eq!(
            told[2],
            "none too long: the closest took 3998 of 4100 ms, and the machine stood still for 0"
        );
        assert_eq!(told[3], "gpiomon saw the same 4 edges");
    }

    #[test]
    fn a_pulse_that_is_too_long_or_never_ends_is_refused() {
        let long = GOOD.replace("limit 0 STRIKE 4100", "limit 0 STRIKE 3900");
        assert!(refusal(&long).contains("active for 3998 ms"), "{}", refusal(&long));
        // A limit that comes later is not for it.
        let late = long.replace("first 1000 EXIT 1", "limit 3500000 STRIKE 9000\nfirst 1000 EXIT 1");
        assert!(refusal(&late).contains("active for 3998 ms"));
        let endless =
            GOOD.replace("line 10000000 10002000 STRIKE 0", "").replace("gpiomon 5 0 10 1000000", "");
        assert!(refusal(&endless).contains("still active"), "{}", refusal(&endless));
    }

    #[test]
    fn a_machine_that_stands_still_makes_a_pulse_longer_once() {
        let stalls = "stall 2900000 3050000\nstall 6950000 7000000\nstall 6950000 6990000\n";
        let slow = GOOD.replace("limit 0 STRIKE 4100", &format!("limit 0 STRIKE 3900\n{stalls}"));
        assert_eq!(
            judged(&slow).expect("right")[2],
            "none too long: the closest took 3998 of 3900 ms, and the machine stood still for 98"
        );
        assert!(refusal(&slow.replace("stall 6950000 7000000", "")).contains("3988 ms are allowed"));
    }

    #[test]
    fn each_pulse_needs_a_cause_of_its_own_just_before() {
        for changed in [
            GOOD.replace("match 3000000 STRIKE", "match 3000000 STRIKE2"),
            GOOD.replace("match 3000000", "match 4100000"),
            GOOD.replace("line 9000000 9002000 EXIT 0", "line 9000000 9002000 EXIT 1"),
        ] {
            assert!(refusal(&changed).contains("without a match"), "{}", refusal(&changed));
        }
        let early = GOOD.replace("match 3000000", "match 1").replace("2998000 3002000", "5998000 6002000");
        assert!(refusal(&early.replace("gpiomon 5 1 3 ", "gpiomon 5 1 6 ")).contains("without a match"));
    }

    #[test]
    fn gpiomon_must_see_each_edge_when_it_happens_and_no_other() {
        let fewer = GOOD.replace("gpiomon 5 0 7 3000000\n", "");
        assert!(refusal(&fewer).contains("gpiomon did not see"), "{}", refusal(&fewer));
        let stood_still = fewer.replace("first 1000 EXIT 1", "first 1000 EXIT 1\nstall 6990000 7002000");
        assert_eq!(judged(&stood_still).expect("right")[3], "gpiomon saw the same 3 edges");
        for changed in ["gpiomon 5 0 7 9000000", "gpiomon 5 1 7 3000000"] {
            let other = GOOD.replace("gpiomon 5 0 7 3000000", changed);
            assert!(refusal(&other).contains("gpiomon did not see"), "{}", refusal(&other));
        }
        let more = format!("{GOOD}\ngpiomon 5 1 11 0");
        assert!(refusal(&more).contains("an edge more"), "{}", refusal(&more));
    }

    #[test]
    fn a_line_that_goes_away_ends_its_pulse_and_comes_back_without_an_edge() {
        let gone = GOOD.replace("10002000 STRIKE 0", "10002000 STRIKE -").replace(
            "gpiomon 5 0 10 1000000",
            "first 11000000 STRIKE 0\nmatch 12000000 STRIKE\nline 12000000 12001000 STRIKE 1\n\
             line 13000000 13001000 STRIKE 0\ngpiomon 5 0 13 0",
        );
        let told = judged(&gone.replace("gpiomon 5 0 13 0", "gpiomon 5 1 12 0\ngpiomon 5 0 13 0"));
        assert_eq!(told.expect("right")[0], "3 pulses, each after a match or the exit button");
    }

    #[test]
    fn nothing_seen_is_nothing_judged() {
        assert!(refusal("first 1 STRIKE 0").contains("nothing was judged"));
        assert!(refusal("watch: no such file").contains("watch: no such file"));
        let blind = GOOD.replace("line 10000000 10002000 STRIKE 0", "first 10000000 STRIKE 0");
        assert!(refusal(&blind).contains("not watched at the end of a pulse"));
    }
}
