//! A minute at a door on the clock of a test, with the real logic and without threads: it checks how long the line is
//! active, and draws docs/door/timeline.svg.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use facelatch_wire::Outcome;
use facelatch_wire::reply::{Event, EventKind};

use crate::clock::Moment;
use crate::config::Config;
use crate::controller::{Controller, Message, Note, Order};
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

/// What happens, and when: the steps of the emulated machine (tests/vm/door.sh) in a minute.
const STORY: &[(u64, Happens)] = &[
    (1_000, Happens::Comes("alice")),
    (2_000, Happens::Verdict(Outcome::Match)),
    (3_200, Happens::Opens),
    (3_800, Happens::Goes),
    (4_400, Happens::Closes),
    (7_000, Happens::Comes("a stranger")),
    (8_000, Happens::Verdict(Outcome::NoMatch)),
    (11_000, Happens::Goes),
    (11_600, Happens::Verdict(Outcome::NoFace)),
    (15_000, Happens::Comes("alice")),
    (16_000, Happens::Verdict(Outcome::Match)),
    (17_000, Happens::Killed),
    (17_500, Happens::Goes),
    (18_500, Happens::Restarted),
    (22_000, Happens::Stops),
    (23_000, Happens::Exit),
    (24_000, Happens::Opens),
    (25_500, Happens::Closes),
    (29_000, Happens::Starts),
    (32_000, Happens::Opens),
    (34_000, Happens::Closes),
    (38_000, Happens::Comes("alice")),
    (39_000, Happens::Verdict(Outcome::Match)),
    (40_000, Happens::Opens),
    (40_800, Happens::Goes),
    (53_000, Happens::Closes),
    (57_000, Happens::LateVerdict),
];

#[derive(Debug, Clone, Copy)]
enum Happens {
    /// A face is before the camera, until it goes.
    Comes(&'static str),
    Goes,
    Verdict(Outcome),
    /// A match that comes six seconds late.
    LateVerdict,
    Opens,
    Closes,
    Exit,
    /// The daemon ends, and is there again.
    Stops,
    Starts,
    /// facelatch-door is killed, and started again by systemd.
    Killed,
    Restarted,
}

/// What was seen, each with its time in milliseconds.
#[derive(Default)]
struct Seen {
    faces: Vec<(u64, Option<&'static str>)>,
    line: Vec<(u64, bool)>,
    contact: Vec<(u64, bool)>,
    daemon: Vec<(u64, bool)>,
    program: Vec<(u64, bool)>,
    marks: Vec<(u64, String, bool)>,
    alarms: Vec<(u64, String)>,
}

/// facelatch-door, while it runs.
struct Program {
    controller: Controller,
    pulse: Pulse,
}

impl Program {
    fn start() -> Self {
        let config = Config::parse(Path::new("door.toml"), FILE).expect("right");
        Self { controller: Controller::new(&config, false), pulse: Pulse::new(PULSE) }
    }

    /// What it finds when it starts.
    fn found(closed: bool) -> [Message; 3] {
        let there = LineState::There;
        [
            Message::Strike { door: 0, lost: None },
            input(Role::Contact, there(closed)),
            input(Role::Exit, there(false)),
        ]
    }

    fn step(&mut self, happened: Vec<Message>, ms: u64, seen: &mut Seen) {
        let now = Moment(Duration::from_millis(ms));
        let mut orders = self.controller.tick(now);
        for message in happened {
            orders.extend(self.controller.handle(message, now, now.0));
        }
        let ordered = orders.iter().find_map(|order| match order {
            Order::Open(_) => Some(strike::Order::Open(now)),
            Order::Lock(_) => Some(strike::Order::Lock),
            _ => None,
        });
        seen.line.extend(self.pulse.step(ordered, now).into_iter().flatten().map(|level| (ms, level)));
        seen.alarms.extend(orders.into_iter().filter_map(|order| match order {
            Order::Say(Note::Alarm, text) => Some((ms, text)),
            _ => None,
        }));
    }
}

fn play() -> Seen {
    let mut seen = Seen {
        faces: vec![(0, None)],
        line: vec![(0, false)],
        contact: vec![(0, true)],
        daemon: vec![(0, true)],
        program: vec![(0, true)],
        ..Seen::default()
    };
    let mut program = Some(Program::start());
    for ms in (0..=END_MS).step_by(STEP_MS as usize) {
        let mut happened: Vec<Message> = Vec::new();
        if ms == 0 {
            happened.extend(Program::found(true));
        }
        for (_, what) in STORY.iter().filter(|(time, _)| *time == ms) {
            match what {
                Happens::Killed => {
                    program = None;
                    seen.program.push((ms, false));
                    seen.marks.push((ms, "kill -9".to_owned(), false));
                    // The kernel takes the line back.
                    seen.line.push((ms, false));
                }
                Happens::Restarted => {
                    program = Some(Program::start());
                    seen.program.push((ms, true));
                    happened.extend(Program::found(true));
                }
                what => happened.extend(message(*what, ms, &mut seen)),
            }
        }
        if let Some(program) = &mut program {
            program.step(happened, ms, &mut seen);
        }
    }
    seen
}

fn input(role: Role, state: LineState) -> Message {
    Message::Input { door: 0, role, state }
}

/// What facelatch-door hears of it.
fn message(what: Happens, ms: u64, seen: &mut Seen) -> Option<Message> {
    let event = |verdict, ms: u64| {
        let user = (verdict == Outcome::Match).then(|| "alice".to_owned());
        let event = Event {
            kind: EventKind::Identify,
            time: ms / 1000,
            user,
            verdict: Some(verdict),
            door: Some("front".into()),
            ..Event::default()
        };
        Message::Event(event)
    };
    Some(match what {
        Happens::Comes(who) => {
            seen.faces.push((ms, Some(who)));
            return None;
        }
        Happens::Goes => {
            seen.faces.push((ms, None));
            return None;
        }
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
        Happens::Killed | Happens::Restarted => return None,
    })
}

#[test]
fn the_line_is_active_after_a_match_or_the_button_only_and_never_for_longer_than_a_pulse() {
    let seen = play();
    let pulses = [(2000, 4400), (16_000, 17_000), (23_000, 25_500), (39_000, 42_000)];
    let wanted = pulses.into_iter().flat_map(|(start, end)| [(start, true), (end, false)]);
    assert_eq!(seen.line, [(0, false)].into_iter().chain(wanted).collect::<Vec<_>>());
    let alarms: Vec<(u64, &str)> = seen.alarms.iter().map(|(ms, text)| (*ms, text.as_str())).collect();
    let forced = "front: forced: opened without a grant or the exit button";
    assert_eq!(alarms, [(32_000, forced), (50_000, "front: held open for too long")]);
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

const LEFT: u64 = 110;
const WIDTH: u64 = 960;
const HEIGHT: u64 = 372;

fn x(ms: u64) -> u64 {
    LEFT + ms * (WIDTH - LEFT - 24) / END_MS
}

/// From above: who is before the camera, verdicts and the button, the line, the contact, and which program runs.
fn draw(seen: &Seen) -> String {
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n"
    );
    let mut add = |line: String| writeln!(svg, "{line}").expect("written to memory");
    for second in (0..=END_MS / 1000).step_by(4) {
        let at = x(second * 1000);
        add(format!(
            "<path d=\"M{at} 16V330\" stroke=\"#eee\"/><text x=\"{at}\" y=\"346\" text-anchor=\"middle\">{second} s</text>"
        ));
    }
    let names = [
        (36, "camera"),
        (88, "verdict, button"),
        (148, "line"),
        (208, "contact"),
        (281, "facelatchd"),
        (317, "facelatch-door"),
    ];
    names.into_iter().for_each(|(y, name)| add(format!("<text x=\"8\" y=\"{y}\">{name}</text>")));
    add(format!("<path d=\"M{LEFT} 40H{}\" stroke=\"#bbb\" stroke-width=\"2\"/>", x(END_MS)));
    for (index, (ms, who)) in seen.faces.iter().enumerate() {
        let (Some(who), Some((until, _))) = (who, seen.faces.get(index + 1)) else { continue };
        let (from, to) = (x(*ms), x(*until));
        add(format!(
            "<rect x=\"{from}\" y=\"26\" width=\"{}\" height=\"14\" fill=\"#aad\"/><text x=\"{from}\" y=\"22\">{who}</text>",
            to - from
        ));
    }
    add(track(&seen.line, 128, 158, "#c00"));
    add(track(&seen.contact, 218, 188, "#06c"));
    add(track(&seen.daemon, 271, 287, "#777"));
    add(track(&seen.program, 307, 323, "#777"));
    for (ms, text, opens) in &seen.marks {
        let (at, colour) = (x(*ms), if *opens { "#080" } else { "#777" });
        add(format!(
            "<path d=\"M{at} 90V118\" stroke=\"{colour}\"/><text x=\"{at}\" y=\"{}\" fill=\"{colour}\" text-anchor=\"middle\">{text}</text>",
            84 - 15 * (ms / 1000 % 2)
        ));
    }
    for (ms, text) in &seen.alarms {
        let at = x(*ms);
        let word = text.trim_start_matches("front: ").split([':', ' ']).next().unwrap_or_default();
        add(format!(
            "<circle cx=\"{at}\" cy=\"203\" r=\"4\" fill=\"#c00\"/><text x=\"{at}\" y=\"240\" fill=\"#c00\" text-anchor=\"middle\">{word}</text>"
        ));
    }
    add(format!(
        "<text x=\"{LEFT}\" y=\"366\" fill=\"#777\">up: the strike is unlocked, the door is open, the program runs; by a test of facelatch-door on a clock of its own</text>"
    ));
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
