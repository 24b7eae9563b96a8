//! Enrolment: several looks of one person to templates in the store.

use std::ops::ControlFlow;
use std::time::Duration;

use super::look::Search;
use super::{Listener, Pipeline, Progress, Stop};
use crate::embed::Embedding;
use crate::judge::{Cause, UserName, vote};
use crate::store::{MAX_LABEL_BYTES, MAX_TEMPLATES, StoreError, Template};

/// So many looks in a row that are unlike the earlier ones are another person, not a bad picture.
const MAX_OUTLIERS: usize = 5;

/// Frames that follow each other faster than this show one and the same look, and five templates of it know hardly more
/// than one. In so long a person moves a little. Five templates take 1.6 s at least, 32 take 12.4 s and the work on each:
/// every deadline that the configuration allows leaves time for it.
const BETWEEN_LOOKS: Duration = Duration::from_millis(400);

/// Who is to be enrolled.
#[derive(Debug, Clone)]
pub struct EnrollRequest {
    /// Whose face it is.
    pub user: UserName,
    /// What to call these templates; at most [`MAX_LABEL_BYTES`], no control characters.
    pub label: String,
    /// How many templates to take, `1..=MAX_TEMPLATES`.
    pub templates: usize,
}

/// What an enrolment did.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// Whose templates they are.
    pub user: UserName,
    /// Their ids in the store.
    pub ids: Vec<String>,
    /// What a person should know, such as a face much like another user's.
    pub warnings: Vec<String>,
}

/// Why nothing was enrolled. Nothing is kept then.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message tells what each field is")]
pub enum EnrollError {
    /// The number of templates makes no sense.
    #[error("templates: {got} lies outside 1 to {MAX_TEMPLATES}")]
    Templates { got: usize },
    /// The label cannot be kept.
    #[error("label: at most {MAX_LABEL_BYTES} bytes and no control characters")]
    Label,
    /// The face changed on the way.
    #[error("the face changed during enrolment; only one person may stand before the camera: start again")]
    AnotherFace,
    /// No good frames in time, or nobody listens any more.
    #[error("no face was captured: {0:?}")]
    Unavailable(Cause),
    /// It could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Pipeline {
    /// Takes `request.templates` good frames of one person and keeps their embeddings.
    ///
    /// # Errors
    /// [`EnrollError`]; the store is then as it was.
    pub fn enroll(
        &mut self,
        request: EnrollRequest,
        listener: Listener<'_>,
    ) -> Result<Enrolled, EnrollError> {
        check(&request)?;
        self.refresh()?;
        let looks = self.poses(request.templates, listener)?;
        let warnings = self.lookalikes(&request.user, &looks);
        let created_at = self.clock.wall();
        let embedder_sha256 = self.networks.embedder.model_sha256();
        let templates: Vec<Template> = looks
            .into_iter()
            .map(|look| Template {
                id: random_id(),
                user: request.user.clone(),
                label: request.label.clone(),
                created_at,
                embedder_sha256: embedder_sha256.to_owned(),
                embedding: look,
            })
            .collect();
        let ids = templates.iter().map(|t| t.id.clone()).collect();
        // Refused if the templates were renewed since the looks were taken.
        self.store.add(&templates, self.gallery.turn())?;
        Ok(Enrolled { user: request.user, ids, warnings })
    }

    /// Good frames that all show one person.
    fn poses(&mut self, wanted: usize, listener: Listener<'_>) -> Result<Vec<Embedding>, EnrollError> {
        let mut search = Search::until(self.clock.now().after(self.rules.decision.enroll_deadline_ms.duration()));
        let mut attempt = super::Attempt::unavailable(Cause::NotEnrolled);
        let mut looks: Vec<Embedding> = Vec::with_capacity(wanted);
        let mut outliers = 0;
        while looks.len() < wanted {
            let look = self.good_frame(&search, listener, &mut attempt)?;
            if !self.like_the_others(&look, &looks) {
                outliers += 1;
                if outliers == MAX_OUTLIERS {
                    return Err(EnrollError::AnotherFace);
                }
                if let ControlFlow::Break(()) = listener(Progress::Outlier) {
                    return Err(EnrollError::Unavailable(Cause::Cancelled));
                }
                continue;
            }
            outliers = 0;
            looks.push(look);
            search.from = self.clock.now().after(BETWEEN_LOOKS);
            let progress = Progress::Captured { done: looks.len(), wanted };
            if let ControlFlow::Break(()) = listener(progress) {
                return Err(EnrollError::Unavailable(Cause::Cancelled));
            }
        }
        Ok(looks)
    }

    /// Whether a template of this look would be one of the same person: judged as a frame against the looks so far.
    fn like_the_others(&self, look: &Embedding, looks: &[Embedding]) -> bool {
        let head = self.gallery.head();
        let z = vote::decide(head, std::slice::from_ref(look), looks.iter());
        z.is_none_or(|z| z.probability() >= head.threshold())
    }

    /// Names the users whose templates match the new ones.
    fn lookalikes(&self, user: &UserName, looks: &[Embedding]) -> Vec<String> {
        let head = self.gallery.head();
        let like =
            |other: &Embedding| looks.iter().any(|look| head.probability(look, other) >= head.threshold());
        let others = self.gallery.people().iter().filter(|(other, _)| *other != user);
        let close = others.filter(|(_, templates)| templates.iter().any(like));
        close
            .map(|(other, _)| {
                format!("this face looks like that of {other}: each may be taken for the other")
            })
            .collect()
    }
}

fn check(request: &EnrollRequest) -> Result<(), EnrollError> {
    if !(1..=MAX_TEMPLATES).contains(&request.templates) {
        return Err(EnrollError::Templates { got: request.templates });
    }
    if request.label.len() > MAX_LABEL_BYTES || request.label.chars().any(char::is_control) {
        return Err(EnrollError::Label);
    }
    Ok(())
}

/// 128 random bits in hex.
fn random_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

impl From<Stop> for EnrollError {
    fn from(stop: Stop) -> Self {
        Self::Unavailable(stop.into())
    }
}
