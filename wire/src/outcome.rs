//! How an attempt may end, or what is wrong with a frame meanwhile: one table with the word on the wire, the kind, and the
//! texts for people. A new outcome, such as a new reason to try again, is one line here and one where it is found.

use crate::words::words;

/// What an outcome means for whoever asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The face is this user's.
    Match,
    /// A face was judged and is another's, is not taken for a live one, or may not come in now.
    Denied,
    /// No face was judged; trying again helps.
    Retry,
    /// Too many misses.
    Locked,
    /// There is nobody to compare with.
    NotEnrolled,
    /// It does not work at present.
    Unavailable,
    /// Asks the person to do something; while an attempt runs, and never its end.
    Prompt,
}

macro_rules! outcomes {
    (
        final { $($outcome:ident = $word:literal, $kind:ident, $text:literal, $advice:literal;)+ }
        retry { $($retry:ident = $retry_word:literal, $retry_text:literal, $retry_advice:literal;)+ }
        prompt { $($prompt:ident = $prompt_word:literal, $prompt_text:literal;)+ }
    ) => {
        words! {
            /// How an attempt ended, or what is wrong with the picture meanwhile. Only `match` lets anybody in; a word that
            /// a client does not know lets nobody in.
            Outcome {
                $(#[doc = $text] $outcome = $word,)+
                $(#[doc = $retry_text] $retry = $retry_word,)+
                $(#[doc = $prompt_text] $prompt = $prompt_word,)+
            }
        }

        impl Outcome {
            /// What it means.
            pub fn kind(self) -> Kind {
                match self {
                    $(Self::$outcome => Kind::$kind,)+
                    $(Self::$retry => Kind::Retry,)+
                    $(Self::$prompt => Kind::Prompt,)+
                    Self::Unknown => Kind::Unavailable,
                }
            }

            /// What happened, in a few words.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$outcome => $text,)+
                    $(Self::$retry => $retry_text,)+
                    $(Self::$prompt => $prompt_text,)+
                    Self::Unknown => "not understood",
                }
            }

            /// What a person can do about it; empty if nothing.
            pub fn advice(self) -> &'static str {
                match self {
                    $(Self::$outcome => $advice,)+
                    $(Self::$retry => $retry_advice,)+
                    $(Self::$prompt => "",)+
                    Self::Unknown => "use client and daemon of one version",
                }
            }
        }

        /// Why a frame was not judged. Trying again helps.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum RetryReason {
            $(#[doc = $retry_text] $retry,)+
        }

        impl RetryReason {
            /// Every reason. The cache of `facelatch-rates` keeps positions in this list: new ones go to the end.
            pub const ALL: [Self; [$($retry_word),+].len()] = [$(Self::$retry),+];
        }

        impl std::fmt::Display for RetryReason {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(Outcome::from(*self).as_str())
            }
        }

        impl From<RetryReason> for Outcome {
            fn from(reason: RetryReason) -> Self {
                match reason {
                    $(RetryReason::$retry => Self::$retry,)+
                }
            }
        }
    };
}

outcomes! {
    final {
        Match = "match", Match, "recognised", "";
        NoMatch = "no-match", Denied, "not recognised", "";
        Attack = "attack", Denied, "not taken for a live face", "look straight at the camera, with no picture or screen in sight";
        Ambiguous = "ambiguous", Denied, "looks like more than one enrolled person", "ask for one by name, or remove what is enrolled twice";
        NotAllowed = "not-allowed", Denied, "recognised, but not allowed in here now", "see `facelatch list`";
        ClockUnset = "clock-unset", Denied, "recognised, but the time is not known, and this person may come in at certain times only", "see `facelatch status`";
        EnterPin = "enter-pin", Retry, "recognised, and the PIN is wanted as well", "type the PIN at the door; `facelatch pin NAME` sets one";
        Wait = "wait", Locked, "too many misses", "wait, or use another way in";
        Stopped = "stopped", Locked, "too many misses", "use another way in, then `facelatch reset`";
        NotEnrolled = "not-enrolled", NotEnrolled, "nobody of that name is enrolled", "run `facelatch enroll NAME`";
        SwitchedOff = "switched-off", Unavailable, "face unlock is switched off", "run `facelatch face on`";
        CameraUnavailable = "camera-unavailable", Unavailable, "no camera", "see `facelatch status`";
        Cancelled = "cancelled", Unavailable, "cancelled because the caller disconnected", "";
        Failed = "failed", Unavailable, "the daemon failed", "see `journalctl -u facelatchd`";
    }
    retry {
        NoFace = "no-face", "no face seen", "look at the camera";
        SeveralFaces = "several-faces", "more than one face seen", "one person at a time, please";
        TooFar = "too-far", "too far away", "come closer";
        NotCentred = "not-centred", "not wholly in the picture", "move to the middle";
        TooDark = "too-dark", "too dark", "more light, please";
        TooBright = "too-bright", "too bright", "less light on the face, please";
        TooBlurred = "too-blurred", "blurred", "hold still, or wipe the lens";
        TurnedAway = "turned-away", "turned away", "look straight at the camera";
        Unclear = "unclear", "the face is not clear enough to be judged", "come closer, with more light and nothing over the face";
        Tilted = "tilted", "head tilted to the side", "hold your head upright";
        Rotate0 = "rotate-0", "the picture is turned", "hold your head upright; or, if the camera is mounted upright, set camera.rotate = 0";
        Rotate90 = "rotate-90", "the picture is turned", "hold your head upright; or, if the camera is mounted on its side, set camera.rotate = 90";
        Rotate180 = "rotate-180", "the picture is turned", "hold your head upright; or, if the camera is mounted upside down, set camera.rotate = 180";
        Rotate270 = "rotate-270", "the picture is turned", "hold your head upright; or, if the camera is mounted on its side, set camera.rotate = 270";
        EyesCovered = "eyes-covered", "the eyes are covered", "take off dark glasses to enrol";
        MouthCovered = "mouth-covered", "the mouth is covered", "take off the mask or scarf to enrol";
        NoAnswer = "no-answer", "the head was not turned, or not held straight, when asked", "when you are asked to, look straight at the camera or turn your head by about 40 degrees";
        NoInfrared = "no-infrared", "not seen by the infrared camera", "come closer, with nothing over that camera or its lamp";
        NoColour = "no-colour", "the picture has no colour", "more light, please; with a camera without colour, set attack.level = \"off\", and a photograph is let in";
        Child = "child", "looks like a small child, and small children look alike to the network", "use another way in, or have root allow it with `facelatch enroll NAME --allow-child`";
    }
    prompt {
        TurnLeft = "turn-left", "turn your head to the left";
        TurnRight = "turn-right", "turn your head to the right";
        TurnFarther = "turn-farther", "turn your head a little farther";
        LookStraight = "look-straight", "look straight at the camera";
    }
}

impl Outcome {
    /// One line: what happened, and what to do about it.
    pub fn message(self) -> String {
        match self.advice() {
            "" => self.text().to_owned(),
            advice => format!("{}; {advice}", self.text()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_reads_as_it_writes() {
        for outcome in Outcome::ALL {
            let text = serde_json::to_string(&outcome).expect("serialises");
            assert_eq!(text, format!("\"{outcome}\""));
            assert_eq!(serde_json::from_str::<Outcome>(&text).expect("reads"), outcome);
        }
    }

    #[test]
    fn each_outcome_is_explained_where_people_look() {
        let commands = include_str!("../../docs/commands.md");
        for outcome in Outcome::ALL {
            assert!(commands.contains(&format!("`{outcome}`")), "docs/commands.md: no {outcome}");
        }
    }

    #[test]
    fn an_outcome_from_a_newer_daemon_is_unknown_and_not_a_match() {
        let outcome: Outcome = serde_json::from_str("\"sleepy\"").expect("reads");
        assert_eq!((outcome, outcome.kind()), (Outcome::Unknown, Kind::Unavailable));
    }

    #[test]
    fn only_a_match_is_of_the_kind_that_lets_in() {
        for outcome in Outcome::ALL.into_iter().chain([Outcome::Unknown]) {
            assert_eq!(outcome.kind() == Kind::Match, outcome == Outcome::Match, "{outcome}");
            assert!(!outcome.text().is_empty());
        }
    }

    #[test]
    fn a_prompt_is_one_sentence_and_lets_nobody_in() {
        let prompts: Vec<Outcome> =
            Outcome::ALL.into_iter().filter(|outcome| outcome.kind() == Kind::Prompt).collect();
        assert_eq!(
            prompts,
            [Outcome::TurnLeft, Outcome::TurnRight, Outcome::TurnFarther, Outcome::LookStraight]
        );
        assert!(prompts.iter().all(|prompt| prompt.message() == prompt.text()));
    }

    #[test]
    fn every_reason_to_try_again_says_what_to_do() {
        for reason in RetryReason::ALL {
            let outcome = Outcome::from(reason);
            assert!(outcome.kind() == Kind::Retry && !outcome.advice().is_empty(), "{outcome}");
        }
    }
}
