//! Who is enrolled from which pictures, who tries to get in, and the expected verdicts.

use facelatch::config::AttackLevel;
use facelatch_lab::Species;
use facelatch_wire::Outcome as Verdict;

/// The name of the enrolled person.
pub(crate) const ENROLLED: &str = "obama";

/// The pictures that person is enrolled from; none is shown again.
pub(crate) const ENROLMENT: &[&str] = &[
    "obama-enrol-1.jpg",
    "obama-enrol-2.jpg",
    "obama-enrol-3.jpg",
    "obama-enrol-4.jpg",
    "obama-enrol-5.jpg",
    "obama-enrol-6.jpg",
];

/// What is done about presentation attacks, and what a rendered one is expected to get.
pub(crate) const ATTACKS: (AttackLevel, Verdict) = (AttackLevel::Passive, Verdict::Attack);

/// Someone, or nobody, stands before the camera and claims to be [`ENROLLED`].
#[derive(Debug)]
pub(crate) struct Step {
    /// What the camera sees.
    pub(crate) shown: Shown,
    /// Description for the report.
    pub(crate) who: &'static str,
    /// The expected verdict.
    pub(crate) expected: Verdict,
}

/// What the camera sees.
#[derive(Debug)]
pub(crate) enum Shown {
    /// These pictures, in order.
    Pictures(&'static [&'static str]),
    /// This picture as a presentation attack, rendered.
    Attack {
        /// Of the bundled ones.
        picture: &'static str,
        /// What it is shown on.
        species: Species,
        /// Of everything random: the room, the camera, the hand.
        seed: u64,
    },
}

/// The visitors, in this order.
pub(crate) const STEPS: &[Step] = &[
    Step {
        shown: Shown::Pictures(&["obama-3.jpg", "obama-3b.jpg", "obama-3c.jpg"]),
        who: "the same person",
        expected: Verdict::Match,
    },
    Step { shown: Shown::Pictures(&["biden.jpg"]), who: "a second person", expected: Verdict::NoMatch },
    Step { shown: Shown::Pictures(&["astronaut.jpg"]), who: "a stranger", expected: Verdict::NoMatch },
    Step { shown: Shown::Pictures(&["coffee.jpg"]), who: "an empty room", expected: Verdict::NoFace },
    Step { shown: Shown::Pictures(&["two-faces.jpg"]), who: "two at once", expected: Verdict::SeveralFaces },
    Step { shown: Shown::Pictures(&["dark.jpg"]), who: "in the dark", expected: Verdict::TooDark },
    Step {
        shown: Shown::Attack { picture: "obama-3.jpg", species: Species::Phone, seed: 11 },
        who: "a photo of them",
        expected: ATTACKS.1,
    },
];
