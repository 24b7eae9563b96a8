//! The tables.

use std::fmt::Write as _;

use super::decisions::{Decided, Frames, Group};
use super::different::{self, Different, Worth};
use super::effective::Effective;
use super::sequential::{Count, Sequential};
use super::{Live, People, SHIPPED};
use crate::rate::Bounds;

/// As Markdown.
pub fn markdown(live: &Live) -> String {
    let mut text = people(live);
    // A String takes whatever is written.
    let mut line = |line: String| _ = writeln!(text, "{line}");
    line(String::new());
    line("| a decision of | FNMR (at most): misses, in people | FMR among the clips (at most): matches, in pairs of people | FMR with everybody (at most): matches, in pairs of people |".into());
    line("| --- | --- | --- | --- |".into());
    for decided in &live.decided {
        line(row(decided));
    }
    line(String::new());
    for (group, decided) in
        live.decided.iter().flat_map(|d| d.background.iter().map(move |(g, r)| (g, (d, r))))
    {
        let name = match group {
            Group::Clips => "the clips",
            Group::Background => "background people with as many pictures as templates",
            Group::BackgroundFew => "background people with fewer pictures",
        };
        line(format!("- {}, {name}: FMR {}", size(decided.0), rate(&decided.1.fmr_bounds)));
    }
    line(String::new());
    line("| ends after two frames from the threshold | users, strangers who end there | other verdicts than three frames give | FNMR (at most) | FMR among the clips (at most) | FMR with everybody (at most) |".into());
    line("| --- | --- | --- | --- | --- | --- |".into());
    live.sequential.iter().for_each(|sequential| line(sequential_row(sequential)));
    line(String::new());
    line(worth("their own templates", live.genuine.as_ref()));
    line(worth("somebody else's", live.impostor.as_ref()));
    if let Some(different) = &live.different {
        line(pictures(live, different));
    }
    text
}

fn people(live: &Live) -> String {
    let People { all, enrolled, refused, other_clip, later, without_probes, attempts, without_decision } =
        &live.people;
    let plan = &live.plan;
    let mut text = format!(
        "{}, {} templates of one enrolment, threshold {:.2}. {all} people; {enrolled} enrolled. Probes of {other_clip} come from \
         other clips of theirs, of {later} from {} s after the enrolment on in the same clip. {attempts} attempts, \
         {without_decision} without {SHIPPED} frames in {} s.\n",
        live.embedder, plan.templates, live.threshold, plan.gap_s, plan.deadline_s
    );
    if !refused.is_empty() {
        let refused: Vec<String> = refused.iter().map(|(name, why)| format!("{name} ({why})")).collect();
        _ = writeln!(text, "\n- Could not be enrolled: {}", refused.join(", "));
    }
    if !without_probes.is_empty() {
        _ = writeln!(text, "- Without genuine decisions: {}", without_probes.join(", "));
    }
    for decided in &live.decided {
        let name = |number: u32| live.names.get(number as usize).map_or("?", String::as_str);
        let pairs: Vec<String> = decided
            .matched
            .iter()
            .map(|(user, probe)| format!("{} for {}", name(*probe), name(*user)))
            .collect();
        if !pairs.is_empty() {
            _ = writeln!(text, "- {}, taken for somebody else: {}", size(decided), pairs.join(", "));
        }
    }
    text
}

fn size(decided: &Decided) -> String {
    let frames = match decided.frames {
        Frames::Consecutive if decided.size == 1 => "frame".to_owned(),
        Frames::Consecutive => "consecutive frames".to_owned(),
        Frames::Apart => "frames far apart in the same clips".to_owned(),
    };
    format!("{} {frames}", decided.size)
}

fn row(decided: &Decided) -> String {
    let Decided { clips, everybody, .. } = decided;
    let [fnmr, fmr, all] = [&clips.fnmr_bounds, &clips.fmr_bounds, &everybody.fmr_bounds].map(rate);
    format!("| {} | {fnmr} | {fmr} | {all} |", size(decided))
}

fn sequential_row(sequential: &Sequential) -> String {
    let Sequential { margin, clips, everybody, genuine, impostor } = sequential;
    let margin = margin.map_or("never".to_owned(), |margin| format!("{margin:.1}"));
    let early = |count: &Count| format!("{:.1} %", 100.0 * count.early as f64 / count.all.max(1) as f64);
    let [fnmr, fmr, all] = [&clips.fnmr_bounds, &clips.fmr_bounds, &everybody.fmr_bounds].map(rate);
    format!(
        "| {margin} | {}, {} | {} of users, {} of strangers | {fnmr} | {fmr} | {all} |",
        early(genuine),
        early(impostor),
        genuine.changed,
        impostor.changed
    )
}

/// Errors of trials, the people they are about, and the bound.
fn rate(bounds: &Bounds) -> String {
    let Bounds { trials, errors, people, people_with_error, .. } = bounds;
    let share = *errors as f64 / (*trials).max(1) as f64;
    format!(
        "{} ({}): {errors} of {trials}, in {people_with_error} of {people}",
        number(share),
        number(bounds.upper95())
    )
}

fn number(share: f64) -> String {
    match share {
        0.0 => "0".to_owned(),
        share if share >= 0.001 => format!("{:.2} %", 100.0 * share),
        share => format!("{share:.1e}"),
    }
}

fn worth(whose: &str, effective: Option<&Effective>) -> String {
    let Some(Effective { frames, worth, between, correlations, deviation, people }) = effective else {
        return format!(
            "- Against {whose} the clips are too short to tell what consecutive frames are worth."
        );
    };
    let correlations: Vec<String> = correlations.iter().map(|rho| format!("{rho:.2}")).collect();
    format!(
        "- Against {whose} {frames} consecutive frames are worth {worth:.2} independent ones ({:.2} to {:.2}, 90 %, {people} \
         people): autocorrelations {}, deviation of one frame {deviation:.2}",
        between.0,
        between.1,
        correlations.join(", ")
    )
}

/// Different pictures of the background, and where consecutive frames lie between one of them and three.
fn pictures(live: &Live, different: &Different) -> String {
    let Different { one, shipped, genuine, impostor } = different;
    let mut text = format!(
        "\nDifferent pictures of the background set, {} templates: FNMR of one {}, of {SHIPPED} {}; FMR of one {}, of {SHIPPED} {}.\n",
        live.plan.templates,
        rate(&one.fnmr_bounds),
        rate(&shipped.fnmr_bounds),
        rate(&one.fmr_bounds),
        rate(&shipped.fmr_bounds),
    );
    let kinds = [
        ("FNMR", genuine, &live.genuine, one.fnmr, shipped.fnmr),
        ("FMR", impostor, &live.impostor, one.fmr, shipped.fmr),
    ];
    for (name, worth, effective, one, many) in kinds {
        let (Some(Worth { deviation, pictures }), Some(effective)) = (worth, effective) else { continue };
        let at = |worth| different::between(one, many, SHIPPED, worth).map_or("not known".to_owned(), number);
        _ = write!(
            text,
            "\n- {name}: the deviation of a picture is {deviation:.2}, of a frame within its clip {:.2}, so {SHIPPED} consecutive \
             frames are worth {pictures:.2} different pictures. Between one picture and {SHIPPED} lies, at {pictures:.2}, {}; at {:.2} {}",
            effective.deviation,
            at(*pictures),
            effective.worth,
            at(effective.worth),
        );
    }
    text
}
