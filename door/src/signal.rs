//! Lamps and a buzzer at a door: what each outcome shows. No clock and no I/O.

use std::time::Duration;

use facelatch_wire::{Kind, Outcome};

/// A lamp or the buzzer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    /// Asks to turn the head to the left; with the next one, to look straight.
    Left,
    Right,
    Granted,
    Refused,
    Buzzer,
}

impl Signal {
    /// What asks the person to do something for as long as the look goes on.
    pub(crate) const QUESTIONS: [Self; 2] = [Self::Left, Self::Right];

    /// Its section in the configuration.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Left => "lamp_left",
            Self::Right => "lamp_right",
            Self::Granted => "lamp_granted",
            Self::Refused => "lamp_refused",
            Self::Buzzer => "buzzer",
        }
    }

    /// The longest that it is on.
    pub(crate) fn length(self) -> Duration {
        match self {
            Self::Left | Self::Right => Duration::from_secs(10),
            Self::Granted | Self::Refused => Duration::from_secs(2),
            Self::Buzzer => Duration::from_millis(200),
        }
    }
}

/// What an outcome shows. A match shows nothing: whether the door opens is not known yet.
pub(crate) fn shown(outcome: Outcome) -> &'static [Signal] {
    match (outcome, outcome.kind()) {
        (Outcome::TurnLeft, _) => &[Signal::Left, Signal::Buzzer],
        (Outcome::TurnRight, _) => &[Signal::Right, Signal::Buzzer],
        (Outcome::LookStraight, _) => &[Signal::Left, Signal::Right, Signal::Buzzer],
        // The lamp of that side is on.
        (Outcome::EnterPin | Outcome::TurnFarther, _) => &[Signal::Buzzer],
        (Outcome::NoAnswer, _) | (_, Kind::Denied | Kind::Locked) => &[Signal::Refused],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_is_shown_and_heard_and_a_refusal_looks_like_no_question() {
        for outcome in Outcome::ALL.into_iter().chain([Outcome::Unknown]) {
            let shown = shown(outcome);
            let asks = outcome.kind() == Kind::Prompt;
            let lamps = shown.iter().any(|signal| Signal::QUESTIONS.contains(signal));
            assert_eq!(lamps, asks && outcome != Outcome::TurnFarther, "{outcome}");
            assert_eq!(shown.contains(&Signal::Buzzer), asks || outcome == Outcome::EnterPin, "{outcome}");
            assert!(!shown.contains(&Signal::Granted), "{outcome}");
        }
        assert_eq!(shown(Outcome::NotAllowed), [Signal::Refused]);
        assert_eq!(shown(Outcome::TooFar), []);
    }
}
