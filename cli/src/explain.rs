//! `facelatch explain`.

use std::fmt::Write as _;

use anyhow::Result;
use facelatch_wire::call::Explain;
use facelatch_wire::reply::{
    ComparedPerson, Decision, ExplainedFrame, Explaining, Explanation, LiveEvidence, Measure,
};

use crate::exit::Exit;
use crate::judging;
use crate::say::{self, Daemon};

/// Makes an attempt, and shows what its verdict rests on.
pub(crate) fn run(to: &Daemon, user: Option<String>, camera: Option<String>) -> Result<Exit> {
    let end: Explaining = judging::attempt(to, &Explain { user, camera }, |reply| &reply.attempt)?;
    let verdict = judging::verdict(&end.attempt)?;
    if to.json {
        say::json(&end)?;
    } else {
        let mut text = judging::text(&end.attempt, verdict);
        if let Some(explanation) = &end.explanation {
            text += &told(explanation);
        }
        say::line(text + "\nnothing was opened")?;
    }
    Ok(Exit::from(verdict))
}

fn told(explanation: &Explanation) -> String {
    let Explanation { frames, earlier_frames, live, child, decision } = explanation;
    let mut text = String::new();
    if *earlier_frames > 0 || !frames.is_empty() {
        text += "\n\nframes:";
    }
    if *earlier_frames > 0 {
        let _ = write!(text, "\n  {earlier_frames} earlier ones");
    }
    frames.iter().for_each(|one| text += &frame(one));
    if !frames.is_empty() {
        text += "\n  (a template needs what follows \"as a template\"; a face that is compared does not)";
    }
    text += &live.as_ref().map_or_else(String::new, told_live);
    text += &child.as_ref().map_or_else(String::new, told_child);
    text + &decision.as_ref().map_or_else(String::new, told_decision)
}

/// A line for a frame.
fn frame(frame: &ExplainedFrame) -> String {
    let mut text = format!("\n  {:>4} {}", frame.number, frame.used);
    if let Some(reason) = frame.reason {
        let _ = write!(text, ": {reason}");
    }
    if let Some(picture) = &frame.picture {
        let _ = write!(text, ", {picture}");
    }
    if !frame.measures.is_empty() {
        let _ = write!(text, "; {}", measures(&frame.measures));
    }
    if !frame.fitness.is_empty() {
        let _ = write!(text, "; as a template: {}", measures(&frame.fitness));
    }
    text
}

/// Such as `norm 14.20 (at least 9.50)`.
fn measures(all: &[Measure]) -> String {
    let told = |measure: &Measure| {
        let least = measure.least.map_or_else(String::new, |least| format!(" (at least {least:.2})"));
        format!("{} {:.2}{least}", measure.name, measure.value)
    };
    all.iter().map(told).collect::<Vec<_>>().join(", ")
}

fn told_live(live: &LiveEvidence) -> String {
    let sum = live.log_odds.map_or_else(|| "too few frontal frames".to_owned(), |sum| format!("{sum:.2}"));
    format!("\n\nlive: log-odds {sum} (at least {:.2}): {}", live.least, measures(&live.parts))
}

fn told_child(child: &Measure) -> String {
    let Measure { value, least, .. } = child;
    let from = least.map_or_else(String::new, |least| format!(" (a small child's from {least:.2} on)"));
    format!("\n\nlike a small child's face: cosine {value:.2}{from}")
}

fn told_decision(decision: &Decision) -> String {
    let Decision { bias, z, sum, p, least_z, threshold, margin, least_margin, compared, .. } = decision;
    let mut text = decision.people.iter().map(person).collect::<String>();
    let _ = write!(
        text,
        "\n\ndecision: z = b + sum = {bias:.3} + ({sum:.3}) = {z:.3}, p = {p:.6}; wanted: z >= {least_z:.3}, p >= {threshold:.6}"
    );
    if let Some(margin) = margin {
        let _ = write!(
            text,
            "\n  among {}: {margin:.3} before the second best; wanted: {least_margin:.3}, and a second best that does not match",
            say::people(*compared)
        );
    }
    let _ = write!(text, "\n  {}", decision.meaning);
    text
}

/// A table: templates by frames, in log-odds.
fn person(person: &ComparedPerson) -> String {
    let row = |name: &str, values: &[f64]| {
        let values: String = values.iter().map(|z| format!("{z:>10.3}")).collect();
        format!("\n  {name:<46}{values}")
    };
    let mut text = format!(
        "\n\ncompared with {}: log-odds of each kept frame, oldest first; z = {:.3} is the mean of the last line",
        person.user, person.z
    );
    let mean = person.frames.iter().sum::<f64>() / person.frames.len().max(1) as f64;
    let more = person.z - mean;
    // Values have four decimals.
    if more.abs() > 1e-3 {
        text += &format!(", and {more:.3} by adapted templates");
    }
    for template in &person.templates {
        let label = match template.label.as_str() {
            _ if template.adapted => "(adapted)",
            "" => "-",
            label => label,
        };
        let id: String = template.id.chars().take(8).collect();
        text += &row(&format!("{} {id} {label}", say::date(template.created_at)), &template.frames);
    }
    text + &row("each frame, by its best enrolled templates", &person.frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use facelatch_wire::Outcome;
    use facelatch_wire::reply::{ComparedTemplate, FrameUse};

    fn explanation() -> Explanation {
        let norm = |value| Measure { name: "norm".into(), value, least: Some(9.5) };
        let kept = ExplainedFrame {
            number: 42,
            used: FrameUse::Kept,
            measures: vec![norm(14.25)],
            ..ExplainedFrame::default()
        };
        let refused = ExplainedFrame {
            number: 41,
            used: FrameUse::Refused,
            reason: Some(Outcome::Unclear),
            measures: vec![norm(7.0)],
            ..ExplainedFrame::default()
        };
        let template = ComparedTemplate {
            id: "0123456789abcdef".into(),
            label: "glasses".into(),
            created_at: 1_000_000,
            adapted: false,
            frames: vec![12.5],
        };
        let adapted = ComparedTemplate { id: "fedcba9876543210".into(), adapted: true, ..template.clone() };
        let person = |user: &str, z| ComparedPerson {
            user: user.into(),
            z,
            frames: vec![z],
            templates: vec![template.clone(), adapted.clone()],
        };
        Explanation {
            frames: vec![refused, kept],
            earlier_frames: 40,
            live: Some(LiveEvidence { log_odds: Some(1.5), least: -0.79, parts: Vec::new() }),
            child: Some(Measure { name: "child".into(), value: -0.031, least: Some(0.25) }),
            decision: Some(Decision {
                compared: 2,
                bias: 40.684,
                sum: -28.184,
                z: 12.5,
                margin: Some(15.0),
                meaning: "one in a thousand".into(),
                people: vec![person("alice", 12.5), person("bob", -2.5)],
                ..Decision::default()
            }),
        }
    }

    #[test]
    fn every_part_is_told_with_its_limit() {
        let text = told(&explanation());
        for wanted in [
            "40 earlier ones",
            "41 refused: unclear; norm 7.00 (at least 9.50)",
            "42 kept; norm 14.25 (at least 9.50)",
            "live: log-odds 1.50 (at least -0.79)",
            "like a small child's face: cosine -0.03 (a small child's from 0.25 on)",
            "compared with alice",
            "1970-01-12T13:46:40Z fedcba98 (adapted)",
            "1970-01-12T13:46:40Z 01234567 glasses",
            "compared with bob",
            "z = b + sum = 40.684 + (-28.184) = 12.500",
            "among 2 people: 15.000 before the second best",
            "one in a thousand",
        ] {
            assert!(text.contains(wanted), "{wanted} is not in:\n{text}");
        }
    }

    #[test]
    fn what_was_not_reached_takes_no_line() {
        assert_eq!(told(&Explanation::default()), "");
    }
}
