//! A thread for each switch: reads its line, and takes it again when it was lost.

use std::time::Duration;

use crate::door::LineState;
use crate::line::{Input, LineError};

/// How long to wait for a change before the line is looked at. It shows a chip that is gone, and a change that was missed.
const LOOK: Duration = Duration::from_secs(1);

/// What a watched line needs of the world.
pub(crate) trait World {
    /// Takes the line.
    fn take(&mut self) -> Result<Box<dyn Input>, LineError>;

    /// Passes on what became of it; false if nobody listens any more.
    fn tell(&mut self, state: LineState) -> bool;

    /// Waits before the line is taken again.
    fn pause(&mut self);
}

/// Watches a line until nobody listens.
pub(crate) fn watch(world: &mut impl World) {
    let mut told = None;
    loop {
        let lost = match world.take().and_then(|mut line| listen(&mut *line, world, &mut told)) {
            Ok(()) => return,
            Err(error) => error.to_string(),
        };
        // Not the same line of the journal again and again.
        if told.as_ref() != Some(&lost) {
            if !world.tell(LineState::Lost(lost.clone())) {
                return;
            }
            told = Some(lost);
        }
        world.pause();
    }
}

fn listen(line: &mut dyn Input, world: &mut impl World, told: &mut Option<String>) -> Result<(), LineError> {
    let mut level = line.level()?;
    *told = None;
    if !world.tell(LineState::There(level)) {
        return Ok(());
    }
    loop {
        let now = match line.wait(LOOK)? {
            Some(edge) => edge,
            None => line.level()?,
        };
        if now != level && !world.tell(LineState::Edge(now)) {
            return Ok(());
        }
        level = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{LineId, Place};
    use std::collections::VecDeque;

    fn gone() -> LineError {
        LineError::NotFound { place: Place { chip: String::new(), line: LineId::Name("X".into()) } }
    }

    /// What the line does next: its level, or a change, or nothing for a while.
    #[derive(Clone, Copy)]
    enum Next {
        Level(bool),
        Change(Option<bool>),
        Gone,
    }

    struct Script(VecDeque<Next>);

    impl Input for Script {
        fn level(&mut self) -> Result<bool, LineError> {
            match self.0.pop_front() {
                Some(Next::Level(level)) => Ok(level),
                _ => Err(gone()),
            }
        }

        fn wait(&mut self, _: Duration) -> Result<Option<bool>, LineError> {
            match self.0.pop_front() {
                Some(Next::Change(change)) => Ok(change),
                _ => Err(gone()),
            }
        }
    }

    struct Told {
        lines: VecDeque<Option<Vec<Next>>>,
        told: Vec<LineState>,
    }

    impl World for Told {
        fn take(&mut self) -> Result<Box<dyn Input>, LineError> {
            let line = self.lines.pop_front().flatten().ok_or_else(gone)?;
            Ok(Box::new(Script(line.into())))
        }

        fn tell(&mut self, state: LineState) -> bool {
            self.told.push(state);
            self.told.len() < 7
        }

        fn pause(&mut self) {}
    }

    #[test]
    fn changes_are_told_once_and_a_missed_one_is_found() {
        use Next::{Change, Gone, Level};
        let first = vec![
            Level(false),
            Change(Some(true)),
            Change(Some(true)),
            Change(None),
            Level(true),
            Change(Some(false)),
            Change(None),
            Level(true),
            Gone,
        ];
        let lines = [Some(first), None, None, Some(vec![Level(true), Gone])].into();
        let mut world = Told { lines, told: Vec::new() };
        watch(&mut world);
        let lost = LineState::Lost(gone().to_string());
        let wanted = [
            LineState::There(false),
            LineState::Edge(true),
            LineState::Edge(false),
            LineState::Edge(true),
            lost.clone(),
            LineState::There(true),
            lost,
        ];
        assert_eq!(world.told, wanted);
    }
}
