//! A person who answers as a file says, and what ends a setup early.

use std::cell::Cell;
use std::panic::resume_unwind;
use std::rc::Rc;

use facelatch_setup::ask::{Answers, Person, Stop};

use super::KEYS;
use super::bench::Bench;

/// Calls left until the setup ends early.
#[derive(Clone, Default)]
pub(super) struct Fuse(Rc<Cell<Option<(usize, Way)>>>);

/// How.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// It is killed.
    Kill,
    /// One call fails.
    Fail,
}

impl Fuse {
    pub(super) fn set(&self, after: Option<(usize, Way)>) {
        self.0.set(after);
    }

    /// Whether a call failed by it.
    pub(super) fn is_spent(&self) -> bool {
        self.0.get().is_none()
    }

    pub(super) fn burn(&self) -> Result<(), Stop> {
        match self.0.get() {
            // No message: this is the test's own.
            Some((0, Way::Kill)) => resume_unwind(Box::new("killed")),
            Some((0, Way::Fail)) => {
                self.0.set(None);
                Err(Stop("injected".to_owned()))
            }
            Some((left, way)) => {
                self.0.set(Some((left - 1, way)));
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// A file of answers, and somebody who hears what is said.
pub(super) struct Script {
    answers: Answers,
    pub(super) said: Vec<String>,
    fuse: Fuse,
}

impl Script {
    pub(super) fn new(answers: Answers, bench: &Bench) -> Self {
        Self { answers, said: Vec::new(), fuse: bench.fuse.clone() }
    }
}

impl Person for Script {
    fn say(&mut self, text: &str) {
        self.said.push(text.to_owned());
    }

    fn answer(&mut self, key: &str, question: &str, default: Option<&str>) -> Result<String, Stop> {
        // Control-C, or the terminal is closed.
        self.fuse.burn()?;
        assert!(KEYS.contains(&key), "{key}");
        let answer = self.answers.answer(key, question, default)?;
        self.said.push(format!("{question}: {answer}"));
        Ok(answer)
    }

    fn wrong(&mut self, key: &str, why: &str) -> Result<(), Stop> {
        self.answers.wrong(key, why)
    }

    fn wait(&mut self, _: &str) -> Result<(), Stop> {
        Ok(())
    }
}
