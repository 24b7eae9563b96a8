//! The table of settings, and the only place that knows their names, defaults, ranges and units. The structs, the check of
//! the ranges, `config/door.toml` (`cargo xtask config`) and facelatch-door.toml(5) all come from it.

use std::path::PathBuf;

use super::Refused;
use super::table::{choices, settings};
use super::value::LineId;

settings! {
    /// The daemon.
    "" Config {
        /// The socket of facelatchd.
        socket: PathBuf = facelatch_wire::DOOR_SOCKET.into();
    } with {
        door: Vec<Door>,
    }

    /// A door. Repeat the sections from here on for each further one.
    "[[door]]" Door {
        /// What it is called: lower-case letters, digits, "-" and "_".
        name: String = String::new();
        /// Whether a recognised face opens it.
        face: bool = true;
        /// The camera that looks at this door, by its name in facelatch.toml; empty for the default one.
        camera: String = String::new();
        /// Whether the camera is watched, and a look begins when something moves and a face is in sight.
        motion: bool = false;
        /// After a pulse, a face opens the door no sooner than this. The exit button does.
        rearm_s: f64 = 2.0, 0.0..=60.0 "seconds";
        /// Report a door that stands open for longer than this.
        held_open_s: f64 = 30.0, 1.0..=3600.0 "seconds";
    } with {
        strike: Strike,
        contact: Option<Contact>,
        exit: Option<Exit>,
        trigger: Option<Trigger>,
        tamper: Option<Tamper>,
        lamp_left: Option<LampLeft>,
        lamp_right: Option<LampRight>,
        lamp_granted: Option<LampGranted>,
        lamp_refused: Option<LampRefused>,
        buzzer: Option<Buzzer>,
        keypad: Option<Keypad>,
    }

    /// What keeps the door shut: the line of the relay or driver. Every door has one.
    "[door.strike]" Strike {
        /// The chip: its label ("pinctrl-rp1"), its name ("gpiochip0"), or empty for whichever has a line of that name. Prefer
        /// the label: numbers of chips change between kernels.
        chip: String = String::new();
        /// The line: its name ("GPIO17"), or its number on the chip. `gpioinfo` lists both.
        line: LineId = LineId::default();
        /// Whether the relay is on while the line is low, as on many relay boards.
        active_low: bool = false;
        /// Whether the door is shut while the relay is on: a magnet that needs the line to hold. It lets go whenever
        /// facelatch-door does not run. False for a strike, and for a magnet on the relay's normally closed contact. See
        /// docs/door.md.
        hold: bool = false;
        /// How long the door is let open. It ends early once the door was opened and closed again.
        pulse_s: f64 = 3.0, 0.5..=10.0 "seconds";
    }

    /// A switch that tells whether the door is closed. Without it there is no alarm, and every pulse has its full length.
    "[door.contact]" Contact {
        /// The chip, as above.
        chip: String = String::new();
        /// The line, as above.
        line: LineId = LineId::default();
        /// The level while the door is closed: "low" for a switch to ground that closes with the door, so that a cut wire
        /// counts as an open door; "high" for one that opens with it.
        active: Level = Level::Low;
        /// What holds the line while the switch is open.
        bias: Bias = Bias::PullUp;
        /// Changes shorter than this are no changes.
        debounce_ms: u32 = 50, 0..=1000 "milliseconds";
    }

    /// A button, or the switch of an inner handle, that opens the door for whoever leaves. It works without the daemon.
    "[door.exit]" Exit {
        /// The chip, as above.
        chip: String = String::new();
        /// The line, as above.
        line: LineId = LineId::default();
        /// The level while it is pressed.
        active: Level = Level::Low;
        /// What holds the line while it is not.
        bias: Bias = Bias::PullUp;
        /// Changes shorter than this are no changes.
        debounce_ms: u32 = 20, 0..=1000 "milliseconds";
    }

    /// A button or motion sensor outside: while it is active, the daemon is asked to look. See also `motion` above.
    "[door.trigger]" Trigger {
        /// The chip, as above.
        chip: String = String::new();
        /// The line, as above.
        line: LineId = LineId::default();
        /// The level that asks for a look: "low" for a button to ground, "high" for most motion sensors.
        active: Level = Level::Low;
        /// What holds the line otherwise: "none" for a sensor that drives it.
        bias: Bias = Bias::PullUp;
        /// Changes shorter than this are no changes.
        debounce_ms: u32 = 20, 0..=1000 "milliseconds";
    }

    /// A switch that reports an opened case or a cut cable.
    "[door.tamper]" Tamper {
        /// The chip, as above.
        chip: String = String::new();
        /// The line, as above.
        line: LineId = LineId::default();
        /// The level that means tampering: "high" for a loop to ground.
        active: Level = Level::High;
        /// What holds the line while the switch is open.
        bias: Bias = Bias::PullUp;
        /// Changes shorter than this are no changes.
        debounce_ms: u32 = 50, 0..=1000 "milliseconds";
    }

    /// A lamp that asks people to turn their head to the left (with the other one: to look straight), where attack.level is
    /// "challenge". It is on for 10 seconds at most.
    "[door.lamp_left]" LampLeft {
        /// The chip, as above.
        chip: String = String::new();
        /// The line, as above.
        line: LineId = LineId::default();
        /// Whether it is on while the line is low.
        active_low: bool = false;
    }

    /// The same for the right.
    "[door.lamp_right]" LampRight {
        /// The chip, as above.
        chip: String = String::new();
        /// The line, as above.
        line: LineId = LineId::default();
        /// Whether it is on while the line is low.
        active_low: bool = false;
    }

    /// A lamp that is on for two seconds when the door is unlocked for somebody.
    "[door.lamp_granted]" LampGranted {
        /// The chip, as above.
        chip: String = String::new();
        /// The line, as above.
        line: LineId = LineId::default();
        /// Whether it is on while the line is low.
        active_low: bool = false;
    }

    /// A lamp that is on for two seconds when somebody is not let in.
    "[door.lamp_refused]" LampRefused {
        /// The chip, as above.
        chip: String = String::new();
        /// The line, as above.
        line: LineId = LineId::default();
        /// Whether it is on while the line is low.
        active_low: bool = false;
    }

    /// A buzzer that sounds when something is asked: to turn the head, or for the PIN.
    "[door.buzzer]" Buzzer {
        /// The chip, as above.
        chip: String = String::new();
        /// The line, as above.
        line: LineId = LineId::default();
        /// Whether it is on while the line is low.
        active_low: bool = false;
    }

    /// A keypad outside, for PINs that `facelatch pin` sets: digits, then enter, `.` or `#` to send; escape, backspace or `*`
    /// to start again. Its keys reach nothing else on this machine.
    "[door.keypad]" Keypad {
        /// The input device, under a name that stays: `ls /dev/input/by-id /dev/input/by-path`. A USB keypad, or a matrix on
        /// GPIO lines by the kernel's driver.
        device: PathBuf = PathBuf::new();
    }
}

choices! {
    /// The level of an input.
    Level {
        /// connected to ground
        Low = "low",
        /// at the supply voltage
        High = "high",
    }

    /// What the chip itself connects to an input.
    Bias {
        /// a resistor to the supply voltage
        PullUp = "pull-up",
        /// a resistor to ground
        PullDown = "pull-down",
        /// nothing
        None = "none",
        /// whatever it was
        AsIs = "as-is",
    }
}

impl Config {
    /// The first value of any section that is outside its range.
    pub(super) fn check_all_ranges(&self) -> Result<(), Refused> {
        for door in &self.door {
            let place = |table: &str| format!("door {:?}: {table}", door.name);
            door.check_ranges(&place(""))?;
            door.strike.check_ranges(&place("strike."))?;
            door.contact.iter().try_for_each(|input| input.check_ranges(&place("contact.")))?;
            door.exit.iter().try_for_each(|input| input.check_ranges(&place("exit.")))?;
            door.trigger.iter().try_for_each(|input| input.check_ranges(&place("trigger.")))?;
            door.tamper.iter().try_for_each(|input| input.check_ranges(&place("tamper.")))?;
            door.lamp_left.iter().try_for_each(|lamp| lamp.check_ranges(&place("lamp_left.")))?;
            door.lamp_right.iter().try_for_each(|lamp| lamp.check_ranges(&place("lamp_right.")))?;
            door.lamp_granted.iter().try_for_each(|lamp| lamp.check_ranges(&place("lamp_granted.")))?;
            door.lamp_refused.iter().try_for_each(|lamp| lamp.check_ranges(&place("lamp_refused.")))?;
            door.buzzer.iter().try_for_each(|buzzer| buzzer.check_ranges(&place("buzzer.")))?;
            door.keypad.iter().try_for_each(|keypad| keypad.check_ranges(&place("keypad.")))?;
        }
        self.check_ranges("")
    }
}
