//! Who is enrolled from which pictures, who comes to the door, and what must happen.

use facelatch_wire::Outcome as Verdict;

/// The name under which one person is enrolled.
pub(crate) const ENROLLED: &str = "obama";

/// The pictures that person is enrolled from; none of them comes back later.
pub(crate) const ENROLMENT: &[&str] = &[
    "obama-enrol-1.jpg",
    "obama-enrol-2.jpg",
    "obama-enrol-3.jpg",
    "obama-enrol-4.jpg",
    "obama-enrol-5.jpg",
    "obama-enrol-6.jpg",
];

/// Somebody, or nobody, comes to the door and says to be [`ENROLLED`].
#[derive(Debug)]
pub(crate) struct Step {
    /// What the camera sees, one after another.
    pub(crate) pictures: &'static [&'static str],
    /// For people.
    pub(crate) who: &'static str,
    /// What must come of it.
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
