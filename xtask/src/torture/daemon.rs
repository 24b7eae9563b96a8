//! Kills a whole daemon (SIGKILL) while it enrols, removes and renews over its socket.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::store::{Folder, built};
use super::{Random, Tally};
use crate::run::{command, root};

/// Longest time for a start or a reply.
const PATIENCE: Duration = Duration::from_secs(120);

/// Latest kill after a call was sent, in microseconds; an enrolment takes a few hundred milliseconds.
const LATEST_US: u64 = 700_000;

/// Pictures of one person, for the daemon's camera.
const PICTURES: [&str; 3] = ["obama-enrol-1.jpg", "obama-enrol-2.jpg", "obama-enrol-3.jpg"];

pub(crate) fn run(kills: u32, tally: &mut Tally) -> Result<()> {
    if kills == 0 {
        return Ok(());
    }
    let folder = DaemonFolder::new()?;
    let mut random = Random::new(3);
    let mut enrolled: BTreeSet<String> = BTreeSet::new();
    for kill in 0..kills {
        let mut daemon = folder.start()?;
        // One acknowledged change, and one that the kill interrupts.
        let sure = format!("sure{kill}");
        folder.ask("Enroll", &format!(r#"{{"user":"{sure}","templates":1}}"#))?;
        enrolled.insert(sure.clone());
        let doomed = format!("doomed{kill}");
        let call = match kill % 3 {
            0 => ("Enroll", format!(r#"{{"user":"{doomed}","templates":2}}"#)),
            1 => ("Renew", "{}".to_owned()),
            _ => ("Remove", format!(r#"{{"user":"{sure}"}}"#)),
        };
        let mut stream = folder.send(call.0, &call.1)?;
        let latest = if call.0 == "Enroll" { LATEST_US } else { LATEST_US / 20 };
        stream.set_read_timeout(Some(Duration::from_micros(1 + random.below(latest))))?;
        let answered = matches!(stream.read(&mut [0; 512]), Ok(read) if read > 0);
        daemon.0.kill()?;
        daemon.0.wait()?;
        tally.kills += 1;

        let daemon = folder.start()?;
        let listed = folder.ask("List", "{}")?;
        let is_there = |name: &str| listed.contains(&format!("\"user\":\"{name}\""));
        let status = folder.ask("Status", "{}")?;
        let (doomed_there, sure_there) = (is_there(&doomed), is_there(&sure));
        let other_lost = enrolled.iter().any(|name| *name != sure && !is_there(name));
        let wrong = match (call.0, answered) {
            ("Enroll", true) => !doomed_there || !sure_there,
            ("Remove", true) => sure_there,
            ("Remove", false) => false,
            _ => !sure_there,
        };
        if wrong || other_lost || status.contains("lossy") {
            tally.acknowledged_lost += 1;
            tally.note(format!("daemon kill {kill} ({}): {listed} {status}", call.0));
        }
        enrolled.retain(|name| is_there(name));
        if doomed_there {
            enrolled.insert(doomed);
        }
        drop(daemon);
    }
    Ok(())
}

/// A temporary folder with everything a daemon needs.
struct DaemonFolder(Folder);

impl DaemonFolder {
    fn new() -> Result<Self> {
        let folder = Folder::new()?;
        let camera = folder.0.join("camera");
        std::fs::create_dir(&camera)?;
        for name in PICTURES {
            std::fs::copy(root().join("tests/data/faces").join(name), camera.join(name))?;
        }
        Ok(Self(folder))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.0.join(name)
    }

    /// Starts a daemon and waits until it is ready.
    fn start(&self) -> Result<Daemon> {
        let notify = self.path("notify");
        for left in ["notify", "s"] {
            let _ = std::fs::remove_file(self.path(left)); // Left by the daemon before.
        }
        let ready = UnixDatagram::bind(&notify)?;
        ready.set_read_timeout(Some(PATIENCE))?;
        let mut command = command(&built("facelatchd").display().to_string(), &["--config"]);
        command.arg(root().join("config/facelatch.toml")).arg("--replay").arg(self.path("camera"));
        command.arg("--models").arg(root().join("models")).arg("--state").arg(self.path("store"));
        command.arg("--socket").arg(self.path("s")).env("NOTIFY_SOCKET", &notify).env("RUST_LOG", "error");
        let daemon = Daemon(command.stdin(Stdio::null()).spawn().context("cannot start facelatchd")?);
        let mut message = [0; 4096];
        loop {
            let length =
                ready.recv(&mut message).context("facelatchd did not become ready; its error is above")?;
            if String::from_utf8_lossy(&message[..length]).lines().any(|line| line == "READY=1") {
                return Ok(daemon);
            }
        }
    }

    fn send(&self, method: &str, parameters: &str) -> Result<UnixStream> {
        let mut stream = UnixStream::connect(self.path("s"))?;
        let call = format!(r#"{{"method":"io.facelatch.v1.{method}","parameters":{parameters}}}"#);
        stream.write_all(call.as_bytes())?;
        stream.write_all(&[0])?;
        Ok(stream)
    }

    /// One call on the socket; an error reply is an error.
    fn ask(&self, method: &str, parameters: &str) -> Result<String> {
        let mut stream = self.send(method, parameters)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let (mut reply, mut byte) = (Vec::new(), [0]);
        while stream.read(&mut byte)? == 1 && byte[0] != 0 {
            reply.push(byte[0]);
        }
        let reply = String::from_utf8(reply)?;
        if reply.is_empty() || reply.contains(r#""error""#) {
            bail!("{method}: {reply}");
        }
        Ok(reply)
    }
}

/// A running daemon; killed when dropped.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
