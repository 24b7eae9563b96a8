use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::camera::decode::PixelFormat;
use crate::camera::device::{Device, DeviceOptions};
use crate::camera::{Frame, FrameSource};

const GREY: Layout = Layout { format: PixelFormat::Grey, width: 32, height: 32 };
const MJPEG: Layout = Layout { format: PixelFormat::Mjpeg, width: 640, height: 480 };

/// A shell script as a camera, in a folder of its own.
struct Scripted {
    folder: TempDir,
    device: Device,
}

impl Scripted {
    fn new(layout: Layout, script: &str) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let script = format!("cd {}\n{script}", folder.path().display());
        let words = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
        let device = Device::command(
            CommandOptions { words, layout },
            DeviceOptions { skip: 0, patience: Duration::from_millis(300), ..DeviceOptions::default() },
            Arc::new(SystemClock),
        );
        Self { folder, device }
    }

    fn within(&mut self, limit: Duration) -> Result<Frame, CameraError> {
        self.device.next_frame(SystemClock.now().after(limit))
    }

    fn ask(&mut self) -> Result<Frame, CameraError> {
        self.within(Duration::from_secs(60))
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(file)).unwrap_or_default()
    }
}

/// Frames of 32x32 bytes without end, each a little different.
const FRAMES: &str = "i=100; while :; do i=$((i % 900 + 100)); \
    head -c 1021 /dev/zero; printf %03d $((i += 1)); done";

/// Alive, and not just a number that nobody has collected yet.
fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(PathBuf::from("/proc").join(pid.trim()).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

#[test]
fn frames_come_from_one_run_of_the_command() {
    let mut camera = Scripted::new(GREY, &format!("echo run >> runs; {FRAMES}"));
    for _ in 0..3 {
        assert_eq!(camera.ask().map(|frame| frame.width()).expect("a frame"), 32);
    }
    assert_eq!(camera.read("runs"), "run\n");
    assert_eq!(camera.device.name(), "/bin/sh");
}

#[test]
fn jpegs_on_a_pipe_are_frames() {
    let faces = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/faces");
    let script = format!("while :; do cat {faces}/obama-1.jpg {faces}/biden.jpg; done");
    let mut camera = Scripted::new(MJPEG, &script);
    assert!(camera.ask().expect("a frame").height() > 100);
}

#[test]
fn the_sides_stand_in_for_their_names() {
    let words = ["/bin/sh", "--width", "{width}", "{height}x{width}"].map(str::to_owned).to_vec();
    let options = CommandOptions { words, layout: MJPEG };
    assert_eq!(options.arguments().collect::<Vec<_>>(), ["--width", "640", "480x640"]);
}

#[test]
fn a_command_that_ends_says_why_and_is_started_anew() {
    let mut camera = Scripted::new(
        GREY,
        &format!(
            "echo run >> runs; [ -e mended ] || {{ echo; echo 'no cameras available' >&2; exit 3; }}; {FRAMES}"
        ),
    );
    let why = camera.ask().map(|_| ()).expect_err("it ends").to_string();
    assert!(why.contains("exit status 3: no cameras available"), "{why}");
    assert!(camera.device.probe().is_err_and(|probed| probed.to_string() == why));
    std::fs::write(camera.folder.path().join("mended"), "").expect("written");
    assert!(camera.ask().is_ok() && camera.device.probe().is_ok());
    assert_eq!(camera.read("runs"), "run\nrun\n");
}

#[test]
fn what_it_complains_about_is_one_short_line() {
    let mut camera = Scripted::new(GREY, "printf 'x%.0s' $(seq 9999) >&2; printf '\\033[31m' >&2");
    let why = camera.ask().map(|_| ()).expect_err("it ends").to_string();
    assert!(why.len() < 600 && !why.contains('\u{1b}'), "{why}");
}

#[test]
fn complaints_without_end_do_not_keep_the_pictures_back() {
    let mut camera = Scripted::new(GREY, &format!("yes trouble >&2 & {FRAMES}"));
    for _ in 0..3 {
        assert!(camera.ask().is_ok());
    }
}

#[test]
fn a_command_that_closed_its_complaints_is_not_asked_for_them_again() {
    let script = "exec 2>&-; head -c 1024 /dev/zero; exec sleep 600";
    let words = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let mut running = CommandOptions { words, layout: GREY }.run().expect("runs");
    // Or its end would be news at once, for ever.
    while running.complaints.is_some() {
        assert!(running.read().is_ok());
    }
    assert_eq!(running.pipes().count(), 1);
}

#[test]
fn a_command_that_says_nothing_or_no_pictures_is_silent_and_is_killed() {
    for script in ["echo $$ > pid; exec sleep 600", "echo $$ > pid; exec cat /dev/zero"] {
        let mut camera = Scripted::new(MJPEG, script);
        let why = camera.within(Duration::from_millis(700)).map(|_| ()).expect_err("no frame");
        assert!(matches!(why, CameraError::Silent { .. }), "{why}");
        camera.device.close();
        let pid = camera.read("pid");
        let late = SystemClock.now().after(Duration::from_secs(60));
        while runs(&pid) {
            assert!(SystemClock.now() < late, "{script} still runs");
        }
    }
}

#[test]
fn closing_ends_the_command_with_its_children_even_if_they_do_not_want_to() {
    let script = format!("trap '' TERM; sleep 600 & echo $! > child; echo $$ > pid; {FRAMES}");
    let mut camera = Scripted::new(GREY, &script);
    assert!(camera.ask().is_ok());
    camera.device.close();
    let pids = [camera.read("pid"), camera.read("child")];
    let late = SystemClock.now().after(Duration::from_secs(60));
    while pids.iter().any(|pid| runs(pid)) {
        assert!(SystemClock.now() < late, "still running: {pids:?}");
    }
    assert!(camera.ask().is_ok(), "it opens again");
}

#[test]
fn a_command_that_is_not_there_or_may_not_run_is_named_with_the_fix() {
    for (path, wanted) in [("/nonexistent/rpicam-vid", "apt install"), ("/etc/passwd", "may not be executed")]
    {
        let options = CommandOptions { words: vec![path.to_owned()], layout: MJPEG };
        let mut camera = Device::command(options, DeviceOptions::default(), Arc::new(SystemClock));
        let late = SystemClock.now().after(Duration::from_secs(60));
        for why in
            [camera.probe().expect_err("probe"), camera.next_frame(late).map(|_| ()).expect_err("frame")]
        {
            assert!(why.to_string().contains(path) && why.to_string().contains(wanted), "{why}");
        }
    }
}

#[test]
fn the_daemons_own_variables_are_not_the_commands_business() {
    let mut camera = Scripted::new(GREY, "env > variables");
    assert!(camera.ask().is_err());
    let variables = camera.read("variables");
    assert!(variables.contains("PATH=") && !variables.contains("CARGO"), "{variables}");
}
