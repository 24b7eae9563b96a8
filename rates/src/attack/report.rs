//! All tables of one measurement.

use serde::Serialize;

use super::left_out::{self, LeftOut};
use super::rates::{Summary, Threshold};
use super::table;
use super::tries::{Person, Plan};
use crate::curve::{Curve, Point};

/// What was asked for, and what was found.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Name of the network.
    pub model: String,
    /// SHA-256 of its file.
    pub model_sha256: String,
    /// How tries were made.
    pub plan: Plan,
    /// The wanted share of live tries that are refused.
    pub bpcer: f64,
    /// At the threshold of the daemon, for that share.
    pub shipped: Summary,
    /// The daemon has no threshold for this network: that one was set on these very tries, and flatters.
    pub set_here: bool,
    /// Whatever the network says: what a challenge does by itself.
    pub challenge: Option<Summary>,
    /// Thresholds set on all sources but one.
    pub left_out: Vec<LeftOut>,
    /// The scores.
    pub people: Vec<Person>,
}

impl Report {
    /// Counts everything.
    pub fn of(
        (model, model_sha256): (String, String),
        people: Vec<Person>,
        plan: Plan,
        (bpcer, margin, threshold): (f64, f32, Option<Threshold>),
    ) -> Self {
        let everyone: Vec<&Person> = people.iter().collect();
        let set_here = threshold.is_none();
        let asked = (bpcer, margin);
        let here = || left_out::calibrated(&everyone, asked).or_else(|| left_out::fixed(&everyone, asked));
        let shipped =
            threshold.or_else(here).unwrap_or(Threshold { score: f32::MIN, margin, live_median: None });
        let any = Threshold { score: f32::MIN, margin, live_median: None };
        let (shipped, challenge) =
            (Summary::of(&everyone, shipped), plan.challenge.map(|_| Summary::of(&everyone, any)));
        let left_out = if plan.challenge.is_some() { Vec::new() } else { left_out::each(&people, asked) };
        Self { model, model_sha256, plan, bpcer, shipped, set_here, challenge, left_out, people }
    }

    /// As Markdown.
    pub fn markdown(&self) -> String {
        let Self { shipped, bpcer, .. } = self;
        let heading = |title: &str, table: String| format!("\n**{title}**\n\n{table}");
        let level = if self.challenge.is_some() { "Challenge" } else { "Passive" };
        let mut text = format!("## {level}\n\nNetwork {} (sha256 {}).\n", self.model, self.model_sha256);
        text.push_str(&heading("Clips", table::material(&self.people)));
        if let Some(challenge) = &self.challenge {
            text.push_str(&heading("The challenge by itself", table::summary(challenge)));
        }
        let what = if self.challenge.is_some() { "Passive and challenge" } else { "Passive" };
        let percent = (bpcer * 1e4).round() / 1e2;
        let whose =
            if self.set_here { "a threshold set on these very tries" } else { "the daemon's threshold" };
        let title = format!("{what}, at {whose} for a BPCER of {percent} %");
        text.push_str(&heading(&title, table::summary(shipped)));
        text.push_str(&heading("The same by source", table::by_source(&self.people, shipped.threshold)));
        if !self.left_out.is_empty() {
            let title = format!("Threshold set on all other sources, for a BPCER of {percent} %");
            text.push_str(&heading(&title, table::left_out(&self.left_out)));
        }
        let everyone: Vec<&Person> = self.people.iter().collect();
        if self.challenge.is_none()
            && let Some(points) = left_out::operating_points(&everyone, shipped.threshold.margin)
        {
            let points = format!("```toml\n[{}.operating_points]\n{points}```\n", self.model);
            text.push_str(&heading("For MODELS.toml, from all these clips", points));
        }
        text
    }

    /// BPCER by APCER at every threshold, all species together.
    pub fn det(&self) -> Vec<Point> {
        let scores = |live: bool| {
            let of_kind = |person: &&Person| -> Vec<f32> {
                let shown =
                    person.presentations.iter().filter(|shown| (shown.species == super::clips::LIVE) == live);
                shown
                    .flat_map(|shown| &shown.tries)
                    .filter_map(|one| one.highest(self.shipped.threshold.margin))
                    .collect()
            };
            self.people.iter().collect::<Vec<_>>().iter().flat_map(of_kind).collect::<Vec<f32>>()
        };
        Curve::of(scores(true), scores(false)).det(200)
    }
}
