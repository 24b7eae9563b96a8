//! `facelatchd --show`: what the camera sees, drawn in a terminal, and how far it is turned. For `facelatch setup`, which runs it
//! with the rights of the daemon. No picture leaves the process but as coloured characters on its own standard output.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use zeroize::Zeroizing;

use super::daemon::{self, DaemonArgs};
use crate::camera::scale::{Interpolation, scaled};
use crate::camera::{Frame, FrameSource};
use crate::clock::{Clock, SystemClock};
use crate::memory;
use crate::pipeline::{Networks, upright};

/// The longest that it looks.
const LIMIT: Duration = Duration::from_secs(20);
/// This many frames in a row must show the same.
const AGREEING: u32 = 8;
/// The most columns and lines of the drawing, for a terminal of 80 by 24; a character shows two pixels, one above the other.
const COLUMNS: u32 = 56;
const LINES: u32 = 22;

/// Exit codes, besides those for an upright face (0), a failure (1) and a wrong command line (2).
const NOBODY: u8 = 3;
/// A face that is upright with `camera.rotate` at so many quarters of a turn.
const TURNED: u8 = 10;

/// Shows it, and ends when it is known how the camera is mounted, or after 20 s.
pub fn show(args: &DaemonArgs) -> ExitCode {
    memory::keep_private();
    match look(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "facelatchd: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn look(args: &DaemonArgs) -> Result<u8> {
    let config = daemon::configuration(args)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut source = daemon::camera(&config.camera, &clock)?;
    let networks = Networks::load(&config.models, &config.detect, &config.attack)?;
    let mut judge = |frame: &Frame| Ok(upright(&networks, &config.quality, &config.camera, frame)?);
    let out = std::io::stdout();
    let mut out = Drawing { draws: out.is_terminal(), out, lines: None };
    let found = watch(&mut *source, &mut judge, &*clock, &mut out);
    source.close();
    Ok(code(found?, config.camera.rotate))
}

/// What setup is told: the value of `camera.rotate` that was found, beside the one that is set.
fn code(found: Option<u32>, now: u32) -> u8 {
    match found {
        Some(rotate) if rotate == now => 0,
        Some(rotate) => TURNED + (rotate / 90 % 4) as u8,
        None => NOBODY,
    }
}

/// Shows frames until as many in a row agree on the value of `camera.rotate`; the last one to be found at the end of the time.
fn watch(
    source: &mut dyn FrameSource,
    judge: &mut dyn FnMut(&Frame) -> Result<Option<u32>>,
    clock: &dyn Clock,
    out: &mut Drawing<impl Write>,
) -> Result<Option<u32>> {
    let end = clock.now().after(LIMIT);
    let (mut found, mut agreeing, mut has_pictures) = (None, 0, false);
    while clock.now() < end && agreeing < AGREEING {
        let frame = match source.next_frame(end) {
            Ok(frame) => frame,
            Err(error) if error.is_transient() => continue,
            // The time was over before the next one came.
            Err(_) if has_pictures && clock.now() >= end => break,
            Err(error) => return Err(error.into()),
        };
        has_pictures = true;
        let rotate = judge(&frame)?;
        if rotate.is_some() {
            agreeing = if rotate == found { agreeing + 1 } else { 1 };
            found = rotate;
        }
        let words = rotate
            .map_or("no face yet: sit in front of the camera, in the light".to_owned(), |rotate| {
                format!("a face, upright with camera.rotate = {rotate}")
            });
        out.frame(&frame, &words)?;
    }
    Ok(found)
}

/// Frames on a terminal, each in place of the last.
struct Drawing<W> {
    out: W,
    /// It is a terminal.
    draws: bool,
    /// Lines that the last frame took.
    lines: Option<u32>,
}

impl<W: Write> Drawing<W> {
    fn frame(&mut self, frame: &Frame, words: &str) -> Result<()> {
        if !self.draws {
            return Ok(());
        }
        let mut text = Zeroizing::new(String::new());
        if let Some(lines) = self.lines {
            write!(text, "\x1b[{lines}A")?;
        }
        let lines = half_blocks(frame, &mut text)?;
        // What is left of a longer line goes.
        writeln!(text, "{words}\x1b[K")?;
        self.lines = Some(lines + 1);
        self.out.write_all(text.as_bytes())?;
        Ok(self.out.flush()?)
    }
}

/// Draws a frame, each character two of its pixels. How many lines it took.
fn half_blocks(frame: &Frame, text: &mut String) -> Result<u32> {
    let (width, height) = (frame.width(), frame.height());
    let columns = (2 * LINES * width / height).clamp(1, COLUMNS);
    let lines = (columns * height / width / 2).clamp(1, LINES);
    let (from, to) = ((width, height), (columns, lines * 2));
    let small = scaled(frame.rgb(), from, to, Interpolation::Linear).map_err(anyhow::Error::msg)?;
    let small = Zeroizing::new(small);
    let stride = columns as usize * 3;
    for rows in small.chunks_exact(stride * 2) {
        let (upper, lower) = rows.split_at(stride);
        for (upper, lower) in upper.chunks_exact(3).zip(lower.chunks_exact(3)) {
            let (&[r, g, b], &[red, green, blue]) = (upper, lower) else { continue };
            write!(text, "\x1b[38;2;{r};{g};{b};48;2;{red};{green};{blue}m\u{2580}")?;
        }
        text.push_str("\x1b[0m\n");
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::camera::CameraError;
    use crate::clock::{BootTime, WallTime};

    /// Each look at it is a tenth of a second later.
    #[derive(Default)]
    struct Passing(std::sync::atomic::AtomicU64);

    impl Clock for Passing {
        fn now(&self) -> BootTime {
            BootTime(Duration::from_millis(100 * self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst)))
        }

        fn wall(&self) -> WallTime {
            WallTime(0)
        }
    }

    /// Red above blue; every third frame is bad, and after so many there is none.
    struct Flag(u32, u32);

    impl FrameSource for Flag {
        fn next_frame(&mut self, _: BootTime) -> Result<Frame, CameraError> {
            self.0 += 1;
            if self.0 > self.1 {
                return Err(CameraError::Gone { camera: self.name() });
            }
            if self.0.is_multiple_of(3) {
                return Err(CameraError::BadFrame { why: "torn".to_owned() });
            }
            let half = 64 * 24;
            let rgb = [[250, 0, 0].repeat(half), [0, 0, 250].repeat(half)].concat();
            Frame::new(64, 48, rgb, BootTime::default())
        }

        fn close(&mut self) {}

        fn probe(&mut self) -> Result<(), CameraError> {
            Ok(())
        }

        fn name(&self) -> String {
            "flag".to_owned()
        }
    }

    fn watched(seen: impl Fn(usize) -> Option<u32>, draws: bool) -> (Option<u32>, usize, String) {
        let (frames, mut bytes) = (Cell::new(0), Vec::new());
        let mut judge = |_: &Frame| {
            frames.set(frames.get() + 1);
            Ok(seen(frames.get()))
        };
        let mut out = Drawing { out: &mut bytes, draws, lines: None };
        let found =
            watch(&mut Flag(0, u32::MAX), &mut judge, &Passing::default(), &mut out).expect("watched");
        (found, frames.get(), String::from_utf8(bytes).expect("text"))
    }

    #[test]
    fn it_ends_when_eight_frames_agree_or_the_time_is_over() {
        assert_eq!(watched(|_| Some(180), false), (Some(180), 8, String::new()));
        let nobody = watched(|_| None, false);
        assert!(nobody.0.is_none() && nobody.1 > 100, "for 20 s: {}", nobody.1);
        let first = watched(|frame| if frame < 3 { Some(90) } else { (frame % 2 == 0).then_some(0) }, false);
        assert_eq!(
            (first.0, first.1),
            (Some(0), 18),
            "another turn begins anew, and no face changes nothing"
        );
    }

    #[test]
    fn a_camera_that_stops_is_a_failure_until_the_time_is_over() {
        let mut judge = |_: &Frame| Ok(None);
        let mut ended = |frames| {
            let mut out = Drawing { out: Vec::new(), draws: false, lines: None };
            watch(&mut Flag(0, frames), &mut judge, &Passing::default(), &mut out).is_ok()
        };
        assert!(![0, 1, 150].into_iter().any(&mut ended), "what is wrong with the camera is said");
        assert!(ended(198), "for 20 s a face was looked for");
    }

    #[test]
    fn a_frame_takes_the_place_of_the_last_one() {
        let (_, frames, text) = watched(|_| Some(0), true);
        let drawn: Vec<&str> = text.split("\x1b[22A").collect();
        assert_eq!(drawn.len(), frames);
        assert!(drawn.iter().all(|frame| frame.lines().count() == 22), "21 lines and the words");
        let lines: Vec<&str> = drawn[0].lines().collect();
        assert_eq!(lines[0].matches('\u{2580}').count(), COLUMNS as usize);
        assert!(
            lines[0].starts_with("\x1b[38;2;250;0;0;48;2;250;0;0m") && lines[20].contains("48;2;0;0;250m")
        );
        assert!(lines[21].contains("camera.rotate = 0"));
    }

    #[test]
    fn a_picture_on_its_side_fits_the_terminal_as_well() {
        for (width, height, size) in
            [(48, 64, (33, 22)), (64, 48, (56, 21)), (4096, 32, (56, 1)), (32, 4096, (1, 22))]
        {
            let rgb = vec![0; width as usize * height as usize * 3];
            let frame = Frame::new(width, height, rgb, BootTime::default()).expect("valid");
            let mut text = String::new();
            let lines = half_blocks(&frame, &mut text).expect("drawn");
            let columns = text.lines().next().map_or(0, |line| line.matches('\u{2580}').count());
            assert_eq!((columns, lines), size, "{width}x{height}");
        }
    }

    #[test]
    fn the_exit_code_has_the_turn_that_is_missing() {
        let codes =
            [(Some(0), 0), (Some(180), 180), (Some(180), 0), (Some(0), 90), (Some(270), 0), (None, 0)];
        assert_eq!(codes.map(|(found, now)| code(found, now)), [0, 0, 12, 10, 13, 3]);
    }
}
