//! Puts the parts together: a thread for each line, some for the daemon, and the loop that decides.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::{Builder, JoinHandle, Thread, park_timeout};
use std::time::Duration;

use facelatch_wire::reply::DoorPlace;
use sd_notify::NotifyState;

use crate::clock::{Clock, Moment};
use crate::config::{self, Config, InputSettings};
use crate::controller::{Controller, Message, Note, Order};
use crate::door::{LineState, Role};
use crate::keypad::KeypadThread;
use crate::line::{Input, LineError, Output};
use crate::reports::{self, Report, ReportThread};
use crate::signal::Signal;
use crate::strike::{Heard, Limit};
use crate::{calls, gpio, input, journal, keypad, strike};

/// The loop goes round at least this often, and so does the watchdog.
const ROUND: Duration = Duration::from_secs(1);

/// A line that is active for this much longer than its pulse ends the program, which gives the line back.
const OVERDUE: Duration = Duration::from_millis(500);

/// How long a line that was lost is left alone.
pub(crate) const PAUSE: Duration = Duration::from_secs(2);

/// The other end of each thread.
#[derive(Default)]
struct Threads {
    strikes: Vec<(Sender<strike::Order>, Arc<Limit>)>,
    signals: Vec<(usize, Signal, Sender<strike::Order>)>,
    looks: Option<Sender<usize>>,
    reports: Option<SyncSender<(Moment, Report)>>,
    /// Those that have a camera watched.
    watches: Vec<Thread>,
    handles: Vec<JoinHandle<()>>,
}

/// Runs until something fails that a new start may mend; the text says what.
pub(crate) fn run(config: &Config, exit_only: bool) -> String {
    let clock = Clock::start();
    let (sender, messages) = channel();
    let mut threads = Threads::default();
    if let Err(error) = threads.start(config, clock, &sender, exit_only) {
        return format!("no thread can be started: {error}");
    }
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
                if matches!(message, Message::Daemon { lost: None }) {
                    // It knows the doors now: no need to wait with the watch over their cameras.
                    threads.watches.iter().for_each(Thread::unpark);
                }
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
            Order::Look(door) => self.looks.as_ref().is_some_and(|looks| looks.send(door).is_ok()),
            Order::Show(door, signal, on) => self.show(door, signal, on, now),
            Order::Report(report) => self.report(report, now),
            Order::Say(note, text) => {
                journal::say(note, &text);
                true
            }
        };
        if sent { ControlFlow::Continue(()) } else { ControlFlow::Break("a thread has ended".to_owned()) }
    }

    fn strike(&self, door: usize, order: strike::Order) -> bool {
        self.strikes.get(door).is_some_and(|(orders, _)| orders.send(order).is_ok())
    }

    /// A lamp that is not there shows nothing, and its thread says so.
    fn show(&self, door: usize, signal: Signal, on: bool, now: Moment) -> bool {
        let order = if on { strike::Order::Open(now) } else { strike::Order::Lock };
        let mut signals = self.signals.iter().filter(|(of, which, _)| (*of, *which) == (door, signal));
        signals.all(|(_, _, orders)| orders.send(order).is_ok())
    }

    /// Never waits: a report that finds no room is lost, and the journal has it.
    fn report(&self, report: Report, now: Moment) -> bool {
        let Some(reports) = &self.reports else { return false };
        match reports.try_send((now, report)) {
            Ok(()) => true,
            Err(TrySendError::Full((_, report))) => {
                let text = format!("{}: the report `{}` found no room", report.door, report.change);
                journal::say(Note::NotTold, &text);
                true
            }
            Err(TrySendError::Disconnected(_)) => false,
        }
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

impl Threads {
    fn start(
        &mut self,
        config: &Config,
        clock: Clock,
        messages: &Sender<Message>,
        exit_only: bool,
    ) -> std::io::Result<()> {
        // Strikes and buttons first: they are what must work.
        self.start_strikes(config, clock, messages)?;
        for (door, settings) in config.door.iter().enumerate() {
            for (role, settings) in settings.inputs() {
                let mut world = InputThread { door, role, settings, messages: messages.clone() };
                self.spawn(format!("{} {door}", role.name()), move || input::watch(&mut world))?;
            }
        }
        self.start_signals(config, clock, messages)?;
        for (number, door) in config.door.iter().enumerate() {
            let world = KeypadThread::new(number, door, &config.socket, clock, messages);
            if let Some(mut world) = world.filter(|_| !exit_only) {
                self.spawn(format!("keypad {number}"), move || keypad::watch(&mut world))?;
            }
        }
        self.start_calls(config, clock, messages, exit_only)
    }

    fn spawn(&mut self, name: String, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        self.handles.push(Builder::new().name(name).spawn(work)?);
        Ok(())
    }

    fn start_strikes(
        &mut self,
        config: &Config,
        clock: Clock,
        messages: &Sender<Message>,
    ) -> std::io::Result<()> {
        for (door, settings) in config.door.iter().enumerate() {
            let (orders, heard) = channel();
            let limit = Arc::new(Limit::default());
            self.strikes.push((orders, limit.clone()));
            let (settings, messages) = (settings.strike.clone(), messages.clone());
            let length = settings.pulse();
            let take = Box::new(move || gpio::strike(&settings));
            let tell = Box::new(move |lost| messages.send(Message::Strike { door, lost }).is_ok());
            let mut world = OutputThread { clock, orders: heard, limit, take, tell };
            self.spawn(format!("strike {door}"), move || strike::run(length, &mut world))?;
        }
        Ok(())
    }

    /// Lamps and buzzers are worked as strikes are, and nobody watches over their threads.
    fn start_signals(
        &mut self,
        config: &Config,
        clock: Clock,
        messages: &Sender<Message>,
    ) -> std::io::Result<()> {
        for (door, settings) in config.door.iter().enumerate() {
            for (signal, settings) in settings.signals() {
                let (orders, heard) = channel();
                self.signals.push((door, signal, orders));
                let (limit, messages) = (Arc::new(Limit::default()), messages.clone());
                let take = Box::new(move || gpio::signal(&settings));
                let tell =
                    Box::new(move |lost| messages.send(Message::Signal { door, signal, lost }).is_ok());
                let mut world = OutputThread { clock, orders: heard, limit, take, tell };
                let name = format!("{} {door}", signal.name());
                self.spawn(name, move || strike::run(signal.length(), &mut world))?;
            }
        }
        Ok(())
    }

    fn start_calls(
        &mut self,
        config: &Config,
        clock: Clock,
        messages: &Sender<Message>,
        exit_only: bool,
    ) -> std::io::Result<()> {
        let camera = |name: &String| (!name.is_empty()).then(|| name.clone());
        let place = |door: &config::Door| DoorPlace { name: door.name.clone(), camera: camera(&door.camera) };
        let doors: Vec<DoorPlace> = config.door.iter().map(place).collect();
        let (socket, sender) = (config.socket.clone(), messages.clone());
        self.spawn("events".to_owned(), move || calls::follow(&socket, &doors, &sender))?;

        let (looks, asked) = channel();
        let names: Vec<String> = config.door.iter().map(|door| door.name.clone()).collect();
        let (socket, sender) = (config.socket.clone(), messages.clone());
        self.spawn("looks".to_owned(), move || calls::look(&socket, &names, &asked, &sender))?;
        self.looks = Some(looks);

        let (reports, heard) = sync_channel(reports::KEPT);
        let mut world = ReportThread { clock, socket: config.socket.clone(), reports: heard };
        self.spawn("reports".to_owned(), move || reports::deliver(&mut world))?;
        self.reports = Some(reports);

        for (door, settings) in config.door.iter().enumerate().filter(|(_, door)| door.motion && !exit_only) {
            let (socket, sender) = (config.socket.clone(), messages.clone());
            let name = settings.name.clone();
            self.spawn(format!("motion {door}"), move || calls::watch(&socket, door, &name, &sender))?;
            self.watches.extend(self.handles.last().map(|handle| handle.thread().clone()));
        }
        Ok(())
    }
}

/// The thread of a strike, lamp or buzzer.
struct OutputThread {
    clock: Clock,
    orders: Receiver<strike::Order>,
    limit: Arc<Limit>,
    take: Box<dyn Fn() -> Result<Box<dyn Output>, LineError> + Send>,
    tell: Box<dyn Fn(Option<String>) -> bool + Send>,
}

impl strike::World for OutputThread {
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
        (self.take)()
    }

    fn tell(&mut self, lost: Option<&LineError>) {
        // Without anybody to tell, the orders end as well.
        let _ = (self.tell)(lost.map(LineError::to_string));
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

/// For the unit's last command: every relay off, then lamps and buzzers, whatever ended the program.
pub(crate) fn switch_off(config: &Config) -> Result<(), Vec<LineError>> {
    let strikes = config.door.iter().map(|door| gpio::switch_off(&door.strike));
    let signals = config.door.iter().flat_map(config::Door::signals);
    let signals = signals.map(|(_, settings)| gpio::signal(&settings).map(drop));
    let failed: Vec<LineError> = strikes.chain(signals).filter_map(Result::err).collect();
    failed.iter().for_each(|error| journal::say_last(Note::NotOff, &error.to_string()));
    if failed.is_empty() { Ok(()) } else { Err(failed) }
}
