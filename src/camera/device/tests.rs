//! The device with a scripted camera.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};

use super::capture::{Capture, RawFrame, View};
use super::*;
use crate::camera::decode::{Layout, PixelFormat};
use crate::camera::test_clock::TestClock;

/// For events that do not depend on a clock.
const MINUTES: Duration = Duration::from_secs(600);

const LAYOUT: Layout = Layout { format: PixelFormat::Grey, width: 32, height: 32 };

fn options() -> DeviceOptions {
    DeviceOptions {
        choice: Choice::Auto,
        width: 640,
        height: 480,
        skip_frames: 0,
        max_silence: Duration::from_secs(5),
    }
}

/// What the camera does at one read.
enum Step {
    /// A frame of this grey.
    Frame(u8),
    /// The read says that it hangs, and returns only once the test drops the other end.
    Hang(Sender<()>, Receiver<()>),
    Fail(CameraError),
    Panic,
}

/// Each opening takes the next script; after its last step a script goes on with new frames for ever.
#[derive(Default)]
struct Script {
    openings: Mutex<VecDeque<Result<VecDeque<Step>, CameraError>>>,
    opened: AtomicUsize,
    held: Arc<AtomicUsize>,
}

struct Played {
    steps: VecDeque<Step>,
    next: u8,
    held: Arc<AtomicUsize>,
}

impl Driver for Script {
    fn open(&self) -> Result<Box<dyn Capture>, CameraError> {
        self.opened.fetch_add(1, Ordering::SeqCst);
        let opening = self.openings.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        let steps = opening.unwrap_or_else(|| Ok(VecDeque::new()))?;
        assert_eq!(self.held.fetch_add(1, Ordering::SeqCst), 0, "opened while still held");
        Ok(Box::new(Played { steps, next: 100, held: Arc::clone(&self.held) }))
    }

    fn probe(&self) -> Result<(), CameraError> {
        Err(forbidden())
    }
}

impl Capture for Played {
    fn read(&mut self, see: &mut dyn FnMut(View<'_>)) -> Result<(), CameraError> {
        let step = self.steps.pop_front().unwrap_or_else(|| {
            // A camera of at most 1,000 frames a second, to spare the processor.
            crate::camera::wait::pause(Duration::from_millis(1));
            self.next = self.next.wrapping_add(1);
            Step::Frame(self.next)
        });
        match step {
            Step::Frame(level) => {
                see(View::Buffer { layout: LAYOUT, stride: 0, bytes: &[level; 32 * 32] });
                Ok(())
            }
            Step::Hang(hangs, until) => {
                let _ = hangs.send(());
                let _ = until.recv();
                Err(gone())
            }
            Step::Fail(why) => Err(why),
            Step::Panic => panic!("STREAMOFF: EIO"),
        }
    }
}

impl Drop for Played {
    fn drop(&mut self) {
        self.held.fetch_sub(1, Ordering::SeqCst);
    }
}

struct World {
    script: Arc<Script>,
    clock: Arc<TestClock>,
    device: Device,
}

impl World {
    fn new<const N: usize>(openings: [Result<Vec<Step>, CameraError>; N]) -> Self {
        let openings = openings.into_iter().map(|opening| opening.map(VecDeque::from)).collect();
        let script = Arc::new(Script { openings: Mutex::new(openings), ..Script::default() });
        let clock = Arc::new(TestClock::passing());
        let device = Device::with_driver(options(), Arc::clone(&script) as _, Arc::clone(&clock) as _);
        Self { script, clock, device }
    }

    /// The next frame or failure, however long the machine takes.
    fn ask(&mut self) -> Result<Frame, CameraError> {
        let deadline = self.clock.far_deadline();
        self.device.next_frame(deadline)
    }

    fn within(&mut self, limit: Duration) -> Result<Frame, CameraError> {
        let deadline = self.clock.now().after(limit);
        self.device.next_frame(deadline)
    }

    fn opened(&self) -> usize {
        self.script.opened.load(Ordering::SeqCst)
    }
}

fn gone() -> CameraError {
    CameraError::Gone { camera: "auto".into() }
}

fn forbidden() -> CameraError {
    CameraError::Forbidden { camera: "auto".into() }
}

/// A read that hangs, what tells that it does, and what ends it when dropped.
fn hang() -> (Step, Receiver<()>, Sender<()>) {
    let ((hangs, hanging), (release, until)) = (channel(), channel());
    (Step::Hang(hangs, until), hanging, release)
}

#[test]
fn frames_come_from_one_opening_and_are_newer_than_the_call() {
    let mut world = World::new([]);
    for _ in 0..3 {
        let called = world.clock.now();
        let frame = world.ask().unwrap_or_else(|why| panic!("{why}"));
        assert!(frame.taken_at() > called && frame.width() == 32);
    }
    assert_eq!(world.opened(), 1);
}

#[test]
fn the_first_frames_are_thrown_away_even_when_damaged() {
    let bad = CameraError::BadFrame { why: "short".into() };
    let mut world = World::new([Ok(vec![Step::Fail(bad), Step::Frame(1), Step::Frame(2), Step::Frame(3)])]);
    world.device.options.skip_frames = 4;
    let first = world.ask().map(|frame| frame.rgb()[0]);
    assert!(matches!(first, Ok(level) if level > 100), "{:?}", first.map_err(|why| why.to_string()));
}

#[test]
fn a_frame_that_is_as_light_as_the_one_before_is_the_first_to_be_used() {
    let (hang, _, release) = hang();
    let steps = [60, 110, 112].map(Step::Frame).into_iter().chain([hang]).collect();
    let (thread, latest, clock) = thread(steps);
    let thread = std::thread::spawn(|| CaptureThread { skip_frames: 4, ..thread }.run());
    let taken = latest.take(Want::Whole, BootTime::default(), clock.far_deadline(), &*clock);
    let level = taken.ok().map(|(_, picture)| match picture {
        Ok(Picture::Whole(frame)) => frame.bytes[0],
        _ => panic!("no whole frame"),
    });
    assert_eq!(level, Some(112));
    drop(release);
    thread.join().expect("ends");
}

#[test]
fn repeated_and_damaged_frames_are_refused() {
    let damaged = CameraError::BadFrame { why: "the driver marks it as damaged".into() };
    for (steps, wanted) in [
        (vec![Step::Frame(7), Step::Frame(7)], "identical to the previous frame"),
        (vec![Step::Frame(7), Step::Fail(damaged)], "marks it as damaged"),
    ] {
        let (hang, _, release) = hang();
        let (thread, latest, clock) = thread(steps.into_iter().chain([hang]).collect());
        let thread = std::thread::spawn(|| thread.run());
        // The refusal is the last thing before the camera hangs, so it stays in the slot.
        let text = loop {
            match latest.take(Want::Whole, BootTime::default(), clock.far_deadline(), &*clock) {
                Ok((_, Ok(_))) => {}
                Ok((_, Err(why))) => break why.to_string(),
                Err(_) => panic!("ended"),
            }
        };
        assert!(text.contains(wanted), "{text}");
        drop(release);
        thread.join().expect("ends");
    }
}

#[test]
fn a_short_frame_is_refused_and_the_next_one_is_good() {
    let mut world = World::new([]);
    let latest = Arc::new(LatestFrame::new(BootTime::default()));
    let put = |bytes| {
        let frame = Arc::new(RawFrame { layout: LAYOUT, bytes });
        latest.put(BootTime(Duration::MAX), Ok(Picture::Whole(frame)));
    };
    put(vec![1; 99]);
    world.device.open = Some(Arc::clone(&latest));
    let text = world.ask().err().expect("refuses").to_string();
    assert!(text.contains("short: 99 bytes instead of 1024"), "{text}");
    put(vec![1; 1024]);
    assert!(world.ask().is_ok());
}

fn thread(steps: Vec<Step>) -> (CaptureThread, Arc<LatestFrame>, Arc<TestClock>) {
    let script = Script { openings: Mutex::new([Ok(steps.into())].into()), ..Script::default() };
    let clock = Arc::new(TestClock::passing());
    let latest = Arc::new(LatestFrame::new(clock.now()));
    let thread = CaptureThread {
        driver: Arc::new(script),
        latest: Arc::clone(&latest),
        clock: Arc::clone(&clock) as _,
        skip_frames: 0,
        camera: "auto".into(),
    };
    (thread, latest, clock)
}

#[test]
fn an_unplugged_camera_is_gone_and_comes_back_by_itself() {
    let mut world = World::new([Ok(vec![Step::Fail(gone())])]);
    assert!(matches!(world.ask(), Err(CameraError::Gone { .. })));
    assert!(world.ask().is_ok());
    assert_eq!(world.opened(), 2);
}

#[test]
fn a_lost_camera_is_tried_at_growing_intervals_and_at_once_after_a_frame() {
    let mut world = World::new([Err(gone()), Err(gone()), Err(gone()), Ok(vec![]), Ok(vec![])]);
    for wanted_ms in [500, 1000, 2000] {
        assert!(world.ask().is_err());
        let failure = world.device.failed.as_ref().expect("failed");
        assert_eq!(failure.back_off, Duration::from_millis(wanted_ms));
    }
    assert!(world.ask().is_ok());
    assert!(world.device.failed.is_none());
    for _ in 0..20 {
        world.device.back_off(gone());
    }
    assert!(world.device.failed.as_ref().is_some_and(|failure| failure.back_off == LAST_BACK_OFF));
}

#[test]
fn during_the_back_off_the_last_error_is_returned_by_the_deadline() {
    let mut world = World::new([Err(forbidden())]);
    assert!(matches!(world.ask(), Err(CameraError::Forbidden { .. })));
    assert!(matches!(world.within(Duration::from_millis(20)), Err(CameraError::Forbidden { .. })));
    assert_eq!(world.opened(), 1);
    assert!(world.ask().is_ok());
}

#[test]
fn a_camera_that_stalls_is_silent_then_abandoned_then_opened_again() {
    let (hang, hanging, release) = hang();
    let mut world = World::new([Ok(vec![hang])]);
    let soon = Duration::from_millis(50);
    let silent = world.within(soon);
    assert!(matches!(silent, Err(CameraError::Silent { waited, .. }) if waited >= Duration::from_millis(40)));
    assert!(world.device.stuck.is_empty(), "it may be silent for 5 s");
    hanging.recv_timeout(MINUTES).expect("the read hangs");
    world.clock.advance(Duration::from_secs(5));
    assert!(matches!(world.within(soon), Err(CameraError::Silent { .. })));
    assert_eq!((world.device.stuck.len(), world.opened()), (1, 1));
    assert!(
        matches!(world.device.probe(), Err(CameraError::Stuck { reads: 1, .. })),
        "the watchdog learns of it"
    );
    // The read returns at last, as it does when the camera is unplugged.
    drop(release);
    assert!(world.device.stuck[0].wait_for_end(world.clock.far_deadline(), &*world.clock));
    assert!(world.ask().is_ok());
    assert!(world.opened() == 2 && world.device.opened(BootTime::default()).is_ok());
}

#[test]
fn hanging_reads_do_not_pile_up() {
    let mut world = World::new([]);
    for _ in 0..MOST_STUCK {
        world.device.stuck.push(Arc::new(LatestFrame::new(BootTime::default())));
    }
    let text = world.ask().err().expect("refuses").to_string();
    assert!(text.contains("2 reads hang in its driver") && text.contains("restart"), "{text}");
    assert!(world.device.probe().is_err() && world.opened() == 0);
    world.device.stuck[0].end(None);
    assert!(world.ask().is_ok());
}

#[test]
fn a_device_that_our_own_read_holds_is_not_reported_as_another_programs() {
    let busy = CameraError::Busy { camera: "auto".into() };
    let mut world = World::new([Err(busy.clone()), Err(busy)]);
    assert!(matches!(world.ask(), Err(CameraError::Busy { .. })));
    world.device.stuck.push(Arc::new(LatestFrame::new(BootTime::default())));
    assert!(matches!(world.ask(), Err(CameraError::Stuck { reads: 1, .. })));
}

#[test]
fn a_panic_in_the_driver_is_an_error_like_any_other() {
    let mut world = World::new([Ok(vec![Step::Panic])]);
    let text = world.ask().err().expect("fails").to_string();
    assert!(text.contains("driver library panicked"), "{text}");
    assert!(world.ask().is_ok());
}

#[test]
fn close_releases_the_camera_and_the_next_frame_opens_it_again() {
    let mut world = World::new([]);
    // Closing ends because the thread does, not because time runs out.
    world.clock.stand_still();
    assert!(world.ask().is_ok());
    assert_eq!(world.script.held.load(Ordering::SeqCst), 1);
    assert!(world.device.probe().is_ok(), "a camera that runs is there");
    world.device.close();
    assert_eq!(world.script.held.load(Ordering::SeqCst), 0);
    assert!(matches!(world.device.probe(), Err(CameraError::Forbidden { .. })));
    assert!(world.ask().is_ok());
    assert_eq!(world.opened(), 2);
    let held = Arc::clone(&world.script.held);
    drop(world);
    assert_eq!(held.load(Ordering::SeqCst), 0);
}

#[test]
fn a_camera_that_is_not_there_says_so() {
    let options = DeviceOptions { choice: Choice::Path("/dev/v4l/by-id/none".into()), ..options() };
    let clock = Arc::new(TestClock::passing());
    let mut device = Device::new(options, Arc::clone(&clock) as _);
    let text = device.probe().expect_err("missing").to_string();
    assert!(text.starts_with("camera /dev/v4l/by-id/none: not found; plug"), "{text}");
    let asked = device.next_frame(clock.far_deadline());
    assert!(matches!(asked, Err(CameraError::Missing { .. })));
}

#[test]
fn a_glance_is_newer_than_the_call_and_whole_frames_come_after_it() {
    let mut world = World::new([]);
    for _ in 0..3 {
        let deadline = world.clock.far_deadline();
        let small = world.device.glance(deadline).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!((small.width(), small.light().len()), (32, 32 * 32));
        assert!(small.light()[0] > 100.0 && small.light().iter().all(|light| *light == small.light()[0]));
        assert!(world.ask().is_ok_and(|frame| frame.width() == 32));
    }
    assert_eq!(world.opened(), 1);
}

#[test]
fn between_two_glances_no_picture_is_made() {
    let (hang, hanging, release) = hang();
    let frames = [1, 2, 3].map(Step::Frame);
    let (thread, latest, clock) = thread(frames.into_iter().chain([hang]).collect());
    let reader = Arc::clone(&latest);
    let deadline = clock.far_deadline();
    let asked = {
        let clock = Arc::clone(&clock);
        std::thread::spawn(move || reader.take(Want::Glance, BootTime::default(), deadline, &*clock).is_ok())
    };
    while latest.wanted() == Want::Whole {
        crate::camera::wait::pause(Duration::from_millis(1));
    }
    let thread = std::thread::spawn(|| thread.run());
    assert!(asked.join().expect("ends"), "a glance at the first frame");
    hanging.recv_timeout(MINUTES).expect("two more frames came");
    assert_eq!(latest.wanted(), Want::Nothing);
    let later = latest.take(Want::Glance, BootTime::default(), clock.now(), &*clock);
    assert!(matches!(later, Err(NoFrame::Timeout)), "and nothing was made of them");
    drop(release);
    thread.join().expect("ends");
}
