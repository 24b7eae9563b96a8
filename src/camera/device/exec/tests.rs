use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::camera::decode::PixelFormat;
use crate::camera::device::{Choice, Device, DeviceOptions};
use crate::camera::test_clock::{TestClock, wait_for};
use crate::camera::{Frame, FrameSource};

const GREY: Layout = Layout { format: PixelFormat::Grey, width: 32, height: 32 };
const MJPEG: Layout = Layout { format: PixelFormat::Mjpeg, width: 640, height: 480 };

/// A shell script as a camera, in a folder of its own. The clock stands still, so that events end every wait.
struct Scripted {
    folder: TempDir,
    clock: Arc<TestClock>,
    device: Device,
}

fn options() -> DeviceOptions {
    DeviceOptions {
        choice: Choice::Auto,
        width: 640,
        height: 480,
        skip_frames: 0,
        max_silence: Duration::from_millis(300),
    }
}

impl Scripted {
    fn new(layout: Layout, script: &str) -> Self {
        let folder = tempfile::tempdir().expect("temporary folder");
        let script = format!("cd {}\n{script}", folder.path().display());
        let words = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
        let clock = Arc::new(TestClock::still());
        let device = Device::command(
            CommandOptions { words, layout },
            options(),
            Arc::clone(&clock) as Arc<dyn Clock>,
        );
        Self { folder, clock, device }
    }

    fn ask(&mut self) -> Result<Frame, CameraError> {
        self.device.next_frame(self.clock.far_deadline())
    }

    fn read(&self, file: &str) -> String {
        read(self.folder.path(), file)
    }
}

fn read(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap_or_default()
}

/// Endless frames of 32x32 bytes, each slightly different.
const FRAMES: &str = "i=100; while :; do i=$((i % 900 + 100)); \
    head -c 1021 /dev/zero; printf %03d $((i += 1)); done";

/// Alive, and not a zombie.
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
fn a_command_that_ends_says_why_and_is_started_again() {
    let mut camera = Scripted::new(
        GREY,
        &format!(
            "echo run >> runs; [ -e fixed ] || {{ echo; echo 'no cameras available' >&2; exit 3; }}; {FRAMES}"
        ),
    );
    let why = camera.ask().map(|_| ()).expect_err("it ends").to_string();
    assert!(why.contains("exit status 3: no cameras available"), "{why}");
    assert!(camera.device.probe().is_err_and(|probed| probed.to_string() == why));
    std::fs::write(camera.folder.path().join("fixed"), "").expect("written");
    camera.clock.advance(Duration::from_secs(1));
    assert!(camera.ask().is_ok() && camera.device.probe().is_ok());
    assert_eq!(camera.read("runs"), "run\nrun\n");
}

#[test]
fn its_standard_error_becomes_one_short_line() {
    let mut camera = Scripted::new(GREY, "printf 'x%.0s' $(seq 9999) >&2; printf '\\033[31m' >&2");
    let why = camera.ask().map(|_| ()).expect_err("it ends").to_string();
    assert!(why.len() < 600 && !why.contains('\u{1b}'), "{why}");
}

#[test]
fn endless_messages_do_not_hold_up_the_pictures() {
    let mut camera = Scripted::new(GREY, &format!("yes message >&2 & {FRAMES}"));
    for _ in 0..3 {
        assert!(camera.ask().is_ok());
    }
}

#[test]
fn a_command_that_closed_its_standard_error_is_not_asked_for_it_again() {
    let script = "exec 2>&-; head -c 1024 /dev/zero; exec sleep 600";
    let words = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    let driver = CommandDriver::new(CommandOptions { words, layout: GREY }, Arc::new(TestClock::passing()));
    let mut running = driver.run().expect("runs");
    // Or its end would wake every read, for ever.
    wait_for("end of standard error", || running.read(&mut |_| {}).is_ok() && running.stderr.is_none());
    assert_eq!(running.pipes().count(), 1);
}

#[test]
fn a_command_that_writes_nothing_is_silent_and_is_killed() {
    let mut camera = Scripted::new(MJPEG, "echo $$ > pid; exec sleep 600");
    let (folder, clock) = (camera.folder.path().to_owned(), Arc::clone(&camera.clock));
    let why = std::thread::scope(|scope| {
        scope.spawn(|| {
            wait_for("start of the command", || read(&folder, "pid").ends_with('\n'));
            clock.pass();
        });
        camera.ask().map(|_| ()).expect_err("no frame")
    });
    assert!(matches!(why, CameraError::Silent { .. }), "{why}");
    camera.device.close();
    let pid = camera.read("pid");
    wait_for("end of the command", || !runs(&pid));
}

#[test]
fn a_command_that_writes_no_pictures_is_named_and_is_killed() {
    let mut camera = Scripted::new(MJPEG, "echo $$ > pid; exec cat /dev/zero");
    let why = camera.ask().map(|_| ()).expect_err("no frame").to_string();
    assert!(why.contains("its output has no JPEG, and camera.exec_format = \"mjpeg\" is JPEG"), "{why}");
    camera.clock.pass();
    let pid = camera.read("pid");
    wait_for("end of the command", || !runs(&pid));
}

#[test]
fn closing_ends_the_command_with_its_children_even_if_they_do_not_want_to() {
    let script = format!("trap '' TERM; sleep 600 & echo $! > child; echo $$ > pid; {FRAMES}");
    let mut camera = Scripted::new(GREY, &script);
    assert!(camera.ask().is_ok());
    let pids = [camera.read("pid"), camera.read("child")];
    assert!(pids.iter().all(|pid| runs(pid)), "{pids:?}");
    // It ignores SIGTERM, so only the passing of time ends it.
    camera.clock.pass();
    camera.device.close();
    wait_for("end of the command", || !pids.iter().any(|pid| runs(pid)));
    camera.clock.stand_still();
    assert!(camera.ask().is_ok(), "it opens again");
    camera.clock.pass();
}

#[test]
fn a_command_that_is_not_there_or_may_not_run_is_named_with_the_fix() {
    for (path, wanted) in [("/nonexistent/rpicam-vid", "apt install"), ("/etc/passwd", "may not be executed")]
    {
        let options = CommandOptions { words: vec![path.to_owned()], layout: MJPEG };
        let clock = Arc::new(TestClock::still());
        let mut camera = Device::command(options, self::options(), Arc::clone(&clock) as Arc<dyn Clock>);
        let late = clock.far_deadline();
        for why in
            [camera.probe().expect_err("probe"), camera.next_frame(late).map(|_| ()).expect_err("frame")]
        {
            assert!(why.to_string().contains(path) && why.to_string().contains(wanted), "{why}");
        }
    }
}

#[test]
fn the_command_does_not_get_the_daemons_own_variables() {
    let mut camera = Scripted::new(GREY, "env > variables");
    assert!(camera.ask().is_err());
    let variables = camera.read("variables");
    assert!(variables.contains("PATH=") && !variables.contains("CARGO"), "{variables}");
}

#[test]
fn a_command_whose_output_ends_within_a_picture_says_what_was_expected() {
    let mut camera = Scripted::new(GREY, "head -c 1024 /dev/zero; head -c 700 /dev/zero");
    let why = std::iter::repeat_with(|| camera.ask()).find_map(Result::err).expect("it ends").to_string();
    let wanted = "it wrote 1 whole pictures and then 700 bytes, and 32x32 grey is 1024 bytes a picture";
    assert!(why.contains("status 0: it said nothing; ") && why.contains(wanted), "{why}");
}

#[test]
fn output_of_another_format_is_named_and_stays_known() {
    let faces = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/faces");
    let mut camera = Scripted::new(GREY, &format!("while :; do cat {faces}/obama-1.jpg; done"));
    let why = camera.ask().map(|_| ()).expect_err("JPEG").to_string();
    assert!(why.contains("it writes JPEG, and 32x32 grey is 1024 bytes a picture"), "{why}");
    assert!(
        camera.device.probe().is_err_and(|probed| probed.to_string() == why),
        "for `status` and `doctor`"
    );
}

/// The fault of padded rows: each picture is cut by its size, and no face is found in any.
#[test]
fn padded_rows_are_named_instead_of_pictures_without_a_face() {
    let layout = Layout { format: PixelFormat::Grey, width: 64, height: 64 };
    let texture = |x: u32, y: u32| (x * x / 7 + x * 11 + y) as u8;
    let row = |y| [(0..64).map(|x| texture(x, y)).collect(), vec![0; 16]].concat();
    let padded: Vec<u8> = (0..64).flat_map(row).collect();
    let mut camera = Scripted::new(layout, "while :; do cat padded; done");
    std::fs::write(camera.folder.path().join("padded"), padded).expect("written");
    let why = camera.ask().map(|_| ()).expect_err("padded").to_string();
    assert!(why.contains("its rows look 80 bytes long, and 64 pixels of grey are 64"), "{why}");
    assert!(why.contains("set camera.width_px = 80"), "{why}");
}
