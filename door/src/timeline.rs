//! An afternoon at a door on the clock of a test, with the real logic and without threads: it checks how long the line is
//! active, and draws docs/door/timeline.svg.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use facelatch_wire::Outcome;
use facelatch_wire::reply::{Event, EventKind};

use crate::clock::Moment;
use crate::config::Config;
use crate::controller::{Controller, Message, Order, Urgency};
use crate::door::{LineState, Role};
use crate::strike::{self, Pulse};

/// If set, the picture is written instead of compared.
const WRITE: &str = "WRITE_TIMELINE";

const STEP_MS: u64 = 10;
const END_MS: u64 = 64_000;
const PULSE: Duration = Duration::from_secs(3);

const FILE: &str = "
[[door]]
name = \"front\"
held_open_s = 10
[door.strike]
line = \"A\"
[door.contact]
line = \"B\"
[door.exit]
line = \"C\"
";

/// What happens, and when.
const STORY: &[(u64, Happens)] = &[
    (2_000, Happens::Verdict(Outcome::Match)),
    (3_200, Happens::Opens),
    (4_400, Happens::Closes),
    (8_000, Happens::Verdict(Outcome::NoMatch)),
    (10_000, Happens::Verdict(Outcome::NoFace)),
    (13_000, Happens::Verdict(Outcome::Match)),
    (20_000, Happens::Stops),
    (21_000, Happens::Exit),
    (22_000, Happens::Opens),
    (23_500, Happens::Closes),
    (28_000, Happens::Starts),
    (30_000, Happens::Opens),
    (32_000, Happens::Closes),
    (38_000, Happens::Verdict(Outcome::Match)),
    (39_000, Happens::Opens),
    (53_000, Happens::Closes),
    (57_000, Happens::LateVerdict),
];

#[derive(Debug, Clone, Copy)]
enum Happens {
    Verdict(Outcome),
    /// A match that comes six seconds late.
    LateVerdict,
    Opens,
    Closes,
    Exit,
    /// The daemon ends, and is there again.
    Stops,
    Starts,
}

/// What was seen, each with its time in milliseconds.
#[derive(Default)]
struct Seen {
    line: Vec<(u64, bool)>,
    contact: Vec<(u64, bool)>,
    daemon: Vec<(u64, bool)>,
    marks: Vec<(u64, String, bool)>,
    alarms: Vec<(u64, String)>,
}

fn play() -> Seen {
    let config = Config::parse(Path::new("door.toml"), FILE).expect("right");
    let mut controller = Controller::new(&config, false);
    let mut pulse = Pulse::new(PULSE);
    let mut seen = Seen::default();
    seen.line.push((0, false));
    seen.contact.push((0, true));
    seen.daemon.push((0, true));
    for ms in (0..=END_MS).step_by(STEP_MS as usize) {
        let now = Moment(Duration::from_millis(ms));
        let mut orders = controller.tick(now);
        let mut happened: Vec<Message> = Vec::new();
        if ms == 0 {
            happened.push(Message::Strike { door: 0, lost: None });
            happened.push(input(Role::Contact, LineState::There(true)));
            happened.push(input(Role::Exit, LineState::There(false)));
        }
        happened.extend(
            STORY.iter().filter(|(time, _)| *time == ms).map(|(_, what)| message(*what, ms, &mut seen)),
        );
        for message in happened {
            orders.extend(controller.handle(message, now, now.0));
        }
        let ordered = orders.iter().find_map(|order| match order {
            Order::Open(_) => Some(strike::Order::Open(now)),
            Order::Lock(_) => Some(strike::Order::Lock),
            _ => None,
        });
        seen.line.extend(pulse.step(ordered, now).into_iter().flatten().map(|level| (ms, level)));
        seen.alarms.extend(orders.into_iter().filter_map(|order| match order {
            Order::Say(Urgency::Alarm, text) => Some((ms, text)),
            _ => None,
        }));
    }
    seen
}

fn input(role: Role, state: LineState) -> Message {
    Message::Input { door: 0, role, state }
}

fn message(what: Happens, ms: u64, seen: &mut Seen) -> Message {
    let event = |verdict, ms: u64| {
        let user = (verdict == Outcome::Match).then(|| "alice".to_owned());
        let event = Event {
            kind: EventKind::Identify,
            time: ms / 1000,
            user,
            verdict: Some(verdict),
            ..Event::default()
        };
        Message::Event(event)
    };
    match what {
        Happens::Verdict(verdict) => {
            seen.marks.push((ms, verdict.to_string(), verdict == Outcome::Match));
            event(verdict, ms)
        }
        Happens::LateVerdict => {
            seen.marks.push((ms, "match, 6 s late".to_owned(), false));
            event(Outcome::Match, ms - 6000)
        }
        Happens::Opens | Happens::Closes => {
            let closed = matches!(what, Happens::Closes);
            seen.contact.push((ms, closed));
            input(Role::Contact, LineState::Edge(closed))
        }
        Happens::Exit => {
            seen.marks.push((ms, "exit button".to_owned(), true));
            input(Role::Exit, LineState::Edge(true))
        }
        Happens::Stops => {
            seen.daemon.push((ms, false));
            Message::Daemon { lost: Some("closed".to_owned()) }
        }
        Happens::Starts => {
            seen.daemon.push((ms, true));
            Message::Daemon { lost: None }
        }
    }
}

#[test]
fn the_line_is_active_after_a_match_or_the_button_only_and_never_for_longer_than_a_pulse() {
    let seen = play();
    let wanted = [
        (0, false),
        (2000, true),
        (4400, false),
        (13_000, true),
        (16_000, false),
        (21_000, true),
        (23_500, false),
    ];
    let wanted = wanted.into_iter().chain([(38_000, true), (41_000, false)]);
    assert_eq!(seen.line, wanted.collect::<Vec<_>>());
    let alarms: Vec<(u64, &str)> = seen.alarms.iter().map(|(ms, text)| (*ms, text.as_str())).collect();
    let forced = "front: forced: opened without a grant or the exit button";
    assert_eq!(alarms, [(30_000, forced), (49_000, "front: held open for too long")]);
}

#[test]
fn the_picture_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/door/timeline.svg");
    let current = draw(&play());
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, &current).expect("docs/door/timeline.svg can be written");
    }
    let shipped = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        shipped == current,
        "docs/door/timeline.svg is out of date; run `{WRITE}=1 cargo test -p facelatch-door timeline`"
    );
}

const LEFT: u64 = 90;
const WIDTH: u64 = 960;
const HEIGHT: u64 = 300;

fn x(ms: u64) -> u64 {
    LEFT + ms * (WIDTH - LEFT - 24) / END_MS
}

/// Four tracks: the daemon, verdicts and the button, the line, the contact.
fn draw(seen: &Seen) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    let mut add = |line: String| writeln!(svg, "{line}").expect("written to memory");
    for second in (0..=END_MS / 1000).step_by(4) {
        let at = x(second * 1000);
        add(format!(
            "<path d=\"M{at} 20V262\" stroke=\"#eee\"/><text x=\"{at}\" y=\"278\" text-anchor=\"middle\">{second} s</text>"
        ));
    }
    for (y, name) in [(38, "daemon"), (88, "verdict"), (158, "line"), (218, "contact")] {
        add(format!("<text x=\"8\" y=\"{y}\">{name}</text>"));
    }
    add(track(&seen.daemon, 28, 44, "#777"));
    add(track(&seen.line, 138, 168, "#c00"));
    add(track(&seen.contact, 228, 198, "#06c"));
    for (ms, text, opens) in &seen.marks {
        let (at, colour) = (x(*ms), if *opens { "#080" } else { "#777" });
        add(format!(
            "<path d=\"M{at} 84V128\" stroke=\"{colour}\"/><text x=\"{at}\" y=\"{}\" fill=\"{colour}\" text-anchor=\"middle\">{text}</text>",
            78 - 14 * (ms / 2000 % 2)
        ));
    }
    for (ms, text) in &seen.alarms {
        let at = x(*ms);
        let word = text.trim_start_matches("front: ").split([':', ' ']).next().unwrap_or_default();
        add(format!(
            "<circle cx=\"{at}\" cy=\"213\" r=\"4\" fill=\"#c00\"/><text x=\"{at}\" y=\"250\" fill=\"#c00\" text-anchor=\"middle\">{word}</text>"
        ));
    }
    add("<text x=\"90\" y=\"295\" fill=\"#777\">line: up = the strike is unlocked; contact: down = the door is closed; made by a test of facelatch-door, on a clock of its own</text>".to_owned());
    svg + "</svg>\n"
}

/// A level over time: `high` and `low` are its heights in the picture.
fn track(levels: &[(u64, bool)], high: u64, low: u64, colour: &str) -> String {
    let mut path = String::new();
    for (index, (ms, level)) in levels.iter().enumerate() {
        let y = if *level { high } else { low };
        match index {
            0 => write!(path, "M{} {y}", x(*ms)),
            _ => write!(path, "H{}V{y}", x(*ms)),
        }
        .expect("written to memory");
    }
    format!("<path d=\"{path}H{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>", x(END_MS))
}
