//! Who is enrolled from which pictures, who tries to get in, and the expected verdicts.

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

/// Someone, or nobody, stands before the camera and claims to be [`ENROLLED`].
#[derive(Debug)]
pub(crate) struct Step {
    /// The pictures the camera sees, in order.
    pub(crate) pictures: &'static [&'static str],
    /// Description for the report.
    pub(crate) who: &'static str,
    /// The expected verdict.
    pub(crate) expected: Verdict,
}

/// The visitors, in this order.
pub(crate) const STEPS: &[Step] = &[
    Step {
        pictures: &["obama-3.jpg", "obama-3b.jpg", "obama-3c.jpg"],
        who: "the same person",
        expected: Verdict::Match,
    },
    Step { pictures: &["biden.jpg"], who: "a second person", expected: Verdict::NoMatch },
    Step { pictures: &["astronaut.jpg"], who: "a stranger", expected: Verdict::NoMatch },
    Step { pictures: &["coffee.jpg"], who: "an empty room", expected: Verdict::NoFace },
    Step { pictures: &["two-faces.jpg"], who: "two at once", expected: Verdict::SeveralFaces },
    Step { pictures: &["dark.jpg"], who: "in the dark", expected: Verdict::TooDark },
];
