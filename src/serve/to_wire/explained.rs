//! What an attempt rests on, as the wire's types: for the owner alone.

use facelatch_wire::message::printable;
use facelatch_wire::reply::{
    ComparedPerson, ComparedTemplate, Decision, ExplainedFrame, Explaining, Explanation, FrameUse,
    LiveEvidence, Measure, Measured,
};

use super::judging;
use crate::head::{self, LogOdds};
use crate::people::UserName;
use crate::pipeline::Attempt;
use crate::pipeline::explain::{self, Used};

/// How the attempt ended, and all that was noted on the way.
pub(in crate::serve) fn explained(attempt: &Attempt, claimed: Option<&UserName>) -> Explaining {
    let explanation = attempt.trace.explanation.as_deref().map(explanation);
    Explaining { attempt: judging(attempt, claimed), explanation }
}

fn explanation(noted: &explain::Explanation) -> Explanation {
    Explanation {
        frames: noted.frames.iter().map(frame).collect(),
        earlier_frames: noted.earlier_frames as u64,
        live: noted.live.as_ref().map(live),
        child: noted.child.as_ref().and_then(measure),
        decision: noted.comparison.as_ref().and_then(decision),
    }
}

fn frame(noted: &explain::FrameNote) -> ExplainedFrame {
    let (used, reason) = match noted.used {
        Used::Kept => (FrameUse::Kept, None),
        Used::Replaced => (FrameUse::Replaced, None),
        Used::Unlike => (FrameUse::Unlike, None),
        Used::Refused(reason) => (FrameUse::Refused, Some(reason.into())),
    };
    ExplainedFrame {
        number: noted.number as u64,
        picture: noted.picture.as_deref().map(printable),
        used,
        reason,
        measures: measures(&noted.measures),
        fitness: measures(&noted.fitness),
    }
}

fn measures(noted: &[explain::Measure]) -> Vec<Measure> {
    noted.iter().filter_map(measure).collect()
}

/// `None` for what is no number.
fn measure(noted: &explain::Measure) -> Option<Measure> {
    let least = noted.least.and_then(rounded);
    Some(Measure { name: noted.name.to_owned(), value: rounded(noted.value)?, least })
}

fn live(noted: &explain::LiveNote) -> LiveEvidence {
    LiveEvidence {
        log_odds: noted.log_odds.and_then(rounded),
        least: rounded(noted.least).unwrap_or_default(),
        parts: measures(&noted.parts),
    }
}

/// `None` if nobody was compared, so that there is no decision.
fn decision(noted: &explain::Comparison) -> Option<Decision> {
    let best = noted.people.first()?;
    let second = noted.people.get(1);
    let z = |z: LogOdds| rounded(z.0).unwrap_or_default();
    let least_z = noted.threshold.log_odds();
    Some(Decision {
        compared: noted.compared as u64,
        bias: z(noted.bias),
        z: z(best.z),
        sum: z(LogOdds(best.z.0 - noted.bias.0)),
        p: best.z.probability().value(),
        least_z: z(least_z),
        threshold: noted.threshold.value(),
        margin: second.and_then(|second| rounded(best.z.0 - second.z.0)),
        least_margin: rounded(noted.least_margin).unwrap_or_default(),
        meaning: meaning(noted, best.frames.len(), enrolled(best)),
        measured: noted.measured.as_ref().map(measured),
        people: noted.people.iter().map(person).collect(),
    })
}

/// Templates that somebody enrolled.
fn enrolled(person: &explain::ComparedPerson) -> usize {
    person.templates.iter().filter(|template| !template.note.adapted).count()
}

fn person(noted: &explain::ComparedPerson) -> ComparedPerson {
    let all = |z: &[LogOdds]| z.iter().filter_map(|z| rounded(z.0)).collect();
    let template = |noted: &explain::ComparedTemplate| ComparedTemplate {
        id: noted.note.id.clone(),
        label: noted.note.label.clone(),
        created_at: noted.note.created_at.0,
        adapted: noted.note.adapted,
        frames: all(&noted.frames),
    };
    ComparedPerson {
        user: noted.user.to_string(),
        z: rounded(noted.z.0).unwrap_or_default(),
        frames: all(&noted.frames),
        templates: noted.templates.iter().map(template).collect(),
    }
}

fn measured(measured: &head::Measured) -> Measured {
    Measured {
        set: measured.set.clone(),
        frames: measured.frames.into(),
        templates: measured.templates.into(),
        decisions: measured.decisions,
        false_matches: measured.false_matches,
        fmr_at_most: measured.fmr_at_most,
    }
}

/// Four decimals. `None` for what is no number: JSON has none of those.
fn rounded(value: f32) -> Option<f64> {
    value.is_finite().then(|| (f64::from(value) * 1e4).round() / 1e4)
}

/// What the threshold means, in words.
fn meaning(noted: &explain::Comparison, frames: usize, templates: usize) -> String {
    let Some(measured) = &noted.measured else {
        return "how often a stranger passes at this threshold, the head's file does not say; `facelatch-rates fit` writes \
                it there"
            .to_owned();
    };
    let head::Measured { set, decisions, false_matches, fmr_at_most, .. } = measured;
    let at_most = grouped(first_digits(1.0 / fmr_at_most, f64::floor));
    let of_all = grouped(*decisions);
    let mut text = match false_matches {
        0 => format!("of {of_all} decisions about strangers none passed at this threshold"),
        seen => {
            let one_in = grouped(first_digits(*decisions as f64 / *seen as f64, f64::round));
            let seen = grouped(*seen);
            format!(
                "about one stranger in {one_in} would pass at this threshold ({seen} of {of_all} decisions)"
            )
        }
    };
    text += &format!("; with 95 % confidence at most one in {at_most} would. Measured on {set}, ");
    text += &format!("with {} frames and {} templates", measured.frames, measured.templates);
    let fewer = frames < measured.frames as usize || templates < measured.templates as usize;
    if fewer {
        text += &format!("; with fewer, as here ({frames} and {templates}), more may pass");
    }
    if noted.compared > 1 {
        let (people, times) = (noted.compared, (noted.compared as f64).sqrt());
        text += &format!(
            ". A search among {people} people asks for {times:.1} times the odds; a stranger may be taken for each of them, \
             and more may pass"
        );
    }
    text
}

/// The three leading digits, the rest 0.
fn first_digits(value: f64, round: fn(f64) -> f64) -> u64 {
    let step = 10_f64.powf((value.log10().floor() - 2.0).max(0.0));
    (round(value / step) * step) as u64
}

/// Thousands with commas.
fn grouped(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
