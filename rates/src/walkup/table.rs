//! The table in Markdown.

use std::fmt::Write as _;

use facelatch::config::AttackLevel;

use super::film::Kind;
use super::{Ended, Walks};
use crate::bound::clopper_pearson_upper;
use crate::rate::CONFIDENCE;

/// From the first usable face, in seconds: who waits longer gives up.
const SOON: f32 = 1.5;

/// A row for each kind of film and level, with upper bounds at 95 %; each person has one film of a kind.
pub fn markdown(walks: &Walks) -> String {
    let mut text = format!(
        "{} people enrolled ({} could not be)\n\n\
         | film | attack.level | people | opens | of them within 1.5 s | median | looks taken for attacks | opens, at most |\n\
         | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n",
        walks.enrolled, walks.not_enrolled
    );
    for (kind, name) in Kind::ALL {
        for (level, word) in [(AttackLevel::Off, "off"), (AttackLevel::Passive, "passive")] {
            let films: Vec<&Ended> =
                walks.films.iter().filter(|film| film.kind == kind && film.level == level).collect();
            // Writing to a string never fails.
            let _ = writeln!(text, "| {name} | {word} | {} |", row(&films));
        }
    }
    let another = walks.films.iter().filter(|film| film.visit.for_another).count();
    let _ = writeln!(text, "\nOpened for another person than the one who is in the film: {another}.");
    text
}

fn row(films: &[&Ended]) -> String {
    let opened = films.iter().filter(|film| film.visit.opened.is_some()).count();
    let mut waits: Vec<f32> =
        films.iter().filter_map(|film| Some((film.visit.opened? - film.usable?).max(0.0))).collect();
    waits.sort_by(f32::total_cmp);
    let soon = waits.iter().filter(|wait| **wait <= SOON).count();
    let median = waits.get(waits.len() / 2).map_or_else(|| "-".to_owned(), |wait| format!("{wait:.1} s"));
    let (attacks, looks) =
        films.iter().fold((0, 0), |sum, film| (sum.0 + film.visit.attacks, sum.1 + film.visit.looks));
    let bound = 100.0 * clopper_pearson_upper(opened, films.len(), CONFIDENCE);
    format!("{} | {opened} | {soon} | {median} | {attacks} of {looks} | {bound:.1} %", films.len())
}

#[cfg(test)]
mod tests {
    use super::super::Visit;
    use super::*;

    #[test]
    fn what_opens_late_opens_but_not_soon() {
        let film = |opened, kind| Ended {
            kind,
            level: AttackLevel::Off,
            usable: Some(2.0),
            visit: Visit { opened, for_another: false, looks: 2, attacks: 1 },
        };
        let films = vec![
            film(Some(3.5), Kind::WalkUp),
            film(Some(4.0), Kind::WalkUp),
            film(None, Kind::WalkUp),
            film(None, Kind::Stranger),
        ];
        let text = markdown(&Walks { enrolled: 3, not_enrolled: 1, films });
        assert!(
            text.contains("| somebody enrolled walks up | off | 3 | 2 | 1 | 2.0 s | 3 of 6 | 98.3 % |"),
            "{text}"
        );
        assert!(text.contains("| a stranger walks up | off | 1 | 0 | 0 | - | 1 of 2 | 95.0 % |"), "{text}");
    }
}
