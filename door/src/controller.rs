//! All doors of the board: what is done about each thing that happens. No clock and no I/O.

use std::collections::BTreeMap;
use std::time::Duration;

use facelatch_wire::Outcome;
use facelatch_wire::reply::Event;

use crate::clock::Moment;
use crate::config::Config;
use crate::door::{Act, Door, LineState, Role};
use crate::grant::{Grant, Read};
use crate::keypad;
use crate::looks::Looks;

/// Something that happened.
#[derive(Debug)]
pub(crate) enum Message {
    /// To an input of the door with this number.
    Input { door: usize, role: Role, state: LineState },
    /// To the line of its strike: it can be used, or why not.
    Strike { door: usize, lost: Option<String> },
    /// To the keypad of this door, or to a PIN that was typed there.
    Keypad { door: usize, news: keypad::News },
    /// At the daemon.
    Event(Event),
    /// To the connection with the daemon: events come in, or why not.
    Daemon { lost: Option<String> },
    /// A look ended, or there was no reply.
    Looked(Result<Outcome, String>),
}

/// What is to be done about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Let this door open for a pulse.
    Open(usize),
    /// End its pulse.
    Lock(usize),
    /// Ask the daemon to look.
    Look,
    /// Put a line in the journal.
    Say(Urgency, String),
}

/// How urgent a line of the journal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Something does not work.
    Error,
    /// Somebody should look into it.
    Alarm,
    Info,
}

/// The doors, and what is known of their lines and of the daemon.
#[derive(Debug)]
pub(crate) struct Controller {
    doors: Vec<(String, Door)>,
    /// The door that faces open, and the looks at it.
    by_face: Option<usize>,
    looks: Looks,
    /// Each line that was heard of, and what is wrong with it.
    lines: BTreeMap<String, Option<String>>,
    expected: usize,
    /// Why no events come in.
    daemon: Option<String>,
    exit_only: bool,
}

impl Controller {
    /// `exit_only`: no face opens anything.
    pub(crate) fn new(config: &Config, exit_only: bool) -> Self {
        let doors = config.door.iter().map(|door| (door.name.clone(), Door::new(door))).collect();
        Self {
            doors,
            by_face: config.door.iter().position(|door| door.face),
            looks: Looks::default(),
            lines: BTreeMap::new(),
            expected: config.door.iter().map(|door| door.lines().len()).sum::<usize>()
                + config.keypads().count(),
            daemon: Some("not called yet".to_owned()),
            exit_only,
        }
    }

    /// What to do about a message. `wall` is the time since 1970.
    pub(crate) fn handle(&mut self, message: Message, now: Moment, wall: Duration) -> Vec<Order> {
        let mut orders = self.tick(now);
        orders.extend(match message {
            Message::Input { door, role, state } => self.input(door, role, &state, now),
            Message::Strike { door, lost } => self.strike(door, lost),
            Message::Keypad { door, news } => self.keypad(door, news),
            Message::Event(event) => self.event(&event, now, wall),
            Message::Daemon { lost } => self.daemon(lost),
            Message::Looked(ended) => self.looked(ended, now),
        });
        orders.extend(self.look(now));
        orders
    }

    /// What is due by now.
    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Order> {
        let mut orders = Vec::new();
        for number in 0..self.doors.len() {
            let acts = self.doors[number].1.tick(now);
            orders.extend(self.orders(number, acts));
        }
        orders.extend(self.look(now));
        orders
    }

    /// When [`Controller::tick`] has something to do next.
    pub(crate) fn next(&self) -> Option<Moment> {
        let doors = self.doors.iter().filter_map(|(_, door)| door.next());
        doors.chain(self.looks.next()).min()
    }

    fn input(&mut self, number: usize, role: Role, state: &LineState, now: Moment) -> Vec<Order> {
        let mut orders = match state {
            LineState::There(_) => self.line(number, role.name(), None),
            LineState::Edge(_) => Vec::new(),
            LineState::Lost(why) => self.line(number, role.name(), Some(why.clone())),
        };
        if role == Role::Trigger {
            let is_active = matches!(state, LineState::There(true) | LineState::Edge(true));
            self.looks.trigger(is_active && !self.exit_only, now);
        }
        let Some((_, door)) = self.doors.get_mut(number) else { return orders };
        let acts = door.input(role, state, now);
        orders.extend(self.orders(number, acts));
        orders
    }

    fn strike(&mut self, number: usize, lost: Option<String>) -> Vec<Order> {
        if let Some((_, door)) = self.doors.get_mut(number) {
            door.strike(lost.is_none());
        }
        self.line(number, "strike", lost)
    }

    fn keypad(&mut self, number: usize, news: keypad::News) -> Vec<Order> {
        match news {
            keypad::News::Device { lost } => self.line(number, "keypad", lost),
            keypad::News::Judged(judged) => {
                let Some((name, _)) = self.doors.get(number) else { return Vec::new() };
                let (urgency, text) = match judged {
                    Ok(outcome) => (Urgency::Info, outcome.to_string()),
                    Err(why) => (Urgency::Error, why),
                };
                vec![Order::Say(urgency, format!("{name}: a PIN was typed: {text}"))]
            }
        }
    }

    /// Takes note of a line, and says so when that is news.
    fn line(&mut self, number: usize, role: &str, lost: Option<String>) -> Vec<Order> {
        let Some((name, _)) = self.doors.get(number) else { return Vec::new() };
        let name = format!("{name}: {role}");
        let before = self.lines.insert(name.clone(), lost.clone()).flatten();
        match (before, lost) {
            (before, Some(now)) if before.as_ref() != Some(&now) => {
                vec![Order::Say(Urgency::Error, format!("{name}: {now}"))]
            }
            (Some(_), None) => vec![Order::Say(Urgency::Info, format!("{name}: works again"))],
            _ => Vec::new(),
        }
    }

    fn event(&mut self, event: &Event, now: Moment, wall: Duration) -> Vec<Order> {
        let mut orders = Vec::new();
        if let Some(lost) = event.lost {
            let text = format!("{lost} events were lost; no door opens for them");
            orders.push(Order::Say(Urgency::Error, text));
        }
        let grant = match Grant::read(event, wall) {
            Read::Grant(grant) => grant,
            Read::Stale => {
                let text = "a match came more than 5 s late, or the clock was set back: no door opens";
                orders.push(Order::Say(Urgency::Error, text.to_owned()));
                return orders;
            }
            Read::Nothing => return orders,
        };
        let Some(number) = self.by_face.filter(|_| !self.exit_only) else {
            let text = format!("no door opens for {:?}: none may be opened by a face", grant.user());
            orders.push(Order::Say(Urgency::Info, text));
            return orders;
        };
        let acts = self.doors[number].1.grant(grant, now);
        orders.extend(self.orders(number, acts));
        orders
    }

    fn daemon(&mut self, lost: Option<String>) -> Vec<Order> {
        if lost == self.daemon {
            return Vec::new();
        }
        self.daemon = lost.clone();
        vec![match lost {
            Some(why) => {
                Order::Say(Urgency::Error, format!("{why}; until then only exit buttons open a door"))
            }
            None => Order::Say(Urgency::Info, "daemon: its events come in".to_owned()),
        }]
    }

    fn looked(&mut self, ended: Result<Outcome, String>, now: Moment) -> Vec<Order> {
        let text = match &ended {
            Ok(outcome) => format!("looked: {outcome}"),
            Err(why) => format!("looked: {why}"),
        };
        let urgency = if ended.is_ok() { Urgency::Info } else { Urgency::Error };
        self.looks.ended(ended.ok(), now);
        vec![Order::Say(urgency, text)]
    }

    fn look(&mut self, now: Moment) -> Option<Order> {
        self.looks.begin(now).then_some(Order::Look)
    }

    /// The acts of a door as orders.
    fn orders(&self, number: usize, acts: Vec<Act>) -> Vec<Order> {
        let name = &self.doors[number].0;
        let order = |act| match act {
            Act::Open => Order::Open(number),
            Act::Lock => Order::Lock(number),
            Act::Tell(news) => {
                let urgency = if news.is_alarm() { Urgency::Alarm } else { Urgency::Info };
                Order::Say(urgency, format!("{name}: {news}"))
            }
        };
        acts.into_iter().map(order).collect()
    }

    /// Whether every line was heard of.
    pub(crate) fn is_ready(&self) -> bool {
        self.lines.len() >= self.expected
    }

    /// How everything is, in one line.
    pub(crate) fn status(&self) -> String {
        let lost = self.lines.iter().filter_map(|(name, lost)| lost.as_ref().map(|_| name.as_str()));
        let mut wrong: Vec<&str> = lost.collect();
        wrong.extend(self.daemon.is_some().then_some("daemon"));
        let mut text = match wrong.as_slice() {
            [] => "all lines and the daemon are there".to_owned(),
            wrong => format!("not there: {}", wrong.join(", ")),
        };
        if self.exit_only {
            text.insert_str(0, "the configuration is refused, and only exit buttons work; ");
        }
        text
    }
}

#[cfg(test)]
mod tests;
