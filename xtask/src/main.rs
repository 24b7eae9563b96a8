//! Developer tools for facelatch: `cargo xtask VERB`.
#![expect(clippy::print_stdout, reason = "a command talks to the person who typed it")]

use std::process::ExitCode;

mod check;
mod config;
mod cross;
mod deb;
mod docs;
mod elf;
mod footprint;
mod licences;
mod manual;
mod notices;
mod pam;
mod peers;
mod release;
mod run;
mod size;
mod stage;
mod target;
mod torture;
mod units;
mod vm;

/// Implementation of a verb; it gets the words after the verb.
type Act = fn(&[String]) -> anyhow::Result<()>;

/// Every verb: name, arguments, purpose.
const VERBS: &[(&str, &str, &str, Act)] = &[
    ("check", "[STEP...]", "all checks before a commit; with names, only those steps", check::main),
    ("config", "", "write config/*.toml from the tables of settings", config::main),
    ("cross", "setup|test|env [TARGET]", "tools, tests and variables for an ARM target", cross::main),
    ("deb", "[--target TARGET]", "the Debian packages, in target/debian/", deb::main),
    (
        "release",
        "[TARGET...] [--key FILE]",
        "all that is published: a signed archive, source, checksums, licences",
        release::main,
    ),
    ("notices", "", "write THIRD-PARTY-NOTICES.md from Cargo.lock", notices::main),
    ("pam", "", "test the PAM module under a real libpam (needs root and pamtester)", pam::main),
    (
        "footprint",
        "[SECONDS] [--templates N]",
        "measure start-up time, memory and idle CPU of the daemon",
        footprint::main,
    ),
    ("stage", "FOLDER [--libdir DIR]", "what the packages hold, for recipes of other systems", stage::main),
    (
        "torture",
        "[--kills N] [--damage N] [--json]",
        "kill the daemon and damage the store; nothing may be lost",
        torture::main,
    ),
    ("peers", "[--json]", "compare speed with onnxruntime, ncnn, rten and LiteRT (Python 3.11)", peers::main),
    (
        "vm",
        "[--short|--door|--archive] [DEB...]",
        "test the packages on an emulated ARM machine with a camera",
        vm::main,
    ),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let verb = words.first().and_then(|word| VERBS.iter().find(|verb| verb.0 == word));
    let Some((.., act)) = verb else {
        for (name, rest, purpose, _) in VERBS {
            println!("cargo xtask {:<42} {purpose}", format!("{name} {rest}"));
        }
        return ExitCode::from(2);
    };
    match act(&words[1..]) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
