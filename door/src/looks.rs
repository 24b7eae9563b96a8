//! When the daemon is asked to look: while the trigger is active or somebody stands there, less often the less it helps.
//! No clock and no I/O.

use std::time::Duration;

use facelatch_wire::{Kind, Outcome};

use crate::clock::Moment;

/// The wait after the first look that did not help; each further one doubles it.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// The wait while a face is seen that cannot be judged yet: the person is on their way.
const SOON: Duration = Duration::from_millis(100);

/// The wait where only time helps: too many misses, no daemon, no camera.
const LATER: Duration = Duration::from_secs(10);

/// Who was let in is not looked at again for so long, unless they leave.
const AFTER_MATCH: Duration = Duration::from_secs(10);

/// The same for who was recognised and has to type the PIN.
const FOR_THE_PIN: Duration = Duration::from_secs(20);

/// Who is out of sight for so long has left.
const GONE: Duration = Duration::from_secs(3);

/// After nobody was in sight for so long, whoever comes is not taken for the stranger of before.
const SOMEBODY_ELSE: Duration = Duration::from_secs(10);

/// Looks for somebody who stands there and is not recognised end after this, unless they are still in sight.
const VISIT: Duration = Duration::from_secs(60);

/// After this long without a look, the next is like the first.
const FORGOTTEN: Duration = Duration::from_secs(120);

/// Why there is no look just now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Wait {
    /// The face cannot be judged yet.
    #[default]
    Unusable,
    /// Nobody was there.
    Nobody,
    /// The person was recognised.
    Recognised,
    /// A look was a miss, which costs everybody one of the few that are free before the lockout.
    Miss,
    /// Only time helps.
    Later,
}

/// Looks at one door.
#[derive(Debug, Default)]
pub struct Looks {
    trigger_is_active: bool,
    /// Since when somebody is thought to be there.
    visit: Option<Moment>,
    is_looking: bool,
    /// A look has ended since somebody was thought to be there, and saw nobody.
    saw_nobody: bool,
    wait: Wait,
    not_before: Moment,
    /// When the last look ended.
    last: Moment,
    /// When a face was last in sight.
    seen: Moment,
    /// Looks in a row that saw nobody.
    empty: u32,
    /// Misses in a row.
    misses: u32,
}

impl Looks {
    /// What the trigger's line says.
    pub fn trigger(&mut self, is_active: bool, now: Moment) {
        let began = is_active && !self.trigger_is_active;
        self.trigger_is_active = is_active;
        if began {
            (self.visit, self.saw_nobody) = (Some(now), false);
            if self.wait == Wait::Recognised {
                (self.wait, self.not_before) = (Wait::Unusable, now);
            }
        } else if !is_active && !self.is_looking && (self.saw_nobody || self.wait == Wait::Recognised) {
            self.visit = None;
        }
    }

    /// The watched camera has a face in sight.
    pub fn sight(&mut self, now: Moment) {
        let away = now.since(self.seen);
        let is_new = match self.wait {
            Wait::Unusable | Wait::Nobody => true,
            Wait::Recognised => away >= GONE,
            Wait::Miss => away >= SOMEBODY_ELSE,
            Wait::Later => false,
        };
        if is_new {
            (self.wait, self.not_before) = (Wait::Unusable, now);
        }
        if away >= SOMEBODY_ELSE {
            self.misses = 0;
        }
        (self.seen, self.visit, self.saw_nobody) = (now, Some(now), false);
    }

    /// Somebody who typed the right PIN has to show their face: they are no stranger, and do not wait like one.
    pub fn face_wanted(&mut self, now: Moment) {
        if self.wait != Wait::Later {
            (self.wait, self.not_before) = (Wait::Unusable, now);
        }
        (self.visit, self.saw_nobody) = (Some(now), false);
    }

    /// Whether to look now; then a look is under way until [`Looks::ended`].
    pub fn begin(&mut self, now: Moment) -> bool {
        if self.visit.is_none() || self.is_looking || now < self.not_before {
            return false;
        }
        if now.since(self.last) >= FORGOTTEN {
            (self.empty, self.misses) = (0, 0);
        }
        self.is_looking = true;
        true
    }

    /// When [`Looks::begin`] may be true next, unless something happens before.
    pub fn next(&self) -> Option<Moment> {
        (self.visit.is_some() && !self.is_looking).then_some(self.not_before)
    }

    /// How the look ended; `None`: there was no reply.
    pub fn ended(&mut self, outcome: Option<Outcome>, now: Moment) {
        self.is_looking = false;
        self.last = now;
        let (stays, wait, time) = match outcome.map(|outcome| (outcome, outcome.kind())) {
            Some((_, Kind::Match)) => return self.let_in(now),
            Some((Outcome::EnterPin, _)) => (true, Wait::Recognised, FOR_THE_PIN),
            Some((Outcome::NoFace, _)) => (false, Wait::Nobody, longer(&mut self.empty)),
            // Who does not answer is counted like an attack.
            Some((Outcome::NoAnswer, _) | (_, Kind::Denied)) => (true, Wait::Miss, longer(&mut self.misses)),
            Some((_, Kind::Retry)) => (true, Wait::Unusable, SOON),
            _ => (false, Wait::Later, LATER),
        };
        (self.wait, self.not_before) = (wait, now.after(time));
        self.saw_nobody = !stays;
        if stays {
            (self.seen, self.empty) = (now, 0);
        }
        let is_over = self.visit.is_none_or(|since| now.since(since) >= VISIT);
        if self.trigger_is_active {
            self.visit = Some(now);
        } else if !stays || is_over {
            self.visit = None;
        }
    }

    /// The door was opened for somebody: one match is enough for a visit.
    pub fn let_in(&mut self, now: Moment) {
        (self.seen, self.empty, self.misses) = (now, 0, 0);
        (self.wait, self.not_before) = (Wait::Recognised, now.after(AFTER_MATCH));
        self.visit = None;
    }
}

/// The next wait of those that double.
fn longer(in_vain: &mut u32) -> Duration {
    let wait = FIRST_WAIT.saturating_mul(1 << (*in_vain).min(6));
    *in_vain = in_vain.saturating_add(1);
    wait.min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests;
