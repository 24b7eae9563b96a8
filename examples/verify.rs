//! A client in Rust: asks the daemon whether a user is in front of the camera.
//!
//! `cargo run -p facelatch-wire --example verify -- [USER]`: without a name, the caller. `FACELATCH_SOCKET` names
//! another socket than the daemon's usual one. Ends with 0 for a match, 1 for anything else the daemon decided, and 4
//! when there is no decision.
#![expect(clippy::print_stdout, reason = "a program for a terminal")]

use std::process::ExitCode;
use std::time::Duration;

use facelatch_wire::call::Verify;
use facelatch_wire::{Client, ClientError, Deadline, Outcome, socket_path};

/// Limit for the whole conversation; others may be in front of the camera first.
const PATIENCE: Duration = Duration::from_secs(90);

fn main() -> ExitCode {
    match verify(std::env::args().nth(1)) {
        Ok(Outcome::Match) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            eprintln!("verify: {error}");
            ExitCode::from(4)
        }
    }
}

/// Asks, shows progress on standard error and the verdict on standard output.
fn verify(user: Option<String>) -> Result<Outcome, ClientError> {
    let mut client = Client::connect(&socket_path(None), Deadline::within(PATIENCE))?;
    // `latch: Some(false)`: a match opens nothing. With `None` it opens what the configuration says.
    client.start(&Verify { user, latch: Some(false), camera: None }, true)?;
    loop {
        let received = client.receive::<Verify>()?;
        let reply = received.reply;
        if received.continues {
            match (reply.message, reply.done, reply.wanted) {
                (Some(message), ..) => eprintln!("{message}"),
                (None, Some(done), Some(wanted)) => eprintln!("{done} of {wanted} frames"),
                _ => {}
            }
            continue;
        }
        // A reply without a verdict, or with a word this client is too old for, lets nobody in.
        let verdict = reply.verdict.unwrap_or(Outcome::Unknown);
        match reply.user {
            Some(user) => println!("{verdict}: {user}"),
            None => println!("{verdict}"),
        }
        return Ok(verdict);
    }
}
