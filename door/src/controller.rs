//! All doors of the board: what is done about each thing that happens. No clock and no I/O.

mod message;

use std::time::Duration;

use facelatch_wire::Outcome;
use facelatch_wire::reply::{DoorChange, Event, EventKind};

use crate::clock::Moment;
use crate::config::{self, Config};
use crate::door::{Act, Door, LineState, News, Role};
use crate::grant::{By, Grant, Read};
use crate::keypad;
use crate::looks::Looks;
use crate::parts::{Change, Parts};
use crate::reports::Report;
use crate::signal::{Signal, shown};

pub(crate) use message::{Message, Note, Order, Urgency};

/// A door with what stands around it.
#[derive(Debug)]
struct Station {
    name: String,
    door: Door,
    opens_by_face: bool,
    opens_by_pin: bool,
    looks: Looks,
    signals: Vec<Signal>,
}

impl Station {
    fn new(door: &config::Door) -> Self {
        Self {
            name: door.name.clone(),
            door: Door::new(door),
            opens_by_face: door.face,
            opens_by_pin: door.keypad.is_some(),
            looks: Looks::default(),
            signals: door.signals().into_iter().map(|(signal, _)| signal).collect(),
        }
    }
}

/// The doors, and what is known of their lines and of the daemon.
#[derive(Debug)]
pub(crate) struct Controller {
    stations: Vec<Station>,
    lines: Parts,
    expected_lines: usize,
    /// The watch over each camera.
    watches: Parts,
    /// The door that is looked at: the daemon looks at one at a time.
    looking: Option<usize>,
    /// The door that was looked at last: the next one has its turn.
    last_look: usize,
    /// Why no events come in.
    daemon: Option<String>,
    /// They did before.
    was_connected: bool,
    exit_only: bool,
}

impl Controller {
    /// `exit_only`: no face and no PIN opens anything.
    pub(crate) fn new(config: &Config, exit_only: bool) -> Self {
        Self {
            stations: config.door.iter().map(Station::new).collect(),
            lines: Parts::default(),
            expected_lines: config.door.iter().map(|door| door.part_count(exit_only)).sum(),
            watches: Parts::default(),
            looking: None,
            last_look: 0,
            daemon: Some("not called yet".to_owned()),
            was_connected: false,
            exit_only,
        }
    }

    /// What to do about a message. `wall` is the time since 1970.
    pub(crate) fn handle(&mut self, message: Message, now: Moment, wall: Duration) -> Vec<Order> {
        let mut orders = self.tick(now);
        orders.extend(match message {
            Message::Input { door, role, state } => self.input(door, role, &state, now),
            Message::Strike { door, lost } => self.strike(door, lost),
            Message::Signal { door, signal, lost } => self.line(door, signal.name(), lost),
            Message::Keypad { door, news } => self.keypad(door, news, now),
            Message::Event(event) => self.event(&event, now, wall),
            Message::Daemon { lost } => self.daemon(lost),
            Message::Watch { door, lost } => self.watch(door, lost),
            Message::Sight { door } => self.sight(door, now),
            Message::Looked { door, ended } => self.looked(door, ended, now),
        });
        orders.extend(self.look(now));
        orders
    }

    /// What is due by now.
    pub(crate) fn tick(&mut self, now: Moment) -> Vec<Order> {
        let mut orders = Vec::new();
        for number in 0..self.stations.len() {
            let acts = self.stations[number].door.tick(now);
            orders.extend(self.orders(number, acts));
        }
        orders.extend(self.look(now));
        orders
    }

    /// When [`Controller::tick`] has something to do next.
    pub(crate) fn next(&self) -> Option<Moment> {
        let doors = self.stations.iter().filter_map(|station| station.door.next());
        let looks = self.stations.iter().filter_map(|station| station.looks.next());
        doors.chain(looks.filter(|_| self.looking.is_none())).min()
    }

    fn input(&mut self, number: usize, role: Role, state: &LineState, now: Moment) -> Vec<Order> {
        let mut orders = match state {
            LineState::There(_) => self.line(number, role.name(), None),
            LineState::Edge(_) => Vec::new(),
            LineState::Lost(why) => self.line(number, role.name(), Some(why.clone())),
        };
        let Some(station) = self.stations.get_mut(number) else { return orders };
        if role == Role::Trigger {
            let is_active = matches!(state, LineState::There(true) | LineState::Edge(true));
            station.looks.trigger(is_active && !self.exit_only, now);
        }
        let acts = station.door.input(role, state, now);
        orders.extend(self.orders(number, acts));
        orders
    }

    fn strike(&mut self, number: usize, lost: Option<String>) -> Vec<Order> {
        if let Some(station) = self.stations.get_mut(number) {
            station.door.strike(lost.is_none());
        }
        self.line(number, "strike", lost)
    }

    fn line(&mut self, number: usize, name: &'static str, lost: Option<String>) -> Vec<Order> {
        let change = self.lines.heard(number, name, lost);
        self.part(number, name, change)
    }

    fn keypad(&mut self, number: usize, news: keypad::News, now: Moment) -> Vec<Order> {
        let judged = match news {
            keypad::News::Device { lost } => return self.line(number, "keypad", lost),
            keypad::News::Judged(judged) => judged,
        };
        let Some(station) = self.stations.get_mut(number) else { return Vec::new() };
        let text = |what: &str| format!("{}: a PIN was typed: {what}", station.name);
        match judged {
            Ok(outcome) => {
                let said = Order::Say(Note::Judged, text(outcome.as_str()));
                // The PIN is right, and the face is wanted as well.
                if outcome == Outcome::NoFace && station.opens_by_face && !self.exit_only {
                    station.looks.face_wanted(now);
                }
                vec![said]
            }
            Err(why) => {
                let said = Order::Say(Note::NotJudged, text(&why));
                [said].into_iter().chain(self.show(number, &[Signal::Refused], true)).collect()
            }
        }
    }

    /// While the daemon is away, nothing more is to be said about what it does.
    fn watch(&mut self, number: usize, lost: Option<String>) -> Vec<Order> {
        if lost.is_some() && self.daemon.is_some() {
            return Vec::new();
        }
        let change = self.watches.heard(number, "motion", lost);
        self.part(number, "motion", change)
    }

    /// Says what is new about a part of a door.
    fn part(&self, number: usize, part: &str, change: Option<Change>) -> Vec<Order> {
        let (Some(station), Some(change)) = (self.stations.get(number), change) else { return Vec::new() };
        let (note, text, reported) = match change {
            Change::Fault(why) => (Note::PartLost, why, DoorChange::Fault),
            Change::Over => (Note::PartBack, "works again".to_owned(), DoorChange::FaultOver),
        };
        let report = Report {
            door: station.name.clone(),
            change: reported,
            user: None,
            note: Some(format!("{part}: {text}")),
        };
        vec![Order::Say(note, format!("{}: {part}: {text}", station.name)), Order::Report(report)]
    }

    fn event(&mut self, event: &Event, now: Moment, wall: Duration) -> Vec<Order> {
        let mut orders = Vec::new();
        if let Some(lost) = event.lost {
            let text = format!("{lost} events were lost; no door opens for them");
            orders.push(Order::Say(Note::Missed, text));
        }
        let door = self.door_of(event);
        if let (Ok(number), EventKind::Prompt | EventKind::Identify | EventKind::Pin) = (&door, event.kind) {
            orders.extend(self.show_event(*number, event));
        }
        match Grant::read(event, wall) {
            Read::Grant(grant) => orders.extend(self.grant(grant, door, now)),
            Read::Stale => {
                let text = "a match came more than 5 s late, or the clock was set back: no door opens";
                orders.push(Order::Say(Note::Missed, text.to_owned()));
            }
            Read::Nothing => {}
        }
        orders
    }

    /// The door that an event names. One that names none opens none: it was judged by no door's rules.
    fn door_of(&self, event: &Event) -> Result<usize, String> {
        let Some(name) = &event.door else {
            return Err("no door was named; use `facelatch look DOOR`".to_owned());
        };
        let number = self.stations.iter().position(|station| station.name == *name);
        number.ok_or_else(|| format!("no door here is named {name:?}"))
    }

    fn grant(&mut self, grant: Grant, door: Result<usize, String>, now: Moment) -> Vec<Order> {
        let no_door = |why: &str| {
            vec![Order::Say(Note::NotOpened, format!("no door opens for {:?}: {why}", grant.user()))]
        };
        let number = match door {
            _ if self.exit_only => return no_door("only exit buttons work"),
            Err(why) => return no_door(&why),
            Ok(number) => number,
        };
        let station = &mut self.stations[number];
        match grant.by() {
            By::Face if !station.opens_by_face => {
                return no_door(&format!("{} is not opened by a face", station.name));
            }
            By::Pin if !station.opens_by_pin => {
                return no_door(&format!("{} has no keypad", station.name));
            }
            By::Face | By::Pin => {}
        }
        station.looks.let_in(now);
        let acts = station.door.grant(grant, now);
        self.orders(number, acts)
    }

    fn daemon(&mut self, lost: Option<String>) -> Vec<Order> {
        if lost == self.daemon {
            return Vec::new();
        }
        self.daemon = lost;
        if let Some(why) = &self.daemon {
            let text = format!("{why}; until then only exit buttons open a door");
            let dark =
                (0..self.stations.len()).flat_map(|number| self.show(number, &Signal::QUESTIONS, false));
            return [Order::Say(Note::DaemonLost, text)].into_iter().chain(dark).collect();
        }
        let mut orders = vec![Order::Say(Note::DaemonBack, "daemon: its events come in".to_owned())];
        // It knows of a door only what was reported on this connection.
        if std::mem::replace(&mut self.was_connected, true) {
            orders.extend(self.state().into_iter().map(Order::Report));
        }
        orders
    }

    /// How the doors are, as reports.
    fn state(&self) -> Vec<Report> {
        let lost = self.lines.lost().chain(self.watches.lost());
        let faults = lost.filter_map(|(number, part, why)| {
            let door = self.stations.get(number)?.name.clone();
            Some(Report { door, change: DoorChange::Fault, user: None, note: Some(format!("{part}: {why}")) })
        });
        let doors = self.stations.iter().flat_map(|station| {
            let report = |news: News| Report::new(&station.name, &news);
            station.door.state().into_iter().map(report)
        });
        doors.chain(faults).collect()
    }

    fn sight(&mut self, number: usize, now: Moment) -> Vec<Order> {
        if let Some(station) = self.stations.get_mut(number).filter(|_| !self.exit_only) {
            station.looks.sight(now);
        }
        Vec::new()
    }

    fn looked(&mut self, number: usize, ended: Result<Outcome, String>, now: Moment) -> Vec<Order> {
        self.looking = None;
        let Some(station) = self.stations.get_mut(number) else { return Vec::new() };
        let said = match &ended {
            Ok(outcome) => (Note::Judged, format!("{}: looked: {outcome}", station.name)),
            Err(why) => (Note::NotJudged, format!("{}: looked: {why}", station.name)),
        };
        station.looks.ended(ended.ok(), now);
        let mut orders = vec![Order::Say(said.0, said.1)];
        orders.extend(self.show(number, &Signal::QUESTIONS, false));
        orders
    }

    /// The next look: the doors have it in turn.
    fn look(&mut self, now: Moment) -> Option<Order> {
        if self.looking.is_some() {
            return None;
        }
        let count = self.stations.len();
        let mut turns = (1..=count).map(|step| (self.last_look + step) % count);
        let number = turns.find(|number| self.stations[*number].looks.begin(now))?;
        (self.looking, self.last_look) = (Some(number), number);
        Some(Order::Look(number))
    }

    /// What the lamps and the buzzer of a door show of an event; what was asked before is over, but for a turn that is to go on.
    fn show_event(&self, number: usize, event: &Event) -> Vec<Order> {
        let outcome = if event.kind == EventKind::Prompt { event.guidance } else { event.verdict };
        let over: &[Signal] = if outcome == Some(Outcome::TurnFarther) { &[] } else { &Signal::QUESTIONS };
        let mut orders = self.show(number, over, false);
        orders.extend(self.show(number, outcome.map_or(&[], shown), true));
        orders
    }

    fn show(&self, number: usize, signals: &[Signal], on: bool) -> Vec<Order> {
        let has = &self.stations[number].signals;
        signals
            .iter()
            .filter(|signal| has.contains(signal))
            .map(|signal| Order::Show(number, *signal, on))
            .collect()
    }

    /// The acts of a door as orders.
    fn orders(&self, number: usize, acts: Vec<Act>) -> Vec<Order> {
        let order = |act| match act {
            Act::Open => vec![Order::Open(number)],
            Act::Lock => vec![Order::Lock(number)],
            Act::Tell(news) => self.tell(number, &news),
        };
        acts.into_iter().flat_map(order).collect()
    }

    fn tell(&self, number: usize, news: &News) -> Vec<Order> {
        let name = &self.stations[number].name;
        let note = if news.is_alarm() { Note::Alarm } else { Note::Changed };
        let report = Report::new(name, news);
        let signals: &[Signal] = match news {
            News::Granted(_) | News::LeftOpenFor(_) => &[Signal::Granted],
            News::Refused(..) => &[Signal::Refused],
            _ => &[],
        };
        let mut orders = vec![Order::Say(note, format!("{name}: {news}")), Order::Report(report)];
        orders.extend(self.show(number, signals, true));
        orders
    }

    /// Whether every line was heard of.
    pub(crate) fn is_ready(&self) -> bool {
        self.lines.count() >= self.expected_lines
    }

    /// How everything is, in one line.
    pub(crate) fn status(&self) -> String {
        let name = |(door, part, _): (usize, &str, &str)| {
            self.stations.get(door).map(|station| format!("{}: {part}", station.name))
        };
        let mut wrong: Vec<String> = self.lines.lost().filter_map(name).collect();
        match &self.daemon {
            Some(why) => wrong.push(format!("daemon ({why})")),
            None => wrong.extend(self.watches.lost().filter_map(name)),
        }
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
