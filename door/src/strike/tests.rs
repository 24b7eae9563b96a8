use super::*;
use crate::config::{LineId, Place};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

const LENGTH: Duration = Duration::from_secs(3);

fn at(ms: u64) -> Moment {
    Moment(Duration::from_millis(ms))
}

fn gone() -> LineError {
    LineError::NotFound { place: Place { chip: String::new(), line: LineId::Name("X".into()) } }
}

/// What happened to the line, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Done {
    Taken,
    Set(bool),
    GivenBack,
}

type Tape = Rc<RefCell<Vec<(u64, Done)>>>;

struct Line {
    clock: Rc<Cell<u64>>,
    tape: Tape,
    fails: bool,
}

impl Line {
    fn note(&self, done: Done) {
        self.tape.borrow_mut().push((self.clock.get(), done));
    }
}

impl Output for Line {
    fn set(&mut self, active: bool) -> Result<(), LineError> {
        self.note(Done::Set(active));
        if self.fails { Err(gone()) } else { Ok(()) }
    }

    fn check(&mut self) -> Result<(), LineError> {
        if self.fails { Err(gone()) } else { Ok(()) }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.note(Done::GivenBack);
    }
}

/// Orders at given times, and then none.
struct Script {
    clock: Rc<Cell<u64>>,
    orders: VecDeque<(u64, Order)>,
    tape: Tape,
    /// Whether each line that is taken in turn fails; none is left at the end.
    lines: VecDeque<bool>,
    told: Vec<bool>,
    limit: Limit,
    /// The limit at each order, after the one before was carried out.
    limits: Vec<Option<Moment>>,
}

impl World for Script {
    fn now(&self) -> Moment {
        at(self.clock.get())
    }

    fn hear(&mut self, until: Moment) -> Heard {
        self.limits.push(self.limit.get());
        let Some((time, order)) = self.orders.front().copied() else { return Heard::End };
        if at(time) > until {
            self.clock.set(u64::try_from(until.0.as_millis()).expect("short"));
            return Heard::Nothing;
        }
        self.clock.set(time.max(self.clock.get()));
        self.orders.pop_front();
        Heard::Order(order)
    }

    fn take(&mut self) -> Result<Box<dyn Output>, LineError> {
        let fails = self.lines.pop_front().ok_or_else(gone)?;
        let line = Line { clock: self.clock.clone(), tape: self.tape.clone(), fails };
        line.note(Done::Taken);
        Ok(Box::new(line))
    }

    fn tell(&mut self, lost: Option<&LineError>) {
        self.told.push(lost.is_none());
    }

    fn limit(&self) -> &Limit {
        &self.limit
    }
}

fn script(lines: &[bool], orders: &[(u64, Order)]) -> Script {
    Script {
        clock: Rc::default(),
        orders: orders.iter().copied().collect(),
        tape: Tape::default(),
        lines: lines.iter().copied().collect(),
        told: Vec::new(),
        limit: Limit::default(),
        limits: Vec::new(),
    }
}

/// When the line was set to what.
fn levels(orders: &[(u64, Order)]) -> Vec<(u64, bool)> {
    let mut script = script(&[false], orders);
    run(LENGTH, &mut script);
    let tape = script.tape.borrow();
    assert_eq!(
        (tape.first(), tape.last().map(|last| last.1)),
        (Some(&(0, Done::Taken)), Some(Done::GivenBack))
    );
    let set = tape.iter().filter_map(|(time, done)| match done {
        Done::Set(level) => Some((*time, *level)),
        _ => None,
    });
    set.collect()
}

fn open(ms: u64) -> (u64, Order) {
    (ms, Order::Open(at(ms)))
}

#[test]
fn a_pulse_has_its_length_however_many_orders_come() {
    let orders = [open(1000), open(1500), open(3999), (20_000, Order::Lock)];
    assert_eq!(levels(&orders), [(1000, true), (4000, false), (20_000, false)]);
}

#[test]
fn a_pulse_ends_early_when_told_and_another_can_begin() {
    let orders = [open(1000), (1800, Order::Lock), (1900, Order::Lock), open(2000), (60_000, Order::Lock)];
    let wanted = [(1000, true), (1800, false), (2000, true), (5000, false), (60_000, false)];
    assert_eq!(levels(&orders), wanted);
}

#[test]
fn an_order_at_the_end_of_a_pulse_begins_another_and_the_line_was_inactive_between() {
    let orders = [open(1000), open(4000), (60_000, Order::Lock)];
    assert_eq!(levels(&orders), [(1000, true), (4000, false), (4000, true), (7000, false), (60_000, false)]);
}

#[test]
fn an_order_that_waited_opens_nothing() {
    let late = |by: u64| (10_000, Order::Open(at(10_000 - by)));
    assert_eq!(levels(&[late(501), (20_000, Order::Lock)]), [(20_000, false)]);
    assert_eq!(
        levels(&[late(500), (20_000, Order::Lock)]),
        [(10_000, true), (13_000, false), (20_000, false)]
    );
}

#[test]
fn the_end_of_the_program_ends_a_pulse() {
    assert_eq!(levels(&[open(1000)]), [(1000, true), (1000, false)]);
}

#[test]
fn a_line_that_fails_is_given_back_and_taken_again() {
    let mut script = script(&[true, false], &[open(1000), open(2500), open(9000), (20_000, Order::Lock)]);
    run(LENGTH, &mut script);
    use Done::{GivenBack, Set, Taken};
    let wanted = [
        (0, Taken),
        (1000, Set(true)),
        (1000, GivenBack),
        (3000, Taken),
        (9000, Set(true)),
        (12_000, Set(false)),
        (20_000, Set(false)),
        (20_000, GivenBack),
    ];
    assert_eq!(*script.tape.borrow(), wanted);
    assert_eq!(script.told, [true, false, true]);
}

#[test]
fn a_line_that_cannot_be_taken_is_told_once() {
    let mut script = script(&[], &[open(1000), (30_000, Order::Lock)]);
    run(LENGTH, &mut script);
    assert_eq!(script.told, [false]);
    assert!(script.tape.borrow().is_empty());
}

#[test]
fn who_watches_the_thread_knows_when_a_pulse_must_have_ended() {
    let mut script = script(&[false], &[open(1000), (1500, Order::Lock), open(2000), (60_000, Order::Lock)]);
    run(LENGTH, &mut script);
    script.limits.dedup();
    assert_eq!(script.limits, [None, Some(at(4000)), None, Some(at(5000)), None]);
}
