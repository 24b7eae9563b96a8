//! The interface file, from the types. The test fails while the two differ;
//! `WRITE_INTERFACE=1 cargo test -p facelatch-wire` writes the file.

use std::fmt::Write;

use crate::reply::{
    AccountState, AuditLine, AuditLog, Camera, CameraState, ComparedPerson, ComparedTemplate, Decision,
    DoorChange, DoorPlace, DoorState, EventKind, ExplainedFrame, Explanation, Face, Factor, FrameUse,
    Judging, LatchState, LiveEvidence, Measure, Measured, Milliseconds, Point, Rule, Seen, State, Store,
    StoreState, Template,
};
use crate::{INTERFACE, MAX_MESSAGE_BYTES, Outcome, call, fault};

/// A type that Varlink knows.
pub(crate) trait Described {
    /// Its name there.
    fn varlink() -> String;
}

/// A struct of such types.
pub(crate) trait Fields {
    /// Its comment.
    const DOC: &'static [&'static str];
    /// Name and type of each field.
    fn fields() -> Vec<(&'static str, String)>;
}

/// A method with everything there is to say about it.
pub(crate) struct MethodText {
    pub(crate) interface: &'static str,
    pub(crate) name: &'static str,
    pub(crate) doc: &'static [&'static str],
    pub(crate) parameters: Vec<(&'static str, String)>,
    pub(crate) reply: Vec<(&'static str, String)>,
}

macro_rules! described {
    ($($type:ty = $name:literal)*) => {$(
        impl Described for $type {
            fn varlink() -> String {
                $name.to_owned()
            }
        }
    )*};
}

described! { String = "string" bool = "bool" u64 = "int" f64 = "float" }

impl<T: Described> Described for Option<T> {
    fn varlink() -> String {
        format!("?{}", T::varlink())
    }
}

impl<T: Described> Described for Vec<T> {
    fn varlink() -> String {
        format!("[]{}", T::varlink())
    }
}

/// The words of one type, wrapped as a comment.
fn words(what: &str, all: &[&str]) -> String {
    let (mut text, mut line) = (String::new(), format!("# {what}:"));
    for (at, word) in all.iter().enumerate() {
        let word = format!(" {word}{}", if at + 1 < all.len() { "," } else { "." });
        if line.len() + word.len() > 110 {
            text += &format!("{line}\n");
            line = "#".to_owned();
        }
        line += &word;
    }
    text + &line + "\n"
}

fn head() -> String {
    let mut text = format!(
        "# facelatch: face unlock.
#
# Who may ask: root and the daemon's own user (the owner) everything; members of the group `facelatch`
# (managers) everything but scores; members of the group `facelatch-door` (doors) what a door needs; anybody else who
# may open the socket only about themselves.
# Scores (p, threshold) and pictures' details go to the owner alone.
#
# A message is at most {MAX_MESSAGE_BYTES} bytes. Strings marked below take one of these values; newer daemons may add more.
# Only the verdict `match` lets anybody in; a verdict that a client does not know lets nobody in.
#
"
    );
    text += &words("verdict, guidance and reason", &Outcome::ALL.map(Outcome::as_str));
    text += &words("state of the daemon", &State::ALL.map(State::as_str));
    text += &words("state of the camera", &CameraState::ALL.map(CameraState::as_str));
    text += &words("state of the store", &StoreState::ALL.map(StoreState::as_str));
    text += &words("account of a template", &AccountState::ALL.map(AccountState::as_str));
    text += &words("kind of an event", &EventKind::ALL.map(EventKind::as_str));
    text += &words("change at a door", &DoorChange::ALL.map(DoorChange::as_str));
    text += &words("factor of a rule", &Factor::ALL.map(Factor::as_str));
    text += &words("seen while watching", &Seen::ALL.map(Seen::as_str));
    text += &words("use of a frame", &FrameUse::ALL.map(FrameUse::as_str));
    text += &words("latch in an event", &LatchState::ALL.map(LatchState::as_str));
    text + &format!("interface {INTERFACE}\n")
}

fn comment(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("#{line}\n")).collect()
}

fn fields(fields: &[(&str, String)]) -> String {
    let all: Vec<String> = fields.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
    if all.len() < 2 { format!("({})", all.concat()) } else { format!("(\n  {}\n)", all.join(",\n  ")) }
}

fn add_type<T: Described + Fields>(text: &mut String) {
    let _ = writeln!(text, "\n{}type {} {}", comment(T::DOC), T::varlink(), fields(&T::fields()));
}

/// The whole file.
fn interface() -> String {
    let mut text = head();
    add_type::<Milliseconds>(&mut text);
    add_type::<Point>(&mut text);
    add_type::<Face>(&mut text);
    add_type::<Camera>(&mut text);
    add_type::<Store>(&mut text);
    add_type::<Template>(&mut text);
    add_type::<AuditLog>(&mut text);
    add_type::<AuditLine>(&mut text);
    add_type::<DoorPlace>(&mut text);
    add_type::<DoorState>(&mut text);
    add_type::<Rule>(&mut text);
    add_type::<Judging>(&mut text);
    add_type::<Explanation>(&mut text);
    add_type::<ExplainedFrame>(&mut text);
    add_type::<Measure>(&mut text);
    add_type::<LiveEvidence>(&mut text);
    add_type::<Decision>(&mut text);
    add_type::<Measured>(&mut text);
    add_type::<ComparedPerson>(&mut text);
    add_type::<ComparedTemplate>(&mut text);
    for method in call::described().iter().filter(|method| method.interface == INTERFACE) {
        let given: Vec<String> =
            method.parameters.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
        let (doc, reply) = (comment(method.doc), fields(&method.reply));
        let _ = writeln!(text, "\n{doc}method {}({}) -> {reply}", method.name, given.join(", "));
    }
    for (name, doc, parameters) in fault::described() {
        if let Some(name) = name.strip_prefix(INTERFACE) {
            let given: Vec<String> =
                parameters.iter().map(|(name, kind)| format!("{name}: {kind}")).collect();
            let _ = writeln!(text, "\n{}error {} ({})", comment(doc), &name[1..], given.join(", "));
        }
    }
    text
}

#[test]
fn the_interface_file_says_what_the_types_say() {
    let text = interface();
    if std::env::var_os("WRITE_INTERFACE").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/src/facelatch.varlink");
        std::fs::write(file, &text).expect("written");
        return;
    }
    assert!(
        text == crate::IDL,
        "facelatch.varlink differs; `WRITE_INTERFACE=1 cargo test -p facelatch-wire` writes:\n{text}"
    );
}
