//! Tables in Markdown.

use std::fmt::Write as _;

use super::{Band, Row, Share};

/// A table that compares cues, each at its own threshold, then one of the last of them by age and by group.
pub fn markdown(compared: &[Row], chosen: &Row) -> String {
    let mut text = String::from("| cue, and its threshold |");
    for Band { ages, .. } in &chosen.bands {
        let _ = write!(text, " {} |", years(*ages));
    }
    text += " adults refused |\n| --- |";
    text += &" --- |".repeat(chosen.bands.len() + 1);
    for row in compared {
        let _ = write!(text, "\n| {}, {:.3} |", row.cue, row.threshold);
        for band in &row.bands {
            let _ = write!(
                text,
                " {:.0} %, {} of {} |",
                100.0 * band.caught.rate(),
                band.left.some,
                band.left.of
            );
        }
        let _ = write!(text, " {} |", share(row.refused()));
    }
    let _ = write!(
        text,
        "\n\n{} at {:.3}:\n\n| age | people | taken for a child | pairs that match without it | with it | with it, against \
         everybody | at most |\n| --- | --- | --- | --- | --- | --- | --- |",
        chosen.cue, chosen.threshold
    );
    for Band { ages, caught, alike, left, across } in &chosen.bands {
        let _ = write!(
            text,
            "\n| {} | {} | {:.0} % | {} | {} | {} | {:.1e} |",
            years(*ages),
            caught.of,
            100.0 * caught.rate(),
            share(*alike),
            share(*left),
            share(*across),
            across.at_most()
        );
    }
    text += "\n\n| adults of | refused |\n| --- | --- |";
    for (group, of) in &chosen.adults {
        let _ = write!(text, "\n| {group} | {} |", share(*of));
    }
    let _ = write!(
        text,
        "\n| all | {}, at most {:.1} % |\n",
        share(chosen.refused()),
        100.0 * chosen.refused().at_most()
    );
    text
}

fn years((from, to): (u8, u8)) -> String {
    if to == u8::MAX { format!("{from} and over") } else { format!("{from} to {to}") }
}

/// `12 of 345, 3.5 %`.
pub(super) fn share(share: Share) -> String {
    let rate = share.rate();
    let rate =
        if rate > 0.0 && rate < 0.001 { format!("{rate:.1e}") } else { format!("{:.1} %", 100.0 * rate) };
    format!("{} of {}, {rate}", share.some, share.of)
}
