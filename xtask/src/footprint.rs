//! Measures the running daemon: time from start to ready, memory after work, CPU while idle.
//!
//! Starts the release build in a temporary folder with bundled pictures as its camera, as the demo does.

use std::io::{Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::run::{command, read, root, succeed, target_folder};

/// Number of starts; the median is reported.
const STARTS: usize = 5;

/// Attempts made before memory is read, and read again.
const ATTEMPTS: [usize; 2] = [20, 100];

/// How long a start or an answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Ticks a second in /proc/PID/stat: the same on every Linux that Rust runs on.
const TICKS: f64 = 100.0;

/// Pictures of one person, to enrol from and to verify with.
const PICTURES: &[&str] = &["obama-enrol-1.jpg", "obama-enrol-2.jpg", "obama-enrol-3.jpg"];

/// Measures and prints: without attack detection and with it; or, with `--templates`, with it and so many templates. A number
/// is that of idle seconds.
pub(crate) fn main(words: &[String]) -> Result<()> {
    let (mut idle, mut templates) = (30, 0);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--templates" {
            templates =
                words.next().and_then(|word| word.parse().ok()).context("--templates needs a number")?;
        } else {
            idle = word.parse().context("SECONDS must be a whole number")?;
        }
    }
    succeed(command("cargo", &["build", "--release", "--locked", "--bin", "facelatchd"]))?;
    for level in ["off", "passive"].into_iter().skip(usize::from(templates > 0)) {
        println!("attack.level = {level:?}:");
        measure(&Room::new(level, templates)?, idle)?;
    }
    let bytes = std::fs::metadata(program())?.len();
    println!("facelatchd, stripped, without models: {:.1} MB", bytes as f64 / 1e6);
    Ok(())
}

fn measure(room: &Room, idle: u64) -> Result<()> {
    let mut starts = (0..STARTS).map(|_| Ok(room.start()?.1)).collect::<Result<Vec<_>>>()?;
    let median = |of: fn(&Start) -> Duration, starts: &mut Vec<Start>| {
        starts.sort_by_key(of);
        of(&starts[STARTS / 2]).as_millis()
    };
    println!(
        "start to ready, medians of {STARTS}, files in the page cache: {} ms, {} of them on the CPU",
        median(|start| start.wall, &mut starts),
        median(|start| start.cpu, &mut starts)
    );

    let (daemon, _) = room.start()?;
    println!("memory when ready: {}", daemon.memory()?);
    room.ask("Enroll", r#"{"user":"warm","templates":3}"#)?;
    println!("memory after an enrolment: {}", daemon.memory()?);
    let mut done = 0;
    for attempts in ATTEMPTS {
        let before = daemon.cpu()?;
        for _ in done..attempts {
            room.ask("Verify", r#"{"user":"warm"}"#)?;
        }
        let each = (daemon.cpu()? - before) / (attempts - done) as u32;
        done = attempts;
        println!(
            "memory after {attempts} attempts, each {} ms on the CPU: {}",
            each.as_millis(),
            daemon.memory()?
        );
    }
    room.ask("Identify", "{}")?;
    println!("memory after a search among all: {}", daemon.memory()?);
    pause(Duration::from_secs(3)); // The camera is closed after 1 s, see Room::new.
    let before = daemon.cpu()?;
    pause(Duration::from_secs(idle));
    let share = (daemon.cpu()? - before).as_secs_f64() / idle as f64;
    println!("CPU over {idle} idle seconds, camera closed: {:.2} % of one core", share * 100.0);
    Ok(())
}

/// What the unit sets for the daemon.
fn environment() -> Result<Vec<(String, String)>> {
    let unit = std::fs::read_to_string(root().join("systemd/facelatchd.service"))?;
    let set = unit.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('='));
    Ok(set.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn program() -> PathBuf {
    target_folder().join("release/facelatchd")
}

/// What a start took.
struct Start {
    wall: Duration,
    cpu: Duration,
}

/// A temporary folder with everything a daemon needs; removed when dropped.
struct Room(PathBuf);

impl Room {
    /// With a store of so many made-up templates.
    fn new(level: &str, templates: usize) -> Result<Self> {
        let folder = read(command("mktemp", &["-d", "-t", "facelatch-footprint.XXXXXX"]))?;
        let room = Self(PathBuf::from(folder.trim_end()));
        let camera = room.0.join("camera");
        std::fs::create_dir(&camera)?;
        for name in PICTURES {
            std::fs::copy(root().join("tests/data/faces").join(name), camera.join(name))?;
        }
        let config = format!(
            "[camera]\nreplay = {camera:?}\nidle_close_ms = 1000\n[models]\nfolder = {models:?}\n\
             [attack]\nlevel = {level:?}\n[store]\nfolder = {store:?}\n[serve]\nsocket = {socket:?}\n",
            models = root().join("models"),
            store = room.0.join("store"),
            socket = room.socket(),
        );
        std::fs::write(room.0.join("facelatch.toml"), config)?;
        if templates > 0 {
            room.fill(templates)?;
        }
        Ok(room)
    }

    fn fill(&self, templates: usize) -> Result<()> {
        let models = std::fs::read_to_string(root().join("models/MODELS.toml"))?;
        let embedder = models.lines().skip_while(|line| *line != "[sface]");
        let sha256 = embedder.into_iter().find_map(|line| line.strip_prefix("sha256 = "));
        let sha256 = sha256.context("models/MODELS.toml has no sha256 below [sface]")?;
        let words = ["run", "--release", "--locked", "--quiet", "--example", "many_templates", "--"];
        let mut example = command("cargo", &words);
        example.arg(self.0.join("store")).arg(templates.to_string()).arg(sha256.trim_matches('"'));
        succeed(example)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("facelatch.sock")
    }

    /// A daemon that is ready, and what that took.
    fn start(&self) -> Result<(Daemon, Start)> {
        let notify = self.0.join("notify.sock");
        let _ = std::fs::remove_file(&notify); // Left by the last start.
        let ready = UnixDatagram::bind(&notify)?;
        ready.set_read_timeout(Some(PATIENCE))?;
        let mut command = command(&program().display().to_string(), &["--config"]);
        command.arg(self.0.join("facelatch.toml")).env("NOTIFY_SOCKET", &notify).env("RUST_LOG", "warn");
        command.envs(environment()?);
        let started = now();
        let daemon = Daemon(command.stdin(Stdio::null()).spawn().context("cannot start facelatchd")?);
        let mut message = [0; 4096];
        loop {
            let length =
                ready.recv(&mut message).context("facelatchd did not become ready; its error is above")?;
            if String::from_utf8_lossy(&message[..length]).lines().any(|line| line == "READY=1") {
                let start = Start { wall: now().duration_since(started), cpu: daemon.cpu()? };
                return Ok((daemon, start));
            }
        }
    }

    /// One call on the socket; fails when the daemon answers with an error.
    fn ask(&self, method: &str, parameters: &str) -> Result<()> {
        let mut stream = UnixStream::connect(self.socket())?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let call = format!(r#"{{"method":"io.facelatch.v1.{method}","parameters":{parameters}}}"#);
        stream.write_all(call.as_bytes())?;
        stream.write_all(&[0])?;
        let mut reply = Vec::new();
        let mut byte = [0];
        while stream.read(&mut byte)? == 1 && byte[0] != 0 {
            reply.push(byte[0]);
        }
        let reply = String::from_utf8_lossy(&reply);
        if reply.is_empty() || reply.contains(r#""error""#) {
            bail!("{method}: {reply}");
        }
        Ok(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // A leftover temporary folder is harmless.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A running daemon; killed when dropped.
struct Daemon(Child);

impl Daemon {
    fn proc(&self, file: &str) -> Result<String> {
        let path = Path::new("/proc").join(self.0.id().to_string()).join(file);
        std::fs::read_to_string(&path).with_context(|| path.display().to_string())
    }

    fn memory(&self) -> Result<String> {
        let status = self.proc("status")?;
        let wanted = ["VmRSS:", "VmHWM:", "Threads:"];
        let lines = status.lines().filter(|line| wanted.iter().any(|name| line.starts_with(name)));
        Ok(lines
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .join(", "))
    }

    /// User and system time so far: fields 14 and 15 of proc_pid_stat(5), counted after the name.
    fn cpu(&self) -> Result<Duration> {
        let stat = self.proc("stat")?;
        let behind = stat.rsplit(')').next().unwrap_or_default();
        let ticks = behind.split_whitespace().skip(11).take(2).map(str::parse::<f64>);
        Ok(Duration::from_secs_f64(ticks.sum::<Result<f64, _>>()? / TICKS))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "measures another process")]
fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "being idle is what is measured")]
fn pause(length: Duration) {
    std::thread::sleep(length);
}
