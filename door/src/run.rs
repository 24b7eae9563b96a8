//! Puts the parts together: a thread for each line, two for the daemon, and the loop that decides.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle, park_timeout};
use std::time::Duration;

use facelatch_wire::Outcome;
use sd_notify::NotifyState;

use crate::clock::{Clock, Moment};
use crate::config::{Config, InputSettings, Strike};
use crate::controller::{Controller, Message, Order, Urgency};
use crate::door::{LineState, Role};
use crate::line::{Input, LineError, Output};
use crate::strike::{Heard, Limit};
use crate::{daemon, gpio, input, journal, keypad, strike};

/// The loop goes round at least this often, and so does the watchdog.
const ROUND: Duration = Duration::from_secs(1);

/// A line that is active for this much longer than its pulse ends the program, which gives the line back.
const OVERDUE: Duration = Duration::from_millis(500);

/// The first wait before the daemon is called again, doubled each time.
const FIRST_RETRY: Duration = Duration::from_millis(500);
const LAST_RETRY: Duration = Duration::from_secs(10);

/// How long a line that was lost is left alone.
const PAUSE: Duration = Duration::from_secs(2);

/// The other end of each thread.
struct Threads {
    strikes: Vec<(Sender<strike::Order>, Arc<Limit>)>,
    looks: Sender<()>,
    handles: Vec<JoinHandle<()>>,
}

/// Runs until something fails that a new start may mend; the text says what.
pub(crate) fn run(config: &Config, exit_only: bool) -> String {
    let clock = Clock::start();
    let (sender, messages) = channel();
    let threads = match start(config, clock, &sender) {
        Ok(threads) => threads,
        Err(error) => return format!("no thread can be started: {error}"),
    };
    let mut controller = Controller::new(config, exit_only);
    let mut said = None;
    loop {
        let now = clock.now();
        for order in controller.tick(now) {
            if let ControlFlow::Break(why) = threads.carry_out(order, now) {
                return why;
            }
        }
        if let Some(why) = threads.failure(now) {
            return why;
        }
        notify(&controller, &mut said);
        let wait = threads.limits().chain(controller.next()).min().map_or(ROUND, |next| next.since(now));
        match messages.recv_timeout(wait.min(ROUND)) {
            Ok(message) => {
                let now = clock.now();
                for order in controller.handle(message, now, clock.wall()) {
                    if let ControlFlow::Break(why) = threads.carry_out(order, now) {
                        return why;
                    }
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return "every thread has ended".to_owned(),
        }
    }
}

/// Feeds the watchdog, and tells systemd how it is once every line was heard of.
fn notify(controller: &Controller, said: &mut Option<String>) {
    let mut states = vec![NotifyState::Watchdog];
    let status = controller.status();
    if controller.is_ready() && said.as_ref() != Some(&status) {
        if said.is_none() {
            states.push(NotifyState::Ready);
        }
        states.push(NotifyState::Status(&status));
        // Not started by systemd: nobody wants to know.
        let _ = sd_notify::notify(&states);
        *said = Some(status);
        return;
    }
    let _ = sd_notify::notify(&states);
}

impl Threads {
    fn carry_out(&self, order: Order, now: Moment) -> ControlFlow<String> {
        let sent = match order {
            Order::Open(door) => self.strike(door, strike::Order::Open(now)),
            Order::Lock(door) => self.strike(door, strike::Order::Lock),
            Order::Look => self.looks.send(()).is_ok(),
            Order::Say(urgency, text) => {
                journal::say(urgency, &text);
                true
            }
        };
        if sent { ControlFlow::Continue(()) } else { ControlFlow::Break("a thread has ended".to_owned()) }
    }

    fn strike(&self, door: usize, order: strike::Order) -> bool {
        self.strikes.get(door).is_some_and(|(orders, _)| orders.send(order).is_ok())
    }

    /// When a line that is active must be looked at.
    fn limits(&self) -> impl Iterator<Item = Moment> {
        self.strikes.iter().filter_map(|(_, limit)| limit.get()).map(|until| until.after(OVERDUE))
    }

    fn failure(&self, now: Moment) -> Option<String> {
        if self.limits().any(|limit| limit <= now) {
            return Some("a pulse did not end in time".to_owned());
        }
        self.handles.iter().any(JoinHandle::is_finished).then(|| "a thread has ended".to_owned())
    }
}

fn start(config: &Config, clock: Clock, messages: &Sender<Message>) -> std::io::Result<Threads> {
    let mut strikes = Vec::new();
    let mut handles = Vec::new();
    for (door, settings) in config.door.iter().enumerate() {
        let (orders, heard) = channel();
        let limit = Arc::new(Limit::default());
        strikes.push((orders, limit.clone()));
        let (settings, messages) = (settings.strike.clone(), messages.clone());
        let mut world = StrikeThread { door, settings, clock, orders: heard, messages, limit };
        let spawn = Builder::new().name(format!("strike {door}"));
        handles.push(spawn.spawn(move || strike::run(world.settings.pulse(), &mut world))?);
    }
    for (door, settings) in config.door.iter().enumerate() {
        for (role, settings) in settings.inputs() {
            let mut world = InputThread { door, role, settings, messages: messages.clone() };
            let spawn = Builder::new().name(format!("{} {door}", role.name()));
            handles.push(spawn.spawn(move || input::watch(&mut world))?);
        }
    }
    for (door, settings) in config.door.iter().enumerate() {
        let Some(keypad) = &settings.keypad else { continue };
        let mut world = KeypadThread {
            door,
            name: settings.name.clone(),
            device: keypad.device.clone(),
            socket: config.socket.clone(),
            clock,
            messages: messages.clone(),
        };
        let spawn = Builder::new().name(format!("keypad {door}"));
        handles.push(spawn.spawn(move || keypad::watch(&mut world))?);
    }
    let (socket, sender) = (config.socket.clone(), messages.clone());
    handles.push(Builder::new().name("events".to_owned()).spawn(move || follow(&socket, &sender))?);
    let (looks, asked) = channel();
    let (socket, sender) = (config.socket.clone(), messages.clone());
    let ask = move || {
        for () in asked {
            if sender.send(Message::Looked(daemon::look(&socket))).is_err() {
                return;
            }
        }
    };
    handles.push(Builder::new().name("looks".to_owned()).spawn(ask)?);
    Ok(Threads { strikes, looks, handles })
}

/// Follows the daemon's events, and calls it again when it is gone.
fn follow(socket: &Path, messages: &Sender<Message>) {
    let mut retry = FIRST_RETRY;
    loop {
        let mut heard = false;
        let ended = daemon::follow(socket, |event| {
            heard = true;
            let first = event.kind == facelatch_wire::reply::EventKind::Listening;
            let message = if first { Message::Daemon { lost: None } } else { Message::Event(event) };
            messages.send(message).is_ok()
        });
        let Err(error) = ended else { return };
        if messages.send(Message::Daemon { lost: Some(error.to_string()) }).is_err() {
            return;
        }
        retry = if heard { FIRST_RETRY } else { (retry * 2).min(LAST_RETRY) };
        park_timeout(retry);
    }
}

/// The thread of a strike.
struct StrikeThread {
    door: usize,
    settings: Strike,
    clock: Clock,
    orders: Receiver<strike::Order>,
    messages: Sender<Message>,
    limit: Arc<Limit>,
}

impl strike::World for StrikeThread {
    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn hear(&mut self, until: Moment) -> Heard {
        match self.orders.recv_timeout(until.since(self.clock.now())) {
            Ok(order) => Heard::Order(order),
            Err(RecvTimeoutError::Timeout) => Heard::Nothing,
            Err(RecvTimeoutError::Disconnected) => Heard::End,
        }
    }

    fn take(&mut self) -> Result<Box<dyn Output>, LineError> {
        gpio::strike(&self.settings)
    }

    fn tell(&mut self, lost: Option<&LineError>) {
        let lost = lost.map(LineError::to_string);
        // Without anybody to tell, the orders end as well.
        let _ = self.messages.send(Message::Strike { door: self.door, lost });
    }

    fn limit(&self) -> &Limit {
        &self.limit
    }
}

/// The thread of an input.
struct InputThread {
    door: usize,
    role: Role,
    settings: InputSettings,
    messages: Sender<Message>,
}

impl input::World for InputThread {
    fn take(&mut self) -> Result<Box<dyn Input>, LineError> {
        gpio::input(&self.settings)
    }

    fn tell(&mut self, state: LineState) -> bool {
        self.messages.send(Message::Input { door: self.door, role: self.role, state }).is_ok()
    }

    fn pause(&mut self) {
        park_timeout(PAUSE);
    }
}

/// The thread of a keypad.
struct KeypadThread {
    door: usize,
    name: String,
    device: PathBuf,
    socket: PathBuf,
    clock: Clock,
    messages: Sender<Message>,
}

impl keypad::World for KeypadThread {
    fn take(&mut self) -> Result<Box<dyn keypad::Keys>, keypad::DeviceError> {
        Ok(Box::new(keypad::open(&self.device)?))
    }

    fn now(&self) -> Moment {
        self.clock.now()
    }

    fn judge(&mut self, pin: keypad::Pin) -> Result<Outcome, String> {
        keypad::judge(&self.socket, &self.name, pin)
    }

    fn tell(&mut self, news: keypad::News) -> bool {
        self.messages.send(Message::Keypad { door: self.door, news }).is_ok()
    }

    fn pause(&mut self) {
        park_timeout(PAUSE);
    }
}

/// For the unit's last command: every relay off, whatever ended the program.
pub(crate) fn switch_off(config: &Config) -> Result<(), Vec<LineError>> {
    let failed: Vec<LineError> =
        config.door.iter().filter_map(|door| gpio::switch_off(&door.strike).err()).collect();
    failed.iter().for_each(|error| journal::say(Urgency::Error, &error.to_string()));
    if failed.is_empty() { Ok(()) } else { Err(failed) }
}
