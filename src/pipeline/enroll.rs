//! Enrolment: several probes of one person become templates in the store.

use std::collections::BTreeSet;
use std::time::Duration;

use super::ahead::Ahead;
use super::capture::CaptureWindow;
use super::{Cause, Observer, Pipeline, Progress, Trace, lookalikes, report};
use crate::detect::attack::{Presentation, Species};
use crate::embed::{KeyedEmbedding, OtherKey, Role};
use crate::judge::vote;
use crate::people::{Account, UserName};
use crate::store::{LiveScore, MAX_LABEL_BYTES, MAX_TEMPLATES, StoreError, Template};

/// This many probes in a row that do not match the earlier ones are another person, not a bad picture.
const MAX_OUTLIERS: usize = 5;

/// Least time between two probes, so that the person moves a little in between: templates of one and the same pose add
/// hardly anything. Five templates take at least 1.6 s, 32 take 12.4 s and the work on each; every deadline that the
/// configuration allows leaves time for that.
const BETWEEN_PROBES: Duration = Duration::from_millis(400);

/// Whom to enrol, and how.
#[derive(Debug, Clone)]
pub struct EnrollRequest {
    /// Whose face it is.
    pub user: UserName,
    /// Whom the templates are for.
    pub account: Account,
    /// Label of these templates; at most [`MAX_LABEL_BYTES`], no control characters.
    pub label: String,
    /// How many templates to take, `1..=MAX_TEMPLATES`.
    pub templates: usize,
    /// Name of the camera; the default one if absent.
    pub camera: Option<String>,
    /// Also if it looks like a small child, whom other children may be taken for.
    pub allow_child: bool,
}

/// What an enrolment did.
#[derive(Debug, Clone)]
pub struct Enrolled {
    /// Whose templates they are.
    pub user: UserName,
    /// Their ids in the store.
    pub ids: Vec<String>,
    /// How many earlier templates gave way to them.
    pub replaced: usize,
    /// Sentences for people, such as that another user has a similar face.
    pub warnings: Vec<String>,
}

/// Earlier templates that give way to an enrolment.
#[derive(Default)]
struct Replaced {
    ids: BTreeSet<String>,
    /// How many of them are for another account.
    other_account: usize,
    /// The user's others, which stay.
    kept: Vec<Template>,
}

/// Why nobody was enrolled. Nothing is kept then.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message tells what each field is")]
pub enum EnrollError {
    /// Too many templates, or none.
    #[error("templates: {got} is out of range; use 1 to {MAX_TEMPLATES}")]
    Templates { got: usize },
    /// The label cannot be kept.
    #[error("label: too long, or has a control character; use at most {MAX_LABEL_BYTES} bytes of plain text")]
    Label,
    /// The probes show two people.
    #[error(
        "the face changed during enrolment: start again with one person only, in the same light, glasses on or off throughout"
    )]
    AnotherFace,
    /// The frames show a picture of a face.
    #[error(
        "what is before the camera was not taken for a live face; look straight at the camera, in even light, with \
         nothing in the hands and no picture or screen in sight (docs/troubleshooting.md)"
    )]
    Attack(Species),
    /// So many others look like these probes that the templates would open for strangers, too.
    #[error(
        "this face looks like that of {}: such templates would let others in; remove names that are enrolled twice, or enrol \
         again in better light", lookalikes::names(.others)
    )]
    LikeMany { others: Vec<UserName> },
    /// A small child, and nobody has allowed it.
    #[error(
        "this face looks like that of a small child, and small children look alike to the network{}: use another way in for \
         them, or have root allow it with --allow-child", told(.rates)
    )]
    Child { rates: String },
    /// No good frames in time, or the caller has gone.
    #[error("no face was captured: {0:?}")]
    Unavailable(Cause),
    /// The store failed.
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
        observer: Observer<'_>,
    ) -> Result<Enrolled, EnrollError> {
        check(&request)?;
        self.refresh()?;
        self.gallery.leave_out(|_, _| false);
        // Before anybody has to look at the camera.
        let kept = self.replaced_by(&request)?.kept;
        // A further set of templates needs no word of its own.
        let allow_child = request.allow_child || kept.iter().any(|template| template.allow_child);
        self.cameras.pick(request.camera.as_deref())?;
        let taken = self.probes(request.templates, observer);
        self.release_camera();
        let (probes, live) = taken?;
        let child = self.enrol_child(allow_child, &probes)?;
        let mut warnings = self.lookalikes(&request.user, child.is_some(), &probes)?;
        warnings.extend(child);
        let replaced = self.replaced_by(&request)?;
        warnings.extend(self.unlike_the_kept(&request.user, &probes, &replaced.kept)?);
        let created_at = self.clock.wall();
        let embedder_sha256 = self.networks.embedder.model_sha256();
        let templates: Vec<Template> = probes
            .into_iter()
            .zip(live)
            .map(|(embedding, live)| Template {
                id: random_id(),
                user: request.user.clone(),
                label: request.label.clone(),
                created_at,
                account: request.account,
                allow_child,
                embedder_sha256: embedder_sha256.to_owned(),
                live,
                adapted: false,
                embedding,
            })
            .collect();
        let ids = templates.iter().map(|t| t.id.clone()).collect();
        // Refused if the templates were renewed during the capture.
        self.store.replace(&replaced.ids, &templates)?;
        if replaced.other_account > 0 {
            let count = replaced.other_account;
            warnings.push(format!("{count} earlier templates were not for this account and are gone"));
        }
        Ok(Enrolled { user: request.user, ids, replaced: replaced.ids.len(), warnings })
    }

    /// The templates that give way to an enrolment: those of its label, those for another account, which may be another
    /// person's, and adapted ones, for which there is no need then.
    fn replaced_by(&self, request: &EnrollRequest) -> Result<Replaced, StoreError> {
        let mut kept = self.store.templates(Some(&request.user))?;
        let mut replaced = Replaced::default();
        for template in
            kept.extract_if(.., |t| t.adapted || t.label == request.label || t.account != request.account)
        {
            replaced.other_account += usize::from(template.account != request.account);
            replaced.ids.insert(template.id);
        }
        let wanted = kept.len() + request.templates;
        if wanted > MAX_TEMPLATES {
            return Err(StoreError::full(&request.user, wanted, &kept));
        }
        Ok(Replaced { kept, ..replaced })
    }

    /// A warning if the probes do not match the templates of other labels that they join: another person's would open for
    /// both.
    fn unlike_the_kept(
        &self,
        user: &UserName,
        probes: &[KeyedEmbedding],
        kept: &[Template],
    ) -> Result<Option<String>, StoreError> {
        let head = self.gallery.head();
        let kept: Vec<KeyedEmbedding> = kept.iter().map(|template| template.embedding.clone()).collect();
        let unlike = vote::decide(head, probes, &kept)?.is_some_and(|z| z.probability() < head.threshold());
        Ok(unlike.then(|| {
            format!(
                "this face does not look like the other templates of {user}: if it is another person's, remove it, or both \
                 are taken for {user}"
            )
        }))
    }

    /// Probes that all show one person, and what is known of each frame.
    fn probes(
        &mut self,
        wanted: usize,
        observer: Observer<'_>,
    ) -> Result<(Vec<KeyedEmbedding>, Vec<Option<LiveScore>>), EnrollError> {
        let deadline = self.rules.decision.enroll_deadline_ms.duration();
        let mut window = CaptureWindow::until(self.clock.now().after(deadline), Role::Template);
        let mut probes: Vec<KeyedEmbedding> = Vec::with_capacity(wanted);
        self.cameras.used_mut().open_infrared()?;
        let (mut stage, mut live, mut outliers) = (self.enrolment_stage(), Vec::new(), 0);
        while probes.len() < wanted || stage.needs(&self.cameras.used().scene).is_some() {
            let (mut ahead, mut trace) = (Ahead::default(), Trace::default());
            let mut seen = self.next_probe(&window, &mut ahead, observer, &mut trace)?;
            if !self.like_the_others(&seen.probe, &probes).map_err(StoreError::from)? {
                outliers += 1;
                if outliers == MAX_OUTLIERS {
                    return Err(EnrollError::AnotherFace);
                }
                report(observer, Progress::Outlier)?;
                continue;
            }
            outliers = 0;
            let score = self.present(&mut stage, &mut seen)?;
            window.from = self.clock.now().after(BETWEEN_PROBES);
            if probes.len() < wanted {
                probes.push(seen.probe);
                live.push(score.and_then(|score| self.live_score(score)));
                report(observer, Progress::Captured { done: probes.len(), wanted })?;
            }
            if let Some(need) = stage.needs(&self.cameras.used().scene).filter(|_| probes.len() == wanted) {
                window.problem = Some(self.ask_for(need, observer)?);
            }
        }
        match stage.judge(&self.cameras.used().scene) {
            Presentation::Attack(species) => Err(EnrollError::Attack(species)),
            Presentation::MoreNeeded(need) => Err(self.lacks(need).into()),
            Presentation::Live(_) => Ok((probes, live)),
        }
    }

    /// Whether a probe shows the same person as each of the earlier ones. Were some of them enough, a chain of faces, each like
    /// the last, would lead from one person to another.
    fn like_the_others(&self, probe: &KeyedEmbedding, earlier: &[KeyedEmbedding]) -> Result<bool, OtherKey> {
        earlier.iter().try_fold(true, |alike, one| Ok(alike && self.alike(one, probe)?))
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

/// In brackets, if anything was measured.
fn told(rates: &str) -> String {
    if rates.is_empty() { String::new() } else { format!(" ({rates})") }
}

/// 128 random bits in hex.
pub(super) fn random_id() -> String {
    format!("{:032x}", rand::random::<u128>())
}

impl From<OtherKey> for EnrollError {
    fn from(error: OtherKey) -> Self {
        Self::Store(error.into())
    }
}

impl From<Cause> for EnrollError {
    fn from(cause: Cause) -> Self {
        Self::Unavailable(cause)
    }
}
