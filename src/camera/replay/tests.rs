use std::fs;

use super::*;
use crate::camera::test_clock::TestClock;
use crate::clock::SystemClock;

const LONG: BootTime = BootTime(Duration::MAX);

fn write_png(path: &Path, width: u32, height: u32) {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Grayscale);
    let pixels = vec![99; (width * height) as usize];
    encoder.write_header().expect("header").write_image_data(&pixels).expect("pixels");
    fs::write(path, bytes).expect("written");
}

fn folder_with(names: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("temporary folder");
    names.iter().for_each(|name| write_png(&folder.path().join(name), 40, 32));
    folder
}

fn replay(folder: &Path) -> Replay {
    Replay::folder(folder, Arc::new(SystemClock))
}

fn origin(source: &mut Replay) -> String {
    let frame = source.next_frame(LONG).unwrap_or_else(|why| panic!("{why}"));
    frame.origin().expect("names its picture").to_owned()
}

fn refusal(source: &mut Replay) -> String {
    source.next_frame(LONG).err().expect("refuses").to_string()
}

#[test]
fn pictures_come_by_name_and_start_over() {
    let folder = folder_with(&["c.PNG", "a.png", "b.jpeg"]);
    fs::write(folder.path().join("notes.txt"), "no picture").expect("written");
    fs::create_dir(folder.path().join("d.png")).expect("made");
    let mut source = replay(folder.path());
    let seen: Vec<String> = (0..5).map(|_| origin(&mut source)).collect();
    assert_eq!(seen, ["a.png", "b.jpeg", "c.PNG", "a.png", "b.jpeg"]);
}

#[test]
fn frames_keep_size_and_bytes_of_the_picture() {
    let folder = folder_with(&["a.png"]);
    let frame = replay(folder.path()).next_frame(LONG).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!((frame.width(), frame.height()), (40, 32));
    assert!(frame.rgb().iter().all(|&level| level == 99) && frame.taken_at() > BootTime::default());
}

#[test]
fn the_folder_is_read_again_for_each_frame() {
    let folder = folder_with(&["a.png"]);
    let mut source = replay(folder.path());
    assert_eq!(origin(&mut source), "a.png");
    write_png(&folder.path().join("0.png"), 40, 32);
    std::fs::remove_file(folder.path().join("a.png")).expect("removed");
    assert_eq!(origin(&mut source), "0.png");
}

#[test]
fn a_listed_picture_is_shown_whatever_its_name() {
    let folder = folder_with(&["b.png", "a.dat"]);
    let files = ["b.png", "a.dat"].map(|name| folder.path().join(name));
    let mut source = Replay::files(files, Arc::new(SystemClock));
    assert_eq!([origin(&mut source), origin(&mut source), origin(&mut source)], ["b.png", "a.dat", "b.png"]);
}

#[test]
fn a_broken_picture_is_named_and_the_next_one_is_shown() {
    let folder = folder_with(&["a.png", "c.png"]);
    let whole = fs::read(folder.path().join("a.png")).expect("readable");
    fs::write(folder.path().join("b.png"), &whole[..whole.len() / 2]).expect("written");
    write_png(&folder.path().join("d.png"), 1, 1);
    fs::write(folder.path().join("e.jpg"), b"").expect("written");
    let mut source = replay(folder.path());
    assert_eq!(origin(&mut source), "a.png");
    let text = refusal(&mut source);
    assert!(text.contains("b.png: damaged PNG") && text.contains("replace or remove it"), "{text}");
    assert_eq!(origin(&mut source), "c.png");
    assert!(refusal(&mut source).contains("d.png: 1x1 pixels"));
    assert!(refusal(&mut source).contains("e.jpg: the file is empty"));
    assert_eq!(origin(&mut source), "a.png");
}

#[test]
fn a_listed_picture_that_is_not_there_is_named() {
    let mut source = Replay::files([PathBuf::from("/nowhere/a.png")], Arc::new(SystemClock));
    assert!(source.probe().is_ok());
    assert!(refusal(&mut source).starts_with("picture /nowhere/a.png: No such file"));
}

#[test]
fn an_empty_or_missing_folder_says_what_to_do_and_recovers() {
    let folder = tempfile::tempdir().expect("temporary folder");
    let mut source = replay(folder.path());
    assert!(refusal(&mut source).contains("put .jpg, .jpeg or .png files into that folder (no picture)"));
    assert!(source.probe().is_err());
    write_png(&folder.path().join("a.png"), 40, 32);
    assert!(source.probe().is_ok());
    assert_eq!(origin(&mut source), "a.png");
    let missing = refusal(&mut replay(Path::new("/nowhere")));
    assert!(
        missing.contains("replay of /nowhere: not found") && missing.contains("No such file"),
        "{missing}"
    );
    assert!(refusal(&mut Replay::files([], Arc::new(SystemClock))).contains("name at least one"));
}

#[test]
fn a_pace_keeps_frames_apart() {
    let folder = folder_with(&["a.png"]);
    let mut source = Replay::folder(folder.path(), Arc::new(TestClock::passing())).with_frames_per_second(5);
    let first = source.next_frame(LONG).map(|frame| frame.taken_at());
    let second = source.next_frame(LONG).map(|frame| frame.taken_at());
    assert!(matches!((first, second), (Ok(a), Ok(b)) if b.since(a) >= Duration::from_millis(180)));
}

#[test]
fn a_frame_that_is_not_due_before_the_deadline_is_silence() {
    let folder = folder_with(&["a.png"]);
    let mut source = Replay::folder(folder.path(), Arc::new(TestClock::passing())).with_frames_per_second(1);
    let soon = BootTime(Duration::from_millis(200));
    assert!(source.next_frame(soon).is_ok());
    assert!(matches!(source.next_frame(soon), Err(CameraError::Silent { .. })));
    assert!(matches!(source.next_frame(soon), Err(CameraError::Silent { .. })), "a deadline in the past");
    assert!(source.next_frame(LONG).is_ok());
}

#[test]
fn a_film_leaves_out_what_nobody_looked_at_in_time_and_begins_anew_when_it_is_closed() {
    let folder = folder_with(&["a.png", "b.png", "c.png", "d.png", "e.png"]);
    let clock = Arc::new(TestClock::passing());
    let mut source = Replay::folder(folder.path(), clock.clone()).with_frames_per_second(10);
    let began = clock.now();
    assert_eq!(origin(&mut source), "a.png");
    wait_until(clock.as_ref(), began.after(Duration::from_millis(250)));
    assert_eq!(origin(&mut source), "d.png");
    source.close();
    assert_eq!(origin(&mut source), "a.png");
}
