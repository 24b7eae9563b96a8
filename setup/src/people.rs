//! Whom a setup enrols, and how that is taken back.

use facelatch_wire::reply::Template;
use serde::{Deserialize, Serialize};

use crate::ask::{Person, Stop, yes};

/// How often somebody may try what is tried before the camera.
pub const TRIES: usize = 3;

/// Longest time between the two last answers of an enrolment and its templates, in seconds.
const ENROLMENT_S: u64 = 600;

/// Somebody who was not enrolled before.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Who.
    pub user: String,
    /// When it began, in seconds since 1970.
    pub since: u64,
    /// The templates; none if the setup ended before it knew them.
    #[serde(default)]
    pub ids: Vec<String>,
}

impl Enrolled {
    /// Whether a setup made this template.
    fn is_ours(&self, template: &Template) -> bool {
        let in_time = (self.since..=self.since + ENROLMENT_S).contains(&template.created_at);
        if self.ids.is_empty() { in_time } else { self.ids.contains(&template.id) }
    }
}

/// The people whom the daemon knows.
pub trait People {
    /// Seconds since 1970.
    fn now(&self) -> u64;
    /// What is enrolled of a person.
    ///
    /// # Errors
    /// The daemon does not answer.
    fn templates(&mut self, user: &str) -> Result<Vec<Template>, Stop>;
    /// Enrols the person before the camera; they see what to do.
    ///
    /// # Errors
    /// Why they are not enrolled.
    fn enroll(&mut self, user: &str) -> Result<(), Stop>;
    /// Forgets them.
    ///
    /// # Errors
    /// The daemon does not answer.
    fn remove(&mut self, user: &str) -> Result<(), Stop>;
}

/// A setup that enrols people.
pub trait Enrols {
    /// Whom the daemon knows.
    fn people(&mut self) -> &mut dyn People;
    /// Whom setups have enrolled.
    fn enrolled(&mut self) -> &mut Vec<Enrolled>;
    /// Puts what was done on the disk.
    ///
    /// # Errors
    /// It cannot be written.
    fn save(&mut self) -> Result<(), Stop>;
    /// Who answers.
    fn person(&mut self) -> &mut dyn Person;

    /// Why nobody of this name is to be enrolled.
    fn refuses(&self, _name: &str) -> Option<String> {
        None
    }

    /// Asks for a name.
    ///
    /// # Errors
    /// Nobody answers.
    fn name(&mut self, suggested: Option<&str>) -> Result<String, Stop> {
        loop {
            let name = self.person().answer("enroll.name", "Their name", suggested)?;
            match self.refuses(&name) {
                None => return Ok(name),
                Some(why) => self.person().wrong("enroll.name", &why)?,
            }
        }
    }

    /// Enrols somebody, in a few tries; `later` is the command for who is not enrolled then, after which the setup goes on.
    /// Who it is to be, enrolled or not.
    ///
    /// # Errors
    /// Nobody answers.
    fn first_person(&mut self, suggested: Option<&str>, later: fn(&str) -> String) -> Result<String, Stop> {
        let mut user = self.name(suggested)?;
        let mut tries = 1;
        while let Err(why) = self.enroll_once(&user) {
            self.person().say(&why.to_string());
            if tries == TRIES || !yes(self.person(), "enroll.again", "Try again?", true)? {
                self.person().say(&format!("enrol later: {}", later(&user)));
                break;
            }
            tries += 1;
            user = self.name(Some(&user))?;
        }
        Ok(user)
    }

    /// Enrols somebody who is not enrolled.
    ///
    /// # Errors
    /// Why they are not.
    fn enroll_once(&mut self, user: &str) -> Result<(), Stop> {
        if !self.people().templates(user)?.is_empty() {
            self.person().say(&format!("{user} is enrolled already"));
            return Ok(());
        }
        let enrolled = Enrolled { user: user.to_owned(), since: self.people().now(), ids: Vec::new() };
        self.enrolled().retain(|known| known.user != user);
        self.enrolled().push(enrolled);
        self.save()?;
        let ended = self.people().enroll(user);
        let ids: Vec<String> =
            self.people().templates(user)?.into_iter().map(|template| template.id).collect();
        if ids.is_empty() {
            // Whoever is enrolled later, is not by this setup.
            self.enrolled().pop();
        } else if let Some(last) = self.enrolled().last_mut() {
            last.ids = ids;
        }
        self.save()?;
        ended
    }

    /// Removes whom setups enrolled, unless they were enrolled once more since.
    ///
    /// # Errors
    /// The daemon does not answer.
    fn take_people_back(&mut self) -> Result<(), Stop> {
        while let Some(enrolled) = self.enrolled().last().cloned() {
            let user = enrolled.user.as_str();
            let templates = self.people().templates(user)?;
            // Adapted ones come by themselves.
            let mut enrolments = templates.iter().filter(|template| !template.adapted);
            if !enrolments.all(|template| enrolled.is_ours(template)) {
                self.person().say(&format!(
                    "{user} was enrolled again since the setup and stays; `facelatch remove {user}` removes them"
                ));
            } else if !templates.is_empty() {
                self.people().remove(user)?;
                self.person().say(&format!("{user} is no longer enrolled"));
            }
            self.enrolled().pop();
            self.save()?;
        }
        Ok(())
    }
}
