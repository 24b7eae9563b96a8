//! A running emulated machine: commands in, output and status out.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use super::disk::Power;

/// What a machine starts from.
pub(super) struct Emulator {
    /// qemu-system-aarch64, which emulates 32-bit processors as well.
    pub(super) program: PathBuf,
    /// Folder with vmlinuz and initrd.img.
    pub(super) image: PathBuf,
    /// The second disk, read only.
    pub(super) payload: PathBuf,
    /// Folder for the console log.
    pub(super) work: PathBuf,
    /// What the machine's processor has: 64 or 32.
    pub(super) bits: u32,
    /// The qemu CPU model; by default a Cortex-A76, as in a Pi 5, or a Cortex-A7, as in a Pi 2 and, for programs, in any
    /// Pi with a 32-bit system.
    pub(super) cpu: Option<String>,
    /// One processor, which executes one instruction a nanosecond.
    pub(super) count: bool,
}

impl Emulator {
    /// How many times longer everything may take.
    pub(super) fn slowness(&self) -> u32 {
        if self.count { 4 } else { 64 / self.bits }
    }

    /// The machine and its processor. A 32-bit kernel finds nothing above 4 GB.
    fn board(&self) -> [&str; 4] {
        let (board, processor) =
            if self.bits == 64 { ("virt", "cortex-a76") } else { ("virt,highmem=off", "cortex-a7") };
        ["-machine", board, "-cpu", self.cpu.as_deref().unwrap_or(processor)]
    }
}

/// A running qemu, killed when dropped.
pub(super) struct Machine {
    qemu: Child,
    to: ChildStdin,
    from: Receiver<String>,
}

/// How a command ended, and what it printed.
pub(super) struct Answer {
    pub(super) status: i32,
    pub(super) lines: Vec<String>,
}

impl Machine {
    /// Powers it on. The agent's messages arrive on qemu's standard output.
    pub(super) fn start(emulator: &Emulator, disk: Power) -> Result<Self> {
        let text = |path: PathBuf| path.display().to_string();
        // It dies with us, however we end.
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", "--"])
            .arg(&emulator.program)
            .args(emulator.board())
            .args(if emulator.count {
                ["-smp", "1", "-accel", "tcg,thread=single,tb-size=256", "-icount", "shift=0,sleep=off"]
                    .as_slice()
            } else {
                &["-smp", "2", "-accel", "tcg,thread=multi,tb-size=256"]
            })
            .args(["-m", "1024", "-nodefaults", "-display", "none", "-no-reboot"])
            .args(["-kernel", &text(emulator.image.join("vmlinuz"))])
            .args(["-initrd", &text(emulator.image.join("initrd.img"))])
            .args(["-append", "console=ttyAMA0 panic=-1 quiet systemd.show_status=1 systemd.log_color=0"])
            .args(disk.arguments())
            .args(["-device", "virtio-blk-device,drive=root,write-cache=on"])
            .args([
                "-drive",
                &format!("file={},format=raw,if=none,id=p,readonly=on", emulator.payload.display()),
            ])
            .args(["-device", "virtio-blk-device,drive=p"])
            .args(["-object", "rng-random,id=g,filename=/dev/urandom", "-device", "virtio-rng-device,rng=g"])
            .args([
                "-chardev",
                &format!("file,id=c,path={},append=on", text(emulator.work.join("console.log"))),
            ])
            .args(["-serial", "chardev:c", "-device", "virtio-serial-device"])
            .args(["-chardev", "stdio,id=a,signal=off", "-device", "virtserialport,chardev=a,name=vm"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut qemu =
            command.spawn().with_context(|| format!("cannot start {}", emulator.program.display()))?;
        let to = qemu.stdin.take().context("no standard input")?;
        let output = qemu.stdout.take().context("no standard output")?;
        let (send, from) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n') {
                let Ok(line) = line else { return };
                if send.send(String::from_utf8_lossy(&line).into_owned()).is_err() {
                    return;
                }
            }
        });
        Ok(Self { qemu, to, from })
    }

    /// Waits until the agent reports that the machine is up.
    pub(super) fn wait_for_agent(&mut self, limit: Duration) -> Result<()> {
        self.answer(limit).map(|_| ()).context("while booting; see console.log in its folder")
    }

    /// Runs `script` in bash as root.
    pub(super) fn run(&mut self, script: &str, limit: Duration) -> Result<Answer> {
        self.send(script)?;
        self.answer(limit)
    }

    fn send(&mut self, script: &str) -> Result<()> {
        let line = base64(script.as_bytes()) + "\n";
        self.to
            .write_all(line.as_bytes())
            .and_then(|()| self.to.flush())
            .context("the machine does not accept commands")
    }

    fn answer(&mut self, limit: Duration) -> Result<Answer> {
        let end = now() + limit;
        let mut lines = Vec::new();
        loop {
            let line = match self.from.recv_timeout(end.saturating_duration_since(now())) {
                Ok(line) => line,
                Err(RecvTimeoutError::Timeout) => {
                    bail!("no answer within {} s; so far:\n{}", limit.as_secs(), lines.join("\n"))
                }
                Err(RecvTimeoutError::Disconnected) => {
                    bail!("the machine powered off unexpectedly; so far:\n{}", lines.join("\n"))
                }
            };
            match line.split_once(' ') {
                Some(("|", text)) => lines.push(text.to_owned()),
                Some(("=", status)) => {
                    let status = status.trim().parse().with_context(|| format!("status {status:?}"))?;
                    return Ok(Answer { status, lines });
                }
                _ => bail!("unexpected message from the agent: {line:?}"),
            }
        }
    }

    /// Pulls the plug: SIGKILL to qemu.
    pub(super) fn cut(&mut self) -> Result<()> {
        self.qemu.kill().context("kill")?;
        self.qemu.wait().context("wait")?;
        Ok(())
    }

    /// Reboots cleanly. With `-no-reboot` qemu exits where a machine would start again.
    pub(super) fn reboot(&mut self, limit: Duration) -> Result<()> {
        self.send("systemctl reboot")?;
        let end = now() + limit;
        // Its standard output closes when it exits; the agent may send a last message before.
        while now() < end {
            match self.from.recv_timeout(end.saturating_duration_since(now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => {
                    let status = self.qemu.wait().context("wait")?;
                    if !status.success() {
                        bail!("qemu ended with {status}");
                    }
                    return Ok(());
                }
            }
        }
        bail!("still on after {} s", limit.as_secs())
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // It may have exited already.
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for three in bytes.chunks(3) {
        let byte = |index: usize| u32::from(three.get(index).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let value = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit <= three.len() { char::from(DIGITS[value as usize]) } else { '=' });
        }
    }
    text
}

#[expect(clippy::disallowed_methods, reason = "limits how long another machine is waited for")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_usual_one() {
        for (bytes, text) in
            [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("abcd?~", "YWJjZD9+")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
