//! Faces that look like a small child's, whom the embedder cannot tell from other small children.

use super::capture::Captured;
use super::{Cause, EnrollError, Pipeline, Trace};
use crate::detect::attack::Presentation;
use crate::detect::quality::RetryReason;
use crate::embed::KeyedEmbedding;
use crate::people::UserName;

impl Pipeline {
    /// Before a comparison: whether a live face looks like a small child's. It can be only somebody's for whom that was allowed.
    ///
    /// # Errors
    /// [`RetryReason::Child`] if that leaves nobody: no face is judged then, so it is no miss.
    pub(super) fn admit_child(
        &self,
        claimed: Option<&UserName>,
        captured: &Captured,
        trace: &mut Trace,
    ) -> Result<bool, Cause> {
        if !matches!(captured.presentation, Presentation::Live(_)) {
            return Ok(false);
        }
        if trace.is_explained() {
            let child = self.gallery.like_child(&captured.probes)?;
            trace.note(|explanation| explanation.child = child);
        }
        if !self.gallery.is_child(&captured.probes)? {
            return Ok(false);
        }
        let may_be = |user: &UserName| self.gallery.may_be_child(user);
        let is_left = claimed.map_or_else(|| self.gallery.people().keys().any(may_be), may_be);
        if is_left { Ok(true) } else { Err(Cause::Retry(RetryReason::Child)) }
    }

    /// Before an enrolment: a warning if the face looks like a small child's, and that is allowed.
    ///
    /// # Errors
    /// [`EnrollError::Child`] if it is not.
    pub(super) fn enrol_child(
        &self,
        is_allowed: bool,
        probes: &[KeyedEmbedding],
    ) -> Result<Option<String>, EnrollError> {
        if !self.gallery.is_child(probes)? {
            return Ok(None);
        }
        let rates = self.networks.embedder.child().map_or("", |cue| cue.rates()).to_owned();
        if !is_allowed {
            return Err(EnrollError::Child { rates });
        }
        Ok(Some(format!("this face looks like that of a small child, and that is allowed: {rates}")))
    }
}
